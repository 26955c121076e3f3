//! Tells cargo that the embedded migrations are part of the build, and lists the embedded samples:
//! a sample is added by adding its file.

use std::{env, error::Error, ffi::OsStr, fmt::Write, fs, path::Path};

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo:rerun-if-changed=migrations");
    println!("cargo:rerun-if-changed=samples");
    let root = env::var_os("CARGO_MANIFEST_DIR").ok_or("cargo says where the package is")?;
    let out = env::var_os("OUT_DIR").ok_or("cargo says where to write")?;
    let list = samples(&Path::new(&root).join("samples"))?;
    fs::write(Path::new(&out).join("samples.rs"), list)?;
    Ok(())
}

/// Name and text of each sample, in the order of the names.
fn samples(root: &Path) -> Result<String, Box<dyn Error>> {
    let mut files = Vec::new();
    for directory in fs::read_dir(root)? {
        let directory = directory?.path();
        if directory.is_dir() {
            for file in fs::read_dir(directory)? {
                files.push(file?.path());
            }
        }
    }
    files.retain(|file| file.extension() == Some(OsStr::new("json")));
    files.sort();
    let mut list = "static FILES: &[(&str, &str)] = &[\n".to_owned();
    for file in &files {
        let name = file.strip_prefix(root)?.with_extension("");
        let name = name.to_str().ok_or("a path is UTF-8")?;
        // Named from the directory of the package when it is compiled: a target directory may serve
        // two copies of the sources.
        let file = format!("/samples/{name}.json");
        let file = format!("concat!(env!(\"CARGO_MANIFEST_DIR\"), {file:?})");
        writeln!(list, "({name:?}, include_str!({file})),")?;
    }
    list.push_str("];\n");
    Ok(list)
}
