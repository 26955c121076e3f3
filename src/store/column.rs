//! A column of a batch: an array in the form in which Postgres takes it, written value by value.
//!
//! So a batch is written while the one before it is on its way, and what is left to do between two
//! commits is to copy bytes.

use std::marker::PhantomData;

use sqlx::{
    Encode, Postgres, Type,
    encode::IsNull,
    error::BoxDynError,
    postgres::{PgArgumentBuffer, PgTypeInfo, types::Oid},
};

use super::values::Kind;

/// The length of a null.
const NULL: [u8; 4] = (-1_i32).to_be_bytes();

/// What a column keeps for the next batch when it is emptied, in bytes: a few large bodies need not
/// be held for ever.
const KEPT: usize = 256 << 10;

/// Values of one type, in order.
#[derive(Debug, Default)]
pub(super) struct Column<K> {
    /// Each with its length before it.
    values: Vec<u8>,
    count: i32,
    kind: PhantomData<K>,
}

impl<K: Kind> Column<K> {
    /// Adds a value, or a null.
    pub(super) fn push<'a>(&mut self, value: impl Into<Option<K::Value<'a>>>) {
        let start = self.values.len();
        self.values.extend_from_slice(&NULL);
        if let Some(value) = value.into() {
            K::write(value, &mut self.values);
            let length = self.values.len() - start - NULL.len();
            // A message to Postgres cannot be longer, and a body is far shorter.
            let length = i32::try_from(length).unwrap_or(i32::MAX);
            self.values[start..start + NULL.len()].copy_from_slice(&length.to_be_bytes());
        }
        self.count += 1;
    }

    /// Takes all values away.
    pub(super) fn clear(&mut self) {
        self.values.clear();
        self.values.shrink_to(KEPT);
        self.count = 0;
    }

    /// How many bytes it is as an argument, but for a few.
    pub(super) fn bytes(&self) -> usize {
        self.values.len()
    }
}

impl<K: Kind> Type<Postgres> for Column<K> {
    fn type_info() -> PgTypeInfo {
        PgTypeInfo::with_oid(Oid(K::ARRAY))
    }
}

impl<K: Kind> Encode<'_, Postgres> for Column<K> {
    /// `array_send` of Postgres: the number of dimensions, whether there are nulls (which nobody
    /// reads), the type of the values, and of the one dimension its length and its first place.
    fn encode_by_ref(&self, buffer: &mut PgArgumentBuffer) -> Result<IsNull, BoxDynError> {
        let kind = K::ID.to_be_bytes();
        buffer.extend_from_slice(&1_i32.to_be_bytes());
        buffer.extend_from_slice(&1_i32.to_be_bytes());
        buffer.extend_from_slice(&kind);
        buffer.extend_from_slice(&self.count.to_be_bytes());
        buffer.extend_from_slice(&1_i32.to_be_bytes());
        buffer.extend_from_slice(&self.values);
        Ok(IsNull::No)
    }
}

/// A struct of columns, bound as arguments in the order of its fields. `push` adds a value to each.
macro_rules! columns {
    ($(#[$about:meta])* $name:ident from ($($from:ident: $of:ty),+) {
        $($(#[$what:meta])* $field:ident: $kind:ty = $value:expr,)+
    }) => {
        $(#[$about])*
        #[derive(Debug, Default)]
        pub(super) struct $name {
            $($(#[$what])* $field: Column<$kind>,)+
        }

        impl $name {
            const COUNT: usize = [$(stringify!($field)),+].len();

            fn push(&mut self, $($from: $of),+) {
                $(self.$field.push($value);)+
            }

            fn clear(&mut self) {
                $(self.$field.clear();)+
            }

            fn bytes(&self) -> usize {
                [$(self.$field.bytes()),+].iter().sum()
            }

            fn bind_to(&self, arguments: &mut PgArguments) -> Result<(), BoxDynError> {
                $(arguments.add(&self.$field)?;)+
                Ok(())
            }
        }
    };
}
pub(super) use columns;
