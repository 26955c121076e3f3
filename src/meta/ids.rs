//! Ids of an event: one list for the event, its columns in a batch and its row.

/// Declares [`Ids`].
macro_rules! ids {
    ($($(#[$what:meta])* $id:ident,)+) => {
        /// Ids of the things that an item is or concerns, a column each.
        #[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize)]
        pub struct Ids<T> {
            $($(#[$what])* pub $id: T,)+
        }

        impl<T> Ids<T> {
            /// Names of the columns.
            pub const NAMES: &'static [&'static str] = &[$(stringify!($id)),+];

            /// All ids, in the order of the names.
            pub fn each(&self) -> impl Iterator<Item = &T> {
                [$(&self.$id),+].into_iter()
            }

            /// All ids, mutable.
            pub fn each_mut(&mut self) -> impl Iterator<Item = &mut T> {
                [$(&mut self.$id),+].into_iter()
            }

            /// Converts each id.
            pub fn map<U>(self, mut other: impl FnMut(T) -> U) -> Ids<U> {
                Ids {
                    $($id: other(self.$id),)+
                }
            }
        }
    };
}

ids! {
    /// `mid` of the message that the item is or concerns.
    message_id,
    /// Id of the comment that the item is or concerns.
    comment_id,
    /// Id of the media that the item concerns.
    media_id,
    /// Id of the comment or message that the item answers.
    parent_id,
}

impl<T: Default> Ids<T> {
    /// Only the id of a message.
    pub(super) fn message(id: T) -> Self {
        Self {
            message_id: id,
            ..Self::default()
        }
    }
}
