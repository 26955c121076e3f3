//! Several items in one delivery: every container, several entries, and items about one message.

use super::{
    super::{
        envelope::{
            change, changes_entry, changes_notification, messaging_entry, messaging_notification,
            standby_entry,
        },
        json::{Json, object},
        people::Talk,
        plan::{Kinds, Plan},
        serialise::Sender,
        world::Moment,
    },
    comments::comment,
};

pub(super) fn tell(plan: &mut Plan) {
    changes(plan);
    messaging(plan);
    standby(plan);
    several_entries(plan);
    same_account_twice(plan);
    changes_and_messaging(plan);
    messaging_and_standby(plan);
    one_mid_four_kinds(plan);
    react_unreact_react(plan);
    several_keys_in_one_item(plan);
}

/// Messaging items of one conversation in a delivery, sent at the last moment.
fn in_one_entry(
    plan: &mut Plan,
    name: &'static str,
    kinds: Kinds,
    (last, items): (&Moment, Vec<Json>),
) {
    let entry = messaging_entry(last.talk.account.id, last.sent_at, items);
    let body = messaging_notification("instagram", vec![entry]);
    plan.post(name, kinds, Sender::Messaging, &body);
}

fn text(moment: &Moment, text: &str) -> Json {
    moment.message(object! { "text": text })
}

fn seen(moment: &Moment, mid: &str) -> Json {
    moment.received(object! { "read": object! { "mid": mid } })
}

/// Two moments of an account, with two people or one.
fn two(plan: &mut Plan) -> (Moment, Moment) {
    let first = plan.world.moment();
    let person = plan.world.person();
    let account = first.talk.account;
    let second = plan.world.moment_in(Talk { account, person });
    (first, second)
}

fn changes(plan: &mut Plan) {
    let first = comment(&mut plan.world, "FEED", object! { "text": "eins" });
    let mention = object! { "media_id": plan.world.media_id() };
    let second = comment(&mut plan.world, "FEED", object! { "text": "zwei" });
    let changes = vec![
        change("comments", first),
        change("mentions", mention),
        change("comments", second),
    ];
    let account = plan.world.account();
    let kinds: Kinds = &["comment", "mention", "comment"];
    plan.changes("containers/changes", kinds, account.id, changes);
}

fn messaging(plan: &mut Plan) {
    let (first, second) = two(plan);
    let last = plan.world.moment_in(first.talk);
    let items = vec![
        text(&first, "eins"),
        text(&second, "zwei"),
        seen(&last, &first.mid),
    ];
    let kinds: Kinds = &["message", "message", "seen"];
    in_one_entry(plan, "containers/messaging", kinds, (&last, items));
}

fn standby(plan: &mut Plan) {
    let (first, last) = two(plan);
    let items = vec![text(&first, "drei"), text(&last, "vier")];
    let entry = standby_entry(last.talk.account.id, last.sent_at, items);
    let body = messaging_notification("instagram", vec![entry]);
    plan.post(
        "containers/standby",
        &["message", "message"],
        Sender::Messaging,
        &body,
    );
}

fn several_entries(plan: &mut Plan) {
    let (first, second) = two(plan);
    let third = plan.world.moment();
    let last = plan.world.moment();
    let read = plan.world.earlier_mid(last.talk);
    let entry =
        |moment: &Moment, items| messaging_entry(moment.talk.account.id, last.sent_at, items);
    let entries = vec![
        entry(&first, vec![text(&first, "a"), text(&second, "b")]),
        entry(&third, vec![text(&third, "c")]),
        entry(&last, vec![seen(&last, &read)]),
    ];
    let body = messaging_notification("instagram", entries);
    let kinds: Kinds = &["message", "message", "message", "seen"];
    plan.post(
        "containers/several_entries",
        kinds,
        Sender::Messaging,
        &body,
    );
}

