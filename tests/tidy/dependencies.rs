//! Dependencies: duplicate versions, unwanted crates, and licences.
//!
//! Versions come from `Cargo.lock`, which covers every platform and feature, so the result is the
//! same on every machine. Licences come from `cargo metadata`, limited to this machine's platform
//! and this build's features, because other packages would have to be downloaded.

use std::collections::BTreeMap;
use std::process::Command;

use serde_json::Value;
use spdx::{Expression, LicenseItem, ParseMode};

use crate::Fault;

const LOCK: &str = "Cargo.lock";

/// Crates in more than one version, each with the reason why this is unavoidable today.
pub(crate) const TWICE: &[(&str, &str)] = &[
    (
        "base64",
        "reqwest, of the feature download-postgres, is ahead of sqlx and metrics",
    ),
    ("block-buffer", "with sha2 0.10 and 0.11"),
    ("cpufeatures", "with sha2 0.10 and 0.11"),
    ("crypto-common", "with sha2 0.10 and 0.11"),
    ("digest", "with sha2 0.10 and 0.11"),
    (
        "getrandom",
        "with rand 0.9 and 0.10; ring, which is locked and not built, has 0.2",
    ),
    ("hashbrown", "sqlx and metrics-util are behind indexmap"),
    ("r-efi", "with the versions of getrandom, for UEFI only"),
    ("rand", "metrics-util is behind sqlx and proptest"),
    ("rand_core", "with rand 0.9 and 0.10"),
    (
        "sha2",
        "sqlx-core 0.9 uses 0.10; hmac 0.13 and we belong to 0.11",
    ),
    ("syn", "derive macros are moving from 2 to 3"),
    (
        "tower-http",
        "reqwest, of the feature download-postgres, uses 0.6",
    ),
    ("windows-sys", "ring is behind tokio, both for Windows only"),
];

/// Crates ruled out, each with the reason.
const UNWANTED: &[(&str, &str)] = &[
    (
        "openssl-sys",
        "TLS is rustls with aws-lc-rs: a second library would need a second watch",
    ),
    (
        "native-tls",
        "TLS is rustls with aws-lc-rs: a second library would need a second watch",
    ),
    ("chrono", "time is jiff"),
    ("time", "time is jiff"),
];

/// Licences allowed for distribution: only permissive licences.
const ALLOWED: &[&str] = &[
    "0BSD",
    "Apache-2.0",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "BSL-1.0",
    "CC0-1.0",
    "CDLA-Permissive-2.0",
    "ISC",
    "MIT",
    "MIT-0",
    "PostgreSQL",
    "Unicode-3.0",
    "Unlicense",
    "Zlib",
];

/// Crates that `lock` has in more than one version without a reason, and reasons that are no longer
/// needed.
pub(crate) fn duplicates(lock: &str, reasons: &[(&str, &str)]) -> Vec<Fault> {
    let versions = versions(lock);
    let twice = versions.iter().filter(|(_, found)| found.len() > 1);
    let unexplained = twice.filter(|(name, _)| !reasons.iter().any(|(known, _)| known == name));
    let mut faults: Vec<Fault> = unexplained
        .map(|(name, found)| {
            let say = format!(
                "`{name}` comes in {}: align what needs it (cargo tree -i {name}@VERSION), or say \
                 why not in tests/tidy/dependencies.rs",
                found.join(" and ")
            );
            Fault::at(LOCK, line_of(lock, name), say)
        })
        .collect();
    let once = |name: &str| versions.get(name).is_none_or(|found| found.len() < 2);
    faults.extend(
        reasons
            .iter()
            .filter(|(name, _)| once(name))
            .map(|(name, _)| {
                let say =
                    format!("`{name}` is listed as coming twice and does not: remove its reason");
                Fault::at("tests/tidy/dependencies.rs", 0, say)
            }),
    );
    faults
}

