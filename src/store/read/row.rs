//! Rows: a struct with a field for each column, and the list of columns for a statement.

use jiff::Timestamp;
use serde_json::value::RawValue;
use sqlx::{Row as _, postgres::PgRow, types::Json};

/// Type of a column's value.
pub(super) trait Column: Sized {
    /// Reads the value of the column `name`.
    fn read(row: &PgRow, name: &str) -> sqlx::Result<Self>;
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
    (
        $(#[$about:meta])*
        $name:ident {
            $first:ident: $first_type:ty,
            $($(#[$note:meta])* $column:ident: $type:ty $(= $expression:literal)?,)*
        }
    ) => {
        $(#[$about])*
        #[expect(missing_docs, reason = "the comments of the views describe their columns")]
        pub struct $name {
            pub $first: $first_type,
            $($(#[$note])* pub $column: $type,)*
        }

        impl $name {
            /// Columns, separated by commas.
            const COLUMNS: &str = concat!(
                stringify!($first),
                $(", ", $($expression, " AS ",)? stringify!($column)),*
            );
        }

        impl sqlx::FromRow<'_, sqlx::postgres::PgRow> for $name {
            fn from_row(row: &sqlx::postgres::PgRow) -> sqlx::Result<Self> {
                use $crate::store::read::row::Column;
                Ok(Self {
                    $first: Column::read(row, stringify!($first))?,
                    $($column: Column::read(row, stringify!($column))?,)*
                })
            }
        }
    };
}
pub(super) use row;
