//! A reaction to a message, or its end (`message_reactions`).

use std::borrow::Cow;

use crate::meta::{
    json::{Extra, Object},
    open_enum::open_enum,
};

open_enum! {
    /// Whether the reaction begins or ends.
    ReactionAction {
        /// It begins.
        React = "react",
        /// It ends.
        Unreact = "unreact",
    }
}

open_enum! {
    /// The name of a reaction; `other` goes with any emoji.
    ReactionName {
        /// Angry.
        Angry = "angry",
        /// Sad.
        Sad = "sad",
        /// Surprised.
        Wow = "wow",
        /// A heart.
        Love = "love",
        /// A thumb up.
        Like = "like",
        /// Laughing.
        Laugh = "laugh",
        /// Any other emoji.
        AnyOther = "other",
    }
}

/// A reaction. One that ends carries neither name nor emoji.
#[derive(Clone, Debug)]
pub struct Reaction<'a> {
    /// The message.
    pub mid: Option<Cow<'a, str>>,
    /// Whether it begins or ends.
    pub action: Option<ReactionAction<'a>>,
    /// Its name.
    pub reaction: Option<ReactionName<'a>>,
    /// The emoji, with or without a variation selector.
    pub emoji: Option<Cow<'a, str>>,
    /// What is not modelled.
    pub extra: Extra<'a>,
}

impl<'a> Reaction<'a> {
    /// Reads the value of `reaction`.
    pub(crate) fn read(reaction: &Object<'_, 'a>) -> Self {
        Self {
            mid: reaction.id("mid"),
            action: reaction.text("action").map(Into::into),
            reaction: reaction.text("reaction").map(Into::into),
            emoji: reaction.text("emoji"),
            extra: reaction.extra(&["mid", "action", "reaction", "emoji"]),
        }
    }
}
