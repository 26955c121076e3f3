//! Values in the form in which Postgres takes them, where the driver has none for ours.

use std::net::IpAddr;

use sqlx::{
    Encode, Postgres, Type,
    encode::IsNull,
    error::BoxDynError,
    postgres::{PgArgumentBuffer, PgHasArrayType, PgTypeInfo, types::Oid},
};

/// JSON that is written already. As text that is cast, Postgres would copy it twice more.
#[derive(Clone, Copy, Debug)]
pub(super) struct Json<'a>(pub &'a str);

/// An address, which Postgres need not read from text.
#[derive(Clone, Copy, Debug)]
pub(super) struct Inet(pub IpAddr);

// The ids of built-in types never change: src/include/catalog/pg_type.dat of Postgres.

impl Type<Postgres> for Json<'_> {
    fn type_info() -> PgTypeInfo {
        PgTypeInfo::with_oid(Oid(114))
    }
}

impl PgHasArrayType for Json<'_> {
    fn array_type_info() -> PgTypeInfo {
        PgTypeInfo::with_oid(Oid(199))
    }
}

impl Encode<'_, Postgres> for Json<'_> {
    fn encode_by_ref(&self, buffer: &mut PgArgumentBuffer) -> Result<IsNull, BoxDynError> {
        buffer.extend_from_slice(self.0.as_bytes());
        Ok(IsNull::No)
    }
}

impl Type<Postgres> for Inet {
    fn type_info() -> PgTypeInfo {
        PgTypeInfo::with_oid(Oid(869))
    }
}

impl PgHasArrayType for Inet {
    fn array_type_info() -> PgTypeInfo {
        PgTypeInfo::with_oid(Oid(1041))
    }
}

impl Encode<'_, Postgres> for Inet {
    /// `inet_send` of Postgres: the family, the bits of the prefix, that it is no `cidr`, and the
    /// address with its length.
    fn encode_by_ref(&self, buffer: &mut PgArgumentBuffer) -> Result<IsNull, BoxDynError> {
        match self.0 {
            IpAddr::V4(address) => {
                buffer.extend_from_slice(&[2, 32, 0, 4]);
                buffer.extend_from_slice(&address.octets());
            }
            IpAddr::V6(address) => {
                buffer.extend_from_slice(&[3, 128, 0, 16]);
                buffer.extend_from_slice(&address.octets());
            }
        }
        Ok(IsNull::No)
    }
}
