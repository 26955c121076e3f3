//! `rejections recheck`: what was refused while a secret was wrong, verified again and stored.

use std::{collections::BTreeMap, path::PathBuf};

use clap::Args;
use jiff::Timestamp;

use super::{database, filters::Received, input, output::Output};
use crate::{
    amounts::{count, deliveries},
    app, causes,
    clock::Clock,
    config::{self, App, AppName, Config, Sources, credentials},
    ingest::rescue::{AppSurvey, Keys, Rescue, Rescued, Wanted},
    meta::signature::Secrets,
};

/// Name of the secret from `--secret-file`, also in the deliveries stored with it.
const GIVEN: &str = "given";

/// Verifies quarantined deliveries again, and stores those that pass.
///
/// Refused deliveries with a signature stay in quarantine for 48 hours by default. Correct the secret
/// in the configuration first, or try a secret with --secret-file. Without --yes the command shows
/// the number of deliveries that pass and changes nothing. With --yes it stores these deliveries with
/// their original arrival times and removes them from quarantine. It may run beside the server, and
/// again: nothing is stored twice.
///
/// Example: hookshelf rejections recheck
/// Example: hookshelf rejections recheck --yes
#[derive(Args, Debug)]
#[command(verbatim_doc_comment)]
pub(super) struct Recheck {
    /// The app whose path they used.
    #[arg(long)]
    app: Option<AppName>,
    #[command(flatten)]
    received: Received,
    /// A file that holds the secret to try, instead of those of the configuration.
    #[arg(long, value_name = "FILE")]
    secret_file: Option<PathBuf>,
    /// Delete the quarantined deliveries instead of storing them.
    #[arg(long, conflicts_with = "secret_file")]
    discard: bool,
    /// Do it.
    #[arg(long)]
    yes: bool,
    /// Print a JSON object for each app.
    #[arg(long)]
    json: bool,
}

impl Recheck {
    pub(super) async fn run(self, sources: &Sources) -> anyhow::Result<()> {
        let config = config::load(sources)?;
        let [since, until] = self.received.resolve()?;
        let apps = self.app.as_ref().map(|app| vec![app.to_string()]);
        let wanted = Wanted { apps, since, until };
        let now = Clock::system().now();
        let rescue = Rescue::find(
            app::rescue::quarantine(&config),
            self.keys(&config)?,
            &wanted,
            now,
        )?;
        match (rescue.is_empty(), self.discard, self.yes) {
            (true, _, _) => self.say_none(&config),
            (_, true, _) => self.discard(&rescue),
            (_, _, true) => self.store(&rescue, &config, sources).await,
            (_, _, false) => self.show(&rescue, sources).await,
        }
    }

    fn keys(&self, config: &Config) -> anyhow::Result<Keys> {
        if let Some(path) = &self.secret_file {
            let secret = input::read_secret(path)?;
            return Ok(Keys::Given(Secrets::new([(GIVEN, &secret)])));
        }
        let generated = if config.apps.is_empty() {
            credentials::load(&config.data_dir)?.map(|it| it.app)
        } else {
            None
        };
        let apps = config.apps.values().chain(&generated);
        let keyed = |app: &App| (app.name.to_string(), Secrets::new(app.named_secrets()));
        Ok(Keys::Configured(apps.map(keyed).collect()))
    }

    fn say_none(&self, config: &Config) -> anyhow::Result<()> {
        let which = if self.app.is_some() {
            " of that app"
        } else {
            ""
        };
        let when = if self.received.is_set() {
            " that came in that time"
        } else {
            ""
        };
        let why = match config.rejections.hold {
            0 => "; rejections.hold is 0",
            _ => "",
        };
        let said = format!("no refused delivery{which}{when} is in quarantine{why}");
        if self.json {
            Output::note(&said)
        } else {
            Output::say(&said)
        }
    }

    fn discard(&self, rescue: &Rescue) -> anyhow::Result<()> {
        let held = rescue.count();
        if self.yes {
            rescue.discard()?;
        }
        let mut output = Output::new();
        for (app, count) in held {
            let what = if self.yes { "deleted" } else { "held" };
            if self.json {
                output
                    .json(&BTreeMap::from([("app", app.into()), (what, count.into())]
                        as [(&str, serde_json::Value); 2]))?;
            } else {
                output.line(&format!("{app}: {} {what}", deliveries(count)))?;
            }
        }
        if !self.yes && !self.json {
            let end = if self.received.is_set() {
                "--yes"
            } else {
                "--discard --yes"
            };
            let call = self.call(end);
            output.line(&format!("nothing was changed; to delete them: {call}"))?;
        }
        output.finish()
    }

