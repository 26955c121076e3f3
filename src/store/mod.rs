//! All SQL, the migrations, and the private Postgres.

pub mod delivery;

pub use delivery::Delivery;
