//! How the program behaves toward the person and the shell that call it.

mod arguments;
mod completions;
mod empty;
mod help;
mod pipes;
mod terminal;
