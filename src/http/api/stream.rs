//! Live stream of events, as server-sent events.

use std::{convert::Infallible, sync::Arc, time::Duration};

use axum::{
    Extension,
    body::{Body, Bytes},
    extract::State,
    http::{HeaderMap, HeaderName, header},
    response::{IntoResponse, Response},
    routing::get,
};
use futures_util::{future::OptionFuture, stream};
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    time::timeout,
};

use super::{
    Api, Asked, Shared,
    events::refuse_content_filters,
    filters::{FILTERS, event_filter},
    operation::{Answer, Operation},
};
use crate::{
    http::{
        access::{Admission, Viewer},
        connection::{Connection, Streaming},
        parameter::{Form, Parameter},
        parameters::Parameters,
        problem::{self, Problem},
    },
    query::{
        EventFilter, Scope,
        stream::{Hub, Refusal, StreamItem, Subscriber},
    },
};

const START: &[Parameter] = &[Parameter::of(
    "after",
    "Positions greater than this one. If unset: from now on. The header Last-Event-ID has \
     precedence.",
    Form::Position,
)];

const LAST_ID: &[Parameter] = &[Parameter::of(
    "Last-Event-ID",
    "The id of the last block of an earlier stream.",
    Form::Position,
)];

pub(super) const OPERATIONS: &[Operation] = &[Operation {
    path: "/v1/events/stream",
    handler: || get(open),
    about: "Live stream of events, as server-sent events without an end.",
    parameters: &[FILTERS, START],
    headers: LAST_ID,
    example: "/v1/events/stream?after=0&kind=comment",
    answers: &[Answer::other(
        "text/event-stream",
        "Blocks with the position as id and an event as data; caught_up and gap.",
    )],
    problems: &[
        problem::NOT_FOUND,
        problem::BEYOND,
        problem::STREAMS,
        problem::DATABASE,
        problem::BUSY,
    ],
    ..Operation::GET
}];

/// Size from which a part of a stream is sent on.
const PART: usize = 32 << 10;

/// Streams of the listener, and their limit.
#[derive(Clone, Debug)]
pub struct Streams {
    hub: Hub,
    permits: Arc<Semaphore>,
}

impl Streams {
    /// Streams from `hub`, at most `limit` at once.
    pub fn new(hub: Hub, limit: usize) -> Self {
        Self {
            hub,
            permits: Arc::new(Semaphore::new(limit)),
        }
    }

    fn permit(&self) -> Result<OwnedSemaphorePermit, Problem> {
        let permit = Arc::clone(&self.permits).try_acquire_owned();
        permit.map_err(|_| {
            let detail = "as many streams are open as admin.max_streams allows";
            Problem::new(problem::STREAMS, detail).header(header::RETRY_AFTER, 5)
        })
    }
}

impl Api {
    /// Waits until an event behind the position `after` meets `filter`, for at most `time`. The wait
    /// counts as a stream.
    pub(super) async fn wait(
        &self,
        (scope, asked): (&Scope, &Asked),
        (filter, after): (EventFilter, i64),
        time: Duration,
    ) -> Result<(), Problem> {
        let _permit = self.streams.permit()?;
        let _streaming = asked.connection.as_ref().map(|it| it.begin_stream());
        let hub = &self.streams.hub;
        let opened = hub.subscribe(scope, filter, Some(after)).await;
        let mut subscriber = opened.map_err(|refusal| refused(self, refusal))?;
        let event = async {
            while let Some(item) = subscriber.next().await {
                if matches!(item, StreamItem::Event { .. }) {
                    break;
                }
            }
        };
        // Without an event in time, the answer is an empty page.
        let _ = timeout(time, event).await;
        Ok(())
    }
}