/// Unwanted crates in `lock`.
pub(crate) fn unwanted(lock: &str) -> Vec<Fault> {
    let versions = versions(lock);
    let found = UNWANTED
        .iter()
        .filter(|(name, _)| versions.contains_key(*name));
    found
        .map(|(name, why)| Fault::at(LOCK, line_of(lock, name), format!("`{name}`: {why}")))
        .collect()
}

/// Crates that `fuzz/Cargo.lock` has only in versions other than those of `lock`: fuzzing would not
/// test the shipped code.
pub(crate) fn strayed(fuzzed: &str, lock: &str) -> Vec<Fault> {
    let shipped = versions(lock);
    let strayed = |name: &str, found: &[String]| {
        let ours = shipped.get(name)?;
        let say = format!(
            "`{name}` is {} and shipped as {}: cp Cargo.lock fuzz/ && cargo metadata \
             --manifest-path fuzz/Cargo.toml",
            found.join(" and "),
            ours.join(" and ")
        );
        let alike = found.iter().all(|version| ours.contains(version));
        (!alike).then(|| Fault::at("fuzz/Cargo.lock", line_of(fuzzed, name), say))
    };
    let fuzzed = versions(fuzzed);
    let faults = fuzzed.iter();
    faults
        .filter_map(|(name, found)| strayed(name, found))
        .collect()
}

/// Versions of each package in `lock`.
fn versions(lock: &str) -> BTreeMap<String, Vec<String>> {
    let lock: toml::Table = lock.parse().expect("Cargo.lock is TOML");
    let packages = lock["package"]
        .as_array()
        .expect("Cargo.lock lists packages");
    let text = |package: &toml::Value, key: &str| package[key].as_str().unwrap_or("").to_owned();
    let mut versions: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for package in packages {
        versions
            .entry(text(package, "name"))
            .or_default()
            .push(text(package, "version"));
    }
    versions
}

fn line_of(lock: &str, name: &str) -> usize {
    let wanted = format!("name = \"{name}\"");
    lock.lines()
        .position(|line| line == wanted)
        .map_or(0, |at| at + 1)
}

/// Packages whose licence is not allowed.
pub(crate) fn licences(metadata: &Value) -> Vec<Fault> {
    let packages = metadata["packages"]
        .as_array()
        .expect("cargo metadata lists packages");
    assert!(!packages.is_empty(), "cargo metadata lists no package");
    packages
        .iter()
        .filter_map(|p| judge(p).map(|say| Fault::at("Cargo.toml", 0, say)))
        .collect()
}

/// Problem with the licence of one package, if any.
fn judge(package: &Value) -> Option<String> {
    let name = package["name"].as_str().unwrap_or_default();
    let Some(licence) = package["license"].as_str() else {
        return Some(format!("`{name}` states no licence: use another crate"));
    };
    match satisfied(licence) {
        Ok(true) => None,
        Ok(false) => Some(format!(
            "`{name}` is under `{licence}`, which tests/tidy/dependencies.rs does not allow: use \
             another crate, or decide on that licence"
        )),
        Err(error) => Some(format!(
            "`{name}` has a licence that cannot be read: {error}"
        )),
    }
}

/// True if the allow list satisfies an SPDX expression. Exceptions are ignored, because they only
/// add permissions.
pub(crate) fn satisfied(licence: &str) -> Result<bool, String> {
    let mode = ParseMode {
        allow_slash_as_or_operator: true,
        ..ParseMode::STRICT
    };
    let expression = Expression::parse_mode(licence, mode).map_err(|error| error.to_string())?;
    Ok(expression.evaluate(|needed| match &needed.license {
        LicenseItem::Spdx { id, .. } => ALLOWED.contains(&id.name),
        LicenseItem::Other(_) => false,
    }))
}

