//! Sessions of browsers: valid for 12 hours after a use and for 7 days in all.

use std::{
    sync::Arc,
    task::{Context, Waker},
};

use hookshelf::store::{
    ConnectOptions, Writes,
    sessions::{self, AdminSession, AdminSessions, Digest, IDLE, LONGEST, LookupError},
};
use jiff::{SignedDuration, Timestamp};

use super::{World, now};

const TOKEN: Digest = [7; 32];

const SECOND: SignedDuration = SignedDuration::from_secs(1);
const MINUTE: SignedDuration = SignedDuration::from_mins(1);

/// A database with a session that began at `begun`, and a server.
struct Browser {
    world: World,
    server: AdminSessions,
    begun: Timestamp,
}

impl Browser {
    async fn sign_in() -> Self {
        let world = World::create().await;
        let server = AdminSessions::new(Writes::new(&world.db.options()));
        // Postgres keeps microseconds.
        let begun = Timestamp::from_microsecond(now().as_microsecond()).unwrap();
        let browser = Self {
            world,
            server,
            begun,
        };
        browser.create(1, TOKEN).await;
        browser
    }

    async fn create(&self, id: u8, token: Digest) {
        let id = [id; 32];
        let created = self.server.create(&id, &token, self.begun);
        created.await.unwrap();
    }

    /// Another server on the same database, with nothing in memory.
    fn another(&self) -> AdminSessions {
        AdminSessions::new(Writes::new(&self.world.db.options()))
    }

    /// The session with this id, used at `after` behind the sign-in.
    async fn find(&self, id: u8, after: SignedDuration) -> Option<Arc<AdminSession>> {
        self.server
            .find(&[id; 32], self.begun + after)
            .await
            .unwrap()
    }

    async fn is_found(&self, id: u8, after: SignedDuration) -> bool {
        self.find(id, after).await.is_some()
    }

    /// The server checks its sessions at `after` behind the sign-in.
    async fn check(&self, after: SignedDuration) {
        self.server.check(self.begun + after).await.unwrap();
    }

    /// Time of the last use behind the sign-in, as stored.
    async fn stored_use(&self) -> SignedDuration {
        let mut conn = self.world.connect().await;
        let at = sqlx::query_scalar("SELECT last_seen_at FROM admin_sessions");
        let at: jiff_sqlx::Timestamp = at.fetch_one(&mut conn).await.unwrap();
        at.to_jiff().duration_since(self.begun)
    }
}

#[tokio::test]
async fn a_session_ends_twelve_hours_after_its_last_use() {
    let browser = Browser::sign_in().await;
    let session = browser.find(1, IDLE - SECOND).await.unwrap();
    assert_eq!(session.token(), &TOKEN);
    drop(session);
    assert!(browser.is_found(1, IDLE * 2 - SECOND * 2).await);
    assert!(!browser.is_found(1, IDLE * 3 - SECOND * 2).await);
    assert!(!browser.is_found(2, SECOND).await);
}

#[tokio::test]
async fn a_session_ends_after_seven_days_of_use() {
    let browser = Browser::sign_in().await;
    let mut after = SignedDuration::ZERO;
    while after < LONGEST {
        assert!(browser.is_found(1, after).await, "{after:?}");
        browser.check(after).await;
        after += SignedDuration::from_hours(11);
    }
    assert!(browser.is_found(1, LONGEST - SECOND).await);
    assert!(!browser.is_found(1, LONGEST).await);
}

#[tokio::test]
async fn a_use_is_written_at_most_once_a_minute() {
    let browser = Browser::sign_in().await;
    for (used, stored) in [
        (MINUTE - SECOND, SignedDuration::ZERO),
        (MINUTE + SECOND, MINUTE + SECOND),
        (MINUTE * 2, MINUTE + SECOND),
        (MINUTE * 3, MINUTE * 3),
    ] {
        assert!(browser.is_found(1, used).await);
        browser.check(used).await;
        assert_eq!(browser.stored_use().await, stored, "{used:?}");
    }
    // Another server knows the use.
    let at = browser.begun + MINUTE * 3 + IDLE - SECOND;
    let found = browser.another().find(&[1; 32], at).await;
    assert!(found.unwrap().is_some());
}

