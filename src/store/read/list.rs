//! Statements for lists of events in order of position.
//!
//! By default, the planner may read the whole log backward until enough events meet the filter,
//! which for a quiet account or a rare user name are all days; or it reads and sorts all events of a
//! busy person or media. Therefore:
//! - A filter for a person or media, or for a few accounts, reads an index in its order: sorts are
//!   ruled out. The rows of each account are merged.
//! - A filter for a user name finds all its events first. Its index is a Bloom filter for each range
//!   of pages, which the planner believes to be of no use: sequential scans are ruled out.

use sqlx::{Connection as _, FromRow, Postgres, QueryBuilder, Transaction, postgres::PgRow};

use super::{Between, Conditions, Error, EventFilter, Order, Reader, Visible, answer, meaning};

/// Settings of a transaction that reads an index in its order.
pub(super) const IN_ORDER: &str = "BEGIN; SET LOCAL enable_sort = off";

/// Settings of a transaction whose statements have few columns: the session keeps their plan. A
/// partition that is empty at the planning would be read as a whole later.
pub(super) const KEPT: &str =
    "BEGIN; SET LOCAL plan_cache_mode = force_generic_plan; SET LOCAL enable_seqscan = off";

/// Settings of a transaction that reads an index in its order, with a kept plan.
pub(super) const IN_ORDER_KEPT: &str = "BEGIN; SET LOCAL plan_cache_mode = force_generic_plan; SET LOCAL enable_seqscan = off; \
     SET LOCAL enable_sort = off";

/// Settings of a transaction that reads the index of user names. The planner would start workers,
/// which takes longer than the work.
const BY_USERNAME: &str =
    "BEGIN; SET LOCAL enable_seqscan = off; SET LOCAL max_parallel_workers_per_gather = 0";

/// Maximum number of accounts to read one by one: each costs up to a millisecond in ninety days.
/// Events of more accounts are not rare.
const FEW: u32 = 30;

/// Access to the events of a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Access {
    /// As the planner chooses: by the primary key, or by an index that finds few events.
    Planned,
    /// By the index of persons, in its order.
    ByPerson,
    /// By the index of media, in its order.
    ByMedia,
    /// By the index of user names.
    ByUsername,
    /// By the index of accounts, for each account.
    ByAccount,
}

impl Access {
    /// First column of the index, if it is read in its order.
    fn column(self) -> Option<&'static str> {
        match self {
            Self::ByAccount => Some("account_id"),
            Self::ByPerson => Some("person_id"),
            Self::ByMedia => Some("media_id"),
            Self::Planned | Self::ByUsername => None,
        }
    }
}

/// List of the events that meet a filter and are visible.
#[derive(Clone, Debug)]
pub(super) struct List<'f> {
    pub(super) filter: &'f EventFilter,
    visible: Visible,
    pub(super) access: Access,
}

impl Order {
    fn by_position(self) -> &'static str {
        match self {
            Self::Newest => " ORDER BY position DESC",
            Self::Oldest => " ORDER BY position",
        }
    }

    /// The order of an index. A condition for equality would let the planner leave out the column,
    /// and choose another index.
    fn by_index(self, column: &str) -> String {
        match self {
            Self::Newest => format!(" ORDER BY {column} DESC, position DESC"),
            Self::Oldest => format!(" ORDER BY {column}, position"),
        }
    }
}

impl<'f> List<'f> {
    /// List of the events of a person or an account, in a session that sees every row.
    pub(super) fn of_lane(filter: &'f EventFilter) -> Self {
        let access = match filter.person_id {
            Some(_) => Access::ByPerson,
            None => Access::ByAccount,
        };
        Self {
            filter,
            visible: Visible::default(),
            access,
        }
    }
}

