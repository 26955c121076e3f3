//! Pages of conversations: *what was said, and who is waiting?* The list, and a conversation like a
//! chat with the list and the person beside it.

mod chat;
mod file;
mod list;
mod person;
mod same;
mod show;
mod words;

pub(super) use self::{list::LIST, show::SHOW};
