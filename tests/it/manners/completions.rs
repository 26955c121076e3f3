//! Shell completions: each shell gets a script, and bash's script completes.

use std::process::{Command, Output};

use crate::support::directory::Directory;

fn script(shell: &str) -> String {
    let output = run(Command::new(env!("CARGO_BIN_EXE_hookshelf")).args(["completions", shell]));
    assert!(output.status.success());
    String::from_utf8(output.stdout).unwrap()
}

fn run(command: &mut Command) -> Output {
    command.output().unwrap()
}

#[test]
fn each_shell_gets_a_script_that_knows_verbs_and_options() {
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let script = script(shell);
        for word in ["hookshelf", "deliveries", "problem", "not_utf8"] {
            // Elvish and PowerShell scripts do not complete values.
            let knows_values = !matches!(shell, "elvish" | "powershell") || word != "not_utf8";
            assert!(!knows_values || script.contains(word), "{shell}: {word}");
        }
    }
}

/// Completions that bash proposes for the last word.
fn proposals(words: &[&str]) -> Vec<String> {
    let last = words.len() - 1;
    let words = words.join(" ");
    let ask = format!(
        "{}
         COMP_WORDS=(hookshelf {words}) COMP_CWORD={} COMPREPLY=()
         _hookshelf hookshelf \"${{COMP_WORDS[COMP_CWORD]}}\" \"${{COMP_WORDS[COMP_CWORD-1]}}\"
         printf '%s\\n' \"${{COMPREPLY[@]}}\"",
        script("bash"),
        last + 1
    );
    // An argument may not be as long as the script.
    let file = Directory::create();
    std::fs::write(file.join("ask"), ask).unwrap();
    let output = run(Command::new("bash").arg("--norc").arg(file.join("ask")));
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && said.is_empty(), "{said}");
    let proposed = String::from_utf8(output.stdout).unwrap();
    proposed.lines().map(ToOwned::to_owned).collect()
}

#[test]
fn bash_completes_verbs_options_and_values() {
    assert_eq!(proposals(&["ev"]), ["events"]);
    assert_eq!(proposals(&["events", "li"]), ["list"]);
    assert_eq!(proposals(&["events", "list", "--si"]), ["--since"]);
    let kinds = proposals(&["events", "list", "--kind", "message"]);
    assert_eq!(kinds, ["message", "message_deleted", "message_edit"]);
    assert_eq!(proposals(&["dev"]), [""], "what help hides is not proposed");
}
