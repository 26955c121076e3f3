//! All SQL, the migrations and the private Postgres.

pub mod private;
