//! Users that a trusted proxy signs in, and names in headers.

use axum::http::HeaderMap;

use crate::config::{User, Who};

/// Header with the groups of a user, as oauth2-proxy sends it: names with commas between them. Several
/// such headers name no group, for the same reason as several names.
const GROUPS: &str = "x-forwarded-groups";

/// User in the headers of a proxy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ProxyUser {
    name: String,
    groups: Vec<String>,
}

impl ProxyUser {
    /// Reads the user in `header`. Without a name, or with several, nobody is signed in: a proxy that
    /// adds its header to one of the client would let the client choose.
    pub(super) fn read(headers: &HeaderMap, header: &str) -> Option<Self> {
        let mut names = headers.get_all(header).iter();
        let (Some(name), None) = (names.next(), names.next()) else {
            return None;
        };
        let name = std::str::from_utf8(name.as_bytes()).ok()?;
        let mut lines = headers.get_all(GROUPS).iter();
        let line = lines.next().filter(|_| lines.next().is_none());
        let line = line.and_then(|line| std::str::from_utf8(line.as_bytes()).ok());
        let groups = line.into_iter().flat_map(|line| line.split(','));
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Role;

    fn read(lines: &[(&'static str, &str)]) -> Option<ProxyUser> {
        let mut headers = HeaderMap::new();
        for (name, value) in lines {
            headers.append(*name, value.parse().unwrap());
        }
        ProxyUser::read(&headers, "x-forwarded-user")
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
