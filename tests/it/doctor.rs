//! Whether Meta reaches it: what the server remembers of each callback URL, and what `doctor` says.

mod callbacks;
