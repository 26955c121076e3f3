//! A pseudo-terminal for output that only terminals get.

use std::{
    fs::{File, OpenOptions},
    io::Read,
    os::unix::fs::OpenOptionsExt,
    process::{Command, Stdio},
};

use nix::fcntl::OFlag;
use rustix::{
    io::{FdFlags, fcntl_setfd},
    pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt},
    termios::{Winsize, tcsetwinsize},
};

/// Columns of a terminal whose width does not matter.
pub(crate) const COLUMNS: u16 = 200;

/// A pseudo-terminal.
#[derive(Debug)]
pub(crate) struct Terminal {
    /// Side of the person: what is shown is read here.
    pub(crate) person: File,
    /// Side of the program.
    pub(crate) program: File,
}

impl Terminal {
    /// Opens a terminal of this width.
    ///
    /// Other programs that tests start at the same moment do not inherit it: reading ends when the
    /// last program has closed its side, and a server that lives as long as the tests never would.
    pub(crate) fn open(columns: u16) -> Self {
        let person = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
        fcntl_setfd(&person, FdFlags::CLOEXEC).unwrap();
        grantpt(&person).unwrap();
        unlockpt(&person).unwrap();
        let path = ptsname(&person, Vec::new()).unwrap().into_string().unwrap();
        let mut options = OpenOptions::new();
        options
            .read(true)
            .write(true)
            .custom_flags(OFlag::O_NOCTTY.bits());
        let program = options.open(path).unwrap();
        let size = Winsize {
            ws_row: 24,
            ws_col: columns,
            ws_xpixel: 0,
            ws_ypixel: 0,
        };
        tcsetwinsize(&program, size).unwrap();
        Self {
            person: File::from(person),
            program,
        }
    }
}

/// Output of a command on a terminal of this width, and true if the command succeeded.
pub(crate) fn show(command: &mut Command, columns: u16) -> (bool, String) {
    let Terminal {
        mut person,
        program,
    } = Terminal::open(columns);
    let screen = || Stdio::from(program.try_clone().unwrap());
    command.stdin(screen()).stdout(screen()).stderr(screen());
    let mut process = command.spawn().unwrap();
    // Drops all other write ends, so that reading ends with the process.
    command.stdin(Stdio::null()).stdout(Stdio::null());
    command.stderr(Stdio::null());
    drop(program);
    let mut shown = Vec::new();
    // Linux reports the end of the terminal as an error.
    let _ = person.read_to_end(&mut shown);
    let ended = process.wait().unwrap().success();
    (ended, String::from_utf8(shown).unwrap().replace('\r', ""))
}