/// `cargo metadata` of this build, from the lock file and without the network.
pub(crate) fn metadata() -> Value {
    let mut cargo = Command::new(env!("CARGO"));
    cargo.args(["metadata", "--locked", "--offline", "--format-version", "1"]);
    cargo
        .args(["--filter-platform", "host-tuple"])
        .current_dir(env!("CARGO_MANIFEST_DIR"));
    if cfg!(feature = "download-postgres") {
        cargo.arg("--all-features");
    }
    let output = cargo.output().expect("cargo runs");
    let complaint = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "cargo metadata: {complaint}");
    serde_json::from_slice(&output.stdout).expect("cargo metadata prints JSON")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lock(packages: &[(&str, &str)]) -> String {
        let package =
            |(n, v): &(&str, &str)| format!("[[package]]\nname = \"{n}\"\nversion = \"{v}\"\n");
        packages.iter().map(package).collect::<Vec<_>>().concat()
    }

    #[test]
    fn a_second_version_needs_a_reason_and_a_reason_a_second_version() {
        let two = lock(&[("a", "1.0.0"), ("b", "1.0.0"), ("b", "2.0.0")]);
        let found = duplicates(&two, &[]);
        assert!(found.len() == 1 && found[0].line == 5, "{found:?}");
        assert!(
            found[0].text.contains("`b` comes in 1.0.0 and 2.0.0"),
            "{found:?}"
        );
        assert_eq!(duplicates(&two, &[("b", "why")]), []);
        assert_eq!(duplicates(&two, &[("b", "why"), ("a", "stale")]).len(), 1);
        assert_eq!(duplicates(&two, &[("b", "why"), ("c", "gone")]).len(), 1);
    }

    #[test]
    fn another_version_than_the_shipped_one_is_a_fault() {
        let shipped = lock(&[("a", "1.0.0"), ("b", "1.0.0"), ("b", "2.0.0")]);
        let alike = lock(&[("a", "1.0.0"), ("b", "2.0.0"), ("fuzzer", "7.0.0")]);
        assert_eq!(strayed(&alike, &shipped), []);
        let found = strayed(&lock(&[("a", "1.0.1"), ("b", "2.0.0")]), &shipped);
        assert!(found.len() == 1 && found[0].line == 2, "{found:?}");
        assert!(found[0].text.contains("1.0.1 and shipped as 1.0.0"));
    }

    #[test]
    fn an_unwanted_crate_is_a_fault() {
        assert_eq!(
            unwanted(&lock(&[
                ("openssl-sys", "0.9.0"),
                ("openssl-probe", "0.1.0")
            ]))
            .len(),
            1
        );
    }

    #[test]
    fn expressions_are_satisfied_as_spdx_says() {
        let yes = [
            "MIT",
            "MIT/Apache-2.0",
            "Apache-2.0 / MIT",
            "GPL-3.0-only OR MIT",
            "(MIT OR Apache-2.0) AND Unicode-3.0",
            "GPL-2.0-only AND ISC OR MIT",
            "Apache-2.0 WITH LLVM-exception",
        ];
        let no = [
            "GPL-3.0-only",
            "AGPL-3.0-or-later",
            "MIT AND GPL-3.0-only",
            "(MIT OR GPL-2.0-only) AND MPL-2.0",
            "LicenseRef-ours",
        ];
        for text in yes {
            assert_eq!(satisfied(text), Ok(true), "{text}");
        }
        for text in no {
            assert_eq!(satisfied(text), Ok(false), "{text}");
        }
        assert!(satisfied("like beer").is_err() && satisfied("").is_err());
    }

    #[test]
    fn a_package_without_a_licence_is_a_fault() {
        let packages = serde_json::json!({ "packages": [
            { "name": "a", "license": null },
            { "name": "b", "license": "MIT" },
            { "name": "c", "license": "SSPL-1.0" },
        ]});
        let found = licences(&packages);
        assert!(
            found.len() == 2 && found[0].text.contains("`a`"),
            "{found:?}"
        );
    }
}
