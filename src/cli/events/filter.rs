//! Filters of events, as the API takes them.

use clap::Args;
use uuid::Uuid;

use super::super::{
    api::Request,
    filters::{self, Received, Which},
};
use crate::{meta::event::Problem, query::EventFilter};

/// Filters of events that look at ids and columns.
#[derive(Args, Debug)]
pub(in crate::cli) struct EventFilters {
    #[command(flatten)]
    which: Which,
    /// The subscription field in Meta's spelling for Instagram, such as comments.
    #[arg(long)]
    field: Option<String>,
    /// The other party: an IGSID.
    #[arg(long, value_name = "IGSID")]
    person: Option<String>,
    /// The user name of the other party, in upper or lower case.
    #[arg(long, value_name = "NAME", value_parser = filters::username)]
    username: Option<String>,
    /// Id of the message.
    #[arg(long, value_name = "ID")]
    message: Option<String>,
    /// Id of the comment.
    #[arg(long, value_name = "ID")]
    comment: Option<String>,
    /// Id of the media.
    #[arg(long, value_name = "ID")]
    media: Option<String>,
    /// Id of the delivery.
    #[arg(long, value_name = "ID", value_parser = filters::delivery_id())]
    delivery: Option<Uuid>,
    /// Problem of the event.
    #[arg(long, value_parser = filters::problem())]
    problem: Option<Problem>,
    /// Echoes only, or no echoes.
    #[arg(long, value_name = "true|false")]
    echo: Option<bool>,
    /// Only events received more than an hour after they occurred, or only the others.
    #[arg(long, value_name = "true|false")]
    late: Option<bool>,
    #[command(flatten)]
    received: Received,
}

impl EventFilters {
    /// The request for these events.
    pub(in crate::cli) fn of(&self, request: Request) -> anyhow::Result<Request> {
        let request = self.which.of(request);
        let request = request
            .with_any("field", self.field.as_ref())
            .with_any("person", self.person.as_ref())
            .with_any("username", self.username.as_ref())
            .with_any("message", self.message.as_ref())
            .with_any("comment", self.comment.as_ref())
            .with_any("media", self.media.as_ref())
            .with_any("delivery", self.delivery)
            .with_any("problem", self.problem.map(Problem::as_str))
            .with_any("echo", self.echo)
            .with_any("late", self.late);
        Ok(self.received.of(request)?)
    }

    /// The filter for these events, with the account as named, and the delivery.
    pub(crate) fn filter(&self) -> anyhow::Result<(EventFilter, Option<Uuid>)> {
        let [since, until] = self.received.resolve()?;
        let filter = EventFilter {
            field: self.field.clone(),
            person_id: self.person.clone(),
            username: self.username.clone(),
            message_id: self.message.clone(),
            comment_id: self.comment.clone(),
            media_id: self.media.clone(),
            problem: self.problem,
            is_echo: self.echo,
            is_late: self.late,
            since,
            until,
            ..self.which.filter()
        };
        Ok((filter, self.delivery))
    }

    /// True if events before some time are left out.
    pub(in crate::cli) fn has_start(&self) -> bool {
        self.received.has_start()
    }
}
