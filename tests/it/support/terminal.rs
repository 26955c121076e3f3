//! A terminal to look at what is shown on one only.

use std::{
    fs::File,
    io::Read,
    process::{Command, Stdio},
};

use nix::pty::{Winsize, openpty};

/// What a terminal of this width shows of a command, and whether it ended well.
pub(crate) fn show(command: &mut Command, columns: u16) -> (bool, String) {
    let size = Winsize {
        ws_row: 24,
        ws_col: columns,
        ws_xpixel: 0,
        ws_ypixel: 0,
    };
    let terminal = openpty(&size, None).unwrap();
    let screen = || Stdio::from(terminal.slave.try_clone().unwrap());
    command.stdin(screen()).stdout(screen()).stderr(screen());
    let mut process = command.spawn().unwrap();
    // The terminal ends for whoever looks at it when nobody can write to it any more.
    command.stdin(Stdio::null()).stdout(Stdio::null());
    command.stderr(Stdio::null());
    drop(terminal.slave);
    let mut shown = Vec::new();
    // Linux tells the end by an error.
    let _ = File::from(terminal.master).read_to_end(&mut shown);
    let ended = process.wait().unwrap().success();
    (ended, String::from_utf8(shown).unwrap().replace('\r', ""))
}