async fn open(
    State(api): Shared,
    Viewer(scope): Viewer,
    admission: Option<Extension<Admission>>,
    Extension(connection): Extension<Arc<Connection>>,
    asked: Asked,
) -> Result<Response, Problem> {
    let parameters = &asked.parameters;
    refuse_content_filters(&scope, parameters)?;
    let start = start(&asked.headers, parameters)?;
    let permit = api.streams.permit()?;
    let mut session = api.session(&scope).await?;
    let filter = event_filter(&api, &mut session, parameters).await?;
    // A stream does not keep a session from others.
    drop(session);
    let filter = filter.ok_or_else(|| unknown_delivery(parameters))?;
    let subscribed = api.streams.hub.subscribe(&scope, filter, start).await;
    let client = Client {
        subscriber: subscribed.map_err(|refusal| refused(&api, refusal))?,
        admission: admission.map(|Extension(admission)| admission),
        _permit: permit,
        _streaming: connection.begin_stream(),
    };
    let parts = stream::unfold(client, async |mut client| {
        let part = client.next().await?;
        Some((Ok::<_, Infallible>(part), client))
    });
    let headers = [
        (header::CONTENT_TYPE, "text/event-stream"),
        (header::CACHE_CONTROL, "no-store"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (HeaderName::from_static("x-accel-buffering"), "no"),
    ];
    Ok((headers, Body::from_stream(parts)).into_response())
}

/// Position before the stream; `None` if it begins with the next event.
fn start(headers: &HeaderMap, parameters: &Parameters) -> Result<Option<i64>, Problem> {
    let after = parameters.position("after")?;
    let ids = headers.get_all("last-event-id").iter();
    let ids: Vec<_> = ids
        .map(|id| String::from_utf8_lossy(id.as_bytes()))
        .collect();
    if ids.is_empty() {
        return Ok(after);
    }
    // Repeated headers mean their values with commas between them, which are no position.
    let text = ids.join(",");
    let is_digits = text.bytes().all(|byte| byte.is_ascii_digit());
    let position: Option<i64> = text.parse().ok().filter(|_| is_digits);
    let position = position.ok_or_else(|| {
        let detail = "the header Last-Event-ID is no position";
        Problem::parameter(
            "Last-Event-ID",
            &text,
            "the id of a block of a stream",
            detail,
        )
    });
    position.map(Some)
}

/// A stream of a delivery that is not stored would stay silent.
fn unknown_delivery(parameters: &Parameters) -> Problem {
    let given = parameters.get("delivery").unwrap_or_default();
    let detail = "no delivery with this id is stored";
    Problem::parameter("delivery", given, "the id of a stored delivery", detail)
}

fn refused(api: &Api, refusal: Refusal) -> Problem {
    match refusal {
        Refusal::Beyond { end } => Problem::beyond(end),
        Refusal::Unavailable(error) => api.problem(&error),
    }
}

/// The client of a stream.
struct Client {
    subscriber: Subscriber,
    /// `None` for a local command, whose access does not end.
    admission: Option<Admission>,
    _permit: OwnedSemaphorePermit,
    _streaming: Streaming,
}

impl Client {
    /// The next part of the stream; `None` at its end.
    async fn next(&mut self) -> Option<Bytes> {
        let revoked = OptionFuture::from(self.admission.as_mut().map(Admission::until_revoked));
        let mut item = tokio::select! {
            item = self.subscriber.next() => item,
            Some(()) = revoked => None,
        }?;
        let mut part = Vec::new();
        loop {
            write(&mut part, &item);
            if part.len() >= PART {
                break;
            }
            match self.subscriber.next_ready() {
                Some(next) => item = next,
                None => break,
            }
        }
        Some(part.into())
    }
}

/// Writes the block of an item. A block with only an id moves the last id of an `EventSource`
/// without an event.
fn write(part: &mut Vec<u8>, item: &StreamItem) {
    part.extend_from_slice(format!("id: {}\n", item.position()).as_bytes());
    match item {
        StreamItem::Event { json, .. } => {
            part.extend_from_slice(b"data: ");
            part.extend_from_slice(json);
            part.push(b'\n');
        }
        StreamItem::CaughtUp { position } => {
            let block = format!("event: caught_up\ndata: {{\"position\":\"{position}\"}}\n");
            part.extend_from_slice(block.as_bytes());
        }
        StreamItem::Gap(gap) => {
            let (from, to) = (gap.from, gap.to);
            let block = format!("event: gap\ndata: {{\"from\":\"{from}\",\"to\":\"{to}\"}}\n");
            part.extend_from_slice(block.as_bytes());
        }
        StreamItem::Position(_) => {}
    }
    part.push(b'\n');
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::query::stream::Gap;

    #[test]
    fn each_item_is_a_block_with_an_id() {
        let blocks = [
            StreamItem::Event {
                position: 1,
                json: Bytes::from_static(b"{}"),
            },
            StreamItem::CaughtUp { position: 2 },
            StreamItem::Position(3),
            StreamItem::Gap(Gap { from: 4, to: 5 }),
        ];
        let mut part = Vec::new();
        for item in &blocks {
            write(&mut part, item);
        }
        let text = String::from_utf8(part).unwrap();
        assert_eq!(
            text,
            "id: 1\ndata: {}\n\n\
             id: 2\nevent: caught_up\ndata: {\"position\":\"2\"}\n\n\
             id: 3\n\n\
             id: 5\nevent: gap\ndata: {\"from\":\"4\",\"to\":\"5\"}\n\n"
        );
    }
}
