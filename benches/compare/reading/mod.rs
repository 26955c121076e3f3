//! `cargo bench --bench compare -- reading`: requests to the API on a store of ninety days, and the
//! same SQL in `psql`, in turn.
//!
//! The log of Postgres gives the statements of a request with their parameters. `psql` prepares
//! them and measures itself (`\timing`).

mod cases;
mod fill;
mod pages;
mod psql;

use std::{path::PathBuf, time::Duration};

use anyhow::Context;
use sqlx::{ConnectOptions as _, PgConnection, postgres::PgConnectOptions};

use self::{cases::Case, psql::Psql};
use crate::{options::ReadingOptions, postgres::Postgres, request::Client, server::Server};

/// Maximum p99 of a request.
const P99: Duration = Duration::from_millis(100);

/// Maximum ratio of the medians.
const RATIO: f64 = 1.5;

/// A database with its log.
struct Store {
    url: String,
    log: PathBuf,
}

/// Fills a store, unless there is one, and measures every case.
pub(crate) async fn measure(options: &ReadingOptions) -> anyhow::Result<()> {
    let mut own = None;
    let store = if let (Some(url), Some(log)) = (&options.url, &options.log) {
        Store {
            url: url.clone(),
            log: log.clone(),
        }
    } else {
        let postgres = own.insert(Postgres::start().await?);
        fill::fill(postgres, options.events).await?
    };
    let connect: PgConnectOptions = store.url.parse()?;
    let mut conn = connect.disable_statement_logging().connect().await?;
    let dir = tempfile::tempdir()?;
    let mut server = Server::start_program(&options.program, "serve", &store.url, dir.path())?;
    let mut client = Client::connect(server.admin()?)?;
    if options.pages {
        pages::measure(&mut client, options.rounds, &mut conn).await?;
        return server.stop();
    }
    let mut psql = Psql::start(&store.url)?;
    println!(
        "times in ms; p99 at most {} and ratio of the medians at most {RATIO}\n\n\
         | request | statements | median | p99 | psql median | psql p99 | ratio | met |\n\
         |---|---|---|---|---|---|---|---|",
        P99.as_millis()
    );
    for case in cases::all(&mut conn).await? {
        if options.only.iter().all(|name| case.name.contains(name)) {
            turn(
                &case,
                options.rounds,
                &mut conn,
                (&mut client, &mut psql),
                &store,
            )
            .await?;
        }
    }
    server.stop()
}

async fn turn(
    case: &Case,
    rounds: u32,
    conn: &mut PgConnection,
    (client, psql): (&mut Client, &mut Psql),
    store: &Store,
) -> anyhow::Result<()> {
    let name = &case.name;
    // The first requests fill caches.
    for _ in 0..5 {
        client.get(&case.path).with_context(|| name.clone())?;
    }
    let log = psql::Log::begin(conn, &store.log).await?;
    client.get(&case.path)?;
    let statements = log.end(conn).await?;
    psql.prepare(&statements).with_context(|| name.clone())?;
    psql.run()?;
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    for _ in 0..rounds {
        ours.push(client.get(&case.path)?.took);
        theirs.push(psql.run()?);
    }
    psql.forget()?;
    let [median, p99, psql_median, psql_p99] = [
        quantile(&mut ours, 0.5),
        quantile(&mut ours, 0.99),
        quantile(&mut theirs, 0.5),
        quantile(&mut theirs, 0.99),
    ];
    let ratio = median / psql_median;
    let met = if ratio <= RATIO && p99 <= P99.as_secs_f64() * 1000.0 {
        "yes"
    } else {
        "**no**"
    };
    println!(
        "| {name} | {} | {median:.2} | {p99:.2} | {psql_median:.2} | {psql_p99:.2} | {ratio:.2} \
         | {met} |",
        statements.len()
    );
    Ok(())
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    clippy::cast_sign_loss,
    reason = "an index of a few hundred"
)]
fn quantile(values: &mut [f64], share: f64) -> f64 {
    values.sort_unstable_by(f64::total_cmp);
    let last = values.len() - 1;
    values[(last as f64 * share).round() as usize]
}
