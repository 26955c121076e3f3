//! The ids that kinds fill: one list, from which the event, its columns in a batch and its row are
//! made.

/// Declares [`Ids`].
macro_rules! ids {
    ($($(#[$what:meta])* $id:ident,)+) => {
        /// The ids of what an item is or concerns, a column each.
        #[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize)]
        pub struct Ids<T> {
            $($(#[$what])* pub $id: T,)+
        }

        impl<T> Ids<T> {
            /// The names of the columns.
            pub const NAMES: &'static [&'static str] = &[$(stringify!($id)),+];

            /// Each id, in the order of the names.
            pub fn each(&self) -> impl Iterator<Item = &T> {
                [$(&self.$id),+].into_iter()
            }

            /// Each id, to change it.
            pub fn each_mut(&mut self) -> impl Iterator<Item = &mut T> {
                [$(&mut self.$id),+].into_iter()
            }

            /// Makes something else of each id.
            pub fn map<U>(self, mut other: impl FnMut(T) -> U) -> Ids<U> {
                Ids {
                    $($id: other(self.$id),)+
                }
            }
        }
    };
}

ids! {
    /// The `mid` of the message it is or concerns.
    message_id,
    /// The comment it is or concerns.
    comment_id,
    /// The media it concerns.
    media_id,
    /// The comment or message it answers.
    parent_id,
}

impl<T: Default> Ids<T> {
    /// The id of a message alone.
    pub(super) fn message(id: T) -> Self {
        Self {
            message_id: id,
            ..Self::default()
        }
    }
}
