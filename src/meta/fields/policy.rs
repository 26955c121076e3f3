//! Meta warns, blocks or unblocks the account (`messaging_policy_enforcement`).

use std::borrow::Cow;

use crate::meta::{
    json::{Extra, Object},
    open_enum::open_enum,
};

open_enum! {
    /// What Meta did.
    PolicyAction {
        /// A warning.
        Warning = "warning",
        /// The account may send no more.
        Block = "block",
        /// It may again.
        Unblock = "unblock",
    }
}

/// A policy enforcement. It has no sender.
#[derive(Clone, Debug)]
pub struct PolicyEnforcement<'a> {
    /// What Meta did.
    pub action: Option<PolicyAction<'a>>,
    /// Why.
    pub reason: Option<Cow<'a, str>>,
    /// What is not modelled.
    pub extra: Extra<'a>,
}

impl<'a> PolicyEnforcement<'a> {
    /// Reads the value of `policy-enforcement`.
    pub(crate) fn read(enforcement: &Object<'_, 'a>) -> Self {
        Self {
            action: enforcement.text("action").map(Into::into),
            reason: enforcement.text("reason"),
            extra: enforcement.extra(&["action", "reason"]),
        }
    }
}
