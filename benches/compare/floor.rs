//! The floor: the same listener, layers, verification, split, keys and queue as `hookshelf serve`,
//! but the answer is 200 without storing. The difference to a server is the cost of storing.

use std::{hint::black_box, time::Duration};

use hookshelf::{
    clock::Clock,
    config::{self, Sources},
    http::{AppState, Apps, Limits, Listener, ListenerLimits, listener::PUBLIC, public},
    ingest::{Committer, Durable, Tally, Writer},
    store::{self, Committed},
    telemetry::{log, metrics::Exposition},
    worker,
};
use tokio_util::sync::CancellationToken;

/// Pause between two batches, as long as a quick commit. Batches of one delivery would cost a
/// wake-up for each delivery, which no committing server has.
const COMMIT: Duration = Duration::from_millis(1);

/// Serves until killed.
pub(crate) async fn serve(sources: &Sources) -> anyhow::Result<()> {
    let config = config::load(sources).map_err(|faults| anyhow::anyhow!("{faults}"))?;
    log::init(&config.log)?;
    let metrics = Exposition::install()?;
    let clock = Clock::system();
    let (writer, committer) = Writer::new(store::options("postgres://nobody@nowhere")?, None);
    let state = AppState::new(
        Apps::from(&config.apps),
        writer,
        Tally::new(clock.clone()),
        clock,
        Limits::from(&config.http),
    );
    let listener = Listener::bind(PUBLIC, config.http.listen)?;
    println!("listens on http://{}", listener.address());
    let folding = worker::repeat(CancellationToken::new(), move || {
        let metrics = metrics.clone();
        async move { worker::fold(&metrics) }
    });
    let limits = ListenerLimits::from(&config.http);
    tokio::select! {
        ended = listener.serve(public::router(state), limits) => ended?,
        () = folding => {}
        () = discard(committer) => {}
    }
    Ok(())
}

/// Answers every delivery as if it were committed.
async fn discard(mut committer: Committer) {
    while let Some(all) = committer.take().await {
        for one in all {
            let delivery = black_box(one.delivery);
            one.caller.settle(Ok(Durable::Stored(Committed {
                new: delivery.events.len(),
                ..Committed::default()
            })));
        }
        tokio::time::sleep(COMMIT).await;
    }
}
