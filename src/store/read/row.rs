//! A row: a struct with a field for each column, and the list of them in a statement.

use jiff::Timestamp;
use serde_json::value::RawValue;
use sqlx::{Row as _, postgres::PgRow, types::Json};

use crate::meta::ids::Ids;

/// A value that a column of a row is read as, or several columns.
pub(super) trait Column: Sized {
    /// The value under `name`.
    fn read(row: &PgRow, name: &str) -> sqlx::Result<Self>;

    /// The columns of the field `name`.
    fn columns(name: &'static str) -> Vec<&'static str> {
        vec![name]
    }
}

impl Column for Ids<Option<String>> {
    fn read(row: &PgRow, _: &str) -> sqlx::Result<Self> {
        let mut ids = Self::default();
        for (id, name) in ids.each_mut().zip(Self::NAMES) {
            *id = Column::read(row, name)?;
        }
        Ok(ids)
    }

    fn columns(_: &'static str) -> Vec<&'static str> {
        Self::NAMES.to_vec()
    }
}

/// Types that sqlx reads.
macro_rules! as_they_are {
    ($($type:ty),+) => {
        $(impl Column for $type {
            fn read(row: &PgRow, name: &str) -> sqlx::Result<Self> {
                row.try_get(name)
            }
        })+
    };
}

as_they_are!(
    bool,
    i32,
    i64,
    String,
    uuid::Uuid,
    Option<i64>,
    Option<String>
);

impl Column for Timestamp {
    fn read(row: &PgRow, name: &str) -> sqlx::Result<Self> {
        let moment: jiff_sqlx::Timestamp = row.try_get(name)?;
        Ok(moment.to_jiff())
    }
}

impl Column for Option<Timestamp> {
    fn read(row: &PgRow, name: &str) -> sqlx::Result<Self> {
        let moment: Option<jiff_sqlx::Timestamp> = row.try_get(name)?;
        Ok(moment.map(jiff_sqlx::Timestamp::to_jiff))
    }
}

impl Column for Option<Box<RawValue>> {
    fn read(row: &PgRow, name: &str) -> sqlx::Result<Self> {
        let json: Option<Json<Box<RawValue>>> = row.try_get(name)?;
        Ok(json.map(|Json(json)| json))
    }
}

/// Declares a row: its struct, the names of its columns, and how it is read.
macro_rules! row {
    ($(#[$about:meta])* $name:ident { $($(#[$with:meta])* $column:ident: $type:ty,)+ }) => {
        $(#[$about])*
        #[expect(missing_docs, reason = "the comments of the views describe their columns")]
        pub struct $name {
            $($(#[$with])* pub $column: $type,)+
        }

        impl $name {
            /// The names of its columns, with commas between.
            pub(in crate::store) fn columns() -> String {
                use $crate::store::read::row::Column;
                [$(<$type>::columns(stringify!($column))),+].concat().join(", ")
            }
        }

        impl sqlx::FromRow<'_, sqlx::postgres::PgRow> for $name {
            fn from_row(row: &sqlx::postgres::PgRow) -> sqlx::Result<Self> {
                use $crate::store::read::row::Column;
                Ok(Self {
                    $($column: Column::read(row, stringify!($column))?,)+
                })
            }
        }
    };
}
pub(super) use row;
