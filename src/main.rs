//! Parses the arguments and hands over to `cli`.

use std::process::ExitCode;

fn main() -> ExitCode {
    hookshelf::cli::main()
}
