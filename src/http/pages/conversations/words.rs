//! Words for the parts of a conversation that are no text: events between the messages,
//! attachments, referrals and gaps.

use crate::{
    http::pages::{kinds::look_of, text},
    meta::event::Kind,
    query::{Line, ReplyTo},
};

/// Maximum number of characters of a field within other words.
const LONGEST: usize = 160;

/// Icon and name of a type of attachment.
type Look = (&'static str, &'static str);

/// Attachments by their type in Meta's words.
const ATTACHMENTS: [(&str, Look); 22] = [
    ("image", ("image", "Photo")),
    ("video", ("video", "Video")),
    ("audio", ("mic", "Voice message")),
    ("file", ("file", "File")),
    ("share", ("share-2", "Shared post")),
    ("ig_post", ("share-2", "Shared post")),
    ("post", ("share-2", "Shared post")),
    ("reel", ("play", "Shared reel")),
    ("ig_reel", ("play", "Shared reel")),
    ("story", ("image", "Shared story")),
    ("ig_story", ("image", "Shared story")),
    ("story_mention", ("at-sign", "Mentioned you in a story")),
    ("like_heart", ("heart", "Heart")),
    ("sticker", ("smile", "Sticker")),
    ("animated_image", ("smile", "Animated image")),
    ("location", ("globe", "Location")),
    ("template", ("rows-3", "Template")),
    ("product", ("store", "Product")),
    ("fallback", ("link", "Link")),
    ("media", ("image", "Media")),
    ("ephemeral", ("eye-off", "Disappearing photo or video")),
    ("unsupported_type", ("info", "Type unknown to Meta's API")),
];

/// Icon and name of an attachment; of an unknown type, the name of the type.
pub(super) fn attachment(kind: &str) -> (&'static str, String) {
    let known = ATTACHMENTS.iter().find(|(name, _)| *name == kind);
    match known {
        Some((_, (icon, word))) => (icon, (*word).to_owned()),
        None => ("paperclip", cut(kind)),
    }
}

/// True for lines of a message or a tapped button.
pub(super) fn is_message(line: &Line) -> bool {
    let kind = line.kind.as_str();
    kind == Kind::Message.as_str() || kind == Kind::Postback.as_str()
}

/// True for a tapped button or quick reply.
pub(super) fn is_button(line: &Line) -> bool {
    line.kind == Kind::Postback.as_str() || line.details.contains_key("quick_reply.payload")
}

/// An event between the messages.
pub(super) fn between(line: &Line) -> String {
    let detail = |name: &str| line.details.get(name).map(|value| cut(value));
    let with = |word: &str, details: [Option<String>; 2]| {
        let details: Vec<_> = details.into_iter().flatten().collect();
        match details[..] {
            [] => word.to_owned(),
            _ => format!("{word}: {}", details.join(", ")),
        }
    };
    match Kind::of_name(&line.kind) {
        Some(Kind::Handover) => handover(line),
        Some(Kind::Optin) => with(
            "Opt-in",
            [
                detail("title").or(detail("type")),
                detail("notification_messages_status"),
            ],
        ),
        Some(Kind::PolicyEnforcement) => with("Policy", [detail("action"), detail("reason")]),
        Some(Kind::ResponseFeedback) => with("Feedback", [detail("feedback"), None]),
        _ => with(
            look_of(&line.kind).word,
            [line.text.as_deref().map(cut), None],
        ),
    }
}

fn handover(line: &Line) -> String {
    let app = |word: &str, name: &str| {
        let id = line.details.get(name);
        id.map_or_else(String::new, |id| format!(" {word} app {}", cut(id)))
    };
    let from = app("from", "previous_owner_app_id");
    let to = app("to", "new_owner_app_id");
    match line.details.get("step").map(String::as_str) {
        Some("pass_thread_control") => format!("Control passed{from}{to}"),
        Some("take_thread_control") => format!("Control taken{from}{to}"),
        Some("request_thread_control") => {
            format!("Control requested{}", app("by", "requested_owner_app_id"))
        }
        Some("app_roles") => "Roles of apps changed".to_owned(),
        _ => format!("Handover{from}{to}"),
    }
}

