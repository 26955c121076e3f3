//! The terminal sample of the README is what the program prints: its script records it again.

use std::process::Command;

use super::pages;

#[test]
fn the_sample_of_the_readme_is_what_the_program_prints() {
    let script = pages::root().join("docs/record.sh");
    let compared = Command::new(script)
        .arg("--check")
        .env("HOOKSHELF", env!("CARGO_BIN_EXE_hookshelf"))
        .output()
        .unwrap();
    let differences = String::from_utf8_lossy(&compared.stdout);
    let complaint = String::from_utf8_lossy(&compared.stderr);
    assert!(compared.status.success(), "{differences}{complaint}");
}
