//! Users that a trusted proxy signs in, and names in headers.

use axum::http::HeaderMap;

use crate::config::{User, Who};

/// User in the headers of a proxy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ProxyUser {
    name: String,
    groups: Vec<String>,
}

impl ProxyUser {
    /// Reads the user in `header`, and the groups in a header of their own: names with commas between
    /// them. Without a name, or with several, nobody is signed in: a proxy that adds its header to one
    /// of the client would let the client choose. For the same reason, several headers with groups
    /// name no group.
    pub(super) fn read(headers: &HeaderMap, header: &str, groups: Option<&str>) -> Option<Self> {
        let name = only(headers, header)?;
        let groups = groups.and_then(|header| only(headers, header));
        let groups = groups.into_iter().flat_map(|line| line.split(','));
        let groups = groups.map(str::trim);
        (!name.is_empty()).then(|| Self {
            name: name.to_owned(),
            groups: groups.map(str::to_owned).collect(),
        })
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// Entry of the user: the one with the name, else the first one with a group of the user.
    pub(super) fn entry<'u>(&self, users: &'u [User]) -> Option<&'u User> {
        let is_named = |it: &&User| matches!(&it.who, Who::Name(name) if *name == self.name);
        let is_member =
            |it: &&User| matches!(&it.who, Who::Group(group) if self.groups.contains(group));
        let named = users.iter().find(is_named);
        named.or_else(|| users.iter().find(is_member))
    }
}

/// Text of the only header of this name.
fn only<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    let mut values = headers.get_all(name).iter();
    let value = values.next().filter(|_| values.next().is_none())?;
    std::str::from_utf8(value.as_bytes()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Role;

    const GROUPS: &str = "x-groups";

    fn read(lines: &[(&'static str, &str)]) -> Option<ProxyUser> {
        let mut headers = HeaderMap::new();
        for (name, value) in lines {
            headers.append(*name, value.parse().unwrap());
        }
        ProxyUser::read(&headers, "x-forwarded-user", Some(GROUPS))
    }

    fn user(who: Who) -> User {
        User {
            who,
            role: Role::Viewer,
            content: false,
            apps: None,
            clients: None,
        }
    }

    #[test]
    fn one_name_is_a_user_and_two_are_none() {
        let anna = ("x-forwarded-user", "anna@example.org");
        let found = read(&[anna]).unwrap();
        assert_eq!(found.name(), "anna@example.org");
        assert_eq!(found.groups, [""; 0]);
        assert_eq!(read(&[anna, ("x-forwarded-user", "ben@example.org")]), None);
        assert_eq!(read(&[("x-forwarded-user", "")]), None);
        assert_eq!(read(&[("x-forwarded-email", "anna@example.org")]), None);
        let usual = ("x-forwarded-groups", "staff");
        let unread = read(&[anna, usual]).unwrap();
        assert_eq!(unread.groups, [""; 0], "of another header");
        let twice = read(&[anna, (GROUPS, "staff"), (GROUPS, "night")]).unwrap();
        assert_eq!(twice.groups, [""; 0]);
    }

    #[test]
    fn a_name_goes_before_a_group_and_the_first_group_before_others() {
        let [staff, night] = ["staff", "night"].map(|it| user(Who::Group(it.to_owned())));
        let anna = user(Who::Name("anna".to_owned()));
        let users = [staff.clone(), night.clone(), anna.clone()];
        for (name, groups, entry) in [
            ("anna", "night, staff", Some(&anna)),
            ("ben", "night, staff", Some(&staff)),
            ("ben", "others,night", Some(&night)),
            ("ben", "staffs", None),
            ("staff", "", None),
        ] {
            let found = read(&[("x-forwarded-user", name), (GROUPS, groups)]).unwrap();
            assert_eq!(found.entry(&users), entry, "{name} of {groups}");
        }
    }
}
