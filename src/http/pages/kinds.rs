//! Kinds on a page: family, icon and word.

use crate::meta::event::Kind;

/// Appearance of a kind.
#[derive(Clone, Copy, Debug)]
pub(super) struct Look {
    /// Class of the family, which has a hue.
    pub(super) family: &'static str,
    /// Name of the icon.
    pub(super) icon: &'static str,
    pub(super) word: &'static str,
}

/// Families of kinds with their names, in the order of a bar.
pub(super) const FAMILIES: [(&str, &str); 6] = [
    ("messages", "Messages"),
    ("comments", "Comments"),
    ("mentions", "Mentions and stories"),
    ("reactions", "Reactions and seen"),
    ("buttons", "Buttons, referrals, opt-ins"),
    ("control", "Handovers, policy, unknown"),
];

const fn look(family: &'static str, icon: &'static str, word: &'static str) -> Look {
    Look { family, icon, word }
}

/// Appearance of the kind with this name.
pub(super) fn look_of(kind: &str) -> Look {
    match Kind::of_name(kind).unwrap_or(Kind::Unknown) {
        Kind::Message => look("messages", "message-circle", "Message"),
        Kind::MessageEdit => look("messages", "pencil", "Edit"),
        Kind::MessageDeleted => look("messages", "trash-2", "Unsent"),
        Kind::Comment => look("comments", "message-square", "Comment"),
        Kind::LiveComment => look("comments", "radio", "Live comment"),
        Kind::Mention => look("mentions", "at-sign", "Mention"),
        Kind::StoryInsights => look("mentions", "chart-no-axes-column", "Story insights"),
        Kind::Reaction => look("reactions", "heart", "Reaction"),
        Kind::Seen => look("reactions", "eye", "Seen"),
        Kind::ResponseFeedback => look("reactions", "star", "Feedback"),
        Kind::Postback => look("buttons", "mouse-pointer-click", "Button"),
        Kind::Referral => look("buttons", "tag", "Referral"),
        Kind::Optin => look("buttons", "bell", "Opt-in"),
        Kind::Handover => look("control", "arrow-right-left", "Handover"),
        Kind::PolicyEnforcement => look("control", "shield-alert", "Policy"),
        Kind::Unknown => look("control", "circle-help", "Unknown"),
    }
}
