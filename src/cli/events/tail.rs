//! `events tail`: events as they are stored.

use std::{io, os::fd::AsFd, time::Duration};

use anyhow::{Context, bail};
use clap::Args;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use serde_json::Value;
use tokio::time::sleep;

use super::{
    super::{
        api::{Api, Block, Blocks, Fields, Origin, Refusal, Request},
        colours, filters,
        layout::cut,
        output::{Closed, Output, plain, width},
    },
    LIST,
    filter::EventFilters,
    list,
};
use crate::{causes, config::Sources};

/// Pause before a reconnect, and between looks at a closed output.
const PAUSE: Duration = Duration::from_secs(1);

/// Follows events: prints each one as it is stored.
///
/// It begins now, or behind --after. After a lost connection it reconnects and goes on behind the
/// last position: no event is missed, and none is printed twice. Ctrl-C ends it.
///
/// Example: hookshelf events tail --after 0 --kind message,comment | head -n 2
#[derive(Args, Debug)]
#[command(verbatim_doc_comment)]
pub(super) struct Tail {
    #[command(flatten)]
    filters: EventFilters,
    /// Begin behind this position.
    #[arg(long, value_name = "POSITION", value_parser = filters::position(),
          allow_negative_numbers = true)]
    after: Option<i64>,
    /// Print a JSON object a line, with every column.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    origin: Origin,
}

/// Place of a tail in the log.
struct Place {
    request: Request,
    position: i64,
}

impl Tail {
    pub(super) async fn run(self, sources: &Sources) -> anyhow::Result<()> {
        tokio::select! {
            ended = self.follow(sources) => ended,
            interrupted = tokio::signal::ctrl_c() => Ok(interrupted?),
            () = until_closed() => Err(Closed.into()),
        }
    }

    async fn follow(&self, sources: &Sources) -> anyhow::Result<()> {
        let api = self.origin.open(sources).await?;
        let request = Request::to(LIST).below("stream");
        let mut place = Place {
            request: self.filters.of(request)?,
            position: match self.after {
                Some(after) => after,
                None => end_of_log(&api).await?,
            },
        };
        let mut blocks = open(&api, &place).await?;
        let mut output = Output::new();
        loop {
            let ended = self.print(&mut blocks, &mut place, &mut output).await;
            let cause = match ended {
                Ok(()) => "the server ended it".to_owned(),
                Err(error) if is_final(&error) => return Err(error),
                Err(error) => causes::line(error.as_ref()),
            };
            Output::note(&format!("the stream ended: {cause}; reconnecting"))?;
            blocks = self.reopen(sources, &place).await?;
            let position = place.position;
            Output::note(&format!("reconnected; going on behind position {position}"))?;
        }
    }

    /// Prints events until the stream ends.
    async fn print(
        &self,
        blocks: &mut Blocks,
        place: &mut Place,
        output: &mut Output,
    ) -> anyhow::Result<()> {
        while let Some(mut block) = blocks.next().await? {
            loop {
                self.print_block(&block, output)?;
                place.position = block.id.unwrap_or(place.position);
                match blocks.take() {
                    Some(next) => block = next,
                    None => break,
                }
            }
            output.flush()?;
        }
        Ok(())
    }

    fn print_block(&self, block: &Block, output: &mut Output) -> anyhow::Result<()> {
        let Some(data) = &block.data else {
            return Ok(());
        };
        if block.name.is_none() && self.json {
            output.bytes(data)?;
            return output.bytes(b"\n");
        }
        let value: Value = serde_json::from_slice(data).context("the stream has no JSON")?;
        match block.name.as_deref() {
            None => output.line(&line(&value, output)),
            Some("gap") => Output::note(&format!(
                "events from position {} to {} are no longer stored",
                value.text("from"),
                value.text("to")
            )),
            Some(_) => Ok(()),
        }
    }

    /// Opens the stream again, as soon as that is possible.
    async fn reopen(&self, sources: &Sources, place: &Place) -> anyhow::Result<Blocks> {
        loop {
            sleep(PAUSE).await;
            let opened = async { open(&self.origin.open(sources).await?, place).await };
            match opened.await {
                Err(error) if !is_final(&error) => {}
                opened => return opened,
            }
        }
    }
}

/// True if a reconnect cannot help.
fn is_final(error: &anyhow::Error) -> bool {
    error.is::<Closed>() || error.is::<Refusal>()
}

async fn open(api: &Api, place: &Place) -> anyhow::Result<Blocks> {
    let request = place.request.with("after", place.position);
    let Some(body) = api.open(&request, "text/event-stream").await? else {
        bail!("no delivery has the id of --delivery");
    };
    Ok(Blocks::new(body))
}

async fn end_of_log(api: &Api) -> anyhow::Result<i64> {
    let newest = api.get(&Request::to(LIST).with("limit", 1)).await?;
    let end = newest.value("as_of_position");
    let end = end.as_str().and_then(|end| end.parse().ok());
    end.context("the answer has no as_of_position")
}

/// Waits until nobody reads standard output any more.
async fn until_closed() {
    loop {
        sleep(PAUSE).await;
        let out = io::stdout();
        let mut polled = [PollFd::new(out.as_fd(), PollFlags::empty())];
        let found = poll(&mut polled, PollTimeout::ZERO).is_ok_and(|found| found > 0);
        let events = polled[0].revents().unwrap_or(PollFlags::empty());
        if found && events.contains(PollFlags::POLLERR) {
            return;
        }
    }
}

/// An event on one line, as wide as the terminal.
fn line(event: &Value, output: &Output) -> String {
    let kind = list::kind(event);
    let before = format!(
        "{:>8}  {}  ",
        event.text("position"),
        event.time("received_at")
    );
    let after = format!(
        "  {}  {:<17}  {:<17}  {}",
        event.text("app"),
        event.text("account_id"),
        event.text("person_id"),
        list::text(event)
    );
    let kind_text = format!("{kind:<14}");
    let room = width(io::stdout()).unwrap_or(usize::MAX);
    let room = room.saturating_sub(before.len() + kind_text.len());
    let style = colours::kind(&event.text("kind"));
    let kind_text = output.paint(style, &plain(&kind_text));
    format!(
        "{}{kind_text}{}",
        plain(&before),
        cut(plain(&after).trim_end(), room)
    )
}
