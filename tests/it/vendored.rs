//! `assets/vendor/check.py` against packages of a false npm: it writes the files, and refuses each
//! kind of difference with a message of its own.

use std::{
    env, fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::{Command, Output},
};

use crate::support::directory::Directory;

/// Packs the directory of a package, and fails if there is none.
const NPM: &str = r#"#!/bin/sh
[ "$1" = pack ] || exit 2
for option; do case $option in --pack-destination=*) place=${option#*=} ;; esac; done
exec tar -czf "$place/package.tgz" -C "$PACKAGES/${2%@*}" package
"#;

/// A list before the first `--write`, without sums.
const SOURCES: &str = r#"
[[package]]
name = "shapes"
version = "1.0.0"
license = "ISC"

[[package.file]]
file = "a.js"
path = "dist/a.min.js"
sha512 = ""

[[package.file]]
file = "licenses/shapes.txt"
path = "LICENSE"
sha512 = ""

[[package.file]]
file = "icons.svg"
icons = ["dot"]
sha512 = ""
"#;

const ICON: &str = r#"<!-- @license ISC -->
<svg class="dot" xmlns="http://www.w3.org/2000/svg" width="24" height="24" viewBox="0 0 24 24" fill="none">
  <circle cx="12" cy="12" r="1" />
</svg>
"#;

const SPRITE: &str = r#"<svg xmlns="http://www.w3.org/2000/svg">
<!-- shapes 1.0.0, ISC -->
<symbol id="dot" viewBox="0 0 24 24" fill="none"><circle cx="12" cy="12" r="1"/></symbol>
</svg>
"#;

/// A folder of vendored files with its script, and the package that it comes from.
struct Vendored {
    directory: Directory,
}

impl Vendored {
    /// Makes the script, the list and the package, but no vendored file.
    fn listed() -> Self {
        let this = Self {
            directory: Directory::create(),
        };
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("assets/vendor/check.py");
        this.write("vendor/check.py", &fs::read_to_string(script).unwrap());
        this.write("vendor/SOURCES.toml", SOURCES);
        this.write("shapes/package/dist/a.min.js", "let a;\n");
        this.write("shapes/package/LICENSE", "ISC License\n");
        this.write("shapes/package/icons/dot.svg", ICON);
        this.write("bin/npm", NPM);
        fs::set_permissions(this.path("bin/npm"), fs::Permissions::from_mode(0o755)).unwrap();
        this
    }

    /// Makes the vendored files, too.
    fn written() -> Self {
        let this = Self::listed();
        let output = this.run(&["--write"]);
        assert!(output.status.success(), "{output:?}");
        this
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.join(name)
    }

    fn write(&self, name: &str, text: &str) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap()
    }

    fn remove(&self, name: &str) {
        fs::remove_file(self.path(name)).unwrap();
    }

    fn replace(&self, name: &str, from: &str, to: &str) {
        let text = self.read(name);
        assert!(text.contains(from), "{name}: {text}");
        self.write(name, &text.replace(from, to));
    }

    fn run(&self, options: &[&str]) -> Output {
        let path = env::var_os("PATH").unwrap_or_default();
        Command::new("python3")
            .arg(self.path("vendor/check.py"))
            .args(options)
            .env(
                "PATH",
                format!("{}:{}", self.path("bin").display(), path.display()),
            )
            .env("PACKAGES", self.directory.path())
            .env("TMPDIR", self.directory.path())
            .output()
            .expect("python3 is in PATH")
    }

    /// Expects the check to fail with one line, and returns the line.
    fn refusal(&self) -> String {
        let output = self.run(&[]);
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(1), "{said}");
        assert_eq!(said.lines().count(), 1, "{said}");
        said
    }
}

#[test]
#[ignore = "needs Python 3.11"]
fn the_script_writes_each_file_as_in_its_package() {
    let vendored = Vendored::written();
    assert_eq!(vendored.read("vendor/a.js"), "let a;\n");
    assert_eq!(vendored.read("vendor/licenses/shapes.txt"), "ISC License\n");
    assert_eq!(vendored.read("vendor/icons.svg"), SPRITE);
    let checked = vendored.run(&[]);
    assert!(checked.status.success(), "{checked:?}");
    assert_eq!(
        checked.stdout,
        b"3 vendored files are as in their packages\n"
    );
}

