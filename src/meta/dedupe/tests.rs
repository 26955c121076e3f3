//! Each rule of what is the same happening, then what may never matter.
