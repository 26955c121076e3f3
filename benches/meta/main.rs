//! Cost of a body before it is stored: `cargo bench --bench meta`.
//!
//! `verify` is the signature, `parse` the pass over the JSON, and `split` the conversion of a body
//! into events, including `parse`. All other work on a delivery waits for the network and for
//! Postgres.

#![expect(
    clippy::unwrap_used,
    reason = "a body that cannot be measured has to fail"
)]

mod bodies;

use std::{hint::black_box, time::Duration};

use bodies::Body;
use criterion::measurement::WallTime;
use criterion::{BenchmarkGroup, Criterion, Throughput, criterion_group, criterion_main};
use hookshelf::meta::{
    json::Index,
    signature::{self, Secrets},
    split::{self, Context, Notification},
};
use jiff::Timestamp;
use secrecy::SecretString;

/// A group with a second per benchmark, enough to detect a difference of a tenth.
fn group<'a>(criterion: &'a mut Criterion, name: &str) -> BenchmarkGroup<'a, WallTime> {
    let mut group = criterion.benchmark_group(name);
    group.warm_up_time(Duration::from_millis(300));
    group.measurement_time(Duration::from_secs(1));
    group
}

/// Measures `work` on each of `bodies`, per byte and per item.
fn each<T>(
    group: &mut BenchmarkGroup<'_, WallTime>,
    bodies: &[Body],
    mut work: impl FnMut(&Body) -> T,
) {
    for body in bodies {
        group.throughput(Throughput::ElementsAndBytes {
            elements: body.items,
            bytes: body.bytes.len() as u64,
        });
        group.bench_function(body.name, |bencher| bencher.iter(|| work(black_box(body))));
    }
}

fn verify(criterion: &mut Criterion) {
    let named = ["app", "instagram", "previous-1"];
    let secrets = named.map(|name| SecretString::from(name.repeat(4)));
    let all = Secrets::new(named.into_iter().zip(&secrets));
    // Most deliveries match the first secret; deliveries signed with a secret being rotated out
    // match the last.
    for (name, secret) in named.into_iter().zip(&secrets).step_by(2) {
        let mut group = group(criterion, &format!("verify, secret `{name}`"));
        for body in bodies::usual() {
            let header = signature::sign(secret, &body.bytes);
            each(&mut group, &[body], |body| {
                all.verify(Some(header.as_bytes()), body.bytes.clone())
                    .unwrap()
            });
        }
    }
}

fn parse(criterion: &mut Criterion) {
    let mut group = group(criterion, "parse");
    let bodies = [bodies::usual(), bodies::hostile()].concat();
    each(&mut group, &bodies, |body| {
        Index::of(std::str::from_utf8(&body.bytes).unwrap()).unwrap()
    });
}

fn split(criterion: &mut Criterion) {
    let mut group = group(criterion, "split");
    let bodies = [bodies::usual(), bodies::hostile()].concat();
    each(&mut group, &bodies, read);
}

fn read(body: &Body) -> Notification {
    let context = Context {
        app: "default",
        received_at: Timestamp::constant(1_795_176_000, 0),
    };
    split::split(&body.bytes, context)
}

criterion_group!(benches, verify, parse, split);
criterion_main!(benches);
