//! The floor: the same listener, layers, verify, split and key as `hookshelf serve`, answering 200
//! without storing. What a server uses beyond it is what storing costs it.

use std::hint::black_box;

use hookshelf::{
    clock::Clock,
    config::{self, Sources},
    http::{AppState, Apps, Limits, Listener, ListenerLimits, listener::PUBLIC, public},
    ingest::{Arrival, Caller, Intake, Kept, Tally, parse},
    store::Committed,
    telemetry::{log, metrics::Exposition},
    worker,
};
use tokio_util::sync::CancellationToken;

/// Serves until it is killed.
pub(crate) async fn serve(sources: &Sources) -> anyhow::Result<()> {
    let config = config::load(sources).map_err(|faults| anyhow::anyhow!("{faults}"))?;
    log::init(&config.log)?;
    let metrics = Exposition::install()?;
    let clock = Clock::system();
    let state = AppState::new(
        Apps::from(&config.apps),
        Intake::new(discard),
        Tally::new(clock.clone()).counter(),
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
    }
    Ok(())
}

/// Everything but the commit.
fn discard(arrival: Arrival, caller: Box<dyn Caller>) {
    let delivery = black_box(parse(arrival));
    caller.settle(Ok(Kept::Stored(Committed {
        new: delivery.events.len(),
        ..Committed::default()
    })));
}