fn same_account_twice(plan: &mut Plan) {
    let moment = plan.world.moment();
    let entry = |later| {
        let items = vec![text(&moment, "gleich")];
        messaging_entry(moment.talk.account.id, moment.sent_at + later, items)
    };
    let body = messaging_notification("instagram", vec![entry(0), entry(400)]);
    let kinds: Kinds = &["message", "message"];
    plan.post(
        "containers/same_account_twice",
        kinds,
        Sender::Messaging,
        &body,
    )
    .repeats = 1;
}

fn changes_and_messaging(plan: &mut Plan) {
    let comment = comment(&mut plan.world, "FEED", object! { "text": "beides" });
    let moment = plan.world.moment();
    let changes = vec![change("comments", comment)];
    let entry = changes_entry(moment.talk.account.id, moment.sent_at, changes);
    let entry = entry.and(object! { "messaging": [text(&moment, "beides")] });
    let body = changes_notification("instagram", vec![entry]);
    let kinds: Kinds = &["comment", "message"];
    plan.post(
        "containers/changes_and_messaging",
        kinds,
        Sender::Changes,
        &body,
    );
}

fn messaging_and_standby(plan: &mut Plan) {
    let moment = plan.world.moment();
    let items = || vec![text(&moment, "doppelt")];
    let entry = messaging_entry(moment.talk.account.id, moment.sent_at, items());
    let entry = entry.and(object! { "standby": items() });
    let body = messaging_notification("instagram", vec![entry]);
    let kinds: Kinds = &["message", "message"];
    plan.post(
        "containers/messaging_and_standby",
        kinds,
        Sender::Messaging,
        &body,
    )
    .repeats = 1;
}

fn one_mid_four_kinds(plan: &mut Plan) {
    let moments = four_moments(plan);
    let [first, tapped, reacted, last] = &moments;
    let mid = &first.mid;
    let postback = object! { "mid": mid, "title": "vier", "payload": "FOUR" };
    let wow = object! { "mid": mid, "action": "react", "reaction": "wow", "emoji": "😮" };
    let items = vec![
        text(first, "vier"),
        tapped.received(object! { "postback": postback }),
        reacted.received(object! { "reaction": wow }),
        seen(last, mid),
    ];
    let kinds: Kinds = &["message", "postback", "reaction", "seen"];
    in_one_entry(plan, "containers/one_mid_four_kinds", kinds, (last, items));
}

fn react_unreact_react(plan: &mut Plan) {
    let moments = four_moments(plan);
    let [written, first, second, last] = &moments;
    let mid = &written.mid;
    let love = || {
        let love = object! { "mid": mid, "action": "react", "reaction": "love", "emoji": "❤️" };
        object! { "reaction": love }
    };
    let taken_back = object! { "reaction": object! { "mid": mid, "action": "unreact" } };
    let items = vec![
        first.received(love()),
        second.received(taken_back),
        last.received(love()),
    ];
    let kinds: Kinds = &["reaction", "reaction", "reaction"];
    in_one_entry(plan, "containers/react_unreact_react", kinds, (last, items));
}

fn several_keys_in_one_item(plan: &mut Plan) {
    let moments = four_moments(plan);
    let [earlier, first, second, last] = &moments;
    let read = object! { "read": object! { "mid": &earlier.mid } };
    let postback = |title: &str, payload: &str| {
        object! { "postback": object! { "title": title, "payload": payload } }
    };
    let referral = object! { "ref": "r", "source": "SHORTLINK", "type": "OPEN_THREAD" };
    let unreact = object! { "mid": &earlier.mid, "action": "unreact" };
    let items = vec![
        text(first, "viele")
            .and(postback("x", "X"))
            .and(read.clone()),
        second.received(object! { "referral": referral }.and(postback("y", "Y"))),
        last.received(read.and(object! { "reaction": unreact })),
    ];
    let kinds: Kinds = &["message", "postback", "reaction"];
    in_one_entry(
        plan,
        "containers/several_keys_in_one_item",
        kinds,
        (last, items),
    );
}

/// Four moments of one conversation.
fn four_moments(plan: &mut Plan) -> [Moment; 4] {
    let talk = plan.world.talk();
    [(); 4].map(|()| plan.world.moment_in(talk))
}
