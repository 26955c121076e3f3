//! Timeline of a live broadcast: its comments by minute, counted from the first one.

use std::cmp::Reverse;

use jiff::Timestamp;

use super::thread::{Branch, Minute};
use crate::{
    http::pages::{
        digits::counted,
        steps::{Bar, MINUTE, Steps},
    },
    query::CommentMinute,
};

/// Minutes of a broadcast with comments, in order; none if there are too many comments to count.
#[derive(Debug)]
pub(super) struct Timeline(Vec<CommentMinute>);

impl Timeline {
    pub(super) fn of(minutes: Option<Vec<CommentMinute>>) -> Self {
        Self(minutes.unwrap_or_default())
    }

    /// Puts threads in the order of their first comments, newest first, with a heading above the
    /// first one of each minute. `is_whole` is false if only some threads are shown.
    pub(super) fn arrange(&self, branches: &mut [Branch], is_whole: bool) {
        branches.sort_by_key(|branch| Reverse(begun(branch)));
        let mut last = None;
        for branch in branches {
            let minute = start_of(begun(branch));
            if last.replace(minute) != Some(minute) {
                branch.minute = Some(self.minute(minute, is_whole));
            }
        }
    }

    fn minute(&self, at: Timestamp, is_whole: bool) -> Minute {
        let first = self.0.first().map(|first| first.at);
        let found = self.0.binary_search_by_key(&at, |minute| minute.at);
        let found = found.ok().and_then(|place| self.0.get(place));
        let found = found.filter(|_| is_whole);
        Minute {
            at,
            number: first.map(|first| at.duration_since(first).as_secs() / MINUTE + 1),
            comments: found.map(|found| counted(found.comments, "comment", "comments")),
        }
    }

    /// Bars of the broadcast, each with the position before which its comments are.
    pub(super) fn bars(&self) -> Vec<(Bar, i64)> {
        let steps = Steps::of(MINUTE, self.0.iter().map(|minute| minute.at));
        let counts = self.0.iter().map(|minute| (minute.at, minute.comments));
        let bars = steps.bars(counts).into_iter();
        bars.map(|bar| {
            let minutes = self.0.iter().filter(|minute| minute.at < bar.until);
            let last = minutes.map(|minute| minute.last_position).max();
            (bar, last.unwrap_or_default().saturating_add(1))
        })
        .collect()
    }
}

/// Time of the first comment of a thread.
fn begun(branch: &Branch) -> Timestamp {
    let mut comments = branch.first.iter().chain(&branch.replies);
    comments.next().map(|first| first.at).unwrap_or_default()
}

/// Start of the minute of a time.
fn start_of(at: Timestamp) -> Timestamp {
    Timestamp::from_second(at.as_second().div_euclid(MINUTE) * MINUTE).unwrap_or(at)
}

#[cfg(test)]
mod tests {
    use super::{super::thread::Reading, *};
    use crate::query::{Comment, Thread};

    fn at(time: &str) -> Timestamp {
        format!("2026-11-30T{time}Z").parse().unwrap()
    }

    fn branch(time: &str) -> Branch {
        let reading = Reading {
            now: Timestamp::UNIX_EPOCH,
            alone: "",
            account: "1784",
            has_ads: false,
            is_alone: false,
        };
        let comment = Comment {
            at: at(time),
            ..Comment::default()
        };
        reading.branch(&Thread {
            comment: Some(comment),
            ..Thread::default()
        })
    }

    /// Numbers and counts of the headings above these comments.
    fn headings(timeline: &Timeline, is_whole: bool) -> [Option<(Option<i64>, Option<String>)>; 3] {
        let mut branches = ["12:04:10", "12:02:59", "12:04:50"].map(branch);
        timeline.arrange(&mut branches, is_whole);
        branches.map(|branch| branch.minute.map(|minute| (minute.number, minute.comments)))
    }

    #[test]
    fn a_minute_has_one_heading_with_its_number_and_its_comments() {
        let minutes = [("12:02:00", 1, 11), ("12:04:00", 14, 25)];
        let minutes = minutes.map(|(time, comments, last_position)| CommentMinute {
            at: at(time),
            comments,
            last_position,
        });
        let timeline = Timeline::of(Some(minutes.to_vec()));
        let said = |number, comments: &str| Some((Some(number), Some(comments.to_owned())));
        let expected = [said(3, "14 comments"), None, said(1, "1 comment")];
        assert_eq!(headings(&timeline, true), expected);
        let in_part = [Some((Some(3), None)), None, Some((Some(1), None))];
        assert_eq!(headings(&timeline, false), in_part);
        let bars = timeline.bars().into_iter();
        let bars: Vec<_> = bars.map(|(bar, before)| (bar.count, before)).collect();
        assert_eq!(bars, [(1, 12), (14, 26)]);
    }

    #[test]
    fn comments_that_are_too_many_to_count_have_minutes_alone() {
        let timeline = Timeline::of(None);
        let alone = Some((None, None));
        assert_eq!(headings(&timeline, true), [alone.clone(), None, alone]);
        assert!(timeline.bars().is_empty());
    }
}
