//! People who use the pages during a load: each opens a page a second.

use std::{
    net::SocketAddr,
    sync::mpsc::{RecvTimeoutError, Sender, channel},
    thread::JoinHandle,
    time::Duration,
};

use crate::request::Client;

const PAGES: [&str; 8] = [
    "/",
    "/live",
    "/events",
    "/conversations",
    "/comments",
    "/deliveries",
    "/accounts",
    "/health",
];

/// Time between two pages of a person.
const PAUSE: Duration = Duration::from_secs(1);

/// Threads of the people. Each goes on until its sender is dropped.
pub(crate) struct People(Vec<(Sender<()>, JoinHandle<anyhow::Result<()>>)>);

impl People {
    /// Lets `count` people come to an admin listener, spread over a second.
    pub(crate) fn come(count: u32, to: SocketAddr) -> anyhow::Result<Self> {
        let person = |number| {
            let mut client = Client::connect(to)?;
            let (stay, stayed) = channel();
            let thread = std::thread::spawn(move || {
                let mut pause = PAUSE * number / count;
                for page in PAGES.iter().cycle() {
                    if stayed.recv_timeout(pause) != Err(RecvTimeoutError::Timeout) {
                        break;
                    }
                    client.get(page)?;
                    pause = PAUSE;
                }
                Ok(())
            });
            Ok((stay, thread))
        };
        (0..count)
            .map(person)
            .collect::<anyhow::Result<_>>()
            .map(Self)
    }

    /// Waits until all have left. Fails if a page had another status than 200.
    pub(crate) fn leave(self) -> anyhow::Result<()> {
        for (stay, thread) in self.0 {
            drop(stay);
            match thread.join() {
                Ok(result) => result?,
                Err(_) => anyhow::bail!("a person panicked"),
            }
        }
        Ok(())
    }
}
