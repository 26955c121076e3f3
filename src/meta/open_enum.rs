//! Enums of Meta's that grow without notice: a value nobody knew yet is data, not an error.

/// Declares an enum with a spelling for each known value and `Other` for every other one.
macro_rules! open_enum {
    ($(#[$doc:meta])* $name:ident { $($(#[$variant_doc:meta])* $variant:ident = $text:literal,)+ }) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, Hash)]
        pub enum $name<'a> {
            $($(#[$variant_doc])* $variant,)+
            /// A value that was not known when this was written, as it came.
            Other(std::borrow::Cow<'a, str>),
        }

        impl<'a> $name<'a> {
            /// The value as Meta spells it.
            pub fn as_str(&self) -> &str {
                match self {
                    $(Self::$variant => $text,)+
                    Self::Other(text) => text,
                }
            }
        }

        impl<'a> From<std::borrow::Cow<'a, str>> for $name<'a> {
            fn from(text: std::borrow::Cow<'a, str>) -> Self {
                match &*text {
                    $($text => Self::$variant,)+
                    _ => Self::Other(text),
                }
            }
        }
    };
}

pub(crate) use open_enum;
