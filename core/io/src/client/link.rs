//! One connection of a feed: opened, subscribed at the pace allowed, read until it ends or is asked to close.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, sleep_until};

use super::config::{Counters, EndReason, FeedConfig, FeedSink, Kind};
use super::connection::{Connection, ConnectionError};
use super::dial::Dial;
use super::pace::Pacer;
use crate::ws::CloseCode;

/// Payloads of one connection before the others of the feed get their turn: a flood on the old one must not hold up what
/// the new one asks.
const FAIR: usize = 64;

/// What every connection of a feed shares.
pub(super) struct Shared {
    pub(super) config: FeedConfig,
    pub(super) dial: Arc<dyn Dial>,
    pub(super) sink: Arc<dyn FeedSink>,
    pub(super) counters: Arc<Counters>,
}

/// What a connection tells its feed.
#[derive(Debug)]
pub(super) enum Report {
    Connected,
    /// All subscriptions are sent (and acknowledged): how many.
    Subscribed(usize),
    /// The first data after it was subscribed.
    Delivering,
    /// The server announced that it will close.
    Announced,
    /// It is over: on request, or for a reason.
    Ended(Option<EndReason>),
}

/// Runs one connection to its end; the last report is [`Report::Ended`].
pub(super) async fn run(
    shared: Arc<Shared>,
    number: u32,
    reports: mpsc::Sender<(u32, Report)>,
    mut closing: oneshot::Receiver<()>,
) {
    Counters::add(&shared.counters.attempts, 1);
    let opened = tokio::select! {
        biased;
        _ = &mut closing => None,
        opened = Connection::open(&shared.config.connection, shared.dial.as_ref()) => Some(opened),
    };
    let end = match opened {
        None => {
            Counters::add(&shared.counters.failures, 1);
            None
        }
        Some(Err(error)) => {
            Counters::add(&shared.counters.failures, 1);
            Some(error.into())
        }
        Some(Ok(connection)) => {
            Counters::add(&shared.counters.connections, 1);
            let subscription = Subscription::new(&shared);
            let link = Link { shared: &shared, number, reports: &reports, subscription };
            let end = link.run(connection, closing).await;
            Counters::add(if end.is_some() { &shared.counters.disconnections } else { &shared.counters.closed }, 1);
            end
        }
    };
    tell(&reports, number, Report::Ended(end)).await;
}

async fn tell(reports: &mpsc::Sender<(u32, Report)>, number: u32, report: Report) {
    // The feed is gone only when this task is about to be dropped as well.
    let _ = reports.send((number, report)).await;
}

/// How far subscribing is.
struct Subscription {
    /// What to send; composed when the first is due, so that it says how far the sink is then.
    texts: Option<Vec<String>>,
    pacer: Pacer,
    started: Instant,
    sent: usize,
    acknowledged: usize,
    /// When the next subscription may be sent.
    next_at: Instant,
    /// When the acknowledgements must be there.
    deadline: Option<Instant>,
    complete: bool,
    delivering: bool,
}

impl Subscription {
    fn new(shared: &Shared) -> Self {
        let started = Instant::now();
        let mut pacer = Pacer::new(shared.config.subscriptions_per_second, shared.config.subscription_burst);
        let next_at = started + pacer.reserve(Duration::ZERO);
        Self {
            texts: None,
            pacer,
            started,
            sent: 0,
            acknowledged: 0,
            next_at,
            deadline: None,
            complete: false,
            delivering: false,
        }
    }
}

impl Subscription {
    /// Whether there is (or may be) something to send.
    fn is_unsent(&self) -> bool {
        self.texts.as_ref().is_none_or(|texts| self.sent < texts.len())
    }

    /// How many there are, once that is known.
    fn total(&self) -> Option<usize> {
        self.texts.as_ref().map(Vec::len)
    }
}

struct Link<'a> {
    shared: &'a Shared,
    number: u32,
    reports: &'a mpsc::Sender<(u32, Report)>,
    subscription: Subscription,
}

