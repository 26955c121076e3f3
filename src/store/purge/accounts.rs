//! Accounts that only simulated deliveries created.

use std::collections::HashMap;

use jiff::Timestamp;
use jiff_sqlx::ToSqlx;
use sqlx::{Connection, PgConnection};

use super::new_rows::NewRows;
use crate::store::Error;

/// Maximum number of accounts of one transaction, which holds the fence.
const AT_ONCE: usize = 500;

/// Evidence for one account: simulated rows and other rows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Trace {
    /// `received_at` of the first simulated delivery for the account.
    pub simulated: Option<Timestamp>,
    /// True if a delivery that is not simulated came for the account.
    pub other: bool,
}

/// Accounts by app and id.
pub(super) type Traces = HashMap<(String, String), Trace>;

/// An account created by simulation, with the arrival of its first simulated delivery.
#[derive(Clone, Debug)]
pub(super) struct Made {
    pub app: String,
    pub account_id: String,
    pub since: Timestamp,
}

/// Condition for an unchanged row: no label, client, username or state was set, and the row is not
/// older than the first simulated delivery.
const UNTOUCHED: &str = "known.label IS NULL AND known.client IS NULL AND known.username IS NULL
    AND known.state = 'active' AND known.first_seen >= made.since";

/// Notes the accounts that have counts of deliveries that are not simulated, also on days whose
/// partitions were dropped. Returns the number of rows with simulated counts.
pub(super) async fn known_by_counts(
    conn: &mut PgConnection,
    traces: &mut Traces,
) -> Result<i64, Error> {
    let known: Vec<(String, String)> = sqlx::query_as(
        "SELECT DISTINCT app, account_id FROM stats_hourly WHERE source <> 'simulated'",
    )
    .fetch_all(&mut *conn)
    .await?;
    for account in known {
        traces.entry(account).or_default().other = true;
    }
    let rows = sqlx::query_scalar("SELECT count(*) FROM stats_hourly WHERE source = 'simulated'");
    Ok(rows.fetch_one(conn).await?)
}

/// Accounts to delete.
pub(super) async fn made_by_simulation(
    conn: &mut PgConnection,
    traces: &Traces,
) -> Result<Vec<Made>, Error> {
    let simulated = traces.iter().filter(|(_, trace)| !trace.other);
    let made: Vec<_> = simulated
        .filter_map(|((app, account_id), trace)| {
            Some(Made {
                app: app.clone(),
                account_id: account_id.clone(),
                since: trace.simulated?,
            })
        })
        .collect();
    let select = format!(
        "SELECT known.app, known.account_id, made.since FROM accounts AS known
         JOIN unnest($1::text[], $2::text[], $3::timestamptz[]) AS made (app, account_id, since)
         USING (app, account_id) WHERE {UNTOUCHED} ORDER BY known.app, known.account_id"
    );
    let (apps, ids, since) = columns(&made);
    let rows: Vec<(String, String, jiff_sqlx::Timestamp)> =
        sqlx::query_as(sqlx::AssertSqlSafe(select))
            .bind(apps)
            .bind(ids)
            .bind(since)
            .fetch_all(conn)
            .await?;
    let row = |(app, account_id, since): (String, String, jiff_sqlx::Timestamp)| Made {
        app,
        account_id,
        since: since.to_jiff(),
    };
    Ok(rows.into_iter().map(row).collect())
}

/// Deletes the accounts, except those with a new delivery that is not simulated.
pub(super) async fn delete(
    conn: &mut PgConnection,
    made: &[Made],
    new_rows: &mut NewRows,
) -> Result<u64, Error> {
    let mut gone = 0;
    for some in made.chunks(AT_ONCE) {
        let mut tx = conn.begin().await?;
        new_rows.close(&mut tx).await?;
        let quiet = some
            .iter()
            .filter(|one| !new_rows.has_seen(&one.app, &one.account_id));
        let quiet: Vec<Made> = quiet.cloned().collect();
        let delete = format!(
            "DELETE FROM accounts AS known
             USING unnest($1::text[], $2::text[], $3::timestamptz[]) AS made (app, account_id, since)
             WHERE known.app = made.app AND known.account_id = made.account_id AND {UNTOUCHED}"
        );
        let (apps, ids, since) = columns(&quiet);
        let deleted = sqlx::query(sqlx::AssertSqlSafe(delete))
            .bind(apps)
            .bind(ids)
            .bind(since)
            .execute(&mut *tx)
            .await?;
        tx.commit().await?;
        gone += deleted.rows_affected();
    }
    Ok(gone)
}

fn columns(made: &[Made]) -> (Vec<String>, Vec<String>, Vec<jiff_sqlx::Timestamp>) {
    let mut columns = (Vec::new(), Vec::new(), Vec::new());
    for one in made {
        columns.0.push(one.app.clone());
        columns.1.push(one.account_id.clone());
        columns.2.push(one.since.to_sqlx());
    }
    columns
}
