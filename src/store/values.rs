//! Postgres types of the columns of a batch, and their binary encoding as written by each type's
//! `send` function.

use std::net::IpAddr;

use jiff::Timestamp;
use uuid::Uuid;

/// A Postgres type. The ids of built-in types never change: see `src/include/catalog/pg_type.dat`
/// in Postgres.
pub(super) trait PgType {
    /// Rust type of a value.
    type Value<'a>;
    /// Type id.
    const ID: u32;
    /// Type id of the array.
    const ARRAY: u32;

    /// Appends the encoded `value` to `to`.
    fn write(value: Self::Value<'_>, to: &mut Vec<u8>);
}

#[derive(Debug, Default)]
pub(super) struct Bool;

#[derive(Debug, Default)]
pub(super) struct Bytea;

#[derive(Debug, Default)]
pub(super) struct Inet;

#[derive(Debug, Default)]
pub(super) struct Int4;

/// JSON that is already serialised.
#[derive(Debug, Default)]
pub(super) struct Jsonb;

#[derive(Debug, Default)]
pub(super) struct Text;

#[derive(Debug, Default)]
pub(super) struct Timestamptz;

#[derive(Debug, Default)]
pub(super) struct Id;

impl PgType for Bool {
    type Value<'a> = bool;
    const ID: u32 = 16;
    const ARRAY: u32 = 1000;

    fn write(value: bool, to: &mut Vec<u8>) {
        to.push(value.into());
    }
}

impl PgType for Bytea {
    type Value<'a> = &'a [u8];
    const ID: u32 = 17;
    const ARRAY: u32 = 1001;

    fn write(value: &[u8], to: &mut Vec<u8>) {
        to.extend_from_slice(value);
    }
}

impl PgType for Inet {
    type Value<'a> = IpAddr;
    const ID: u32 = 869;
    const ARRAY: u32 = 1041;

    /// Address family, prefix length, a flag that the type is not `cidr`, address length and
    /// address.
    fn write(value: IpAddr, to: &mut Vec<u8>) {
        match value {
            IpAddr::V4(address) => {
                to.extend_from_slice(&[2, 32, 0, 4]);
                to.extend_from_slice(&address.octets());
            }
            IpAddr::V6(address) => {
                to.extend_from_slice(&[3, 128, 0, 16]);
                to.extend_from_slice(&address.octets());
            }
        }
    }
}

impl PgType for Int4 {
    type Value<'a> = i32;
    const ID: u32 = 23;
    const ARRAY: u32 = 1007;

    fn write(value: i32, to: &mut Vec<u8>) {
        to.extend_from_slice(&value.to_be_bytes());
    }
}

/// `jsonb_send` writes a format version before the text.
impl PgType for Jsonb {
    type Value<'a> = &'a str;
    const ID: u32 = 3802;
    const ARRAY: u32 = 3807;

    fn write(value: &str, to: &mut Vec<u8>) {
        to.push(1);
        to.extend_from_slice(value.as_bytes());
    }
}

impl PgType for Text {
    type Value<'a> = &'a str;
    const ID: u32 = 25;
    const ARRAY: u32 = 1009;

    fn write(value: &str, to: &mut Vec<u8>) {
        to.extend_from_slice(value.as_bytes());
    }
}

/// Start of 2000, the Postgres epoch, in microseconds of Unix time.
const POSTGRES_EPOCH: i64 = 946_684_800_000_000;

/// `at` in microseconds, the precision of Postgres.
pub(super) fn kept(at: Timestamp) -> Timestamp {
    Timestamp::from_microsecond(at.as_microsecond()).unwrap_or(at)
}

impl PgType for Timestamptz {
    type Value<'a> = Timestamp;
    const ID: u32 = 1184;
    const ARRAY: u32 = 1185;

    fn write(value: Timestamp, to: &mut Vec<u8>) {
        let micros = value.as_microsecond() - POSTGRES_EPOCH;
        to.extend_from_slice(&micros.to_be_bytes());
    }
}

impl PgType for Id {
    type Value<'a> = Uuid;
    const ID: u32 = 2950;
    const ARRAY: u32 = 2951;

    fn write(value: Uuid, to: &mut Vec<u8>) {
        to.extend_from_slice(value.as_bytes());
    }
}
