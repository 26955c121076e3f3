//! Threads on a media: their choice and their order. Reads of the log give threads by their newest
//! comment, so a choice reads on until it has enough of them.

use super::{
    Api, Asked,
    conversations::limit,
    filters::{ACCOUNT, APP, LIMIT, accounts, names},
    in_path,
};
use crate::{
    http::{
        parameter::{Form, Parameter},
        parameters::Parameters,
        problem::Problem,
    },
    query::{MediaComments, MediaFilter, Scope, Session, Subject, Thread},
};

pub(in crate::http) const THREADS: &[Parameter] = &[
    APP,
    ACCOUNT,
    Parameter::of(
        "before",
        "Position before which the threads are.",
        Form::Position,
    ),
    Parameter::of(
        "order",
        "newest, or those with unanswered comments first. If unset: newest.",
        Form::OneOf(|| names(ThreadOrder::ALL, ThreadOrder::as_str)),
    ),
    Parameter::of(
        "answered",
        "false for threads with unanswered comments, true for the others.",
        Form::Flag,
    ),
    Parameter::one("thread", "Id of the first comment of the only thread."),
    LIMIT,
];

/// Maximum number of threads per read of a choice.
const AT_ONCE: u32 = 200;

/// Maximum number of reads of a choice.
const MOST_READS: usize = 20;

/// Choice of threads.
pub(in crate::http) type Keep = dyn Fn(&Thread) -> bool + Send + Sync;

/// Order of threads.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in crate::http) enum ThreadOrder {
    /// By the newest comment, newest first.
    #[default]
    Newest,
    /// Threads with unanswered comments first, then the others; each group by the newest comment.
    Unanswered,
}

/// Part of the threads on a media.
pub(in crate::http) struct ThreadPart {
    pub(in crate::http) comments: MediaComments,
    /// Changes of the parameters that lead to the next part; `None` at the end.
    pub(in crate::http) next: Option<Vec<(&'static str, String)>>,
}

/// Choice of threads by their state and by a function.
#[derive(Clone, Copy)]
struct Chosen<'k> {
    answered: Option<bool>,
    keep: Option<&'k Keep>,
}

/// Filter for the media that a path names.
pub(super) async fn named(
    api: &Api,
    session: &mut Session,
    parameters: &Parameters,
    id: &str,
) -> Result<MediaFilter, Problem> {
    Ok(MediaFilter {
        app: parameters.text("app")?,
        media_id: Some(in_path(id.to_owned())?),
        account_ids: accounts(api, session, parameters).await?,
        ..MediaFilter::default()
    })
}

/// Reads the threads on a media; with a choice, only those that it keeps, of as many threads as some
/// reads give. The audit records it.
pub(in crate::http) async fn comments(
    api: &Api,
    (scope, asked): (&Scope, &Asked),
    id: &str,
    keep: Option<&Keep>,
) -> Result<ThreadPart, Problem> {
    let parameters = &asked.parameters;
    let (before, limit) = (parameters.position("before")?, limit(parameters)?);
    let mut session = api.session(scope).await?;
    let filter = named(api, &mut session, parameters, id).await?;
    let mut chosen = Chosen {
        answered: parameters.flag("answered")?,
        keep,
    };
    let is_first = thread_order(parameters)? == ThreadOrder::Unanswered
        && chosen.answered.is_none()
        && parameters.get("thread").is_none();
    if is_first {
        chosen.answered = Some(false);
    }
    let mut part = if let Some(thread) = parameters.text("thread")? {
        let found = api.read(session.media_thread(&filter, &thread)).await?;
        let mut comments = found.ok_or_else(Problem::not_found)?;
        comments.threads.retain(|thread| chosen.takes(thread));
        ThreadPart::of(comments)
    } else {
        let of = (&filter, chosen);
        ThreadPart::of(threads(api, &mut session, of, (before, limit)).await?)
    };
    if is_first && part.next.is_none() {
        chosen.answered = Some(true);
        part.add_answered(api, &mut session, (&filter, chosen), limit)
            .await?;
    }
    let subject = Subject::Id(&part.comments.row.media_id);
    let count = Some(part.comments.threads.len());
    api.record(scope, asked, "comments", (subject, count))
        .await?;
    Ok(part)
}

/// Order that the parameters ask for.
pub(in crate::http) fn thread_order(parameters: &Parameters) -> Result<ThreadOrder, Problem> {
    let order = parameters.one_of("order", ThreadOrder::ALL, ThreadOrder::as_str)?;
    Ok(order.unwrap_or_default())
}

/// Reads at most `limit` chosen threads before a position: of as many threads as some reads give.
async fn threads(
    api: &Api,
    session: &mut Session,
    (filter, chosen): (&MediaFilter, Chosen<'_>),
    (before, limit): (Option<i64>, u32),
) -> Result<MediaComments, Problem> {
    let is_chosen = chosen.answered.is_some() || chosen.keep.is_some();
    let at_once = if is_chosen { limit.max(AT_ONCE) } else { limit };
    let read = session.media_comments(filter, before, at_once);
    let mut comments = api.read(read).await?.ok_or_else(Problem::not_found)?;
    if !is_chosen {
        return Ok(comments);
    }
    comments.threads.retain(|thread| chosen.takes(thread));
    for _ in 1..MOST_READS {
        if comments.threads.len() >= limit as usize || comments.next.is_none() {
            break;
        }
        let read = session.media_comments(filter, comments.next, at_once);
        let further = api.read(read).await?.ok_or_else(Problem::not_found)?;
        comments.next = further.next;
        let further = further.threads.into_iter();
        comments
            .threads
            .extend(further.filter(|thread| chosen.takes(thread)));
    }
    comments.keep_first(limit as usize);
    Ok(comments)
}

impl ThreadOrder {
    const ALL: &'static [Self] = &[Self::Newest, Self::Unanswered];

    fn as_str(self) -> &'static str {
        match self {
            Self::Newest => "newest",
            Self::Unanswered => "unanswered",
        }
    }
}

impl Chosen<'_> {
    fn takes(&self, thread: &Thread) -> bool {
        let has_state = self
            .answered
            .is_none_or(|it| it == (thread.unanswered == 0));
        has_state && self.keep.is_none_or(|keep| keep(thread))
    }
}

impl ThreadPart {
    fn of(comments: MediaComments) -> Self {
        let next = comments.next;
        let next = next.map(|before| vec![("before", before.to_string())]);
        Self { comments, next }
    }

    /// Adds the first threads without unanswered comments behind the last unanswered one, up to
    /// `limit` threads. The next part then has only such threads.
    async fn add_answered(
        &mut self,
        api: &Api,
        session: &mut Session,
        of: (&MediaFilter, Chosen<'_>),
        limit: u32,
    ) -> Result<(), Problem> {
        let found = u32::try_from(self.comments.threads.len()).unwrap_or(limit);
        let left = limit.saturating_sub(found);
        let others = threads(api, session, of, (None, left.max(1))).await?;
        let is_more = others.next.is_some() || left == 0 && !others.threads.is_empty();
        let before = others.next.filter(|_| left > 0);
        let before = before.map_or_else(String::new, |before| before.to_string());
        let answered = ("answered", "true".to_owned());
        self.next = is_more.then(|| vec![("before", before), answered]);
        if left > 0 {
            self.comments.threads.extend(others.threads);
        }
        Ok(())
    }
}
