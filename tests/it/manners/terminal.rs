//! Terminals: tables fit the width, and only terminals get colours.

use crate::support::{desk::Desk, terminal::show};

/// First character of a colour code.
const ESCAPE: char = '\u{1b}';

#[tokio::test]
async fn tables_fit_the_terminal() {
    let desk = Desk::create().await;
    for columns in [40, 80, 200] {
        for arguments in [
            &["events", "list", "--limit", "1000"][..],
            &["deliveries", "list", "--limit", "1000"],
            &["rejections", "list"],
        ] {
            let mut command = desk.command(env!("CARGO_BIN_EXE_hookshelf"));
            let (well, shown) = show(command.args(arguments), columns);
            assert!(well && !shown.is_empty());
            let widest = shown.lines().map(unicode_width::UnicodeWidthStr::width);
            assert!(widest.max() <= Some(columns.into()), "{columns}: {shown}");
        }
    }
}

#[tokio::test]
async fn only_a_terminal_sees_colours_and_only_where_they_are_wanted() {
    let desk = Desk::create().await;
    let coloured = |arguments: &[&str], variables: &[(&str, &str)]| {
        let mut command = desk.command(env!("CARGO_BIN_EXE_hookshelf"));
        command.args(arguments).env("TERM", "xterm-256color");
        command.envs(variables.iter().copied());
        show(&mut command, 80).1.contains(ESCAPE)
    };
    let list = ["events", "list"];
    assert!(coloured(&list, &[]));
    assert!(coloured(&["events", "show", "1"], &[]));
    assert!(coloured(&["--help"], &[]));
    assert!(coloured(&["events", "show", "0"], &[]), "what is wrong");
    for unwanted in [("NO_COLOR", "1"), ("CLICOLOR", "0"), ("TERM", "dumb")] {
        for arguments in [&list[..], &["--help"], &["events", "show", "0"]] {
            assert!(!coloured(arguments, &[unwanted]), "{unwanted:?}");
        }
    }
    assert!(!coloured(&["events", "list", "--json"], &[]));
    assert!(!coloured(&["events", "show", "1", "--json"], &[]));
    let piped = desk.print("TERM=xterm CLICOLOR_FORCE=1 hookshelf events list");
    assert!(!piped.contains(ESCAPE), "{piped}");
}
