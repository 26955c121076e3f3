//! What the typed shapes keep.