#[test]
#[ignore = "needs Python 3.11"]
fn a_new_version_changes_files_and_sums() {
    let vendored = Vendored::written();
    let before = vendored.read("vendor/SOURCES.toml");
    vendored.write("shapes/package/dist/a.min.js", "let b;\n");
    assert!(!vendored.run(&[]).status.success());
    assert!(vendored.run(&["--write"]).status.success());
    assert_eq!(vendored.read("vendor/a.js"), "let b;\n");
    let after = vendored.read("vendor/SOURCES.toml");
    let changed = before.lines().zip(after.lines()).filter(|(a, b)| a != b);
    assert_eq!(changed.count(), 1, "{after}");
    assert!(vendored.run(&[]).status.success());
}

/// A change of the folder or of the package, and the message that it must cause.
type Case = (fn(&Vendored), &'static str);

const DIFFERENCES: &[Case] = &[
    (
        |it| it.remove("vendor/a.js"),
        "assets/vendor/a.js: the file is missing",
    ),
    (
        |it| it.write("vendor/a.js", "let b;\n"),
        "assets/vendor/a.js: the bytes differ from dist/a.min.js of shapes 1.0.0",
    ),
    (
        |it| it.replace("vendor/icons.svg", "r=\"1\"", "r=\"2\""),
        "assets/vendor/icons.svg: the bytes differ from the sprite of its icons from shapes 1.0.0",
    ),
    (
        |it| it.write("vendor/licenses/b.txt", "MIT License\n"),
        "assets/vendor/licenses/b.txt: not listed in SOURCES.toml",
    ),
    (
        |it| {
            it.replace(
                "vendor/SOURCES.toml",
                "path = \"LICENSE\"\nsha512 = \"",
                "path = \"LICENSE\"\nsha512 = \"0",
            );
        },
        "assets/vendor/licenses/shapes.txt: its sha512 in SOURCES.toml differs from LICENSE",
    ),
];

/// Packages that no file can be made from.
const UNUSABLE: &[Case] = &[
    (
        |it| it.remove("shapes/package/dist/a.min.js"),
        "shapes 1.0.0 has no file dist/a.min.js",
    ),
    (
        |it| it.remove("shapes/package/icons/dot.svg"),
        "shapes 1.0.0 has no file icons/dot.svg",
    ),
    (
        |it| {
            it.replace(
                "shapes/package/icons/dot.svg",
                "r=\"1\"",
                "r=\"1\" onload=\"a()\"",
            );
        },
        "icons/dot.svg has an unknown element or attribute",
    ),
    (
        |it| it.replace("shapes/package/icons/dot.svg", "circle", "script"),
        "icons/dot.svg has an unknown element or attribute",
    ),
    (
        |it| it.write("bin/npm", "#!/bin/sh\nexit 3\n"),
        "npm pack shapes@1.0.0 failed with status 3",
    ),
];

#[test]
#[ignore = "needs Python 3.11"]
fn each_difference_has_a_message() {
    for (change, message) in DIFFERENCES.iter().chain(UNUSABLE) {
        let vendored = Vendored::written();
        change(&vendored);
        let said = vendored.refusal();
        assert!(said.starts_with(message), "{said}");
    }
}

#[test]
#[ignore = "needs Python 3.11"]
fn a_check_leaves_nothing_behind() {
    let vendored = Vendored::written();
    let names = || {
        let entries = fs::read_dir(vendored.directory.path()).unwrap();
        let mut names: Vec<_> = entries.map(|it| it.unwrap().file_name()).collect();
        names.sort();
        names
    };
    assert_eq!(names(), ["bin", "shapes", "vendor"]);
    vendored.remove("shapes/package/LICENSE");
    vendored.refusal();
    assert_eq!(names(), ["bin", "shapes", "vendor"]);
}
