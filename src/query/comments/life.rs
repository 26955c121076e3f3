//! Lives of media: the people and the times of their comments.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;

use super::super::Session;
use crate::store::{
    Error,
    read::{CommentTimes, MediaRow, text as as_text},
};

/// Number of parts of a life.
const PARTS: i64 = 24;

/// People and times of the newest comments of a media: of at most 1,000 on the media, and as many
/// on each of its ads; of fewer on a page of more than 50 media.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub struct MediaLife {
    /// Number of people with a comment.
    pub people: i64,
    /// False if there are older comments than those counted here, so that more people may have
    /// commented.
    pub is_whole: bool,
    /// Time of the first counted comment, without fractions of a second; `None` if none is stored.
    #[serde(serialize_with = "as_text")]
    pub since: Option<Timestamp>,
    /// Number of comments, with those of the account, in each of 24 equal parts of the time from
    /// `since` to now; empty if no comment is stored.
    pub comments: Vec<i64>,
}

impl Session {
    /// Reads the lives of these media up to now, in the order of the media.
    pub async fn lives(
        &mut self,
        media: &[MediaRow],
        now: Timestamp,
    ) -> Result<Vec<MediaLife>, Error> {
        let found = self.reader.comment_times(media).await?;
        let each = media.iter().zip(&found);
        Ok(each
            .map(|(row, found)| MediaLife::of(row, found, now))
            .collect())
    }
}

impl MediaLife {
    fn of(row: &MediaRow, found: &CommentTimes, now: Timestamp) -> Self {
        let counted = i64::try_from(found.times.len()).unwrap_or(i64::MAX);
        let first = found.times.iter().min().copied();
        let since = first.and_then(|first| Timestamp::from_second(first).ok());
        Self {
            people: found.people,
            is_whole: counted >= row.comments + row.own_comments,
            since,
            comments: since.map_or_else(Vec::new, |since| parts(&found.times, since, now)),
        }
    }
}

/// Counts times in each part from `since` to `now`. A time after now is of the last part.
fn parts(times: &[i64], since: Timestamp, now: Timestamp) -> Vec<i64> {
    let first = since.as_second();
    let length = (now.as_second() - first).max(0) + 1;
    let mut parts = vec![0; usize::try_from(PARTS).unwrap_or_default()];
    for time in times {
        let part = ((time - first) * PARTS / length).min(PARTS - 1);
        let part = usize::try_from(part).ok();
        if let Some(count) = part.and_then(|part| parts.get_mut(part)) {
            *count += 1;
        }
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::constant(24_000, 0);

    fn life(comments: i64, times: Vec<i64>) -> MediaLife {
        let row = MediaRow {
            comments,
            own_comments: 1,
            ..MediaRow::default()
        };
        MediaLife::of(&row, &CommentTimes { people: 2, times }, NOW)
    }

    #[test]
    fn a_life_goes_from_the_first_comment_to_now() {
        let life = life(3, vec![23_999, 0, 500, 99_000]);
        assert_eq!(life.since, Some(Timestamp::UNIX_EPOCH));
        assert_eq!((life.comments[0], life.comments[23]), (2, 2));
        assert_eq!(life.comments.iter().sum::<i64>(), 4);
        assert!(life.is_whole);
    }

    #[test]
    fn a_life_with_older_comments_is_not_whole() {
        assert!(!life(4, vec![0, 500]).is_whole);
        let none = life(4, Vec::new());
        assert_eq!(
            (none.is_whole, none.since, none.comments),
            (false, None, Vec::new())
        );
    }
}
