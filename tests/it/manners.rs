//! How the program behaves toward the person and the shell that call it.

mod completions;
mod help;
mod pipes;
mod terminal;
