//! What can happen in a step of a story.

use crate::meta::event::Kind;

/// The place, among what was told in a story, of a message or comment that a later step refers to.
pub(super) type Line = usize;

/// What somebody says, by its part in the story; `texts` has the words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Words {
    /// A person's first message.
    Ask,
    /// Another one of theirs.
    More,
    /// What replaces a message that was edited.
    Corrected,
    /// What somebody wrote in the wrong chat.
    Oops,
    /// The account's answer.
    Answer,
    /// An answer that a machine gives at once.
    Automatic,
    /// The person's last word.
    Thanks,
    /// To a story.
    ToStory,
    /// A comment that needs no answer.
    Praise,
    /// A comment that asks something.
    Question,
    /// An answer of another person below a comment.
    Reply,
    /// The account's answer below a comment.
    OwnReply,
    /// During a broadcast.
    Live,
}

/// What a message carries instead of a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Attachment {
    Image,
    Video,
    Audio,
    Post,
    Reel,
    /// The person mentions the account in a story of theirs.
    StoryMention,
    /// A picture to be seen once: it has no address.
    Ephemeral,
    LikeHeart,
    Sticker,
    /// A type that nobody documents.
    Hologram,
    /// Nothing that Meta hands on.
    Unsupported,
}

/// One thing that happens. Whoever is not named is the first person of the story.
#[derive(Debug)]
pub(super) enum Act {
    /// The person writes, with a `quick_reply` where they tapped one.
    Say { words: Words, tapped: bool },
    /// The person answers an earlier message.
    ReplyTo { line: Line, words: Words },
    /// The person sends something else than a text.
    Attach(Attachment),
    /// The person answers a story of the account.
    ToStory,
    /// The person writes after a click on an ad.
    FromAd,
    /// The account writes.
    Echo {
        words: Words,
        reply_to: Option<Line>,
    },
    /// The account sends a picture.
    EchoPicture,
    /// Another app writes for the account.
    EchoOfApp,
    /// The person gives a message another text, for the `count`th time.
    Edit { line: Line, count: u8 },
    /// Meta says that a message was edited, but neither by whom nor how.
    EditUntold(Line),
    /// Whoever wrote a message takes it back.
    Unsend(Line),
    /// The person reacts to a message; `again` with another emoji than the first time.
    React { line: Line, again: bool },
    /// The person takes the reaction back.
    Unreact(Line),
    /// The person has seen a message.
    Seen(Line),
    /// Somebody has; Meta does not say who.
    SeenUntold(Line),
    /// The person taps a button, an icebreaker or a menu item.
    Tap,
    /// The person begins by a button after a click on an ad.
    TapFromAd,
    /// The person comes in through a link or a story.
    Referred,
    /// The person comes in through an ad.
    ReferredByAd,
    /// The person agrees to be written to, or stops it.
    Optin { stop: bool },
    /// The conversation goes to the inbox of the account.
    Pass,
    /// The app takes the conversation back.
    Take,
    /// The inbox asks for the conversation.
    Request,
    /// Meta tells the account which app has which role.
    Roles,
    /// Meta warns, blocks or unblocks the account.
    Policy,
    /// The person rates an answer.
    Feedback(Line),
    /// A messaging item that is not known yet.
    NewItem,

    /// Somebody comments, below `parent` or the media itself, through an ad or not.
    Comment {
        who: usize,
        words: Words,
        parent: Option<Line>,
        by_ad: bool,
    },
    /// The same comment once more, through the ad where it came without and the reverse.
    Twin(Line),
    /// A comment without a text.
    Gif { who: usize },
    /// The account comments below a comment.
    OwnComment(Line),
    /// Somebody comments on a broadcast.
    Live { who: usize },
    /// Somebody mentions the account in a comment or in the caption of their post.
    Mention { in_comment: bool },
    /// The numbers of a story that expired.
    Insights,
    /// A change of a field that is not known yet.
    NewField,
}

impl Act {
    /// The kind of the event that comes of it.
    pub(super) fn kind(&self) -> Kind {
        match self {
            Self::Say { .. }
            | Self::ReplyTo { .. }
            | Self::Attach(_)
            | Self::ToStory
            | Self::FromAd
            | Self::Echo { .. }
            | Self::EchoPicture
            | Self::EchoOfApp => Kind::Message,
            Self::Edit { .. } | Self::EditUntold(_) => Kind::MessageEdit,
            Self::Unsend(_) => Kind::MessageDeleted,
            Self::React { .. } | Self::Unreact(_) => Kind::Reaction,
            Self::Seen(_) | Self::SeenUntold(_) => Kind::Seen,
            Self::Tap | Self::TapFromAd => Kind::Postback,
            Self::Referred | Self::ReferredByAd => Kind::Referral,
            Self::Optin { .. } => Kind::Optin,
            Self::Pass | Self::Take | Self::Request | Self::Roles => Kind::Handover,
            Self::Policy => Kind::PolicyEnforcement,
            Self::Feedback(_) => Kind::ResponseFeedback,
            Self::Comment { .. } | Self::Twin(_) | Self::Gif { .. } | Self::OwnComment(_) => {
                Kind::Comment
            }
            Self::Live { .. } => Kind::LiveComment,
            Self::Mention { .. } => Kind::Mention,
            Self::Insights => Kind::StoryInsights,
            Self::NewItem | Self::NewField => Kind::Unknown,
        }
    }

    /// Whether later steps can refer to it.
    pub(super) fn is_line(&self) -> bool {
        match self.kind() {
            Kind::Message | Kind::Postback => true,
            Kind::Comment => !matches!(self, Self::Twin(_)),
            _ => false,
        }
    }
}
