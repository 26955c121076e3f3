//! A pseudo-terminal for output that only terminals get.

use std::{
    fs::File,
    io::Read,
    process::{Command, Stdio},
};

use nix::pty::{Winsize, openpty};

/// Output of a command on a terminal of this width, and true if the command succeeded.
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
    // Drops all other write ends, so that reading ends with the process.
    command.stdin(Stdio::null()).stdout(Stdio::null());
    command.stderr(Stdio::null());
    drop(terminal.slave);
    let mut shown = Vec::new();
    // Linux reports the end of the terminal as an error.
    let _ = File::from(terminal.master).read_to_end(&mut shown);
    let ended = process.wait().unwrap().success();
    (ended, String::from_utf8(shown).unwrap().replace('\r', ""))
}
