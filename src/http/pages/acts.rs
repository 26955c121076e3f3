//! Things to act on, the worst first.

use jiff::SignedDuration;

use super::{
    account_line::AccountLine,
    accounts::AccountName,
    faults::{Fault, Faults},
    known::of_deliveries,
    overview_data::Stored,
};
use crate::{
    amounts::{count, span},
    http::api::Api,
    query::Scope,
};

/// Maximum number of things to act on.
const MOST: usize = 3;

/// Time after which an old secret counts as unused.
const RECENT: SignedDuration = SignedDuration::from_hours(24);

/// Lag in seconds from which a follower is named.
const SLOW: f64 = 60.0;

/// Something to act on.
#[derive(Debug)]
pub(super) struct Act {
    pub(super) icon: &'static str,
    /// True if deliveries are refused or lost.
    pub(super) is_urgent: bool,
    /// Account that it is about, as its first word.
    pub(super) account: Option<AccountName>,
    pub(super) head: String,
    pub(super) rest: String,
    /// Address below the base path; empty without one that the reader may see.
    pub(super) link: String,
    pub(super) button: &'static str,
}

impl Act {
    fn new(icon: &'static str, head: String, rest: impl Into<String>) -> Self {
        Self {
            icon,
            is_urgent: false,
            account: None,
            head,
            rest: rest.into(),
            link: String::new(),
            button: "",
        }
    }

    fn leads(self, link: impl Into<String>, button: &'static str) -> Self {
        Self {
            link: link.into(),
            button,
            ..self
        }
    }

    fn urgent(self) -> Self {
        Self {
            is_urgent: true,
            ..self
        }
    }
}

/// At most three things to act on. `stored` is missing while Postgres is unavailable.
pub(super) fn acts(api: &Api, scope: &Scope, faults: &Faults, stored: Option<&Stored>) -> Vec<Act> {
    let of_server = if scope.is_restricted() {
        Vec::new()
    } else {
        let mut acts = faulty(faults);
        acts.extend(set_aside(api));
        acts
    };
    let of_data = stored.into_iter().flat_map(of_data);
    let all = of_server.into_iter().chain(of_data).take(MOST);
    let mut all: Vec<_> = all.collect();
    if scope.is_restricted() {
        // The reader has no health page.
        let leads_nowhere = |act: &&mut Act| act.link.starts_with("/health");
        all.iter_mut()
            .filter(leads_nowhere)
            .for_each(|act| act.link.clear());
    }
    all
}

fn faulty(faults: &Faults) -> Vec<Act> {
    let act = |fault: &Fault| {
        let head = match fault.code {
            "database" => "Postgres is unavailable.".to_owned(),
            _ => fault.means.clone(),
        };
        let act = Act::new("triangle-alert", head, faults.meanwhile.clone());
        let act = act.leads(format!("/health#{}", fault.place), "What to do");
        if fault.is_grave { act.urgent() } else { act }
    };
    faults.list.iter().map(act).collect()
}

fn set_aside(api: &Api) -> Option<Act> {
    let report = api.spool.report();
    if report.files_set_aside == 0 {
        return None;
    }
    let files = count(report.files_set_aside, "file", "files");
    let head = format!("{files} of the spool could not be read as a whole.");
    let act = Act::new("triangle-alert", head, "Deliveries in it may be lost.");
    Some(act.urgent().leads("/health#spool", "What to do"))
}

fn of_data(stored: &Stored) -> Vec<Act> {
    let all = [
        rejected(stored),
        silent(stored),
        previous(stored),
        behind(stored),
    ];
    all.into_iter().flatten().collect()
}

/// Rejections of deliveries in the last hour.
fn rejected(stored: &Stored) -> Option<Act> {
    let totals: Vec<_> = of_deliveries(&stored.rejected).collect();
    let number: i64 = totals.iter().map(|total| total.count).sum();
    let most = totals.iter().max_by_key(|total| total.count)?;
    let number = u64::try_from(number).unwrap_or_default();
    let head = count(number, "delivery was rejected", "deliveries were rejected");
    let reason = most.reason.replace('_', " ");
    let rest = format!("in the last hour. The most frequent reason: {reason}.");
    let act = Act::new("shield-alert", head, rest);
    let link = "/rejections?since=1h";
    Some(act.urgent().leads(link, "See the cause"))
}

fn silent(stored: &Stored) -> Option<Act> {
    let first = stored.accounts.iter().find(|line| line.is_silent)?;
    let head = match stored.today.silent {
        0 | 1 => "is silent.".to_owned(),
        2 => "and 1 other account are silent.".to_owned(),
        more => format!("and {} other accounts are silent.", more - 1),
    };
    let act = Act::new("bell-off", head, usual(first));
    Some(Act {
        account: Some(first.account.clone()),
        ..act.leads(first.link(), "Its events")
    })
}

/// The usual gap of a silent account.
fn usual(line: &AccountLine) -> String {
    let seconds = line.usual_gap_seconds.and_then(|it| u64::try_from(it).ok());
    seconds.map_or_else(String::new, |seconds| {
        format!("An event usually comes every {}.", span(seconds))
    })
}

/// A replaced secret that Meta still uses beside the present one.
fn previous(stored: &Stored) -> Option<Act> {
    let newest = stored.secrets.iter().filter_map(|it| it.last_delivery_at);
    let newest = newest.max()?;
    let is_recent = |at| newest.duration_since(at) < RECENT;
    let mut secrets = stored.secrets.iter();
    let old = secrets.find(|it| {
        it.secret.starts_with("previous") && it.last_delivery_at.is_some_and(is_recent)
    })?;
    let head = format!(
        "Meta still signs with the secret {} of {}.",
        old.secret, old.app
    );
    let act = Act::new("key-round", head, "Keep it until its use stops.");
    Some(act.leads("/health#secrets", "Secrets"))
}

fn behind(stored: &Stored) -> Option<Act> {
    let lag = stored.lag.as_ref().filter(|lag| lag.seconds > SLOW)?;
    let positions = u64::try_from(lag.positions).unwrap_or_default();
    let head = format!("Lists and counts are late: {} is behind", lag.name);
    let rest = format!("by {}.", count(positions, "position", "positions"));
    let act = Act::new("clock", head, rest);
    Some(act.leads("/health#followers", "Followers"))
}
