//! A column of a batch: an array in Postgres' binary format, written value by value.
//!
//! A batch is encoded while the commit of the batch before is in flight. Between two commits, only
//! bytes are copied.

use std::marker::PhantomData;

use sqlx::{
    Encode, Postgres, Type,
    encode::IsNull,
    error::BoxDynError,
    postgres::{PgArgumentBuffer, PgTypeInfo, types::Oid},
};

use super::values::PgType;

/// Length field of a null.
const NULL: [u8; 4] = (-1_i32).to_be_bytes();

/// Capacity in bytes that an emptied column keeps: the memory of a few large bodies must not be
/// held forever.
const KEPT: usize = 256 << 10;

/// Values of one type, in order.
#[derive(Debug, Default)]
pub(super) struct Column<K> {
    /// Each value with its length in front.
    values: Vec<u8>,
    count: i32,
    kind: PhantomData<K>,
}

impl<K: PgType> Column<K> {
    /// Adds a value, or a null.
    pub(super) fn push<'a>(&mut self, value: impl Into<Option<K::Value<'a>>>) {
        let start = self.values.len();
        self.values.extend_from_slice(&NULL);
        if let Some(value) = value.into() {
            K::write(value, &mut self.values);
            let length = self.values.len() - start - NULL.len();
            // A Postgres message cannot be longer, and a body is far shorter.
            let length = i32::try_from(length).unwrap_or(i32::MAX);
            self.values[start..start + NULL.len()].copy_from_slice(&length.to_be_bytes());
        }
        self.count += 1;
    }

    /// Removes all values.
    pub(super) fn clear(&mut self) {
        self.values.clear();
        self.values.shrink_to(KEPT);
        self.count = 0;
    }

    /// Approximate size in bytes as an argument.
    pub(super) fn bytes(&self) -> usize {
        self.values.len()
    }
}

impl<K: PgType> Type<Postgres> for Column<K> {
    fn type_info() -> PgTypeInfo {
        PgTypeInfo::with_oid(Oid(K::ARRAY))
    }
}

impl<K: PgType> Encode<'_, Postgres> for Column<K> {
    /// Format of `array_send`: number of dimensions, a flag for nulls (ignored by the server),
    /// element type, then length and lower bound of the only dimension.
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

/// Declares a struct of columns, bound as arguments in the order of its fields. `push` adds a value
/// to each column.
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