    /// Shows the passing deliveries, and the next step.
    async fn show(&self, rescue: &Rescue, sources: &Sources) -> anyhow::Result<()> {
        let options = database::options(sources).await;
        let (apps, unasked) = app::rescue::survey(rescue, options).await?;
        let mut output = Output::new();
        if let Some(error) = unasked {
            let why = causes::line(error.as_ref());
            Output::note(&format!("the database was not asked: {why}"))?;
        }
        if self.json {
            apps.iter().try_for_each(|app| output.json(app))?;
            return output.finish();
        }
        let names = ["app", "held", "pass", "secret", "first", "last"];
        let rows: Vec<_> = apps.iter().map(cells).collect();
        output.table(&names, 6, &rows)?;
        output.line("")?;
        for line in self.conclusion(&apps) {
            output.line(&line)?;
        }
        output.finish()
    }

    /// Summary of the result, in sentences.
    fn conclusion(&self, apps: &[AppSurvey]) -> Vec<String> {
        let sum = |count: fn(&AppSurvey) -> u64| apps.iter().map(count).sum::<u64>();
        let (held, passing) = (sum(|app| app.held), sum(|app| app.passing));
        let mut lines = Vec::new();
        let unreadable = sum(|app| app.unreadable);
        if unreadable > 0 {
            lines.push(format!(
                "{unreadable} of the files cannot be read and are skipped: damaged, or written by \
                 a newer Hookshelf"
            ));
        }
        if passing == 0 {
            lines.push(format!(
                "no secret matches any of the {}; compare the secrets with those of the App \
                 Dashboard, or try one: {}",
                deliveries(held),
                self.call("--secret-file FILE")
            ));
            return lines;
        }
        let stored: Option<u64> = apps.iter().map(|app| app.stored).sum();
        let stored = match stored {
            Some(count) => format!("{count} of which are stored already"),
            None => "some of which may be stored already: no connection to the database".to_owned(),
        };
        lines.push(format!(
            "{passing} of {held} deliveries pass, with {}, {stored}",
            count(sum(|app| app.events), "event", "events")
        ));
        let call = self.call("--yes");
        lines.push(format!("nothing was changed; to store them: {call}"));
        lines
    }

    /// This call once more, with something else at its end.
    fn call(&self, end: &str) -> String {
        if self.received.is_set() {
            // A while ago is another moment by then; whoever typed it knows what was meant.
            return format!("the same call with {end}");
        }
        let mut call = "hookshelf rejections recheck".to_owned();
        if let Some(app) = &self.app {
            call = format!("{call} --app {app}");
        }
        if let Some(path) = self.secret_file.as_ref().filter(|_| end == "--yes") {
            call = format!("{call} --secret-file {}", path.display());
        }
        format!("{call} {end}")
    }

    async fn store(
        &self,
        rescue: &Rescue,
        config: &Config,
        sources: &Sources,
    ) -> anyhow::Result<()> {
        let options = database::options(sources).await?;
        let apps = app::rescue::store(rescue, options, &config.database).await?;
        let mut output = Output::new();
        for rescued in &apps {
            if self.json {
                output.json(rescued)?;
            } else {
                output.line(&said(rescued))?;
            }
        }
        output.finish()
    }
}

fn cells(app: &AppSurvey) -> Vec<String> {
    let secrets = app.secrets.iter();
    let secrets: Vec<_> = secrets
        .map(|(name, count)| format!("{name}: {count}"))
        .collect();
    let moment = |at: Option<Timestamp>| at.map(|at| format!("{at:.0}")).unwrap_or_default();
    vec![
        app.app.clone(),
        app.held.to_string(),
        app.passing.to_string(),
        secrets.join(", "),
        moment(app.first),
        moment(app.last),
    ]
}

fn said(rescued: &Rescued) -> String {
    let Rescued {
        app,
        deliveries: stored,
        stored_before,
        events,
        repeated,
        unopened,
        first: _,
        last: _,
    } = rescued;
    let before = match stored_before {
        0 => String::new(),
        before => format!(" ({before} more were stored already)"),
    };
    let rest = match unopened {
        0 => String::new(),
        rest => format!(
            "; no secret matches {}, which stay in quarantine",
            deliveries(*rest)
        ),
    };
    format!(
        "{app}: {} stored{before}, with {} and {repeated} that were stored already{rest}",
        deliveries(*stored),
        count(*events, "new event", "new events")
    )
}
