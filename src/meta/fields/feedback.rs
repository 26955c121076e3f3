//! Somebody rated an answer (`response_feedback`).

use std::borrow::Cow;

use crate::meta::json::{Extra, Object};

/// A rating of an answer.
#[derive(Clone, Debug)]
pub struct ResponseFeedback<'a> {
    /// The message that was rated.
    pub mid: Option<Cow<'a, str>>,
    /// The rating, in Meta's words.
    pub feedback: Option<Cow<'a, str>>,
    /// What is not modelled.
    pub extra: Extra<'a>,
}

impl<'a> ResponseFeedback<'a> {
    /// Reads the value of `response_feedback`.
    pub(crate) fn read(feedback: &Object<'_, 'a>) -> Self {
        Self {
            mid: feedback.id("mid"),
            feedback: feedback.text("feedback"),
            extra: feedback.extra(&["mid", "feedback"]),
        }
    }
}
