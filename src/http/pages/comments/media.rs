//! Media in a list: type, account and counts.

use std::collections::BTreeMap;

use jiff::Timestamp;

use crate::{
    http::{
        api::{Api, media::ListedMedia},
        pages::{
            accounts::{AccountName, AccountNames},
            chart::curve,
            digits::{counted, grouped},
            event_line::EventLine,
        },
        problem::Problem,
    },
    query::{EventForm, LastComment, MediaLife, MediaRow, Session},
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
    /// People and times of its comments; `None` outside of a list.
    life: Option<MediaLife>,
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
        list: &[ListedMedia],
        open: Option<&MediaRow>,
    ) -> Result<Self, Problem> {
        let all = list.iter().map(|it| &it.row).chain(open);
        let all: Vec<_> = all.cloned().collect();
        let ids = all.iter().map(|row| row.account_id.clone()).collect();
        Ok(Self {
            names: AccountNames::of_ids(api, session, ids).await?,
            last: api.read(session.last_comments(&all)).await?,
        })
    }

    /// The media of a row.
    pub(super) fn item(&self, row: &MediaRow, life: Option<&MediaLife>) -> MediaItem {
        let (icon, word) = look_of(self.last.get(&row.last_position));
        MediaItem {
            link: String::new(),
            is_open: false,
            icon,
            word,
            account: self.names.get(&row.account_id),
            last_at: row.last_at,
            row: row.clone(),
            life: life.cloned(),
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
        let comments = counted(comments, "comment", "comments");
        let by = self.people().map(|people| format!(" by {people}"));
        let by = by.unwrap_or_default();
        match own_comments {
            0 => format!("{comments}{by}"),
            own => format!("{comments}{by}, {} of the account", grouped(own)),
        }
    }

    /// Number of people with a comment, with a plus sign if there may be more.
    fn people(&self) -> Option<String> {
        let life = self.life.as_ref().filter(|life| life.people > 0)?;
        Some(if life.is_whole {
            counted(life.people, "person", "people")
        } else {
            format!("{}+ people", grouped(life.people))
        })
    }

    /// Points of the curve of its life, with words for it; `None` if no comment is stored.
    pub(super) fn curve(&self) -> Option<(String, String)> {
        let life = self.life.as_ref()?;
        let since = life.since?.strftime("%-d %b %Y");
        let comments: i64 = life.comments.iter().sum();
        let comments = counted(comments, "comment", "comments");
        Some((curve(&life.comments), format!("{comments} since {since}")))
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
