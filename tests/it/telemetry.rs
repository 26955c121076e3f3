//! `docs/reference/telemetry.md`: metrics and log messages, generated from their catalogues.

use std::fmt::Write as _;

use hookshelf::telemetry::{
    MESSAGES, Message, TARGETS,
    metrics::{CATALOGUE, Metric},
};

use crate::support::page;

const PAGE: &str = "docs/reference/telemetry.md";

const INTRODUCTION: &str = "# Metrics and log messages

Reference of every metric and log message. [Operations](../operations.md#symptoms) says which to \
watch, and what to do.

Generated from the catalogues in `src/telemetry` by \
`INSTA_UPDATE=always cargo test --test it -- telemetry`; do not edit this page.

None contains a body, secret, token, signature, user name, message text, Instagram-scoped id or \
query string. Label values are fixed words, or names of apps, secrets and consumers from your \
configuration.

## Metrics

The admin listener serves them under `/metrics` for Prometheus. A series appears when it first \
changes. Names in `_total` are counters, names in `_duration_seconds` are histograms, all others \
are gauges. Labels are in parentheses.

";

const LABELS: &str = "
### Reasons of closed connections

| reason | meaning |
|---|---|
| `done` | ended normally |
| `idle` | unused after a request for `http.header_timeout_seconds` |
| `silent` | sent nothing for `http.header_timeout_seconds` |
| `head_timeout` | head unfinished in that time |
| `head_too_long` | over 16 KiB or 100 headers; 431 |
| `body_refused` | body refused before its end; see the delivery's reason |
| `malformed` | not HTTP, or ambiguous; 400 where possible |
| `http2` `tls` | HTTP/2 or TLS, which the proxy in front must terminate |
| `cut_off` | the client closed during a request or before its answer |
| `reset` | broken by client or network |
| `stalled_write` | the client read no answer for 10 s |
| `crowded_out` | limit reached; oldest connection without a verified delivery |
| `stopped` `defect` | the server stopped; a bug ended the connection |

### Codes of failed commits

| code | meaning |
|---|---|
| `unavailable` | no connection |
| `timed_out` | no answer within 2 s |
| `denied` | Postgres does not admit this user |
| `disk_full` `too_many_connections` `read_only` `stopping` `too_slow` | reported by Postgres; a standby is `read_only` |
| `held` | another session held a lock |
| `schema` | tables or functions of another version: `hookshelf migrate` |
| `refused` | a delivery was refused even without its events: look for your own rule on `stored_deliveries` |
| `missing_partition` `epoch_moves` | maintenance could not keep up |
| `stored_before` | the delivery's id is taken, although a lookup did not find it |

### Other labels

| metric | label | values |
|---|---|---|
| `hookshelf_deliveries_total` | `outcome` | 200: `accepted` `spooled` `unreadable`; 4xx: `rejected`; 5xx: `failed` |
| `hookshelf_deliveries_total` | `reason` | of `unreadable`: [problems](../events.md#problems); of `rejected` and `failed`: [rejections](../operations.md#rejections) |
| all | `listener` | `public` `admin` |
| all | `secret` | key of the matching secret: `app`, `instagram`, `previous-1`, … |
| all | `source` | `simulated` for a delivery of `hookshelf simulate`, else `live` |
| `hookshelf_rejections_not_held_total` | `reason` | `repeated`: already there; `quota`: app or network has used its share; `full`: its half is full; `too_large`: larger than a share; `busy`: disk too slow; `disk`: disk full or directory not writable |
| `hookshelf_spool_refusals_total` | `code` | `full`; `busy`: disk too slow; `failed`: disk refuses writes; `too_long`: longer than any delivery |
| `hookshelf_follower_*` | `follower` | `stats`, the counts of `hookshelf events stats`; `conversations`, the lists of conversations and comments; present on the server that follows |
| all | `consumer` | name of a consumer or destination. The process that owns the consumer shows its values; all gauges of other processes are 0 |
| `hookshelf_consumer_paused` | `reason` | `operator`: by a command; `clock`: a clock jumped; `gone`: the destination answered 410; `breaker`: the destination fails |
| `hookshelf_consumer_hand_outs_total` | `attempt` | `first`; `again`: after a failure, a lost lease or a restart |
| `hookshelf_consumer_settles_total` | `answer` | `acked` `already` `waiting` `dead` `extended` `lost` `unknown` |
| `hookshelf_consumer_skipped_total` | `reason` | `gone`: no longer stored; `too_old`: older than `max_age`; `repeated`: came through another app before; `filtered`: the filters no longer choose it |
| `hookshelf_oldest_transaction_*` | `holder` | `session`: a client; `prepared`: a prepared transaction; `slot`: a replication slot; `standby`: a standby with `hot_standby_feedback`. The last two have no time |

## Log

Written to standard error as text or JSON (`log.format`). ERROR: data was lost, or a person is \
needed. WARN: degraded, nothing lost. INFO: life of the process. DEBUG: one delivery or challenge. \
A repeated WARN or ERROR becomes DEBUG until the next success.

`log.level` is a level or a list of `target=level`:

| `log.level` | records |
|---|---|
| `info` | INFO and above of Hookshelf; WARN and above of libraries |
| `warn,http=debug` | WARN and above; DEBUG of the target `http` |
| `hookshelf=debug,sqlx=info` | DEBUG of all targets of Hookshelf; INFO of sqlx |

Messages by target, each with its levels and fields:
";

/// The names in parentheses; nothing if there are none.
fn listed(names: &[&str]) -> String {
    match names {
        [] => String::new(),
        names => format!(" ({})", names.join(", ")),
    }
}

fn metric_row(metric: &Metric) -> String {
    let labels = listed(metric.labels);
    format!("- `{}`{labels}: {}", metric.name, metric.meaning)
}

fn message_row(message: &Message) -> String {
    let levels: Vec<_> = message.levels.iter().map(ToString::to_string).collect();
    let fields = listed(message.fields);
    format!(
        "- `{}` {}{fields}: {}",
        message.text,
        levels.join("/"),
        message.meaning.trim()
    )
}

fn write() -> String {
    let mut page = INTRODUCTION.to_owned();
    for metric in CATALOGUE {
        let _ = writeln!(page, "{}", metric_row(metric));
    }
    page.push_str(LABELS);
    for (target, records) in TARGETS {
        let _ = writeln!(page, "\n### `{target}`: {records}\n");
        let messages = MESSAGES.into_iter().flatten();
        for message in messages.filter(|it| it.target == target) {
            let _ = writeln!(page, "{}", message_row(message));
        }
    }
    page
}

#[test]
fn the_reference_of_telemetry_is_generated_from_the_catalogues() {
    page::hold(PAGE, &write());
}

#[test]
fn a_row_shows_the_labels_and_levels_of_its_entry() {
    let page = write();
    let metric = "\n- `hookshelf_deliveries_total` (app, outcome, reason, source): Del";
    assert!(page.contains(metric), "{page}");
    let message = "\n- `commit failed` WARN/DEBUG (code, cause): The deliveries of";
    assert!(page.contains(message), "{page}");
}

/// Labels that Prometheus adds.
const ADDED: [&str; 3] = ["instance", "job", "le"];

/// Words of an expression for Prometheus.
fn words(expression: &str) -> impl Iterator<Item = &str> {
    expression.split(|it: char| !it.is_ascii_alphanumeric() && it != '_')
}

/// Metrics that an expression names.
fn named(expression: &str) -> Vec<&'static Metric> {
    let parts = ["_bucket", "_sum", "_count"];
    let name = |word: &str| {
        let part = parts.iter().find_map(|part| word.strip_suffix(part));
        let metric = |name: &str| CATALOGUE.iter().find(|metric| metric.name == name);
        metric(word).or_else(|| metric(part?))
    };
    let metrics = words(expression).filter(|word| word.starts_with("hookshelf_"));
    let metrics = metrics.map(|word| name(word).unwrap_or_else(|| panic!("no metric {word}")));
    metrics.collect()
}

/// Labels that an expression names: before a comparison, and after `by`.
fn labels(expression: &str) -> Vec<&str> {
    let compared = expression.split(['{', ',']).filter_map(|part| {
        let (label, _) = part.split_once(['=', '!'])?;
        words(label).last().filter(|_| part.contains('"'))
    });
    let grouped = expression.split("by (").skip(1);
    let grouped = grouped.flat_map(|rest| rest.split(')').next().unwrap_or_default().split(", "));
    compared.chain(grouped).collect()
}

#[test]
fn the_examples_for_prometheus_name_metrics_and_their_labels() {
    let alerts = page::read("examples/prometheus/alerts.yml");
    let board = page::read("examples/prometheus/grafana.json");
    let board: serde_json::Value = serde_json::from_str(&board).unwrap();
    let panels = board["panels"].as_array().unwrap().iter();
    let targets = panels
        .filter_map(|panel| panel["targets"].as_array())
        .flatten();
    let of_board = targets.map(|target| target["expr"].as_str().unwrap());
    let of_alerts = alerts
        .lines()
        .filter_map(|line| line.trim().strip_prefix("expr: "));
    let expressions: Vec<_> = of_alerts.chain(of_board).collect();
    assert!(expressions.len() > 30, "{expressions:?}");
    for expression in expressions {
        let known: Vec<_> = named(expression)
            .iter()
            .flat_map(|it| it.labels)
            .copied()
            .collect();
        for label in labels(expression) {
            let is_known = known.contains(&label) || ADDED.contains(&label);
            assert!(is_known, "{label} in {expression}");
        }
    }
}
