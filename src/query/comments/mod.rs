//! Comments on a media and on its ads, in threads of one level.

mod last_comments;
mod life;
mod thread;
mod walk;

use std::collections::HashMap;

use schemars::JsonSchema;
use serde::Serialize;

use self::thread::{newest_of, root, thread};
use super::{Session, conversation::ListPage};
use crate::store::{
    Error,
    read::{CommentMinute, EventRow, MediaFilter, MediaRow, Place, Reader, text as as_text},
};

pub use self::{
    last_comments::LastComment,
    life::MediaLife,
    thread::{Comment, Thread, root as thread_of},
    walk::{CommentWalk, ThreadComment},
};

/// Maximum number of comments per read.
const AT_ONCE: u32 = 200;

/// Maximum number of comments that are counted by minute.
const MOST_COUNTED: i64 = 50_000;

/// Page of the comments on a media.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct MediaComments {
    /// Ids, counts and times.
    #[serde(flatten)]
    pub row: MediaRow,
    /// Threads, newest comment first.
    pub threads: Vec<Thread>,
    /// Position before which the older threads are; `None` at the end.
    #[serde(serialize_with = "as_text")]
    #[schemars(with = "Option<String>")]
    pub next: Option<i64>,
}

impl MediaComments {
    /// Leaves the first threads. The next part then begins behind them.
    pub fn keep_first(&mut self, count: usize) {
        if self.threads.len() > count {
            self.threads.truncate(count);
            self.next = self.threads.last().map(|last| last.last_position);
        }
    }
}

impl Session {
    /// Reads a page of media with comments, newest comment first.
    pub async fn media(
        &mut self,
        filter: &MediaFilter,
        after: Option<Place>,
        limit: u32,
    ) -> Result<ListPage<MediaRow>, Error> {
        let lag = self.reader.listing().await?;
        let more = limit.saturating_add(1);
        let rows = self.reader.media(filter, after, more).await?;
        let place = |row: &MediaRow| Place {
            at: row.last_at,
            position: row.first_position,
        };
        Ok(ListPage::of(rows, limit, place, lag))
    }

    /// Reads at most `limit` threads on a media, with those on its ads: the newest, or the newest
    /// before the position `before`. The id of an ad's media means the post of the ad. If several
    /// apps or accounts have the media and `filter` names none, reads the newest.
    pub async fn media_comments(
        &mut self,
        filter: &MediaFilter,
        before: Option<i64>,
        limit: u32,
    ) -> Result<Option<MediaComments>, Error> {
        let Some(row) = find(&mut self.reader, filter).await? else {
            return Ok(None);
        };
        let (threads, more) = threads(&mut self.reader, &row, (before, i64::MAX), limit).await?;
        let last = threads.last().map(|last| last.last_position);
        let next = last.filter(|_| more);
        Ok(Some(self.shown(MediaComments { row, threads, next })))
    }

    /// Reads the thread on a media that begins with the comment `id`.
    pub async fn media_thread(
        &mut self,
        filter: &MediaFilter,
        id: &str,
    ) -> Result<Option<MediaComments>, Error> {
        let Some(row) = find(&mut self.reader, filter).await? else {
            return Ok(None);
        };
        let ids = [id.to_owned()];
        let events = self.reader.comments_of_threads(&row, &ids, None).await?;
        let events: Vec<_> = events.iter().filter(|it| root(it) == Some(id)).collect();
        let threads = newest_of(&events).map(|_| thread(Some(id), &events));
        Ok(Some(self.shown(MediaComments {
            row,
            threads: threads.into_iter().collect(),
            next: None,
        })))
    }

    /// Counts the comments on a media by minute; `None` if there are too many to count.
    pub async fn comments_by_minute(
        &mut self,
        of: &MediaRow,
    ) -> Result<Option<Vec<CommentMinute>>, Error> {
        if of.comments + of.own_comments > MOST_COUNTED {
            return Ok(None);
        }
        self.reader.comments_by_minute(of).await.map(Some)
    }

    fn shown(&self, mut comments: MediaComments) -> MediaComments {
        if !self.scope.shows_content() {
            comments.threads.iter_mut().for_each(Thread::mask);
        }
        comments
    }
}

/// Finds the media of the filter, by its own id or by the media of an ad.
async fn find(reader: &mut Reader, filter: &MediaFilter) -> Result<Option<MediaRow>, Error> {
    let found = reader.media(filter, None, 1).await?;
    if let Some(row) = found.into_iter().next() {
        return Ok(Some(row));
    }
    let Some(ad) = &filter.media_id else {
        return Ok(None);
    };
    let Some(post) = reader.post_of_ad(ad).await? else {
        return Ok(None);
    };
    let filter = MediaFilter {
        media_id: Some(post),
        ..filter.clone()
    };
    Ok(reader.media(&filter, None, 1).await?.into_iter().next())
}

/// Reads threads by their newest comment up to the position `end`, and returns true if there are
/// more. A comment that is not the newest of its thread makes no thread, so that several reads may
/// be needed.
async fn threads(
    reader: &mut Reader,
    of: &MediaRow,
    (mut before, end): (Option<i64>, i64),
    limit: u32,
) -> Result<(Vec<Thread>, bool), Error> {
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let mut found = Vec::new();
    loop {
        let (newest, next) = reader.comments_before(of, before, AT_ONCE).await?;
        found.extend(by_newest(reader, of, &newest, end).await?);
        before = next;
        if found.len() > limit || next.is_none() {
            break;
        }
    }
    let more = found.len() > limit;
    found.truncate(limit);
    Ok((found, more))
}

/// Threads whose newest comment up to `end` is one of `newest`, in this order.
async fn by_newest(
    reader: &mut Reader,
    of: &MediaRow,
    newest: &[EventRow],
    end: i64,
) -> Result<Vec<Thread>, Error> {
    let mut roots: Vec<String> = newest.iter().filter_map(root).map(str::to_owned).collect();
    roots.sort_unstable();
    roots.dedup();
    let until = newest.iter().map(|event| event.received_at).max();
    let all = reader.comments_of_threads(of, &roots, until).await?;
    let mut groups: HashMap<&str, Vec<&EventRow>> = HashMap::new();
    for event in all.iter().filter(|event| event.position <= end) {
        if let Some(root) = root(event) {
            groups.entry(root).or_default().push(event);
        }
    }
    let mut found = Vec::new();
    for event in newest {
        let root = root(event);
        let alone = vec![event];
        let group = root.and_then(|root| groups.get(root)).unwrap_or(&alone);
        if newest_of(group) == Some(event.position) {
            found.push(thread(root, group));
        }
    }
    Ok(found)
}
