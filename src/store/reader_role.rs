//! A read-only role, for people with psql, Metabase or Grafana.
//!
//! The role may read the views of this schema and the tables in [`TABLES`], and may call the
//! functions that the views use. Other tables are not for readers: the tables behind views
//! (`stored_…`), and tables that the program itself answers from. It gets no privileges on
//! partitions: reading through the parent table needs none, and a dashboard would list three more
//! partitions every day. Default privileges would include partitions, so [`extend`] grants the
//! views of later migrations.

use sqlx::{AssertSqlSafe, Connection, PgConnection, error::DatabaseError};

use super::Error;

/// Session settings of the role: read-only, with timeouts that end a long query before it slows
/// down storing. Different settings of the operator are kept.
const SETTINGS: [(&str, &str); 4] = [
    ("default_transaction_read_only", "on"),
    ("statement_timeout", "60s"),
    ("lock_timeout", "2s"),
    ("idle_in_transaction_session_timeout", "60s"),
];

/// Connection limit of a new role: Postgres allows a hundred connections, and the server needs some
/// of them.
const CONNECTIONS: u32 = 20;

/// Tables and sequences for readers, beside all views. A table of a later migration is granted only
/// if it is added here.
const TABLES: &[&str] = &[
    "_sqlx_migrations",
    "accounts",
    "callbacks",
    "commit_fence",
    "dedupe",
    "event_position",
    "followers",
    "header_sets",
    "header_sets_id_seq",
    "kept_days",
    "late_days",
    "moved_events",
    "rejections",
    "stats_hourly",
];

/// Advisory lock for granting, so that two processes do not change the privileges of a table at
/// once.
const GRANTERS: i64 = 0x0068_6f6f_6b73_6834;

/// Reasons why a reader role cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum RoleError {
    /// The name is not allowed.
    #[error(
        "`{name}` cannot be the name of a reader; allowed: 1 to 63 letters, digits, `_` or `-`, \
         beginning with a letter, and not `pg_…`, `public` or `none`"
    )]
    Name {
        /// Requested name.
        name: String,
    },
    /// A role of this name exists and has more privileges than a reader.
    #[error("the role {name} {reason}; a reader only reads, so take another name")]
    MoreThanAReader {
        /// Name of the role.
        name: String,
        /// Attribute or privilege that a reader must not have.
        reason: String,
    },
    /// The user of `database.url` may not create or change roles.
    #[error(
        "the database user {user} may not make this role; have an administrator run the lines \
         below in this database, then run this again:\n{statements}"
    )]
    NotAllowed {
        /// User without the privilege.
        user: String,
        /// Statements for an administrator, one a line.
        statements: String,
    },
    /// Any other error of the store.
    #[error(transparent)]
    Store(#[from] Error),
}

impl From<sqlx::Error> for RoleError {
    fn from(error: sqlx::Error) -> Self {
        Self::Store(error.into())
    }
}

/// Result of making a reader.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reading {
    /// True if the role was created, or could not log in before.
    pub made: bool,
    /// True if every role may create tables in this schema, as before Postgres 15.
    pub may_create: bool,
}

/// Creates the role `name`, or gives an existing role the settings and privileges of a reader. A
/// second call changes nothing.
///
/// # Errors
/// If the name is not allowed, the role has more privileges than a reader, or this user may not
/// create roles. Nothing was changed.
pub async fn make_reader(conn: &mut PgConnection, name: &str) -> Result<Reading, RoleError> {
    check_reader_name(name)?;
    let mut tx = conn.begin().await?;
    lock(&mut tx).await?;
    if let Some(reason) = excess(&mut tx, name).await? {
        let name = name.to_owned();
        return Err(RoleError::MoreThanAReader { name, reason });
    }
    let mut missing: Vec<_> = missing_login(&mut tx, name).await?.into_iter().collect();
    let made = !missing.is_empty();
    missing.extend(missing_settings(&mut tx, name).await?);
    if let Err(error) = run(&mut tx, &missing).await {
        tx.rollback().await?;
        return Err(refused(conn, error, &missing).await?);
    }
    let grants = missing_grants(&mut tx, name).await?;
    run(&mut tx, &grants).await?;
    let may_create = may_create(&mut tx, name).await?;
    tx.commit().await?;
    Ok(Reading { made, may_create })
}

