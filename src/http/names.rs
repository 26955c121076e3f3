//! Names of the two listeners, in logs, metrics and socket units.

/// The public listener.
pub const PUBLIC: &str = "public";

/// The admin listener.
pub const ADMIN: &str = "admin";
