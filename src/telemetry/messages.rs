//! The macro `messages!`, from which the catalogue of log messages is built.

use std::time::Duration;

use tracing::Level;

/// An event that writes a log record, moves metrics, or both.
pub trait LogEvent {
    /// The documentation of the entry in the catalogue: when it happens, and its fields.
    const MEANING: &'static str;

    /// Writes the record and moves the metrics.
    fn emit(self);
}

/// Entry of the catalogue.
#[derive(Clone, Copy, Debug)]
pub struct Message {
    /// Target of the record, one of [`TARGETS`](super::TARGETS).
    pub target: &'static str,
    /// Text of the record.
    pub text: &'static str,
    /// Levels that the record may have.
    pub levels: &'static [Level],
    /// Names of the fields.
    pub fields: &'static [&'static str],
    /// Description for the reference of log messages.
    pub meaning: &'static str,
}

/// Declares the events of a part of the server, whose records have the same target:
///
/// ```text
/// target: "word";
///
/// /// When it happens.
/// Name { value: Type, … }
///     "text of the record" [field, field = expression, …] LEVEL if condition, LEVEL
///     => expression;
/// ```
///
/// An entry becomes a struct with these values. Its `emit` writes the record at the first level
/// whose condition is true, or no record if no condition is true. Then it evaluates the expression,
/// usually to move a metric. Fields, conditions and the expression see the values by name; fields
/// may use `display` and `debug` of [`tracing::field`]. The record and the expression are optional.
/// `MESSAGES` lists all records of the file with the documentation of their entries;
/// docs/reference/telemetry.md is generated from it.
macro_rules! messages {
    (target: $target:literal; $(
        $(#[doc = $doc:literal])+
        $name:ident $(<$life:lifetime>)? $({ $($value:ident: $type:ty),* $(,)? })?
            $($text:literal $fields:tt $($level:ident $(if $when:expr)?),+)?
            $(=> $then:expr)?;
    )+) => {
        $(
            messages!(@struct $(#[doc = $doc])+ $name $(<$life>)? $({ $($value: $type),* })?);

            impl $(<$life>)? $crate::telemetry::messages::LogEvent for $name $(<$life>)? {
                const MEANING: &'static str = concat!($($doc),+);

                fn emit(self) {
                    $(let Self { $($value),* } = self;)?
                    $('record: {
                        $($(if $when)? {
                            messages!(@record $target $level $fields $text);
                            break 'record;
                        })+
                    })?
                    $($then;)?
                }
            }
        )+

        /// The records of this part.
        pub const MESSAGES: &[$crate::telemetry::messages::Message] = &[
            $($($crate::telemetry::messages::Message {
                target: $target,
                text: $text,
                levels: &[$(tracing::Level::$level),+],
                fields: messages!(@names $fields),
                meaning: <$name as $crate::telemetry::messages::LogEvent>::MEANING,
            },)?)+
        ];
    };
    (@struct $(#[doc = $doc:literal])+ $name:ident) => {
        $(#[doc = $doc])+
        #[derive(Debug)]
        pub struct $name;
    };
    (@struct $(#[doc = $doc:literal])+ $name:ident $(<$life:lifetime>)? { $($value:ident: $type:ty),* }) => {
        $(#[doc = $doc])+
        #[expect(missing_docs, reason = "docs/reference/telemetry.md describes the fields")]
        #[derive(Debug)]
        pub struct $name $(<$life>)? { $(pub $value: $type),* }
    };
    (@record $target:literal $level:ident [$($field:ident $(= $expression:expr)?),*] $text:literal) => {
        tracing::event!(target: $target, tracing::Level::$level, $($field $(= $expression)?,)* $text)
    };
    (@names [$($field:ident $(= $expression:expr)?),*]) => { &[$(stringify!($field)),*] };
}
pub(super) use messages;

/// Duration in milliseconds, as log records show it.
pub(super) fn millis(took: Duration) -> u64 {
    u64::try_from(took.as_millis()).unwrap_or(u64::MAX)
}