impl List<'_> {
    /// The list with the same access for another filter.
    pub(super) fn of<'f>(&self, filter: &'f EventFilter) -> List<'f> {
        List {
            filter,
            visible: self.visible.clone(),
            access: self.access,
        }
    }

    /// True if an index finds few events: of a message, comment, delivery or user name.
    pub(super) fn is_sparse(&self) -> bool {
        self.filter.names_items() || self.access == Access::ByUsername
    }

    /// Selects `columns` of at most `limit` events of a range, after the text `begin`.
    pub(super) fn select(
        &self,
        begin: &str,
        columns: &str,
        range: Between,
        (order, limit): (Order, u32),
    ) -> QueryBuilder<Postgres> {
        if let Some(column) = self.access.column() {
            let mut query = self.each_id(begin, columns, column);
            query
                .beside(column, '>', range.after)
                .beside(column, '<', range.before);
            query.0.push(order.by_index(column)).push(" LIMIT ");
            query.0.push_bind(i64::from(limit)).push(") AS e");
            return query.limit(order.by_position(), limit);
        }
        let mut query = match self.access {
            Access::ByUsername => self.each_of_username(begin, columns, range),
            _ => Conditions::after(&format!("{begin}SELECT {columns} FROM events WHERE")),
        };
        self.filter.apply(&mut query);
        query
            .visible(&self.visible)
            .and("position > ", range.after)
            .and("position < ", range.before);
        query.limit(order.by_position(), limit)
    }

    /// Begins with all events of the user name; further conditions follow. OFFSET keeps these from
    /// the choice of the index.
    fn each_of_username(&self, begin: &str, columns: &str, range: Between) -> Conditions {
        let named = EventFilter {
            username: self.filter.username.clone(),
            since: self.filter.since,
            until: self.filter.until,
            ..EventFilter::default()
        };
        let mut query = Conditions::after(&format!(
            "{begin}SELECT {columns} FROM (SELECT * FROM events WHERE"
        ));
        named.apply(&mut query);
        query
            .and("position > ", range.after)
            .and("position < ", range.before);
        query.again(" OFFSET 0) AS events WHERE");
        query
    }

    /// Begins with the accounts, or with the person or media; further conditions for the events of
    /// each follow.
    fn each_id(&self, begin: &str, columns: &str, column: &'static str) -> Conditions {
        let (filter, visible) = (self.filter, &self.visible);
        let mut query = Conditions(QueryBuilder::new(format!("{begin}SELECT e.* FROM (")));
        let is_of_client = self.access == Access::ByAccount && filter.has_clients(visible);
        if is_of_client {
            query.again("SELECT app, account_id AS id FROM accounts WHERE");
            filter.apply_to_accounts(query.visible(visible));
        } else {
            query.0.push("SELECT DISTINCT id FROM unnest(");
            query.0.push_bind(self.ids()).push("::text[]) AS id");
        }
        query.again(&format!(
            ") AS a CROSS JOIN LATERAL (
                 SELECT {columns} FROM events WHERE {column} BETWEEN a.id AND a.id AND"
        ));
        if is_of_client {
            query.0.push(" AND app = a.app");
        }
        let mut others = filter.clone();
        match self.access {
            Access::ByPerson => others.person_id = None,
            Access::ByMedia => others.media_id = None,
            _ => {
                others.apply_to_items(&mut query);
                query.visible_app(visible);
                return query;
            }
        }
        others.apply(&mut query);
        query.visible(visible);
        query
    }

    /// Ids in the column of the access.
    fn ids(&self) -> Vec<String> {
        let one = |id: &Option<String>| id.iter().cloned().collect();
        match self.access {
            Access::ByPerson => one(&self.filter.person_id),
            Access::ByMedia => one(&self.filter.media_id),
            _ => self.filter.account_ids.clone(),
        }
    }

    /// Statement that begins a transaction for the list.
    pub(super) fn begin(&self) -> &'static str {
        match self.access {
            Access::Planned => "BEGIN",
            Access::ByAccount | Access::ByPerson | Access::ByMedia => IN_ORDER,
            Access::ByUsername => BY_USERNAME,
        }
    }

    /// Same, for a statement with few columns.
    pub(super) fn begin_kept(&self) -> &'static str {
        match self.access {
            Access::Planned => KEPT,
            Access::ByAccount | Access::ByPerson | Access::ByMedia => IN_ORDER_KEPT,
            Access::ByUsername => BY_USERNAME,
        }
    }
}

