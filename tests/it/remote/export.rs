//! `events export`: complete or not there, and resumable.

use std::{
    fs,
    io::{Read, Write},
    net::TcpListener,
    path::Path,
    process::Command,
    thread,
};

use super::{configuration, elsewhere, run};
use crate::support::{directory::Directory, message::comment, server::Server};

/// A server with events, some with line breaks and quotes.
async fn filled() -> Server {
    let server = Server::start_with(&configuration()).await;
    server
        .store((0..20).map(|number| format!("m{number}")))
        .await;
    for number in 0..5 {
        let body = comment(
            "17840000000000001",
            &format!("c{number}"),
            "\"a\r\n1,\"7\",\"b\"",
        );
        server.deliver("/webhook", body).await;
    }
    server
}

/// An export into `events` of a directory.
fn export(server: &Server, directory: &Path, format: &str) -> Command {
    let out = directory.join("events").display().to_string();
    let arguments = ["events", "export", "--format", format, "--out", &out];
    server.verb_elsewhere("privacy", &arguments)
}

/// Names of the files in a directory.
fn names(directory: &Path) -> Vec<String> {
    let files = fs::read_dir(directory).unwrap();
    let name = |file: std::io::Result<fs::DirEntry>| file.unwrap().file_name();
    let mut names: Vec<_> = files
        .map(|file| name(file).into_string().unwrap())
        .collect();
    names.sort_unstable();
    names
}

/// Leaves an export cut off after each of some lengths, and completes it.
#[tokio::test]
async fn an_interrupted_export_goes_on_behind_its_last_whole_event() {
    let server = filled().await;
    for format in ["ndjson", "csv"] {
        let whole = server.run(&["events", "export", "--format", format]).stdout;
        assert!(whole.len() > 5000, "{format}");
        let directory = Directory::create();
        let (file, partial) = (directory.join("events"), directory.join("events.partial"));
        let note = directory.join("events.partial.request");
        assert_eq!(run(&mut export(&server, directory.path(), format)), ended());
        assert_eq!(fs::read(&file).unwrap(), whole);
        assert_eq!(names(directory.path()), ["events"]);

        // Leaves the notes of an export that is cut at once.
        let (url, cut) = cutting(format, Vec::new());
        let typed = typed(directory.path(), format);
        let typed: Vec<_> = typed.iter().map(String::as_str).collect();
        let (code, _, said) = run(&mut elsewhere(&url, &typed));
        cut.join().unwrap();
        assert_eq!(code, Some(1), "{said}");
        let other_server = fs::read_to_string(&note).unwrap();
        let (_, said) = complaint(&mut export(&server, directory.path(), format));
        assert!(said.contains("an export with other options"), "{said}");

        let ours = other_server.replace(&url, &server.url());
        for length in (0..whole.len()).step_by(whole.len() / 9) {
            fs::write(&partial, &whole[..length]).unwrap();
            fs::write(&note, &ours).unwrap();
            assert_eq!(run(&mut export(&server, directory.path(), format)), ended());
            assert!(
                fs::read(&file).unwrap() == whole,
                "{format} after {length} bytes"
            );
            assert_eq!(names(directory.path()), ["events"]);
        }
    }
}

fn ended() -> (Option<i32>, String, String) {
    (Some(0), String::new(), String::new())
}

fn complaint(command: &mut Command) -> (Option<i32>, String) {
    let (code, printed, said) = run(command);
    assert_eq!(printed, "");
    (code, said)
}

fn typed(directory: &Path, format: &str) -> Vec<String> {
    let out = directory.join("events").display().to_string();
    ["events", "export", "--format", format, "--out", &out]
        .map(str::to_owned)
        .to_vec()
}

/// URL of a server that cuts an export after `part`.
fn cutting(format: &str, part: Vec<u8>) -> (String, thread::JoinHandle<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let media = match format {
        "csv" => "text/csv",
        _ => "application/x-ndjson",
    };
    let served = thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let _ = stream.read(&mut [0; 4096]).unwrap();
        let head = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\ncontent-type: ";
        write!(stream, "{head}{media}\r\n\r\n").unwrap();
        if !part.is_empty() {
            write!(stream, "{:x}\r\n", part.len()).unwrap();
            stream.write_all(&part).unwrap();
            stream.write_all(b"\r\n").unwrap();
        }
    });
    (url, served)
}

#[test]
fn an_export_that_is_cut_is_never_taken_as_complete() {
    let part = b"{\"schema\":1,\"position\":\"7\"}\n{\"schema\":1,\"pos".to_vec();
    let directory = Directory::create();
    let (url, cut) = cutting("ndjson", part.clone());
    let typed = typed(directory.path(), "ndjson");
    let typed: Vec<_> = typed.iter().map(String::as_str).collect();
    let (code, said) = complaint(&mut elsewhere(&url, &typed));
    cut.join().unwrap();
    assert_eq!(code, Some(1));
    assert!(said.contains("the export is not complete: "), "{said}");
    assert!(
        said.contains("events.partial keeps what has arrived"),
        "{said}"
    );
    let files = ["events.partial", "events.partial.request"];
    assert_eq!(names(directory.path()), files);
    assert_eq!(fs::read(directory.join("events.partial")).unwrap(), part);

    let (url, cut) = cutting("ndjson", part.clone());
    let (code, printed, said) = run(&mut elsewhere(&url, &["events", "export"]));
    cut.join().unwrap();
    assert_eq!((code, printed.as_bytes()), (Some(1), &part[..]));
    assert!(said.contains("the export is not complete"), "{said}");
}

#[tokio::test]
async fn a_full_disk_keeps_what_was_written() {
    let server = filled().await;
    let directory = Directory::create();
    // A limit of the size of files stands for a full disk.
    let mut limited = Command::new("sh");
    limited.args(["-c", "trap '' XFSZ; ulimit -f 8; exec \"$0\" \"$@\""]);
    limited.arg(env!("CARGO_BIN_EXE_hookshelf"));
    let whole = export(&server, directory.path(), "ndjson");
    limited.args(whole.get_args()).env_clear();
    limited.env("PATH", std::env::var_os("PATH").unwrap());
    limited.envs(
        whole
            .get_envs()
            .filter_map(|(name, value)| Some((name, value?))),
    );
    let (code, said) = complaint(&mut limited);
    assert_eq!(code, Some(1));
    assert!(said.contains("make room on its disk"), "{said}");
    let kept = fs::metadata(directory.join("events.partial"))
        .unwrap()
        .len();
    assert!(kept > 0, "{said}");
    assert_eq!(
        run(&mut export(&server, directory.path(), "ndjson")),
        ended()
    );
    let all = server.run(&["events", "export"]).stdout;
    assert!(fs::read(directory.join("events")).unwrap() == all);
}
