//! `replay --to`: shows the plan, then creates the replay.

use anyhow::{Context, bail};
use bytes::Bytes;
use clap::Args;
use hyper::Method;
use serde_json::{Map, Value, json};

use super::{
    super::{
        api::{Answer, Fields, Origin, Request},
        events::filter::EventFilters,
        filters::{self, wrong_usage},
        output::Output,
        reparse,
    },
    LIST,
};
use crate::{
    amounts::{count, span},
    clock::Clock,
    config::Sources,
};

/// Fastest rate in events a second.
const FASTEST: u32 = 100_000;

/// Events to replay.
#[derive(Args, Debug)]
pub(super) struct Plan {
    /// Name of the consumer or destination.
    // A verb negates the requirement.
    #[arg(long, value_name = "NAME", required_unless_present = "reparse")]
    to: Option<String>,
    /// Read stored events again with the parser of this version.
    #[arg(long, conflicts_with_all = [
        "to", "dead", "text", "payload", "rate", "note", "ignore_max_age", "json", "url",
    ])]
    reparse: bool,
    /// Only events with a dead letter of the target, in the state dead or retried.
    #[arg(long)]
    dead: bool,
    #[command(flatten)]
    filters: EventFilters,
    /// A part of what was written, in upper or lower case; no character is a wildcard. Give --since
    /// as well: no index finds texts.
    #[arg(long, value_name = "TEXT", value_parser = filters::text)]
    text: Option<String>,
    /// A part of the item's JSON, in the same way.
    #[arg(long, value_name = "TEXT", value_parser = filters::text)]
    payload: Option<String>,
    /// Maximum number of events a second.
    #[arg(long, value_name = "NUMBER", value_parser = filters::whole(1..=FASTEST))]
    rate: Option<u32>,
    /// The reason, for the list of replays.
    #[arg(long, value_name = "TEXT")]
    note: Option<String>,
    /// Also events older than `max_age` of the target.
    #[arg(long)]
    ignore_max_age: bool,
    #[command(flatten)]
    next: Next,
    #[command(flatten)]
    origin: Origin,
}

/// Next step after the plan, and the form of the output.
#[derive(Args, Debug)]
struct Next {
    /// Do it.
    #[arg(long)]
    yes: bool,
    /// Only show the plan.
    #[arg(long, conflicts_with = "yes")]
    dry_run: bool,
    /// Print a JSON object with the plan and the replay.
    #[arg(long)]
    json: bool,
}

impl Plan {
    pub(super) async fn run(self, sources: &Sources) -> anyhow::Result<()> {
        if self.reparse {
            return reparse::run(&self.filters, self.next.yes, sources).await;
        }
        let body = Bytes::from(serde_json::to_vec(&self.body()?)?);
        let api = self.origin.open(sources).await?;
        let request = Request::to(LIST);
        let answer = api.exchange(Method::POST, &request, body).await?;
        let answer = answer.with_context(|| format!("{} shows you no replays", api.name()))?;
        let plan = answer.value("plan");
        if plan["events"] == 0 {
            bail!("no stored event meets the filter, so there is nothing to replay");
        }
        let mut output = Output::new();
        if self.next.json {
            output.json(answer.whole())?;
            return output.finish();
        }
        show(&mut output, &plan)?;
        output.line("")?;
        output.line(&self.conclusion(&answer))?;
        output.finish()
    }

    /// The request.
    fn body(&self) -> anyhow::Result<Value> {
        let filter = self
            .filters
            .of(Request::to(LIST))?
            .with_any("text", self.text.as_ref())
            .with_any("payload", self.payload.as_ref());
        if !filter.is_narrowed() && !self.dead {
            return Err(wrong_usage(format!(
                "{} would get every stored event again: give a filter such as --since 2h, or --dead",
                self.to.as_deref().unwrap_or_default()
            )));
        }
        let filter = filter.parameters();
        let filter: Map<_, _> = filter
            .map(|(name, value)| (name.into(), value.into()))
            .collect();
        Ok(json!({
            "to": self.to,
            "filter": filter,
            "dead": self.dead,
            "ignore_max_age": self.ignore_max_age,
            "rate": self.rate,
            "note": self.note,
            "dry_run": !self.next.yes,
        }))
    }

    /// The result, and the next step.
    fn conclusion(&self, answer: &Answer) -> String {
        let created = answer.value("replay");
        if created.is_object() {
            let id = created.text("id");
            return format!(
                "replay {id} is created; to see how far it is: hookshelf replay show {id}"
            );
        }
        let next = if self.next.dry_run {
            ""
        } else {
            "; to replay the events: the same call with --yes"
        };
        format!("nothing was changed{next}")
    }
}

/// Prints a plan.
fn show(output: &mut Output, plan: &Value) -> anyhow::Result<()> {
    let number = |name: &str| plan[name].as_u64().unwrap_or_default();
    let events = count(number("events"), "event", "events");
    let least = if plan.flag("more") { "at least " } else { "" };
    output.line(&format!("{least}{events} for {}", plan.text("to")))?;
    output.line("")?;
    output.field("oldest", &with_age(plan, "first_at"))?;
    output.field("newest", &with_age(plan, "last_at"))?;
    output.field("duration", &duration(plan))?;
    for (name, label) in [
        ("too_old", "older than max_age"),
        ("filtered", "not chosen"),
    ] {
        if number(name) > 0 {
            let skipped = format!("{}, skipped by the target", number(name));
            output.field(label, &skipped)?;
        }
    }
    if let Some(first) = plan.some_text("waits_for") {
        output.field("waits for", &format!("replay {first} of the same target"))?;
    }
    for (list, name, others) in [
        ("kinds", "kind", None),
        ("days", "day (UTC)", Some("other_days")),
        ("accounts", "account", Some("other_accounts")),
    ] {
        output.line("")?;
        let rows: Vec<_> = plan.list(list).iter().map(row).collect();
        output.table(&[name, "events"], 2, &rows)?;
        if let Some(others) = others.map(number).filter(|others| *others > 0) {
            output.line(&format!("and {others} more"))?;
        }
    }
    Ok(())
}

fn row(group: &Value) -> Vec<String> {
    let name = group.some_text("name").unwrap_or_else(|| "none".to_owned());
    vec![name, group.text("events")]
}

/// A time with its age.
fn with_age(plan: &Value, name: &str) -> String {
    let Some(at) = plan.at(name) else {
        return String::new();
    };
    let age = Clock::system().now().duration_since(at).as_secs();
    let age = span(u64::try_from(age).unwrap_or_default());
    format!("{at:.0}, {age} ago")
}

/// Expected duration with its rate.
fn duration(plan: &Value) -> String {
    let (Some(seconds), Some(rate)) = (plan["duration_s"].as_f64(), plan["rate"].as_f64()) else {
        return "unknown: the target settled no event in the last minute; set --rate".to_owned();
    };
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "neither negative nor long"
    )]
    let seconds = span(seconds.ceil() as u64);
    format!("about {seconds}, at {rate:.1} events a second")
}
