//! Lists over several accounts of tables with an index for each account: the first rows of each
//! visible account, merged, or all rows in the order of the primary key.

use jiff::Timestamp;
use jiff_sqlx::ToSqlx;
use sqlx::{FromRow, QueryBuilder, postgres::PgRow};

use super::{
    Conditions, Error, Reader, Visible, answer,
    extent::{Extent, counting},
};

/// Filter of a list by account.
pub(crate) trait Listed: Clone + Send + Sync + 'static {
    /// Row of the list.
    type Row: for<'r> FromRow<'r, PgRow> + Send + Sync + Unpin;

    /// The table.
    const TABLE: Table;

    /// Columns of a row, separated by commas.
    fn columns() -> String;

    /// App and accounts; none and empty for any.
    fn accounts(&self) -> (&Option<String>, &[String]);

    /// Client of the accounts; `None` for any.
    fn client(&self) -> Option<&String>;

    /// Start and end of the times of the last event.
    fn times(&self) -> [Option<Timestamp>; 2];

    /// Adds the filter's own conditions.
    fn apply(&self, query: &mut Conditions);

    /// Key of a row.
    fn key(row: &Self::Row) -> [&str; 3];
}

/// Parts of the statements about a table with the columns `app` and `account_id`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Table {
    /// Finds the accounts in the table by its keys, without reading the rows between.
    pub(super) every_account: &'static str,
    /// Finds the apps in the table by its keys; account ids follow.
    pub(super) every_app: &'static str,
    /// The rows of an account, after the columns.
    pub(super) of_account: &'static str,
    /// All rows, after the columns.
    pub(super) all: &'static str,
    /// Condition for rows behind a key, which follows.
    pub(super) behind: &'static str,
    /// Order of the key.
    pub(super) order: &'static str,
}

/// Declares the parts for the table `$table` with the primary key `app`, `account_id` and `$id`.
macro_rules! table {
    ($table:literal, $id:literal) => {
        crate::store::read::by_account::Table {
            every_account: concat!(
                "WITH RECURSIVE account AS (
                     (SELECT app, account_id FROM ",
                $table,
                " ORDER BY app, account_id LIMIT 1)
                     UNION ALL
                     SELECT next.app, next.account_id
                     FROM account AS a CROSS JOIN LATERAL (
                         SELECT t.app, t.account_id FROM ",
                $table,
                " AS t
                         WHERE (t.app, t.account_id) > (a.app, a.account_id)
                         ORDER BY t.app, t.account_id LIMIT 1
                     ) AS next
                 )"
            ),
            every_app: concat!(
                "WITH RECURSIVE app AS (
                     (SELECT app FROM ",
                $table,
                " ORDER BY app LIMIT 1)
                     UNION ALL
                     SELECT next.app FROM app AS a CROSS JOIN LATERAL (
                         SELECT t.app FROM ",
                $table,
                " AS t WHERE t.app > a.app ORDER BY t.app LIMIT 1
                     ) AS next
                 ), account AS (
                     SELECT app, id AS account_id FROM app CROSS JOIN unnest("
            ),
            of_account: concat!(
                " FROM ",
                $table,
                " AS t WHERE t.app = a.app AND t.account_id = a.account_id AND"
            ),
            all: concat!(" FROM ", $table, " WHERE"),
            behind: concat!(" AND (app, account_id, ", $id, ") > ("),
            order: concat!(" ORDER BY app, account_id, ", $id),
        }
    };
}
pub(super) use table;

/// Begins the list of the rows that meet `filter`. Further conditions on the rows, the order, and
/// [`merged`](Conditions::merged) follow.
pub(super) fn begin<F: Listed>(filter: &F, visible: &Visible) -> Conditions {
    let (app, accounts) = filter.accounts();
    let mut query = Conditions(QueryBuilder::new(""));
    if accounts.is_empty() {
        query.0.push(F::TABLE.every_account);
    } else {
        query
            .0
            .push(F::TABLE.every_app)
            .push_bind(accounts.to_vec());
        query.0.push("::text[]) AS id)");
    }
    query.again(" SELECT t.* FROM (SELECT app, account_id FROM account WHERE");
    query.visible(visible).and("app = ", app.clone());
    query.of_client(filter.client());
    query.0.push(") AS a CROSS JOIN LATERAL (SELECT ");
    query.0.push(F::columns());
    query.again(F::TABLE.of_account).last_at(filter.times());
    filter.apply(&mut query);
    query
}

impl Reader {
    /// Reads at most `limit` rows behind `after` in the order of their key, of those that began up
    /// to the position `end`.
    pub(crate) async fn by_id<F: Listed>(
        &mut self,
        filter: &F,
        after: Option<&F::Row>,
        end: i64,
        limit: u32,
    ) -> Result<Vec<F::Row>, Error> {
        let select = format!("SELECT {}{}", F::columns(), F::TABLE.all);
        let mut query = Conditions::after(&select);
        query.of_table(filter, end, &self.visible);
        if let Some([app, account_id, id]) = after.map(F::key) {
            query.0.push(F::TABLE.behind).push_bind(app.to_owned());
            query.0.push(", ").push_bind(account_id.to_owned());
            query.0.push(", ").push_bind(id.to_owned()).push(")");
        }
        let mut query = query.limit(F::TABLE.order, limit);
        answer(query.build_query_as().fetch_all(&mut *self.conn)).await
    }

    /// Counts the rows that began up to the position `end`, with the times of their last events.
    pub(crate) async fn extent_by_id<F: Listed>(
        &mut self,
        filter: &F,
        end: i64,
    ) -> Result<Extent, Error> {
        let mut query = counting("last_at", "last_at", F::TABLE.all);
        query.of_table(filter, end, &self.visible);
        self.count(query).await
    }
}

impl Conditions {
    /// Restricts all rows of the table.
    fn of_table<F: Listed>(&mut self, filter: &F, end: i64, visible: &Visible) {
        let (app, accounts) = filter.accounts();
        if !accounts.is_empty() {
            self.and_any("account_id", accounts.to_vec());
        }
        self.of_client(filter.client());
        self.visible(visible)
            .and("app = ", app.clone())
            .and("first_position <= ", Some(end))
            .last_at(filter.times());
        filter.apply(self);
    }

    fn of_client(&mut self, client: Option<&String>) {
        if let Some(client) = client {
            self.of_clients(vec![client.clone()]);
        }
    }

    fn last_at(&mut self, [since, until]: [Option<Timestamp>; 2]) -> &mut Self {
        self.and("last_at >= ", since.map(ToSqlx::to_sqlx))
            .and("last_at < ", until.map(ToSqlx::to_sqlx))
    }

    /// Restricts events to visible ones of an account.
    pub(super) fn of_account(
        &mut self,
        (app, account_id): (&str, &str),
        visible: &Visible,
    ) -> &mut Self {
        self.and("account_id = ", Some(account_id.to_owned()))
            .and("app = ", Some(app.to_owned()))
            .visible(visible)
    }

    /// Ends the list: at most `limit` rows of each account, and of all.
    pub(super) fn merged(
        mut self,
        order: &'static str,
        limit: u32,
    ) -> QueryBuilder<sqlx::Postgres> {
        self.0.push(order).push(" LIMIT ");
        self.0.push_bind(i64::from(limit)).push(") AS t");
        self.limit(order, limit)
    }
}
