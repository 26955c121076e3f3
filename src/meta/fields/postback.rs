//! A tap on a button, an icebreaker or a menu item (`messaging_postbacks`).

use std::borrow::Cow;

use super::referral::Referral;
use crate::meta::json::{Extra, Object};

/// A tap. In standby it comes without its payload.
#[derive(Clone, Debug)]
pub struct Postback<'a> {
    /// The message; absent before version 11 of the API.
    pub mid: Option<Cow<'a, str>>,
    /// The words on the button.
    pub title: Option<Cow<'a, str>>,
    /// What the developer put behind it.
    pub payload: Option<Cow<'a, str>>,
    /// How the person came, where the tap opened the conversation.
    pub referral: Option<Referral<'a>>,
    /// What is not modelled.
    pub extra: Extra<'a>,
}

impl<'a> Postback<'a> {
    /// Reads the value of `postback`. Its referral has also been seen beside it, in `item`.
    pub(crate) fn read(postback: &Object<'_, 'a>, item: &Object<'_, 'a>) -> Self {
        let referral = postback
            .object("referral")
            .or_else(|| item.object("referral"));
        Self {
            mid: postback.id("mid"),
            title: postback.text("title"),
            payload: postback.text("payload"),
            referral: referral.as_ref().map(Referral::read),
            extra: postback.extra(&["mid", "title", "payload", "referral"]),
        }
    }
}
