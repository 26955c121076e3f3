//! Rows: a struct with a field for each column, and the list of columns for a statement.

use jiff::Timestamp;
use serde_json::value::RawValue;
use sqlx::{Row as _, postgres::PgRow, types::Json};

use crate::meta::ids::Ids;

/// Type of a field's value, read from one column or several.
pub(super) trait Column: Sized {
    /// Reads the value of the column `name`.
    fn read(row: &PgRow, name: &str) -> sqlx::Result<Self>;

    /// Columns of the field `name`.
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

/// Implements `Column` for types that sqlx reads directly.
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
    Option<i32>,
    Option<i64>,
    Option<String>,
    Vec<String>,
    Vec<i64>,
    Vec<Option<i64>>
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

/// Declares a row: its struct, its columns in a statement, and its reader. An expression after the
/// type of a column computes the column in the statement.
macro_rules! row {
    ($(#[$about:meta])* $name:ident {
        $($(#[$note:meta])* $column:ident: $type:ty $(= $expression:literal)?,)+
    }) => {
        $(#[$about])*
        #[expect(missing_docs, reason = "the comments of the views describe their columns")]
        pub struct $name {
            $($(#[$note])* pub $column: $type,)+
        }

        impl $name {
            /// Columns, separated by commas.
            fn columns() -> String {
                Self::each_column().join(", ")
            }

            /// Each column, or the expression that computes it.
            fn each_column() -> Vec<&'static str> {
                use $crate::store::read::row::Column;
                let columns = [$(<$type>::columns(
                    concat!($($expression, " AS ",)? stringify!($column))
                ),)+];
                columns.concat()
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
