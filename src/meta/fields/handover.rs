//! The control of a conversation moves between apps (`messaging_handover`).

use std::borrow::Cow;

use crate::meta::json::{Extra, Object};

/// A step of the handover protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HandoverStep {
    /// Another app passed the control.
    Pass,
    /// Another app took it.
    Take,
    /// Another app asks for it.
    Request,
    /// Another app passed metadata, and kept the control.
    PassMetadata,
    /// The roles of the apps changed.
    AppRoles,
}

/// A step of the handover protocol, with its apps.
#[derive(Clone, Debug)]
pub struct Handover<'a> {
    /// The step; none if the item does not say.
    pub step: Option<HandoverStep>,
    /// The app that had the control; null if none had.
    pub previous_owner_app_id: Option<Cow<'a, str>>,
    /// The app that has it now.
    pub new_owner_app_id: Option<Cow<'a, str>>,
    /// The app that asks for it.
    pub requested_owner_app_id: Option<Cow<'a, str>>,
    /// The app that passed metadata.
    pub caller_app_id: Option<Cow<'a, str>>,
    /// Text of the other app.
    pub metadata: Option<Cow<'a, str>>,
    /// The roles by app, as JSON, of [`HandoverStep::AppRoles`].
    pub roles: Option<&'a str>,
    /// Keys that are not modelled.
    pub extra: Extra<'a>,
}

const KEYS: &[&str] = &[
    "previous_owner_app_id",
    "new_owner_app_id",
    "requested_owner_app_id",
    "caller_app_id",
    "metadata",
];

impl HandoverStep {
    /// Every step, in the order in which their keys decide.
    pub(crate) const ALL: [Self; 5] = [
        Self::Pass,
        Self::Take,
        Self::Request,
        Self::PassMetadata,
        Self::AppRoles,
    ];

    /// The key of an item that says it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pass => "pass_thread_control",
            Self::Take => "take_thread_control",
            Self::Request => "request_thread_control",
            Self::PassMetadata => "pass_thread_metadata",
            Self::AppRoles => "app_roles",
        }
    }
}

impl<'a> Handover<'a> {
    /// Reads `value`, which stands under `key` of an item.
    pub(crate) fn read(key: Option<&str>, value: &Object<'_, 'a>, item: &Object<'_, 'a>) -> Self {
        let step = HandoverStep::ALL
            .into_iter()
            .find(|step| Some(step.as_str()) == key);
        let roles = step.filter(|step| *step == HandoverStep::AppRoles);
        Self {
            step,
            previous_owner_app_id: value.id("previous_owner_app_id"),
            new_owner_app_id: value.id("new_owner_app_id"),
            requested_owner_app_id: value.id("requested_owner_app_id"),
            caller_app_id: value.id("caller_app_id"),
            metadata: value.text("metadata"),
            roles: roles.and_then(|step| item.raw(step.as_str())),
            extra: value.extra(KEYS),
        }
    }
}
