//! The control of a conversation moves between apps (`messaging_handover`).

use std::borrow::Cow;

use crate::meta::json::{Extra, Object};

/// Which step of the protocol it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HandoverStep {
    /// Another app passed the control.
    Pass,
    /// Another app took it.
    Take,
    /// Another app asks for it.
    Request,
    /// The roles of the apps changed.
    AppRoles,
}

/// A step of the handover protocol.
#[derive(Clone, Debug)]
pub struct Handover<'a> {
    /// Which step; none where the item does not say.
    pub step: Option<HandoverStep>,
    /// Who had the control; null where nobody had.
    pub previous_owner_app_id: Option<Cow<'a, str>>,
    /// Who has it now.
    pub new_owner_app_id: Option<Cow<'a, str>>,
    /// Who asks for it.
    pub requested_owner_app_id: Option<Cow<'a, str>>,
    /// What the other app wrote beside it.
    pub metadata: Option<Cow<'a, str>>,
    /// What is not modelled; for [`HandoverStep::AppRoles`] the roles by app.
    pub extra: Extra<'a>,
}

const KEYS: &[&str] = &[
    "previous_owner_app_id",
    "new_owner_app_id",
    "requested_owner_app_id",
    "metadata",
];

impl HandoverStep {
    /// The step and the key of an item that says it.
    pub(crate) const ALL: [(Self, &'static str); 4] = [
        (Self::Pass, "pass_thread_control"),
        (Self::Take, "take_thread_control"),
        (Self::Request, "request_thread_control"),
        (Self::AppRoles, "app_roles"),
    ];

    /// The key of an item that says it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pass => "pass_thread_control",
            Self::Take => "take_thread_control",
            Self::Request => "request_thread_control",
            Self::AppRoles => "app_roles",
        }
    }
}

impl<'a> Handover<'a> {
    /// Reads the value that stood under `key`.
    pub(crate) fn read(key: Option<&str>, value: &Object<'_, 'a>) -> Self {
        let step = HandoverStep::ALL
            .iter()
            .find(|(_, name)| Some(*name) == key);
        Self {
            step: step.map(|(step, _)| *step),
            previous_owner_app_id: value.id("previous_owner_app_id"),
            new_owner_app_id: value.id("new_owner_app_id"),
            requested_owner_app_id: value.id("requested_owner_app_id"),
            metadata: value.text("metadata"),
            extra: value.extra(KEYS),
        }
    }
}
