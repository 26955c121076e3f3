//! `[[admin.users]]`: users that a proxy signs in, with their roles and scopes.

use std::collections::BTreeSet;

use super::{
    app_name::AppName,
    fault::Fault,
    print::Printer,
    reader::Reader,
    tokens::{self, Role},
};

/// Maximum length of a name in bytes.
const LONGEST_NAME: usize = 128;

/// The keys that tell who it is, of which one is set.
const ONE_OF: &str = "one of name and group";

/// Roles of users.
const ROLES: &str = "viewer, operator or privacy";

/// A user, or the users of a group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct User {
    /// Users that are meant.
    pub who: Who,
    /// Actions that they may take.
    pub role: Role,
    /// True if texts, user names and payloads are shown.
    pub content: bool,
    /// Visible apps; `None` for all.
    pub apps: Option<Vec<AppName>>,
    /// Visible clients of accounts; `None` for all.
    pub clients: Option<Vec<String>>,
}

/// Users that an entry means.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Who {
    /// The user of this name.
    Name(String),
    /// The users of this group.
    Group(String),
}

impl User {
    /// Names that are allowed.
    pub const NAMES: &str =
        "1 to 128 bytes without control characters, and without spaces at the ends";

    /// True if `text` is allowed as the name of a user or a group.
    pub fn is_name(text: &str) -> bool {
        let is_plain = !text.chars().any(char::is_control) && text.trim() == text;
        (1..=LONGEST_NAME).contains(&text.len()) && is_plain
    }

    fn read(reader: &mut Reader<'_>) -> Option<Self> {
        let name = |text: &str| Self::is_name(text).then(|| text.to_owned());
        let faults = reader.fault_count();
        let name_of = reader.optional("name", Self::NAMES, name);
        let group = reader.optional("group", Self::NAMES, name);
        let role = reader.optional("role", ROLES, |text| {
            let role = Role::parse(text);
            role.filter(|role| !matches!(role, Role::Metrics | Role::Consumer))
        });
        let content = reader.optional_flag("content");
        let (apps, clients) = tokens::read_restriction(reader);
        if reader.fault_count() > faults {
            return None;
        }
        let who = Self::who(reader, name_of, group);
        let role = reader.set("role", role, ROLES)?;
        Some(Self {
            who: who?,
            role,
            content: content.unwrap_or(role != Role::Viewer),
            apps,
            clients,
        })
    }

    fn who(reader: &mut Reader<'_>, name: Option<String>, group: Option<String>) -> Option<Who> {
        let problem = match (name, group) {
            (Some(name), None) => return Some(Who::Name(name)),
            (None, Some(group)) => return Some(Who::Group(group)),
            (Some(_), Some(_)) => "name and group are both set",
            (None, None) => "is missing",
        };
        reader.note(reader.fault("name", problem).allowed(ONE_OF));
        None
    }

    fn print(&self, out: &mut Printer) {
        out.table("admin.users");
        match &self.who {
            Who::Name(name) => out.text("name", name),
            Who::Group(group) => out.text("group", group),
        }
        out.text("role", self.role.as_str());
        out.plain("content", self.content);
        tokens::print_restriction((self.apps.as_deref(), self.clients.as_deref()), out);
    }
}

pub(super) fn read(reader: &mut Reader<'_>) -> Vec<User> {
    let users = reader.tables("users", User::read);
    let mut known = BTreeSet::new();
    for user in &users {
        if !known.insert(&user.who) {
            let (kind, name) = match &user.who {
                Who::Name(name) => ("name", name),
                Who::Group(group) => ("group", group),
            };
            let problem = format!("two entries have the {kind} {name}");
            reader.note(Fault::new("admin.users", problem).allowed("one entry for each"));
        }
    }
    users
}

pub(super) fn print(users: &[User], out: &mut Printer) {
    for user in users {
        user.print(out);
    }
}
