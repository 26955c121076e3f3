//! Parses the arguments and hands over to `cli`.

use std::process::ExitCode;

#[tokio::main]
async fn main() -> ExitCode {
    hookshelf::cli::run().await
}
