//! The follower `conversations`: its tables match the events, whatever arrives in whatever order
//! and however the log is divided into batches.

use hookshelf::{
    meta::event::{Event, Kind, Source},
    store::{
        Delivery,
        conversations::{Conversations, NAME},
        follow::{Follower, Start, Turn},
    },
};
use jiff::SignedDuration;
use uuid::Uuid;

use super::{
    World,
    items::{ago, delivery_at, plain},
    stats::{Numbers, counting},
};

/// Differences between `conversations` and the events.
pub(super) const WRONG_CONVERSATIONS: &str = "
    WITH said AS (
        SELECT *, coalesce(occurred_at, received_at) AS at,
               kind = 'message' AND (is_echo OR coalesce(sender_id = account_id, false)) AS sent,
               kind IN ('message', 'postback') AND NOT is_echo AND NOT is_self
                   AND sender_id IS DISTINCT FROM account_id AS received,
               EXISTS (SELECT FROM events AS d WHERE d.kind = 'message_deleted' AND NOT d.is_echo
                       AND d.message_id = e.message_id AND d.app = e.app
                       AND d.account_id = e.account_id) AS unsent
        FROM events AS e
        WHERE account_id IS NOT NULL AND person_id IS NOT NULL
          AND kind IN ('message', 'message_deleted', 'message_edit', 'postback', 'reaction',
                       'referral', 'optin', 'handover', 'response_feedback')
    ), talk AS (
        SELECT app, account_id, person_id, count(*) FILTER (WHERE received) AS received,
               count(*) FILTER (WHERE sent) AS sent, min(position), max(position), max(at),
               max(at) FILTER (WHERE received), max(at) FILTER (WHERE sent) AS answered,
               max(at) FILTER (WHERE kind = 'message_deleted' AND NOT is_echo)
        FROM said GROUP BY 1, 2, 3
    ), should_be AS (
        SELECT talk.*, (SELECT min(at) FROM said
                        WHERE said.app = talk.app AND said.account_id = talk.account_id
                          AND said.person_id = talk.person_id AND said.received AND NOT unsent
                          AND at > coalesce(answered, '-infinity'))
        FROM talk
    )
    SELECT 'missing ' || m FROM (SELECT * FROM should_be EXCEPT SELECT * FROM conversations) AS m
    UNION ALL
    SELECT 'wrong ' || w FROM (SELECT * FROM conversations EXCEPT SELECT * FROM should_be) AS w";

/// Differences between `media_threads` and the events.
pub(super) const WRONG_MEDIA: &str = "
    WITH said AS (
        SELECT app, account_id, coalesce(data ->> 'original_media_id', media_id) AS post, media_id,
               position, coalesce(occurred_at, received_at) AS at, is_self,
               CASE WHEN parent_id = media_id OR parent_id = data ->> 'original_media_id'
                    THEN comment_id ELSE coalesce(parent_id, comment_id) END AS root
        FROM events
        WHERE kind IN ('comment', 'live_comment') AND account_id IS NOT NULL
          AND media_id IS NOT NULL AND coalesce(data ->> 'verb', 'add') IN ('add', 'added', '')
    ), judged AS (
        SELECT said.*, EXISTS (
                   SELECT FROM said AS own WHERE own.is_self AND own.at >= said.at
                   AND own.root = said.root AND own.post = said.post AND own.app = said.app
                   AND own.account_id = said.account_id) AS answered
        FROM said
    ), should_be AS (
        SELECT app, account_id, post,
               ARRAY(SELECT DISTINCT unnest(array_agg(media_id)) EXCEPT SELECT post ORDER BY 1),
               count(*) FILTER (WHERE NOT is_self), count(*) FILTER (WHERE is_self),
               count(*) FILTER (WHERE NOT is_self AND NOT answered), min(position), max(position),
               max(at), max(at) FILTER (WHERE is_self)
        FROM judged GROUP BY 1, 2, 3
    )
    SELECT 'missing ' || m FROM (SELECT * FROM should_be EXCEPT SELECT * FROM media_threads) AS m
    UNION ALL
    SELECT 'wrong ' || w FROM (SELECT * FROM media_threads EXCEPT SELECT * FROM should_be) AS w";

const ACCOUNT: &str = "17840000000000001";

/// A random item of a conversation. Each mid names one message, which may be unsent.
fn any_item(numbers: &mut Numbers) -> Event {
    let kinds = [
        Kind::Message,
        Kind::Message,
        Kind::Message,
        Kind::MessageDeleted,
        Kind::Postback,
        Kind::Reaction,
        Kind::Seen,
    ];
    let kind = kinds[numbers.below(7) as usize];
    let mid = numbers.below(60);
    // The person and the direction of a message follow from its mid.
    let (person, is_echo) = (mid % 3, mid % 5 < 2);
    let mut item = plain(kind, mid);
    item.person_id = Some(format!("person-{person}").into());
    item.ids.media_id = None;
    item.ids.message_id = Some(format!("mid-{mid}").into());
    match kind {
        Kind::Message if mid.is_multiple_of(10) => {
            item.sender_id = Some(ACCOUNT.into());
        }
        Kind::Message | Kind::MessageDeleted => item.is_echo = is_echo,
        _ => {}
    }
    item
}