impl EventFilter {
    fn has_clients(&self, visible: &Visible) -> bool {
        self.client.is_some() || visible.clients.is_some()
    }

    /// True if an index finds the items of the filter, which are few.
    pub(super) fn names_items(&self) -> bool {
        self.message_id.is_some()
            || self.comment_id.is_some()
            || self.delivery.is_some()
            || !self.positions.is_empty()
    }
}

impl Reader {
    /// Chooses the access to the events of `filter`.
    pub(super) async fn list<'f>(&mut self, filter: &'f EventFilter) -> Result<List<'f>, Error> {
        let access = if filter.names_items() {
            Access::Planned
        } else if filter.person_id.is_some() {
            Access::ByPerson
        } else if filter.media_id.is_some() {
            Access::ByMedia
        } else if filter.username.is_some() {
            Access::ByUsername
        } else if filter.has_clients(&self.visible) {
            self.access_to_clients(filter).await?
        } else if filter.account_ids.is_empty() {
            Access::Planned
        } else {
            Access::ByAccount
        };
        Ok(List {
            filter,
            visible: self.visible.clone(),
            access,
        })
    }

    async fn access_to_clients(&mut self, filter: &EventFilter) -> Result<Access, Error> {
        let select = "SELECT count(*) FROM (SELECT FROM accounts WHERE";
        let mut query = Conditions::after(select);
        filter.apply_to_accounts(query.visible(&self.visible));
        let mut query = query.limit("", FEW + 1);
        query.push(") AS account");
        let count: i64 = answer(query.build_query_scalar().fetch_one(&mut *self.conn)).await?;
        Ok(if count <= i64::from(FEW) {
            Access::ByAccount
        } else {
            Access::Planned
        })
    }

    /// Reads the rows of a statement for a list.
    pub(super) async fn rows<T>(
        &mut self,
        list: &List<'_>,
        mut query: QueryBuilder<Postgres>,
    ) -> Result<Vec<T>, Error>
    where
        T: for<'r> FromRow<'r, PgRow> + Send + Unpin,
    {
        if list.access == Access::Planned {
            return answer(query.build_query_as().fetch_all(&mut *self.conn)).await;
        }
        self.rows_in(list.begin(), query).await
    }

    /// Reads the rows of a statement in a transaction with settings.
    pub(super) async fn rows_in<T>(
        &mut self,
        begin: &'static str,
        mut query: QueryBuilder<Postgres>,
    ) -> Result<Vec<T>, Error>
    where
        T: for<'r> FromRow<'r, PgRow> + Send + Unpin,
    {
        let mut tx = self.begin(begin).await?;
        let rows = answer(query.build_query_as().fetch_all(&mut *tx)).await?;
        answer(tx.rollback()).await?;
        Ok(rows)
    }

    /// Begins a transaction: its settings end with it. If this call is cancelled, the session is not
    /// used again.
    pub(super) async fn begin(
        &mut self,
        begin: &'static str,
    ) -> Result<Transaction<'_, Postgres>, Error> {
        self.is_beginning = true;
        let transaction = self.conn.begin_with(begin).await;
        self.is_beginning = false;
        transaction.map_err(meaning)
    }
}

impl Conditions {
    /// Restricts to positions on one side of `position` in an index, with the id `a.id`.
    fn beside(&mut self, column: &str, side: char, position: Option<i64>) -> &mut Self {
        if let Some(position) = position {
            let begin = format!(" AND ({column}, position) {side} (a.id, ");
            self.0.push(begin).push_bind(position).push(")");
        }
        self
    }
}
