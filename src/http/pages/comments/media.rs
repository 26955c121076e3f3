//! Media in a list: type, account and counts.

use std::collections::BTreeMap;

use jiff::Timestamp;

use crate::{
    http::{
        api::Api,
        pages::{
            accounts::{AccountName, AccountNames},
            event_line::EventLine,
        },
        problem::Problem,
    },
    query::{EventForm, LastComment, MediaRow, Session},
};

/// Maximum number of ads of a post that are listed.
const MOST_ADS: usize = 20;

/// Icon and word of a live broadcast.
const LIVE: (&str, &str) = ("radio", "Live");

/// Media in a list.
#[derive(Debug)]
pub(super) struct MediaItem {
    /// Link in its list; empty outside of one.
    pub(super) link: String,
    /// True if its threads are beside the list.
    pub(super) is_open: bool,
    pub(super) icon: &'static str,
    pub(super) word: &'static str,
    pub(super) account: AccountName,
    pub(super) row: MediaRow,
    pub(super) last_at: Timestamp,
}

/// Names of accounts and types of media.
#[derive(Debug)]
pub(super) struct Looks {
    names: AccountNames,
    last: BTreeMap<i64, LastComment>,
}

impl Looks {
    /// Reads the names and types of media, in a list and open ones.
    pub(super) async fn of(
        api: &Api,
        session: &mut Session,
        list: &[MediaRow],
        open: &[MediaRow],
    ) -> Result<Self, Problem> {
        let all: Vec<_> = list.iter().chain(open).cloned().collect();
        let ids = all.iter().map(|row| row.account_id.clone()).collect();
        Ok(Self {
            names: AccountNames::of_ids(api, session, ids).await?,
            last: api.read(session.last_comments(&all)).await?,
        })
    }

    /// The media of a row.
    pub(super) fn item(&self, row: &MediaRow) -> MediaItem {
        let (icon, word) = look_of(self.last.get(&row.last_position));
        MediaItem {
            link: String::new(),
            is_open: false,
            icon,
            word,
            account: self.names.get(&row.account_id),
            last_at: row.last_at,
            row: row.clone(),
        }
    }

    /// Lines of events on these accounts.
    pub(super) fn lines(&self, events: &[EventForm]) -> Vec<EventLine> {
        let lines = events.iter();
        lines
            .map(|event| EventLine::of(event, &self.names))
            .collect()
    }
}

impl MediaItem {
    /// The media in a list, with its link.
    pub(super) fn in_list(self, link: String, is_open: bool) -> Self {
        Self {
            link,
            is_open,
            ..self
        }
    }

    /// True for a live broadcast.
    pub(super) fn is_live(&self) -> bool {
        self.word == LIVE.1
    }

    /// The id as a word of a shell.
    pub(super) fn shell_id(&self) -> String {
        format!("'{}'", self.row.media_id.replace('\'', r"'\''"))
    }

    /// The id as a text of SQL.
    pub(super) fn sql_id(&self) -> String {
        format!("'{}'", self.row.media_id.replace('\'', "''"))
    }

    /// Media of the ads of a post, at most some.
    pub(super) fn ads(&self) -> impl Iterator<Item = &String> {
        self.row.ad_media_ids.iter().take(MOST_ADS)
    }

    /// Comments by people and by the account, in words.
    pub(super) fn counts(&self) -> String {
        let MediaRow {
            comments,
            own_comments,
            ..
        } = self.row;
        let unit = if comments == 1 { "comment" } else { "comments" };
        match own_comments {
            0 => format!("{comments} {unit}"),
            own => format!("{comments} {unit}, {own} of the account"),
        }
    }
}

/// Icon and word for the type of a media, by its newest comment.
fn look_of(last: Option<&LastComment>) -> (&'static str, &'static str) {
    let Some(last) = last else {
        return ("image", "Media");
    };
    let product = last.product_type.as_deref().unwrap_or_default();
    match product.to_ascii_uppercase().as_str() {
        _ if last.kind == "live_comment" => LIVE,
        "AD" => ("megaphone", "Post with ad"),
        "REELS" => ("video", "Reel"),
        "STORY" => ("history", "Story"),
        "FEED" => ("image", "Post"),
        _ => ("image", "Media"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_media_has_the_type_of_its_newest_comment() {
        for (kind, product, word) in [
            ("comment", Some("REELS"), "Reel"),
            ("comment", Some("ad"), "Post with ad"),
            ("live_comment", Some("FEED"), "Live"),
            ("comment", Some("HOLOGRAM"), "Media"),
            ("comment", None, "Media"),
        ] {
            let last = LastComment {
                kind: kind.to_owned(),
                product_type: product.map(str::to_owned),
            };
            assert_eq!(look_of(Some(&last)).1, word, "{kind} {product:?}");
        }
        assert_eq!(look_of(None).1, "Media");
    }
}