/// A random comment on one of two posts, or on an ad of the first post.
fn any_comment(numbers: &mut Numbers) -> Event {
    let number = numbers.below(60);
    let mut comment = plain(Kind::Comment, number);
    comment.is_self = number.is_multiple_of(3);
    comment.ids.comment_id = (number != 7).then(|| format!("comment-{number}").into());
    let place = if number.is_multiple_of(2) {
        "post-1"
    } else {
        "post-2"
    };
    comment.ids.media_id = Some(place.into());
    if number.is_multiple_of(4) {
        comment.ids.media_id = Some(format!("ad-{}", number % 8).into());
        comment.data = Some(r#"{"ad_id":"7","original_media_id":"post-1"}"#.into());
    }
    if number == 9 {
        comment.data = Some(r#"{"verb":"remove"}"#.into());
    }
    comment.ids.parent_id = match numbers.below(4) {
        0 => None,
        1 if number.is_multiple_of(5) => comment.ids.media_id.clone(),
        _ => Some(format!("comment-{}", number % 7).into()),
    };
    comment
}

/// A random delivery of now or one of the last days, with items that occurred before it, or up to a
/// day after it by Meta's clock.
fn any_delivery(numbers: &mut Numbers) -> Delivery {
    let late = match numbers.below(4) {
        0 => i64::from(numbers.below(3 * 24 * 60)),
        _ => i64::from(numbers.below(50)),
    };
    let events = (0..numbers.below(5)).map(|_| {
        let mut event = match numbers.below(2) {
            0 => any_item(numbers),
            _ => any_comment(numbers),
        };
        let minutes = late - 20 * 60 + i64::from(numbers.below(40 * 60));
        event.occurred_at = (numbers.below(9) > 0).then(|| ago(SignedDuration::from_mins(minutes)));
        event
    });
    let events: Vec<_> = events.collect();
    let mut delivery = delivery_at(ago(SignedDuration::from_mins(late)), events);
    if numbers.below(5) == 0 {
        delivery.envelope.app = "other".into();
        for event in &mut delivery.events {
            event.dedupe_key = Uuid::from_u128(event.dedupe_key.as_u128() ^ 1 << 127);
        }
    }
    delivery
}

impl World {
    /// Follows the log to its end, at most `limit` rows at once.
    pub(super) async fn list_conversations(&self, limit: u32) {
        let mut follower = Follower::new(NAME, Start::Beginning, limit);
        let mut session = counting(self).await;
        while follower
            .turn(&mut session, &mut Conversations)
            .await
            .unwrap()
            != Turn::Idle
        {}
    }

    /// Lists without conversations, for another start.
    async fn forget_conversations(&self) {
        self.run("TRUNCATE conversations, media_threads; DELETE FROM followers")
            .await;
    }

    pub(super) async fn wrong_lists(&self) -> Vec<String> {
        let wrong = [
            self.texts(WRONG_CONVERSATIONS).await,
            self.texts(WRONG_MEDIA).await,
        ];
        wrong.concat()
    }
}

#[tokio::test]
async fn the_lists_are_those_of_the_events_whatever_arrives() {
    for seed in [1, 2, 3, 4] {
        let world = World::create().await;
        let mut writer = world.writer().await;
        let mut numbers = Numbers(seed);
        for step in 0..40 {
            let size = numbers.below(4);
            let batch: Vec<_> = (0..size).map(|_| any_delivery(&mut numbers)).collect();
            writer.commit(&batch).await;
            if numbers.below(2) == 0 {
                world.list_conversations(numbers.below(20) + 1).await;
                let wrong = world.wrong_lists().await;
                assert_eq!(wrong, Vec::<String>::new(), "seed {seed}, step {step}");
            }
        }
        for limit in [1, 3, 1_000] {
            world.forget_conversations().await;
            world.list_conversations(limit).await;
            let wrong = world.wrong_lists().await;
            assert_eq!(
                wrong,
                Vec::<String>::new(),
                "seed {seed}, batches of {limit}"
            );
        }
        let rows = "SELECT count(*) FROM conversations WHERE waiting_since IS NOT NULL";
        assert!(world.number(rows).await > 0, "seed {seed}");
        let rows = "SELECT sum(unanswered)::bigint FROM media_threads";
        assert!(world.number(rows).await > 0, "seed {seed}");
    }
}

#[tokio::test]
async fn a_purge_leaves_the_lists_of_the_other_events() {
    for seed in [5, 6] {
        let world = World::create().await;
        let mut writer = world.writer().await;
        let mut numbers = Numbers(seed);
        for _ in 0..40 {
            let mut delivery = any_delivery(&mut numbers);
            if numbers.below(2) == 0 {
                delivery.source = Source::Simulated;
            }
            writer.commit(&[delivery]).await;
        }
        // The lists may be behind the events that are purged.
        world.list_conversations(20).await;
        writer.commit(&[any_delivery(&mut numbers)]).await;
        world.purge_all().await;
        world.list_conversations(1_000).await;
        assert_eq!(
            world.wrong_lists().await,
            Vec::<String>::new(),
            "seed {seed}"
        );
        assert!(world.number("SELECT count(*) FROM conversations").await > 0);
    }
}
