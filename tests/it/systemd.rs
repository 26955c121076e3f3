//! Socket activation and notifications under a service manager such as systemd.

use std::{
    os::{
        fd::OwnedFd,
        unix::net::{UnixDatagram, UnixListener},
    },
    time::Duration,
};

use hookshelf::meta::signature::sign;
use nix::sys::signal::Signal;
use secrecy::SecretString;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use crate::support::{
    activation::{directory, shell, socket, start},
    directory::Directory,
    eventually,
    message::message,
    postgres::TestDatabase,
    server::{SECRET, Server},
};

fn body() -> String {
    message("mid.systemd.1", "One rye, please")
}

#[tokio::test]
async fn a_delivery_waits_through_a_restart_at_a_socket_that_is_held() {
    let (public, admin) = (socket(), socket());
    let both = [&public, &admin];
    let place = Some(TestDatabase::create().await);
    let server = start(directory(), place, &both, &[("LISTEN_FDS", "2")]);
    assert_eq!(server.public, public.local_addr().unwrap());
    assert_eq!(server.admin, admin.local_addr().unwrap());
    let said = server.said().join("\n");
    assert!(
        said.contains(&format!("http://{}/webhook ", server.public)),
        "{said}"
    );
    assert_eq!(server.deliver("/webhook", body()).await.status, 200);
    let (status, directory, place) = server.stop();
    assert!(status.success());

    let body = body();
    let signature = sign(&SecretString::from(SECRET), body.as_bytes());
    let mut stream = TcpStream::connect(public.local_addr().unwrap())
        .await
        .unwrap();
    let head = format!(
        "POST /webhook HTTP/1.1\r\nHost: test\r\nContent-Length: {}\r\nConnection: close\r\n\
         X-Hub-Signature-256: {signature}\r\n\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    stream.write_all(body.as_bytes()).await.unwrap();

    let server = start(directory, place, &both, &[("LISTEN_FDS", "2")]);
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    assert_eq!(server.ask_admin("/readyz").await.status, 200);
}

#[tokio::test]
async fn sockets_go_by_their_names_and_the_rest_by_configuration() {
    let (first, second) = (socket(), socket());
    let place = Some(TestDatabase::create().await);
    let named = [("LISTEN_FDS", "2"), ("LISTEN_FDNAMES", "admin:public")];
    let server = start(directory(), place, &[&first, &second], &named);
    assert_eq!(server.admin, first.local_addr().unwrap());
    assert_eq!(server.public, second.local_addr().unwrap());
    let (_, directory, place) = server.stop();

    let named = [("LISTEN_FDS", "1"), ("LISTEN_FDNAMES", "admin")];
    let server = start(directory, place, &[&first], &named);
    assert_eq!(server.admin, first.local_addr().unwrap());
    assert_ne!(server.public, second.local_addr().unwrap());
}

#[tokio::test]
async fn sockets_for_another_process_are_left_alone() {
    let other = socket();
    let directory = directory();
    let place = Some(TestDatabase::create().await);
    let passed = vec![other.try_clone().unwrap().into()];
    let env = [("LISTEN_FDS", "1"), ("FOR", "1")];
    let (shell, line) = shell(&directory, place.as_ref(), passed, &env);
    let server = Server::start_by(shell, line, directory, place);
    assert_ne!(server.public, other.local_addr().unwrap());
}

/// Log of a start that fails because of the passed sockets.
fn refused(sockets: Vec<OwnedFd>, env: &[(&str, &str)]) -> String {
    let directory = directory();
    let (mut shell, line) = shell(&directory, None, sockets, env);
    let status = shell.status().unwrap();
    drop(line);
    assert_eq!(status.code(), Some(1));
    std::fs::read_to_string(directory.join("log")).unwrap()
}

#[test]
fn what_cannot_be_a_listener_is_said() {
    let one = || OwnedFd::from(socket());
    let many = refused(vec![one(), one()], &[("LISTEN_FDS", "3")]);
    assert!(many.contains("too many sockets: 3 were passed"), "{many}");
    let named = [("LISTEN_FDS", "1"), ("LISTEN_FDNAMES", "web")];
    let name = refused(vec![one()], &named);
    assert!(name.contains("unknown socket name \"web\""), "{name}");
    let directory = Directory::create();
    let unix = UnixListener::bind(directory.join("socket")).unwrap();
    let kind = refused(vec![unix.into()], &[("LISTEN_FDS", "1")]);
    assert!(
        kind.contains("the public listener is not a listening TCP socket"),
        "{kind}"
    );
    let file = std::fs::File::open("/dev/null").unwrap();
    let kind = refused(vec![one(), file.into()], &[("LISTEN_FDS", "2")]);
    assert!(
        kind.contains("the admin listener is not a listening TCP socket"),
        "{kind}"
    );
    let accepting = socket();
    let _peer = std::net::TcpStream::connect(accepting.local_addr().unwrap()).unwrap();
    let (accepted, _) = accepting.accept().unwrap();
    let kind = refused(vec![accepted.into()], &[("LISTEN_FDS", "1")]);
    assert!(kind.contains("it is a connection"), "{kind}");
}

/// Notification socket of a service manager.
struct Manager {
    socket: UnixDatagram,
}

impl Manager {
    fn listen(directory: &Directory) -> Self {
        let socket = UnixDatagram::bind(directory.join("notify")).unwrap();
        socket
            .set_read_timeout(Some(Duration::from_mins(1)))
            .unwrap();
        Self { socket }
    }

    /// Next notification other than a watchdog ping.
    fn next(&self) -> String {
        loop {
            let said = self.anything();
            if said != "WATCHDOG=1\n" {
                return said;
            }
        }
    }

    fn hears_within(&self, time: Duration) -> bool {
        self.socket.set_read_timeout(Some(time)).unwrap();
        self.socket.recv(&mut [0; 4096]).is_ok()
    }

    fn anything(&self) -> String {
        let mut said = [0; 4096];
        let length = self.socket.recv(&mut said).unwrap();
        String::from_utf8(said[..length].to_vec()).unwrap()
    }
}

fn notified(directory: &Directory) -> (Manager, String) {
    let manager = Manager::listen(directory);
    let path = directory.join("notify").to_str().unwrap().to_owned();
    (manager, path)
}

#[tokio::test]
async fn the_manager_is_told_of_start_reload_and_stop() {
    let directory = directory();
    let (manager, path) = notified(&directory);
    let server = start(directory, None, &[], &[("NOTIFY_SOCKET", &path)]);
    let ready = format!(
        "READY=1\nSTATUS=accepting deliveries on {}, storing them in private Postgres\n",
        server.public
    );
    assert_eq!(manager.next(), ready);
    assert_eq!(server.deliver("/webhook", body()).await.status, 200);
    server.signal(Signal::SIGHUP);
    let reloading = manager.next();
    let time = reloading.strip_prefix("RELOADING=1\nMONOTONIC_USEC=");
    assert!(time.unwrap().trim_end().parse::<u64>().unwrap() > 0);
    assert_eq!(manager.next(), ready);
    std::fs::write(server.directory.join("hookshelf.toml"), "wrong").unwrap();
    server.signal(Signal::SIGHUP);
    assert!(manager.next().starts_with("RELOADING=1\n"));
    assert_eq!(manager.next(), ready, "it serves on with the apps it had");

    let postmaster = server.directory.join("data/postgres/data/postmaster.pid");
    let postmaster = std::fs::read_to_string(postmaster).unwrap();
    let child = postmaster.lines().next().unwrap();
    if cfg!(target_os = "linux") {
        let environment = std::fs::read(format!("/proc/{child}/environ")).unwrap();
        let environment = String::from_utf8_lossy(&environment).into_owned();
        assert!(environment.contains("LC_ALL=C"), "{environment}");
        assert!(!environment.contains("NOTIFY_SOCKET"), "{environment}");
    }
    let (status, ..) = server.stop();
    assert!(status.success());
    assert!(manager.next().starts_with("STOPPING=1\nSTATUS="));
}

#[tokio::test]
async fn the_watchdog_sees_signs_of_life_while_the_server_lives() {
    let directory = directory();
    let (manager, path) = notified(&directory);
    let env = [("NOTIFY_SOCKET", &*path), ("WATCHDOG_USEC", "100000")];
    let place = Some(TestDatabase::create().await);
    let server = start(directory, place, &[], &env);
    assert!(manager.next().starts_with("READY=1\n"));
    for _ in 0..3 {
        assert_eq!(manager.anything(), "WATCHDOG=1\n");
    }
    server.signal(Signal::SIGSTOP);
    eventually("a process that stands still gives no sign", async || {
        !manager.hears_within(Duration::from_millis(300))
    })
    .await;
    server.signal(Signal::SIGCONT);
    assert!(manager.hears_within(Duration::from_mins(1)), "it lives on");
}

#[tokio::test]
async fn without_a_watchdog_nothing_is_said_of_it() {
    let directory = directory();
    let (manager, path) = notified(&directory);
    let env = [("NOTIFY_SOCKET", &*path), ("WATCHDOG_USEC", "0")];
    let place = Some(TestDatabase::create().await);
    let server = start(directory, place, &[], &env);
    assert!(manager.anything().starts_with("READY=1\n"));
    let (status, ..) = server.stop();
    assert!(status.success());
    assert!(manager.anything().starts_with("STOPPING=1\n"));
}

/// Fills the queue of the manager's socket.
fn fill(path: &str) {
    let sender = UnixDatagram::unbound().unwrap();
    sender.set_nonblocking(true).unwrap();
    while sender.send_to(b"STATUS=full", path).is_ok() {}
}

#[tokio::test]
async fn a_manager_that_does_not_listen_holds_nothing_up() {
    let directory = directory();
    let (_deaf, path) = notified(&directory);
    fill(&path);
    let place = Some(TestDatabase::create().await);
    let server = start(directory, place, &[], &[("NOTIFY_SOCKET", &path)]);
    assert_eq!(server.deliver("/webhook", body()).await.status, 200);
    let (status, directory, _place) = server.stop();
    let log = std::fs::read_to_string(directory.join("log")).unwrap();
    assert!(status.success(), "{status}: {log}");
    assert!(
        log.contains("failed to notify the service manager"),
        "{log}"
    );
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn the_manager_may_have_a_name_that_is_in_no_file_system() {
    use std::os::{linux::net::SocketAddrExt, unix::net::SocketAddr};

    let name = format!("hookshelf-test-{}", std::process::id());
    let address = SocketAddr::from_abstract_name(&name).unwrap();
    let manager = Manager {
        socket: UnixDatagram::bind_addr(&address).unwrap(),
    };
    let place = Some(TestDatabase::create().await);
    let env = [("NOTIFY_SOCKET", &*format!("@{name}"))];
    let _server = start(directory(), place, &[], &env);
    assert!(manager.next().starts_with("READY=1\n"));
}
