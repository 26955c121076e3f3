//! Lists that can be exported: their routes of the API, and the filters that they take.

use percent_encoding::percent_decode_str;

use crate::http::api::{conversations, media};

/// List to export.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Data {
    Events,
    Conversations,
    Conversation,
    Media,
    Comments,
    Deliveries,
    Rejections,
    Audit,
}

/// Filter with its value.
pub(super) type Given = (&'static str, String);

impl Data {
    pub(super) const ALL: &'static [Self] = &[
        Self::Events,
        Self::Conversations,
        Self::Conversation,
        Self::Media,
        Self::Comments,
        Self::Deliveries,
        Self::Rejections,
        Self::Audit,
    ];

    /// Name in a query, and of the file.
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Events => "events",
            Self::Conversations => "conversations",
            Self::Conversation => "conversation",
            Self::Media => "media",
            Self::Comments => "comments",
            Self::Deliveries => "deliveries",
            Self::Rejections => "rejections",
            Self::Audit => "audit",
        }
    }

    /// Name in the form.
    pub(super) fn label(self) -> &'static str {
        match self {
            Self::Events => "Events",
            Self::Conversations => "Conversations",
            Self::Conversation => "One conversation",
            Self::Media => "Media with comments",
            Self::Comments => "Comments on one media",
            Self::Deliveries => "Deliveries",
            Self::Rejections => "Rejections",
            Self::Audit => "Audit",
        }
    }

    /// Filters in the order of the form.
    pub(super) fn filters(self) -> &'static [&'static str] {
        match self {
            Self::Events => &[
                "kind", "since", "until", "account", "client", "person", "username", "text",
                "source", "problem", "app", "field", "message", "comment", "media", "delivery",
                "echo", "late", "payload",
            ],
            Self::Conversations => &[
                "since", "until", "account", "client", "person", "app", "waiting",
            ],
            Self::Conversation => &["account", "person", "app"],
            Self::Media => &["since", "until", "account", "client", "app", "unanswered"],
            Self::Comments => &["media", "account", "app"],
            Self::Deliveries => &["since", "until", "app", "source", "problem"],
            Self::Rejections => &["since", "until", "app"],
            Self::Audit => &["since", "until", "token", "subject"],
        }
    }

    /// True if rows have texts, names or payloads.
    pub(super) fn has_content(self) -> bool {
        matches!(self, Self::Events | Self::Conversation | Self::Comments)
    }

    /// View for readers with SQL; `None` if the rows are made of several events.
    pub(super) fn view(self) -> Option<&'static str> {
        match self {
            Self::Events | Self::Conversations | Self::Deliveries | Self::Rejections => {
                Some(self.as_str())
            }
            Self::Media => Some("media_threads"),
            Self::Audit | Self::Conversation | Self::Comments => None,
        }
    }

    /// Path of the list in the API, and the filters of its query; `None` if a filter is missing that
    /// is a part of the path.
    pub(super) fn path(self, given: &[Given]) -> Option<(String, Vec<&Given>)> {
        let value = |name: &str| {
            let found = given.iter().find(|(other, _)| *other == name);
            found.map(|(_, value)| value.clone())
        };
        let (path, parts): (_, &[&str]) = match self {
            Self::Conversation => {
                let between = (value("account")?, value("person")?);
                (conversations::path(&between), &["account", "person"])
            }
            Self::Comments => (media::path(&value("media")?), &["media"]),
            _ => (format!("/v1/{}", self.as_str()), &[]),
        };
        let others = given.iter().filter(|(name, _)| !parts.contains(name));
        Some((path, others.collect()))
    }

    /// The filters of the list among names and values.
    pub(super) fn kept<'n, 'v>(
        self,
        pairs: impl Iterator<Item = (&'n str, &'v str)>,
    ) -> Vec<Given> {
        let known = |(name, value): (&str, &str)| {
            let mut filters = self.filters().iter();
            let name = filters.find(|filter| **filter == name)?;
            Some((*name, value.to_owned()))
        };
        pairs.filter_map(known).collect()
    }
}

/// Address of the form for the list of the page at `address`, both below the base.
pub(super) fn prefilled(address: &str) -> String {
    let (path, query) = address.split_once('?').unwrap_or((address, ""));
    let parts = path.trim_matches('/').split('/');
    let parts: Vec<_> = parts
        .map(|part| percent_decode_str(part).decode_utf8_lossy())
        .collect();
    let parts: Vec<_> = parts.iter().map(AsRef::as_ref).collect();
    let (data, named): (_, Vec<(&str, &str)>) = match parts[..] {
        ["conversations", account, person] => (
            Data::Conversation,
            vec![("account", account), ("person", person)],
        ),
        ["comments", media] => (Data::Comments, vec![("media", media)]),
        ["deliveries", delivery] => (Data::Events, vec![("delivery", delivery)]),
        ["accounts", account] => (Data::Events, vec![("account", account)]),
        ["conversations"] => (Data::Conversations, vec![]),
        ["comments"] => (Data::Media, vec![]),
        ["deliveries"] => (Data::Deliveries, vec![]),
        ["rejections"] => (Data::Rejections, vec![]),
        ["audit"] => (Data::Audit, vec![]),
        _ => (Data::Events, vec![]),
    };
    let pairs: Vec<_> = form_urlencoded::parse(query.as_bytes()).collect();
    let pairs = pairs
        .iter()
        .map(|(name, value)| (name.as_ref(), value.as_ref()));
    let others = pairs.filter(|(name, _)| !named.iter().any(|(other, _)| other == name));
    let others: Vec<_> = others.collect();
    let all = named.iter().copied().chain(others);
    let mut form = form_urlencoded::Serializer::new(String::new());
    form.append_pair("data", data.as_str());
    form.extend_pairs(data.kept(all));
    format!("/export?{}", form.finish())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_form_has_the_filters_of_the_page_before() {
        for (address, form) in [
            ("/", "data=events"),
            (
                "/events?kind=message&kind=comment&open=4&text=a%26b&limit=5",
                "data=events&kind=message&kind=comment&text=a%26b",
            ),
            (
                "/conversations/1784/70%2F01?account=2&app=shop&before=1.2",
                "data=conversation&account=1784&person=70%2F01&app=shop",
            ),
            ("/comments/m1?account=2", "data=comments&media=m1&account=2"),
            ("/comments?unanswered=true", "data=media&unanswered=true"),
            (
                "/deliveries?source=live&kind=x",
                "data=deliveries&source=live",
            ),
            ("/deliveries/0199?with=1", "data=events&delivery=0199"),
            ("//evil.example/?since=1h", "data=events&since=1h"),
        ] {
            assert_eq!(prefilled(address), format!("/export?{form}"), "{address}");
        }
    }

    #[test]
    fn a_part_of_a_path_is_no_filter_of_the_query() {
        let given = [("account", "1/2".to_owned()), ("app", "shop".to_owned())];
        assert_eq!(Data::Conversation.path(&given), None);
        let (path, query) = Data::Media.path(&given).unwrap();
        assert_eq!((path.as_str(), query.len()), ("/v1/media", 2));
        let given = [("media", "1/2".to_owned()), ("app", "shop".to_owned())];
        let (path, query) = Data::Comments.path(&given).unwrap();
        assert_eq!(
            (path.as_str(), query),
            ("/v1/media/1%2F2/comments", vec![&given[1]])
        );
    }
}
