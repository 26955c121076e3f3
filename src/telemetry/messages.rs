//! Macro that defines the catalogue of log events, and helpers for its entries.

use std::time::Duration;

use tracing::Level;

/// An event that is logged, counted by metrics, or both.
pub trait LogEvent {
    /// The documentation of the entry in the catalogue: when it happens, and its fields.
    const MEANING: &'static str;

    /// Writes the record and moves the metrics.
    fn emit(self);
}

/// One entry of the catalogue.
#[derive(Clone, Copy, Debug)]
pub struct Message {
    /// The text of the record.
    pub text: &'static str,
    /// The levels that it may have.
    pub levels: &'static [Level],
    /// The names of its fields.
    pub fields: &'static [&'static str],
    /// When it is written, for the reference of log messages.
    pub meaning: &'static str,
}

/// Declares everything that may happen in a part of the server, an entry each:
///
/// ```text
/// /// When it happens.
/// Name { value: Type, … }
///     "text of the record" [field, field = expression, …] LEVEL if condition, LEVEL
///     => expression;
/// ```
///
/// An entry becomes a struct with these values. Its `emit` writes the record at the first level
/// whose condition holds, or none if no condition does, and then evaluates the expression, which
/// mostly moves a metric. Fields, conditions and the expression see the values by name; fields may
/// use `display` and `debug` of [`tracing::field`]. The record or the expression may be left out.
/// All records of the file are listed in `MESSAGES`, with the documentation of their entries, from
/// which docs/reference/telemetry.md is generated.
macro_rules! messages {
    ($(
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
                            messages!(@record $level $fields $text);
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
    (@record $level:ident [$($field:ident $(= $expression:expr)?),*] $text:literal) => {
        tracing::event!(tracing::Level::$level, $($field $(= $expression)?,)* $text)
    };
    (@names [$($field:ident $(= $expression:expr)?),*]) => { &[$(stringify!($field)),*] };
}
pub(super) use messages;

/// A span of time as records show it.
pub(super) fn millis(took: Duration) -> u64 {
    u64::try_from(took.as_millis()).unwrap_or(u64::MAX)
}
