//! Simulated events for `destinations test --send`.

use anyhow::{Context, anyhow, bail};
use bytes::Bytes;
use bytestring::ByteString;
use jiff::Timestamp;
use uuid::Uuid;

use crate::{
    clock::Clock,
    config::{App, Apps, Config, Destination, Format, MetaSecret, Name},
    forward::{
        consumer::HandedOut,
        destination::{Request, Settings},
    },
    meta::{
        event::{Event, Kind, Source},
        signature::Signer,
        split::{self, split},
    },
    query,
    simulate::Chosen,
    store::consumers::EventRow,
};

/// Request with a simulated event of the kind, signed as the destination expects it.
pub(super) fn request(
    config: &Config,
    (name, destination): (&Name, &Destination),
    kind: Kind,
) -> anyhow::Result<Request> {
    let now = Clock::system().now();
    let settings = Settings::new(destination.clone(), &config.apps);
    let app = app(&config.apps, destination);
    let app = app.with_context(|| format!("{name} has no app whose events it gets"))?;
    let body = body(kind, now)?;
    let request = match &destination.format {
        Format::Event(secrets) => {
            let event = event(&body, app, now)?;
            Request::event(&event, (secrets, destination.mask), now)
        }
        Format::Meta(secret) => {
            let signer = settings.signer(app.name.as_str());
            let keys = signer.zip(secret.of(app));
            let (signer, secret) = keys.ok_or_else(|| no_secret(secret))?;
            let mark = Signer::new(secret).mark(&body);
            Request::notification(body, Uuid::now_v7(), signer).marked(&mark)
        }
    };
    let request = request.ok_or_else(|| anyhow!("cannot make the request"))?;
    Ok(request.of(&settings))
}

/// App whose events the destination gets.
fn app<'c>(apps: &'c Apps, destination: &Destination) -> Option<&'c App> {
    let wanted = &destination.filter.apps;
    let is_wanted = |app: &&App| wanted.is_empty() || wanted.contains(&app.name);
    apps.values().find(is_wanted)
}

/// Body of a simulated delivery.
fn body(kind: Kind, now: Timestamp) -> anyhow::Result<Bytes> {
    let chosen = Chosen {
        kind,
        text: None,
        person: None,
        username: None,
    };
    let Ok(seed) = getrandom::u64() else {
        bail!("cannot get a random number");
    };
    Ok(chosen.variant(seed, now)?.0.body)
}

/// First event of a body, as a sender gets it. Its `source` is `simulated`, and it has no position.
fn event(body: &Bytes, app: &App, received_at: Timestamp) -> anyhow::Result<HandedOut> {
    let context = split::Context {
        app: app.name.as_str(),
        received_at,
    };
    let events = split(body, context).events;
    let found = events.into_iter().next();
    let row = row(found.context("the sample has no event")?, app, received_at);
    Ok(HandedOut {
        lease: String::new(),
        attempt: 1,
        redelivered: false,
        replay: None,
        failed_for: None,
        code: None,
        through: 0,
        json: query::line(&query::event(row.clone(), true))?.into(),
        event: row.into(),
    })
}

fn row(event: Event, app: &App, received_at: Timestamp) -> EventRow {
    let text = |text: Option<ByteString>| text.map(|it| it.to_string());
    EventRow {
        delivery_id: Uuid::now_v7(),
        received_at,
        occurred_at: event.occurred_at,
        app: app.name.to_string(),
        field: text(event.field),
        kind: event.kind.as_str().to_owned(),
        channel: event.channel.as_str().to_owned(),
        account_id: text(event.account_id),
        person_id: text(event.person_id),
        sender_id: text(event.sender_id),
        recipient_id: text(event.recipient_id),
        username: text(event.username),
        text: text(event.text),
        is_echo: event.is_echo,
        is_self: event.is_self,
        source: Source::Simulated.as_str().to_owned(),
        dedupe_key: Uuid::now_v7(),
        ..EventRow::default()
    }
}

fn no_secret(secret: &MetaSecret) -> anyhow::Error {
    match secret {
        MetaSecret::OfApp(name) => anyhow!("the app has no secret called {name}"),
        MetaSecret::Own(_) => anyhow!("the destination has no secret"),
    }
}
