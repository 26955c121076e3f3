//! The typed shapes of what an item carries, one file per kind, each in the same order: the
//! struct with every documented property, then how it is read.
//!
//! Reading is total: a property that is missing or of another type is `None`, a value nobody knew
//! is `Other`, and keys that are not modelled stay in `extra`, mostly the first hundred of an
//! object. The properties are those of the Instagram Platform and Messenger Platform webhook
//! references; where recorded deliveries differ from the documents, the file says so.

mod attachment;
mod comment;
mod detail;
mod feedback;
mod handover;
mod mention;
mod message;
mod message_edit;
mod optin;
mod parties;
mod policy;
mod postback;
mod reaction;
mod referral;
mod seen;
mod story_insights;

pub use attachment::{Attachment, AttachmentType, Element};
pub use comment::{Comment, MediaProductType};
pub use detail::Detail;
pub use feedback::ResponseFeedback;
pub use handover::{Handover, HandoverStep};
pub use mention::Mention;
pub use message::{Message, ReplyTo, Story};
pub use message_edit::MessageEdit;
pub use optin::Optin;
pub use parties::Parties;
pub use policy::{PolicyAction, PolicyEnforcement};
pub use postback::Postback;
pub use reaction::{Reaction, ReactionAction, ReactionName};
pub use referral::{AdsContext, Referral, ReferralSource};
pub use seen::Seen;
pub use story_insights::StoryInsights;

#[cfg(test)]
mod tests;
