//! Two processes that compete for one consumer.

use std::{
    net::{SocketAddr, TcpListener},
    path::Path,
    sync::{Arc, Mutex},
};

use nix::sys::signal::Signal;
use serde_json::json;

use super::{
    shop::{BOT, Shop, at, write},
    worker::Worker,
};
use crate::support::{
    cluster::Cluster,
    directory::Directory,
    eventually,
    server::{Server, apps},
};

/// Starts a server that tells its address to other processes.
fn start(postgres: &Cluster) -> Server {
    let directory = Directory::create();
    write(
        &directory,
        &format!("{}{}{BOT}", at(&postgres.url()), apps(["default"])),
    );
    let free = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    let (listen, advertise) = (free.to_string(), format!("http://{free}"));
    let variables = [
        ("HOOKSHELF__ADMIN__LISTEN", Path::new(&listen)),
        ("HOOKSHELF__ADMIN__ADVERTISE", Path::new(&advertise)),
    ];
    Server::start_where(directory, None, &variables)
}

/// The worker at another server.
fn at_server(worker: &Worker, admin: SocketAddr) -> Worker {
    let address = Arc::new(Mutex::new(admin));
    Worker {
        address,
        ..worker.clone()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_process_that_stood_still_hands_nothing_out_after_another_took_over() {
    let postgres = Cluster::start_with(&[]).await;
    let shop = Shop::with(start(&postgres), postgres.options()).await;
    let other = start(&postgres);
    let worker = shop.worker("w");
    let there = at_server(&worker, other.admin);
    shop.say("7001", 2).await;
    shop.say("7002", 1).await;
    shop.until("all is read", |state| state["lag"]["positions"] == 0)
        .await;

    let first = there.next().await;
    assert_eq!(
        *there.address.lock().unwrap(),
        shop.server().admin,
        "it was sent there"
    );
    let held = worker.next().await;
    shop.has_saved(held.position).await;

    shop.server().signal(Signal::SIGSTOP);
    *there.address.lock().unwrap() = other.admin;
    // Until the end of the ownership it would be sent to the process that stands still.
    let owned = async || {
        let mut database = shop.connect().await;
        let owned = "SELECT owned_until > clock_timestamp() FROM consumers";
        sqlx::query_scalar::<_, bool>(owned)
            .fetch_one(&mut database)
            .await
            .unwrap()
    };
    eventually("the ownership ends", async || !owned().await).await;
    eventually("the other process takes over", owned).await;
    assert_eq!(there.do_work(&first).await, "acked");
    let next = there.next().await;
    assert_eq!(next.lane, first.lane, "the other lane is out");

    shop.server().signal(Signal::SIGCONT);
    let extend = json!({"extends": [{"lease": held.lease, "lease_s": 3600}]});
    let stale = at_server(&worker, shop.server().admin);
    let answer = stale.post_once("settle", &extend).await;
    assert_ne!(
        answer.map(|(status, ..)| status),
        Some(200),
        "it does not own the consumer"
    );
    assert!(stale.lease(10, 0.2).await.is_empty());
    assert_eq!(there.do_work(&next).await, "acked");
    assert_eq!(
        stale.do_work(&held).await,
        "acked",
        "sent to the other process"
    );

    let (status, ..) = other.stop();
    assert!(status.success(), "{status}");
    shop.serves().await;
    shop.say("7003", 2).await;
    let summary = shop.closes(shop.hire(1), &[]).await;
    assert_eq!((summary.hand_outs, summary.repeats), (5, 0));
}

/// As in containers, which may all have the same host name and the same path.
#[tokio::test]
async fn a_server_with_the_host_name_and_path_of_the_owner_waits_for_the_end_of_its_ownership() {
    let mut shop = Shop::open("").await;
    let mut database = shop.connect().await;
    let key = shop.server().directory.join("data/audit.key");
    shop.restart_after(|| std::fs::remove_file(key).unwrap());
    let ended = "SELECT owned_until + interval '15 seconds' FROM consumers";
    let ended = sqlx::query_scalar::<_, jiff_sqlx::Timestamp>(ended);
    let ended = ended.fetch_one(&mut database).await.unwrap();
    shop.serves().await;
    let waited = "SELECT owned_until >= $1 FROM consumers";
    let waited = sqlx::query_scalar::<_, bool>(waited).bind(ended);
    assert!(waited.fetch_one(&mut database).await.unwrap());
}
