//! `completions`: what a shell needs to complete verbs, options and their values.

use std::process::ExitCode;

use clap::{Args, Command};
use clap_complete::Shell;

use super::output::Output;

/// Prints a completion script for a shell.
///
/// Write it where your shell looks for completions, and open a new shell:
///
///   bash        ~/.local/share/bash-completion/completions/hookshelf
///   zsh         a directory of $fpath, as _hookshelf
///   fish        ~/.config/fish/completions/hookshelf.fish
///   elvish      ~/.config/elvish/lib/hookshelf.elv, then use hookshelf in rc.elv
///   powershell  any file, run by $PROFILE
///
/// For all users of the machine, bash also looks in /usr/share/bash-completion/completions and
/// zsh in /usr/share/zsh/site-functions.
///
/// Example: hookshelf completions bash > hookshelf.bash
/// Example: hookshelf completions zsh > _hookshelf
/// Example: hookshelf completions fish > hookshelf.fish
#[derive(Args, Debug)]
#[command(verbatim_doc_comment)]
pub(super) struct Completions {
    /// The shell that reads it.
    shell: Shell,
}

impl Completions {
    pub(super) fn run(self) -> anyhow::Result<ExitCode> {
        let mut script = Vec::new();
        clap_complete::generate(self.shell, &mut proposed(), "hookshelf", &mut script);
        let mut output = Output::new();
        output.bytes(&script)?;
        output.finish()?;
        Ok(ExitCode::SUCCESS)
    }
}

/// The command line without the verbs that help hides: what is not shown is not proposed.
fn proposed() -> Command {
    let all = super::command();
    let verbs = all.get_subcommands().filter(|verb| !verb.is_hide_set());
    Command::new("hookshelf")
        .version(env!("CARGO_PKG_VERSION"))
        .args(all.get_arguments())
        .subcommands(verbs)
}
