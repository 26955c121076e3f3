//! The statements of a request, and `psql`, which runs them.

use std::{
    io::{BufRead as _, BufReader, Write as _},
    path::{Path, PathBuf},
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
    time::Duration,
};

use anyhow::{Context, ensure};
use sqlx::PgConnection;

/// Settings of the sessions of the API.
const SETTINGS: &str = "\\timing on
\\o /dev/null
SET plan_cache_mode = force_custom_plan;
SET jit = off;
";

/// Log of Postgres while it notes each statement.
pub(super) struct Log {
    path: PathBuf,
    begin: usize,
}

/// A statement with the values of its parameters as literals.
pub(super) struct Statement {
    sql: String,
    values: Vec<String>,
}

async fn log_all(conn: &mut PgConnection, on: bool) -> anyhow::Result<()> {
    let settings = if on {
        [
            "ALTER SYSTEM SET log_line_prefix = '@@%a@@'",
            "ALTER SYSTEM SET log_min_duration_statement = 0",
        ]
    } else {
        [
            "ALTER SYSTEM RESET log_line_prefix",
            "ALTER SYSTEM RESET log_min_duration_statement",
        ]
    };
    for sql in settings.into_iter().chain(["SELECT pg_reload_conf()"]) {
        sqlx::raw_sql(sql).execute(&mut *conn).await?;
    }
    // Sessions read the configuration before their next statement, once they got the signal.
    tokio::time::sleep(Duration::from_millis(300)).await;
    Ok(())
}

impl Log {
    pub(super) async fn begin(conn: &mut PgConnection, path: &Path) -> anyhow::Result<Self> {
        log_all(conn, true).await?;
        Ok(Self {
            path: path.to_owned(),
            begin: std::fs::read(path)?.len(),
        })
    }

    /// Statements of the API since the beginning.
    pub(super) async fn end(self, conn: &mut PgConnection) -> anyhow::Result<Vec<Statement>> {
        log_all(conn, false).await?;
        let log = std::fs::read(&self.path)?;
        let log = String::from_utf8_lossy(&log[self.begin..]).into_owned();
        let mut statements: Vec<Statement> = Vec::new();
        let mut is_executed = false;
        for entry in log.split("@@hookshelf reader@@").skip(1) {
            let entry = entry.split("@@").next().unwrap_or_default().trim();
            if let Some(values) = entry.strip_prefix("DETAIL:  parameters: ") {
                // Binding has an entry of its own.
                if let Some(last) = statements.last_mut().filter(|_| is_executed) {
                    last.values = parameters(values);
                }
            } else {
                let sql = executed(entry).map(str::to_owned);
                is_executed = sql.is_some();
                statements.extend(sql.map(|sql| Statement {
                    sql,
                    values: Vec::new(),
                }));
            }
        }
        ensure!(!statements.is_empty(), "no statement in the log");
        Ok(statements)
    }
}

/// The statement of an entry about its execution.
fn executed(entry: &str) -> Option<&str> {
    let (_, what) = entry
        .strip_prefix("LOG:  duration: ")?
        .split_once(" ms  ")?;
    let (step, sql) = what.split_once(": ")?;
    (step == "statement" || step.starts_with("execute")).then_some(sql)
}

/// Splits `$1 = 'a', $2 = NULL`.
fn parameters(text: &str) -> Vec<String> {
    let (mut values, mut rest) = (Vec::new(), text);
    while let Some(value) = rest.strip_prefix(&format!("${} = ", values.len() + 1)) {
        let next = format!(", ${} = ", values.len() + 2);
        let end = value.find(&next).unwrap_or(value.len());
        values.push(value[..end].to_owned());
        rest = value.get(end + 2..).unwrap_or_default();
    }
    values
}

/// `psql` with prepared statements.
pub(super) struct Psql {
    process: Child,
    input: Option<ChildStdin>,
    output: BufReader<ChildStdout>,
    calls: Vec<String>,
}

impl Psql {
    pub(super) fn start(url: &str) -> anyhow::Result<Self> {
        let mut process = Command::new("psql")
            .args(["-XqAt", "-v", "ON_ERROR_STOP=1", url])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let output = BufReader::new(process.stdout.take().context("no output")?);
        let mut psql = Self {
            input: process.stdin.take(),
            process,
            output,
            calls: Vec::new(),
        };
        psql.write(SETTINGS)?;
        psql.time(2)?;
        Ok(psql)
    }

    /// Prepares the statements of a request.
    pub(super) fn prepare(&mut self, statements: &[Statement]) -> anyhow::Result<()> {
        self.calls.clear();
        for (number, Statement { sql, values }) in statements.iter().enumerate() {
            if ["BEGIN", "SET", "ROLLBACK"]
                .iter()
                .any(|it| sql.starts_with(it))
            {
                // Each has a time of its own.
                let each = sql.split(';').map(|it| format!("{};\n", it.trim()));
                self.calls.extend(each);
                continue;
            }
            self.write(&format!("PREPARE s{number} AS {sql};\n"))?;
            self.time(1)?;
            let values = match values.join(", ") {
                none if none.is_empty() => none,
                values => format!("({values})"),
            };
            self.calls.push(format!("EXECUTE s{number}{values};\n"));
        }
        Ok(())
    }

    /// Runs the statements, and returns the milliseconds of all.
    pub(super) fn run(&mut self) -> anyhow::Result<f64> {
        let mut sum = 0.0;
        for call in 0..self.calls.len() {
            let call = self.calls[call].clone();
            self.write(&call)?;
            sum += self.time(1)?;
        }
        Ok(sum)
    }

    /// Forgets the prepared statements.
    pub(super) fn forget(&mut self) -> anyhow::Result<()> {
        self.write("DEALLOCATE ALL;\n")?;
        self.time(1)?;
        Ok(())
    }

    fn write(&mut self, text: &str) -> anyhow::Result<()> {
        let input = self.input.as_mut().context("psql has ended")?;
        input.write_all(text.as_bytes())?;
        Ok(input.flush()?)
    }

    /// Reads the times of so many statements.
    fn time(&mut self, count: usize) -> anyhow::Result<f64> {
        let mut sum = 0.0;
        for _ in 0..count {
            let mut line = String::new();
            self.output.read_line(&mut line)?;
            let time = line
                .strip_prefix("Time: ")
                .and_then(|it| it.split(' ').next());
            sum += time
                .with_context(|| format!("psql says {line:?}"))?
                .parse::<f64>()?;
        }
        Ok(sum)
    }
}

impl Drop for Psql {
    fn drop(&mut self) {
        drop(self.input.take());
        let _ = self.process.wait();
    }
}
