//! One connection to the server, kept alive from delivery to delivery.

use std::{future::poll_fn, io, mem, pin::pin, sync::Arc, task::Poll, time::Duration};

use tokio::{task::yield_now, time::timeout};

use super::{
    Answer, Error, Target,
    alarm::Alarm,
    connection::{Connection, Failure},
};

/// How long an answer may take, the connection included. Meta waits between 5 and 20 seconds,
/// depending on which page of its documentation one reads.
const DEADLINE: Duration = Duration::from_secs(20);

/// How much room for requests is kept from one to the next.
const MOST_ROOM: usize = 16 * 1024;

/// Sends deliveries to one target, one after the other.
pub(super) struct Client {
    target: Arc<Target>,
    pub(super) deadline: Duration,
    alarm: Alarm,
    connection: Option<Connection>,
    /// Room to write requests in.
    request: Vec<u8>,
}

impl Client {
    /// A client that connects when there is something to send.
    pub(super) fn new(target: Arc<Target>) -> Self {
        Self {
            target,
            deadline: DEADLINE,
            alarm: Alarm::default(),
            connection: None,
            request: Vec::new(),
        }
    }

    /// Connects, to see whether anybody is there.
    pub(super) async fn connect(&mut self) -> Result<(), Error> {
        let opened = timeout(self.deadline, Connection::open(&self.target.address)).await;
        let opened = opened.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()));
        self.connection = Some(opened.map_err(|source| Error::connect(&self.target, source))?);
        Ok(())
    }

    /// Waits for something else. Where the server closes the connection meanwhile, so do we: the
    /// next delivery gets a new one, and the server waits for nobody.
    pub(super) async fn idle_until<T>(&mut self, other: impl Future<Output = T>) -> T {
        let mut other = pin!(other);
        let at_once = poll_fn(|cx| Poll::Ready(other.as_mut().poll(cx))).await;
        if let Poll::Ready(came) = at_once {
            return came;
        }
        let came = match &self.connection {
            None => other.await,
            Some(open) => tokio::select! {
                biased;
                came = &mut other => came,
                () = open.ended() => {
                    self.connection = None;
                    other.await
                }
            },
        };
        // The system is asked for news before anything is sent: the server may just have closed.
        yield_now().await;
        came
    }

    /// Sends the delivery that `write` writes down, and waits for the answer.
    pub(super) async fn send(&mut self, write: impl FnOnce(&mut Vec<u8>)) -> Answer {
        let mut request = mem::take(&mut self.request);
        write(&mut request);
        let mut alarm = mem::take(&mut self.alarm);
        let limit = self.deadline;
        let answer = alarm.within(limit, pin!(self.exchange(&request))).await;
        request.clear();
        request.shrink_to(MOST_ROOM);
        (self.alarm, self.request) = (alarm, request);
        answer.unwrap_or(Answer::TimedOut)
    }

    /// The connection is taken out for the exchange: one that broke, or that still owes an answer,
    /// does not come back.
    async fn exchange(&mut self, request: &[u8]) -> Answer {
        if let Some(open) = self.connection.take() {
            match self.exchange_on(open, request).await {
                // The server closed an idle connection before anything was written to it.
                Err(Failure::Unsent) => {}
                exchanged => return exchanged.map_or(Answer::Broken, Answer::Status),
            }
        }
        match Connection::open(&self.target.address).await {
            Ok(open) => {
                let exchanged = self.exchange_on(open, request).await;
                exchanged.map_or(Answer::Broken, Answer::Status)
            }
            Err(_) => Answer::NoConnection,
        }
    }

    async fn exchange_on(&mut self, open: Connection, request: &[u8]) -> Result<u16, Failure> {
        let (status, open) = open.exchange(request).await?;
        self.connection = open;
        Ok(status)
    }
}

#[cfg(test)]
mod tests {
    use tokio::{
        io::{AsyncReadExt, AsyncWriteExt},
        net::TcpListener,
    };

    use super::*;

    #[tokio::test]
    async fn a_connection_that_the_server_ends_while_idle_is_closed_here_too() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let target = Target {
            host: address.clone(),
            address,
            path: "/webhook".into(),
            app_secret: "a secret of this test".into(),
            marked: true,
        };
        let mut client = Client::new(Arc::new(target));
        client.connect().await.unwrap();
        let (mut stream, _) = listener.accept().await.unwrap();
        stream.shutdown().await.unwrap();
        let mut rest = Vec::new();
        let closed = client.idle_until(stream.read_to_end(&mut rest));
        let closed = timeout(Duration::from_mins(1), closed).await;
        assert_eq!(closed.expect("it is closed").unwrap(), 0);
        assert!(client.connection.is_none());
    }
}
