//! Split tests.
