//! Command-line behaviour toward users and shells.

mod arguments;
mod completions;
mod empty;
mod help;
mod pipes;
mod terminal;