/// The way through which the person came, of a referral or of a message with one.
pub(super) fn way_in(line: &Line) -> Option<String> {
    let is_alone = line.kind == Kind::Referral.as_str();
    let prefix = if is_alone { "" } else { "referral." };
    let field = |name: &str| line.details.get(&format!("{prefix}{name}"));
    if !is_alone && !line.details.keys().any(|name| name.starts_with(prefix)) {
        return None;
    }
    let words = match (field("ads_context_data.ad_title"), field("ad_id")) {
        (Some(title), _) => format!("Came through the ad \u{201c}{}\u{201d}", cut(title)),
        (None, Some(ad)) => format!("Came through the ad {}", cut(ad)),
        (None, None) => match field("source").map(String::as_str) {
            Some("ADS") => "Came through an ad".to_owned(),
            Some("IG_STORY") => "Came through a story".to_owned(),
            Some("IGME-SOURCE-LINK") => "Came through an ig.me link".to_owned(),
            Some(other) => format!("Came through {}", cut(other)),
            None => "Came through a link".to_owned(),
        },
    };
    let reference = field("ref").map(|name| format!(", reference {}", cut(name)));
    Some(format!("{words}{}", reference.unwrap_or_default()))
}

/// The message or story that a message answers, if its text is not there.
pub(super) fn answered(reply: &ReplyTo) -> &'static str {
    match (&reply.story_id, reply.is_unsent) {
        (_, true) => "An unsent message",
        (Some(_), false) => "A story",
        (None, false) => "An earlier message",
    }
}

/// A gap in the deliveries, and its effect.
pub(super) fn gap(cause: &str) -> [&'static str; 2] {
    let missing = "Messages of this time may be missing.";
    match cause {
        "spooling" => [
            "Deliveries waited in the spool",
            "Messages of this time arrived late.",
        ],
        "refusing" => ["Deliveries from Meta were rejected", missing],
        "unable" => ["Hookshelf could not store deliveries", missing],
        _ => ["Hookshelf was down", missing],
    }
}

/// The beginning of a long text.
pub(super) fn cut(text: &str) -> String {
    text::cut(text, LONGEST)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::query::GapCause;

    fn line(kind: Kind, details: &[(&str, &str)]) -> Line {
        let details = details.iter();
        Line {
            kind: kind.as_str().to_owned(),
            details: details
                .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
                .collect(),
            ..Line::default()
        }
    }

    #[test]
    fn a_handover_names_both_apps() {
        let passed = [
            ("step", "pass_thread_control"),
            ("previous_owner_app_id", "1"),
            ("new_owner_app_id", "2"),
        ];
        let words = between(&line(Kind::Handover, &passed));
        assert_eq!(words, "Control passed from app 1 to app 2");
        let requested = [
            ("step", "request_thread_control"),
            ("requested_owner_app_id", "3"),
        ];
        let words = between(&line(Kind::Handover, &requested));
        assert_eq!(words, "Control requested by app 3");
    }

    #[test]
    fn a_way_in_is_the_ad_or_the_source() {
        let ad = [
            ("referral.ads_context_data.ad_title", "Winter"),
            ("referral.ref", "xmas"),
        ];
        assert_eq!(
            way_in(&line(Kind::Message, &ad)).unwrap(),
            "Came through the ad “Winter”, reference xmas"
        );
        let story = line(Kind::Referral, &[("source", "IG_STORY")]);
        assert_eq!(way_in(&story).unwrap(), "Came through a story");
        assert_eq!(way_in(&line(Kind::Message, &[("folder", "a")])), None);
    }

    #[test]
    fn each_cause_of_a_gap_has_words() {
        let words: Vec<_> = GapCause::ALL.iter().map(|it| gap(it.as_str())).collect();
        let mut causes: Vec<_> = words.iter().map(|[cause, _]| cause).collect();
        causes.sort_unstable();
        causes.dedup();
        assert_eq!(causes.len(), GapCause::ALL.len());
    }
}
