//! Who holds a conversation: handovers and standby; and what Meta says of how it is led.

use super::super::{
    json::{Json, object},
    plan::{Kinds, Plan},
};

/// This app, as handovers name it.
const OUR_APP: &str = "1420673958261137";
/// The inbox that it shares conversations with.
const INBOX_APP: &str = "2683170549915206";
/// The same as numbers, which is how some items write them.
const OUR_APP_NUMBER: i64 = 1_420_673_958_261_137;
const INBOX_APP_NUMBER: i64 = 2_683_170_549_915_206;

pub(super) fn tell(plan: &mut Plan) {
    handovers(plan);
    app_roles(plan);
    policy(plan);
    feedback(plan);
    standby_messages(plan);
    standby_rest(plan);
}

fn handovers(plan: &mut Plan) {
    let to_inbox = owners(OUR_APP.into(), INBOX_APP, "to a human");
    let from_nobody = owners(Json::Null, OUR_APP, "");
    let back = owners(INBOX_APP.into(), OUR_APP, "done");
    let asked = object! { "requested_owner_app_id": OUR_APP_NUMBER, "metadata": "bitte" };
    let passed = object! { "caller_app_id": INBOX_APP, "metadata": "Auftrag 77" };
    let shown = [
        (
            "handovers/pass",
            object! { "pass_thread_control": to_inbox },
        ),
        (
            "handovers/pass_from_nobody",
            object! { "pass_thread_control": from_nobody },
        ),
        ("handovers/take", object! { "take_thread_control": back }),
        (
            "handovers/request",
            object! { "request_thread_control": asked },
        ),
        (
            "handovers/pass_metadata",
            object! { "pass_thread_metadata": passed },
        ),
    ];
    for (name, keys) in shown {
        plan.received(name, &["handover"], keys);
    }
}

fn owners(previous: Json, new: &str, metadata: &str) -> Json {
    object! {
        "previous_owner_app_id": previous,
        "new_owner_app_id": new,
        "metadata": metadata,
    }
}

/// An item about the account itself: it has no sender.
fn to_account(plan: &mut Plan, name: &'static str, kinds: Kinds, keys: Json) {
    let moment = plan.world.moment();
    let item = object! {
        "recipient": object! { "id": moment.talk.account.id },
        "timestamp": moment.at,
    };
    plan.item(name, kinds, &moment, item.and(keys));
}

fn app_roles(plan: &mut Plan) {
    let roles = Json::Object(vec![
        (OUR_APP, ["primary_receiver".into()].into()),
        (INBOX_APP, ["secondary_receiver".into()].into()),
    ]);
    to_account(
        plan,
        "handovers/app_roles",
        &["handover"],
        object! { "app_roles": roles },
    );
}

/// The documentation has the key with a hyphen; it has been seen with an underscore.
fn policy(plan: &mut Plan) {
    let reason =
        "Invented reason: too many messages outside the window (https://example.org/policy).";
    let kinds: Kinds = &["policy_enforcement"];
    let warning = object! { "action": "warning", "reason": reason };
    let keys = object! { "policy-enforcement": warning };
    to_account(plan, "policy_enforcements/hyphen", kinds, keys);
    let unblock = object! { "action": "unblock", "reason": reason };
    let keys = object! { "policy_enforcement": unblock };
    to_account(plan, "policy_enforcements/underscore", kinds, keys);
}

fn feedback(plan: &mut Plan) {
    let shown = [
        ("response_feedback/good", "Good response"),
        ("response_feedback/bad", "Bad response"),
    ];
    for (name, feedback) in shown {
        let talk = plan.world.talk();
        let mid = plan.world.earlier_mid(talk);
        let moment = plan.world.moment_in(talk);
        let keys = object! { "response_feedback": object! { "feedback": feedback, "mid": mid } };
        let item = moment.received(keys);
        plan.item(name, &["response_feedback"], &moment, item);
    }
}

fn standby_messages(plan: &mut Plan) {
    let moment = plan.world.moment();
    let item = moment.message(object! { "text": "Ist jemand da?" });
    plan.standby("standby/message", &["message"], &moment, item);
    let moment = plan.world.moment();
    let message = object! {
        "mid": &moment.mid,
        "text": "Ich bin da.",
        "is_echo": true,
        "app_id": INBOX_APP_NUMBER,
    };
    let item = moment.sent(object! { "message": message });
    plan.standby("standby/echo_app_id", &["message!echo"], &moment, item);
}

fn standby_rest(plan: &mut Plan) {
    let talk = plan.world.talk();
    let mid = plan.world.earlier_mid(talk);
    let like = object! { "mid": &mid, "action": "react", "reaction": "like", "emoji": "👍" };
    let moment = plan.world.moment_in(talk);
    let item = moment.received(object! { "reaction": like });
    plan.standby("standby/reaction", &["reaction"], &moment, item);
    let moment = plan.world.moment_in(talk);
    let item = moment.received(object! { "read": object! { "mid": mid } });
    plan.standby("standby/seen", &["seen"], &moment, item);
    let moment = plan.world.moment_in(talk);
    let postback = object! { "mid": &moment.mid, "title": "Absagen" };
    let item = moment.received(object! { "postback": postback });
    plan.standby(
        "standby/postback_without_payload",
        &["postback"],
        &moment,
        item,
    );
}