/// Grants all readers the privileges on views and functions of new migrations. A reader is a role
/// with read-only sessions in this database and with SELECT on the five original tables and views.
/// A role without one of these is skipped: the operator has changed it.
///
/// # Errors
/// If Postgres is unavailable.
pub(super) async fn extend(conn: &mut PgConnection) -> Result<(), Error> {
    let mut tx = conn.begin().await?;
    lock(&mut tx).await?;
    let readers: Vec<String> = sqlx::query_scalar(
        "SELECT r.rolname::text
         FROM pg_db_role_setting AS s
         JOIN pg_roles AS r ON r.oid = s.setrole
         JOIN pg_database AS d ON d.oid = s.setdatabase AND d.datname = current_database()
         WHERE 'default_transaction_read_only=on' = ANY (s.setconfig)
           AND (SELECT count(*) = 5 FROM pg_class AS c, aclexplode(c.relacl) AS granted
                WHERE c.oid IN ('deliveries'::regclass, 'events'::regclass, 'repeats'::regclass,
                                'accounts'::regclass, 'rejections'::regclass)
                  AND granted.grantee = r.oid AND granted.privilege_type = 'SELECT')
         ORDER BY 1",
    )
    .fetch_all(&mut *tx)
    .await?;
    for name in readers {
        let grants = missing_grants(&mut tx, &name).await?;
        run(&mut tx, &grants).await?;
    }
    Ok(tx.commit().await?)
}

/// Checks that `name` is allowed for a reader.
///
/// # Errors
/// Names the rule for role names.
pub fn check_reader_name(name: &str) -> Result<(), RoleError> {
    let letters = |it: char| it.is_ascii_alphanumeric() || it == '_' || it == '-';
    let is_role = name.len() <= 63
        && name.starts_with(|it: char| it.is_ascii_alphabetic())
        && name.chars().all(letters)
        && !name.to_ascii_lowercase().starts_with("pg_")
        && !["public", "none"].contains(&&*name.to_ascii_lowercase());
    let refused = || RoleError::Name {
        name: name.to_owned(),
    };
    is_role.then_some(()).ok_or_else(refused)
}

async fn lock(conn: &mut PgConnection) -> sqlx::Result<()> {
    let lock = sqlx::query("SELECT pg_advisory_xact_lock($1)").bind(GRANTERS);
    lock.execute(conn).await.map(drop)
}

/// Description of the privileges or attributes that an existing role has beyond those of a reader;
/// `None` if it has no more.
async fn excess(conn: &mut PgConnection, name: &str) -> sqlx::Result<Option<String>> {
    let found = sqlx::query_scalar(
        "SELECT CASE
            WHEN r.rolname = current_user THEN 'is the one that Hookshelf itself uses'
            WHEN r.rolsuper THEN 'is a superuser'
            WHEN r.rolcreaterole OR r.rolcreatedb OR r.rolreplication OR r.rolbypassrls
                THEN 'may more than read (CREATEROLE, CREATEDB, REPLICATION or BYPASSRLS)'
            WHEN EXISTS (SELECT FROM pg_auth_members AS m WHERE m.member = r.oid)
                THEN 'is a member of other roles and has their rights'
            WHEN EXISTS (SELECT FROM pg_shdepend AS s WHERE s.refclassid = 'pg_authid'::regclass
                         AND s.refobjid = r.oid AND s.deptype = 'o')
                THEN 'owns things'
            WHEN EXISTS (SELECT FROM (SELECT relacl FROM pg_class
                                      UNION ALL SELECT attacl FROM pg_attribute) AS things (acl),
                         aclexplode(things.acl) AS granted
                         WHERE granted.grantee = r.oid
                           AND (granted.privilege_type <> 'SELECT' OR granted.is_grantable))
                THEN 'was granted more than SELECT on tables of this database'
            WHEN EXISTS (SELECT FROM (SELECT nspacl FROM pg_namespace
                                      UNION ALL SELECT datacl FROM pg_database) AS things (acl),
                         aclexplode(things.acl) AS granted
                         WHERE granted.grantee = r.oid AND granted.privilege_type = 'CREATE')
                THEN 'was granted CREATE on a schema or database'
            END
         FROM pg_roles AS r WHERE r.rolname = $1",
    );
    let found: Option<Option<String>> = found.bind(name).fetch_optional(conn).await?;
    Ok(found.flatten())
}

/// Statement that creates the role, or allows an existing role to log in; `None` if the role can
/// log in.
async fn missing_login(conn: &mut PgConnection, name: &str) -> sqlx::Result<Option<String>> {
    sqlx::query_scalar(
        "SELECT CASE WHEN to_regrole(quote_ident($1)) IS NULL
            THEN format('CREATE ROLE %I LOGIN CONNECTION LIMIT %s', $1, $2)
            ELSE format('ALTER ROLE %I LOGIN', $1) END
         WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = $1 AND rolcanlogin)",
    )
    .bind(name)
    .bind(CONNECTIONS.to_string())
    .fetch_optional(conn)
    .await
}