#[tokio::test]
async fn a_session_that_another_server_ended_ends_with_the_next_check() {
    let browser = Browser::sign_in().await;
    browser.create(2, TOKEN).await;
    let here = browser.find(1, SECOND).await.unwrap();
    let stays = browser.find(2, SECOND).await.unwrap();
    let other = browser.another();
    let there = other.find(&[1; 32], browser.begun + SECOND).await.unwrap();
    other.end(&there.unwrap()).await.unwrap();
    assert!(browser.is_found(1, SECOND).await, "it is in memory");
    browser.check(SECOND).await;
    here.until_ended().await;
    assert!(!browser.is_found(1, SECOND).await);
    assert!(!stays.has_ended());
}

#[tokio::test]
async fn the_sessions_of_a_token_end_together() {
    let browser = Browser::sign_in().await;
    browser.create(2, TOKEN).await;
    browser.create(3, [8; 32]).await;
    let [first, other] = [1, 3].map(|id| browser.find(id, SECOND));
    let (first, other) = (first.await.unwrap(), other.await.unwrap());
    let removed = browser.server.end_all(&TOKEN).await;
    assert_eq!(removed.unwrap(), 2);
    assert!(first.has_ended() && !other.has_ended());
    for (id, is_found) in [(1, false), (2, false), (3, true)] {
        assert_eq!(browser.is_found(id, SECOND).await, is_found, "{id}");
    }
}

#[tokio::test]
async fn expired_rows_are_removed() {
    let browser = Browser::sign_in().await;
    let mut conn = browser.world.connect().await;
    for (after, removed) in [(IDLE - SECOND, 0), (IDLE, 1)] {
        let expired = sessions::remove_expired(&mut conn, browser.begun + after).await;
        assert_eq!(expired.unwrap(), removed, "{after:?}");
    }
}

#[tokio::test]
async fn rows_of_a_removed_token_go_with_the_next_check() {
    let browser = Browser::sign_in().await;
    browser.create(3, [8; 32]).await;
    let session = browser.find(1, SECOND).await.unwrap();
    browser.server.keep([[8; 32]], browser.begun + SECOND);
    assert!(session.has_ended());
    browser
        .server
        .keep([TOKEN, [8; 32]], browser.begun + SECOND * 2);
    assert!(!browser.is_found(1, SECOND * 3).await, "the row is there");
    browser.check(SECOND * 3).await;
    let another = browser.another();
    for (id, is_found) in [(1, false), (3, true)] {
        let found = another.find(&[id; 32], browser.begun + SECOND * 3).await;
        assert_eq!(found.unwrap().is_some(), is_found, "{id}");
    }
}

#[tokio::test]
async fn one_lookup_too_many_is_refused_at_once() {
    let nowhere = ConnectOptions::new().host("127.0.0.1").port(1);
    let (server, at) = (AdminSessions::new(Writes::new(&nowhere)), now());
    let ids: Vec<Digest> = (0..64).map(|id| [id; 32]).collect();
    let lookups = ids.iter().map(|id| Box::pin(server.find(id, at)));
    let mut lookups: Vec<_> = lookups.collect();
    let mut context = Context::from_waker(Waker::noop());
    for lookup in &mut lookups {
        assert!(lookup.as_mut().poll(&mut context).is_pending());
    }
    let refused = server.find(&[64; 32], at).await;
    assert!(matches!(refused, Err(LookupError::Busy)), "{refused:?}");
    drop(lookups);
    let looked_up = server.find(&[64; 32], at).await;
    assert!(
        matches!(looked_up, Err(LookupError::Store(_))),
        "{looked_up:?}"
    );
}
