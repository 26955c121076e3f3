//! All comments on a media and on its ads, thread by thread.

use serde::Serialize;

use super::{Comment, Thread, find, threads};
use crate::{
    query::{Session, walk::Walk},
    store::{
        Error,
        read::{Extent, MediaFilter, MediaRow},
    },
};

/// Maximum number of threads per page.
const AT_ONCE: u32 = 100;

/// Comment with the id of its thread.
#[derive(Clone, Debug, Default, Serialize)]
pub struct ThreadComment {
    /// Id of the first comment in the thread.
    pub thread_id: Option<String>,
    /// The comment.
    #[serde(flatten)]
    pub comment: Comment,
}

/// Walk over the comments on a media, the thread with the newest comment first.
#[derive(Clone, Debug)]
pub struct CommentWalk {
    of: MediaRow,
    /// Position behind the rest of the threads; `None` behind the end.
    before: Option<i64>,
    /// End of the log at the start.
    end: i64,
}

impl CommentWalk {
    /// The comments before the position `before`, up to the position `end`, on the media that meets
    /// `filter`; if several do, on the newest.
    pub async fn begin(
        session: &mut Session,
        filter: &MediaFilter,
        before: Option<i64>,
        end: i64,
    ) -> Result<Option<Self>, Error> {
        let behind = end.saturating_add(1);
        let before = before.map_or(behind, |before| before.min(behind));
        let found = find(&mut session.reader, filter).await?;
        Ok(found.map(|of| Self {
            of,
            before: Some(before),
            end,
        }))
    }

    /// The media.
    pub fn media_id(&self) -> &str {
        &self.of.media_id
    }
}

impl Walk for CommentWalk {
    type Row = ThreadComment;

    async fn next(&mut self, session: &mut Session) -> Result<Option<Vec<ThreadComment>>, Error> {
        if self.before.is_none() {
            return Ok(None);
        }
        let range = (self.before, self.end);
        let (mut threads, more) = threads(&mut session.reader, &self.of, range, AT_ONCE).await?;
        let last = threads.last().filter(|_| more);
        self.before = last.map(|last| last.last_position);
        if !session.scope.shows_content() {
            threads.iter_mut().for_each(Thread::mask);
        }
        Ok(Some(threads.into_iter().flat_map(comments).collect()))
    }

    async fn extent(&self, session: &mut Session) -> Result<Extent, Error> {
        session.reader.extent_of_comments(&self.of).await
    }
}

/// The comments of a thread, the first one first.
fn comments(thread: Thread) -> impl Iterator<Item = ThreadComment> {
    let comments = thread.comment.into_iter().chain(thread.replies);
    comments.map(move |comment| ThreadComment {
        thread_id: thread.comment_id.clone(),
        comment,
    })
}