async fn missing_settings(conn: &mut PgConnection, name: &str) -> sqlx::Result<Vec<String>> {
    let mut missing = Vec::new();
    for (key, value) in SETTINGS {
        missing.extend(setting(conn, name, key, value).await?);
    }
    Ok(missing)
}

/// Statement that sets `key`, unless the role has a value for `key` in this database. Only the
/// read-only setting is always enforced.
async fn setting(
    conn: &mut PgConnection,
    name: &str,
    key: &str,
    value: &str,
) -> sqlx::Result<Option<String>> {
    sqlx::query_scalar(
        "SELECT format('ALTER ROLE %I IN DATABASE %I SET %I = %L', $1, current_database(), $2, $3)
         WHERE NOT EXISTS (
            SELECT FROM pg_db_role_setting AS s
            JOIN pg_roles AS r ON r.oid = s.setrole AND r.rolname = $1
            JOIN pg_database AS d ON d.oid = s.setdatabase AND d.datname = current_database()
            CROSS JOIN LATERAL unnest(s.setconfig) AS line
            WHERE line = $2 || '=' || $3
               OR ($2 <> 'default_transaction_read_only' AND starts_with(line, $2 || '=')))",
    )
    .bind(name)
    .bind(key)
    .bind(value)
    .fetch_optional(conn)
    .await
}

/// Grants that the role lacks: on the database, the schema, and the views, [`TABLES`] and functions
/// of the owner of `events`, as the schema may hold other tables. The tables behind views are left
/// out, so that revoking `deliveries` also hides the bodies.
async fn missing_grants(conn: &mut PgConnection, name: &str) -> sqlx::Result<Vec<String>> {
    sqlx::query_scalar(
        "WITH ours AS (SELECT relnamespace AS schema, relowner AS owner FROM pg_class
                       WHERE oid = 'events'::regclass)
         SELECT format('GRANT CONNECT ON DATABASE %I TO %I', current_database(), $1)
         WHERE NOT has_database_privilege($1, current_database(), 'CONNECT')
         UNION ALL
         SELECT format('GRANT USAGE ON SCHEMA %s TO %I', schema::regnamespace, $1) FROM ours
         WHERE NOT has_schema_privilege($1, schema, 'USAGE')
         UNION ALL
         SELECT format('GRANT SELECT ON %s TO %I', c.oid::regclass, $1)
         FROM pg_class AS c JOIN ours ON c.relnamespace = schema AND c.relowner = owner
         WHERE (c.relkind = 'v' OR c.relname = ANY ($2))
           AND NOT has_table_privilege($1, c.oid, 'SELECT')
         UNION ALL
         SELECT format('GRANT EXECUTE ON FUNCTION %s TO %I', f.oid::regprocedure, $1)
         FROM pg_proc AS f JOIN ours ON f.pronamespace = schema AND f.proowner = owner
         WHERE f.prokind = 'f' AND starts_with(f.proname, 'item_')
           AND NOT has_function_privilege($1, f.oid, 'EXECUTE')",
    )
    .bind(name)
    .bind(TABLES)
    .fetch_all(conn)
    .await
}

async fn may_create(conn: &mut PgConnection, name: &str) -> sqlx::Result<bool> {
    sqlx::query_scalar(
        "SELECT has_schema_privilege($1, relnamespace, 'CREATE') FROM pg_class
         WHERE oid = 'events'::regclass",
    )
    .bind(name)
    .fetch_one(conn)
    .await
}

/// Executes statements formatted by Postgres, which has quoted names and values.
async fn run(conn: &mut PgConnection, statements: &[String]) -> sqlx::Result<()> {
    for statement in statements {
        let run = sqlx::query(AssertSqlSafe(statement.clone()));
        run.execute(&mut *conn).await?;
    }
    Ok(())
}

/// Converts an error of insufficient privilege to [`RoleError::NotAllowed`], with statements for an
/// administrator.
async fn refused(
    conn: &mut PgConnection,
    error: sqlx::Error,
    statements: &[String],
) -> Result<RoleError, RoleError> {
    let state = error.as_database_error().and_then(DatabaseError::code);
    if state.as_deref() != Some("42501") {
        return Ok(error.into());
    }
    let user = sqlx::query_scalar("SELECT current_user::text");
    Ok(RoleError::NotAllowed {
        user: user.fetch_one(conn).await?,
        statements: statements.join(";\n") + ";",
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_one_that_needs_no_thought() {
        for name in ["metabase", "Grafana", "read_only-2"] {
            assert!(check_reader_name(name).is_ok(), "{name}");
        }
        let long = "a".repeat(64);
        for name in [
            "", "2nd", "pg_x", "PG_x", "public", "None", "a\"b", "a b", "a;b", "é", &long,
        ] {
            assert!(check_reader_name(name).is_err(), "{name}");
        }
    }
}