impl Link<'_> {
    async fn run(mut self, mut connection: Connection, mut closing: oneshot::Receiver<()>) -> Option<EndReason> {
        let config = &self.shared.config;
        tell(self.reports, self.number, Report::Connected).await;
        let mut payloads = 0_usize;
        loop {
            let unsent = self.subscription.is_unsent();
            let next_at = self.subscription.next_at;
            let deadline = self.subscription.deadline;
            tokio::select! {
                biased;
                _ = &mut closing => {
                    let (shared, number) = (self.shared, self.number);
                    connection.close(CloseCode::NORMAL, "", |payload| deliver(shared, number, payload)).await;
                    return None;
                }
                () = sleep_until(next_at), if unsent => {
                    if let Err(error) = self.subscribe(&mut connection) {
                        return Some(error.into());
                    }
                    self.progress().await;
                }
                () = sleep_until(deadline.unwrap_or(next_at)), if deadline.is_some() => {
                    let missing = self.subscription.total().unwrap_or(0).saturating_sub(self.subscription.acknowledged);
                    return Some(EndReason::Acknowledgements { missing, within: config.acknowledgement_timeout });
                }
                payload = connection.next() => match payload {
                    Ok(payload) => {
                        self.received(&payload).await;
                        payloads += 1;
                        if payloads.is_multiple_of(FAIR) {
                            tokio::task::yield_now().await;
                        }
                    }
                    Err(error) => return Some(error.into()),
                },
            }
        }
    }

    /// Queues the next text.
    fn subscribe(&mut self, connection: &mut Connection) -> Result<(), ConnectionError> {
        let Self { shared, number, subscription, .. } = self;
        let texts =
            subscription.texts.get_or_insert_with(|| shared.sink.subscriptions(*number, &shared.config.subscriptions));
        if let Some(text) = texts.get(subscription.sent) {
            connection.send_text(text)?;
            Counters::add(&shared.counters.subscriptions, 1);
            subscription.sent += 1;
        }
        let since = Instant::now().duration_since(subscription.started);
        subscription.next_at = subscription.started + subscription.pacer.reserve(since);
        Ok(())
    }

    async fn received(&mut self, payload: &Bytes) {
        deliver(self.shared, self.number, payload);
        match self.shared.sink.kind(payload) {
            Kind::Data if self.subscription.complete && !self.subscription.delivering => {
                self.subscription.delivering = true;
                tell(self.reports, self.number, Report::Delivering).await;
            }
            Kind::Data => {}
            Kind::Acknowledgement => {
                self.subscription.acknowledged += 1;
                self.progress().await;
            }
            Kind::Shutdown => tell(self.reports, self.number, Report::Announced).await,
        }
    }

    /// Notes when all subscriptions are sent and, if awaited, acknowledged.
    async fn progress(&mut self) {
        let config = &self.shared.config;
        let subscription = &mut self.subscription;
        let Some(total) = subscription.total() else { return };
        if subscription.complete || subscription.sent < total {
            return;
        }
        if config.await_acknowledgements && subscription.acknowledged < total {
            subscription.deadline.get_or_insert_with(|| Instant::now() + config.acknowledgement_timeout);
            return;
        }
        subscription.complete = true;
        subscription.deadline = None;
        tell(self.reports, self.number, Report::Subscribed(total)).await;
    }
}

fn deliver(shared: &Shared, number: u32, payload: &Bytes) {
    Counters::add(&shared.counters.messages, 1);
    Counters::add(&shared.counters.bytes, payload.len() as u64);
    shared.sink.message(number, (shared.config.clock)(), payload);
}

/// How long a server asks to be left alone: one that refuses (`Retry-After`, an hour at most), or one that goes away
/// (1001 and `{"retry_after_ms":n}`, `most` at most).
pub(super) fn retry_after(why: &EndReason, most: Duration) -> Option<Duration> {
    use crate::ws::OpeningError::Refused;
    /// The reason of a hub that drains.
    #[derive(serde::Deserialize)]
    struct Drained {
        retry_after_ms: u64,
    }
    match why {
        EndReason::Connection(ConnectionError::Opening(Refused { retry_after_s, .. })) => {
            retry_after_s.map(|seconds| Duration::from_secs(u64::from(seconds.min(3600))))
        }
        EndReason::Connection(ConnectionError::Closed(Some(frame))) if frame.code == CloseCode::GOING_AWAY => {
            let told: Drained = serde_json::from_str(&frame.reason).ok()?;
            Some(Duration::from_millis(told.retry_after_ms).min(most))
        }
        _ => None,
    }
}
