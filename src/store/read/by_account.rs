//! Lists over several accounts of tables with an index for each account: the first rows of each
//! visible account, merged.

use jiff::Timestamp;
use jiff_sqlx::ToSqlx;
use sqlx::QueryBuilder;

use super::{Conditions, Visible};

/// List of a table with the columns `app` and `account_id`.
#[derive(Clone, Copy, Debug)]
pub(super) struct ByAccount {
    /// Finds the accounts in the table by its keys, without reading the rows between.
    pub every_account: &'static str,
    /// Finds the apps in the table by its keys; account ids follow.
    pub every_app: &'static str,
    /// Columns and table, after the columns.
    pub from: &'static str,
}

/// Declares the list of `table`.
macro_rules! by_account {
    ($table:literal) => {
        crate::store::read::by_account::ByAccount {
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
            from: concat!(
                " FROM ",
                $table,
                " AS t WHERE t.app = a.app AND t.account_id = a.account_id AND"
            ),
        }
    };
}
pub(super) use by_account;

impl ByAccount {
    /// Begins the list of the visible accounts of `app`, or of these accounts, or of all, with rows
    /// whose last event is between `since` and `until`. Further conditions on the rows, the order,
    /// and [`merged`](Conditions::merged) follow.
    pub(super) fn begin(
        self,
        columns: &str,
        (app, accounts): (&Option<String>, &[String]),
        [since, until]: [Option<Timestamp>; 2],
        visible: &Visible,
    ) -> Conditions {
        let mut query = Conditions(QueryBuilder::new(""));
        if accounts.is_empty() {
            query.0.push(self.every_account);
        } else {
            query.0.push(self.every_app).push_bind(accounts.to_vec());
            query.0.push("::text[]) AS id)");
        }
        query.again(" SELECT t.* FROM (SELECT app, account_id FROM account WHERE");
        query.visible(visible).and("app = ", app.clone());
        query.0.push(") AS a CROSS JOIN LATERAL (SELECT ");
        query.0.push(columns);
        query
            .again(self.from)
            .and("last_at >= ", since.map(ToSqlx::to_sqlx))
            .and("last_at < ", until.map(ToSqlx::to_sqlx));
        query
    }
}

impl Conditions {
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
