//! A feed that stays connected.
//!
//! ```text
//! primary: none --retry--> opening --> open --(max_age | announced)--> open + successor opening
//!             ^              | failed     | ended                            | delivers, overlap passes
//!             +---- backoff -+------------+          successor is primary <--+  old one closed, read to its end
//! ```
//!
//! Invariants: at most one primary and one successor; the old connection is closed only after its successor was
//! subscribed and delivered data, so that no message falls between them; when the primary ends first, the successor
//! takes its place. One timer of each kind, O(1) a report.

use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use tokio::runtime::Builder;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until};

use super::config::{Counters, EndReason, FeedConfig, FeedError, FeedEvent, FeedSink, FeedStats, RotationReason};
use super::dial::{Dial, Network};
use super::link::{self, Report, Shared};
use super::pace::{Backoff, Spread};

/// More reports than all connections of a feed can have under way.
const REPORTS: usize = 64;

/// A running feed, on a thread of its own. Dropping it stops the feed.
#[derive(Debug)]
pub struct FeedHandle {
    stop: watch::Sender<bool>,
    thread: Option<JoinHandle<Result<(), FeedError>>>,
    counters: Arc<Counters>,
}

/// Starts feeds.
#[derive(Debug)]
pub struct Feed;

impl Feed {
    /// Starts a feed on a thread of its own. Returns at once: the first connection is opened there.
    ///
    /// # Errors
    /// Settings out of their bounds, certificates, no thread.
    pub fn start(config: FeedConfig, sink: Arc<dyn FeedSink>) -> Result<FeedHandle, FeedError> {
        config.check()?;
        let network = Network::new(config.connection.endpoint.clone(), &config.roots)?;
        let counters = Arc::new(Counters::default());
        let (stop, stopping) = watch::channel(false);
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let shared = counters.clone();
        let thread = std::thread::Builder::new().name("deepalpha-feed".to_owned()).spawn(move || {
            let result = runtime.block_on(run(config, Arc::new(network), sink, shared, stopping));
            // A name that is being looked up must not hold up the end.
            runtime.shutdown_background();
            result
        })?;
        Ok(FeedHandle { stop, thread: Some(thread), counters })
    }
}

impl FeedHandle {
    /// What was done so far.
    #[must_use]
    pub fn stats(&self) -> FeedStats {
        self.counters.stats()
    }

    /// Whether the feed's thread is still there.
    #[must_use]
    pub fn is_running(&self) -> bool {
        self.thread.as_ref().is_some_and(|thread| !thread.is_finished())
    }

    /// Closes the connections and joins the thread: at most the close timeout. A second call does nothing.
    ///
    /// # Errors
    /// The sink had panicked.
    pub fn stop(&mut self) -> Result<(), FeedError> {
        self.stop.send_replace(true);
        match self.thread.take() {
            // A sink that drops its own feed cannot wait for itself.
            Some(thread) if thread.thread().id() != std::thread::current().id() => {
                thread.join().unwrap_or(Err(FeedError::Panicked))
            }
            _ => Ok(()),
        }
    }
}

impl Drop for FeedHandle {
    fn drop(&mut self) {
        // The error was for a caller of `stop`.
        let _ = self.stop();
    }
}

/// Runs a feed on the current runtime until `stopping` is true or its sender is gone.
///
/// # Errors
/// The sink panicked.
pub async fn run(
    config: FeedConfig,
    dial: Arc<dyn Dial>,
    sink: Arc<dyn FeedSink>,
    counters: Arc<Counters>,
    stopping: watch::Receiver<bool>,
) -> Result<(), FeedError> {
    let backoff = |salt| Backoff::new(config.backoff_base, config.backoff_cap, config.jitter_seed ^ salt);
    let (backoffs, (reports, inbox)) = ((backoff(0), backoff(u64::MAX)), mpsc::channel(REPORTS));
    let retry_jitter = Spread::new(config.jitter_seed.rotate_left(17));
    Supervisor {
        shared: Arc::new(Shared { config, dial, sink, counters }),
        reports,
        links: JoinSet::new(),
        last_number: 0,
        primary: None,
        successor: None,
        retry_at: Some(Instant::now()),
        rotate_at: None,
        switch_at: None,
        backoff: backoffs.0,
        rotation_backoff: backoffs.1,
        retry_jitter,
    }
    .run(inbox, stopping)
    .await
}

struct Peer {
    number: u32,
    close: oneshot::Sender<()>,
    connected_at: Option<Instant>,
    /// The server said that it will close this one.
    announced: bool,
}

struct Supervisor {
    shared: Arc<Shared>,
    reports: mpsc::Sender<(u32, Report)>,
    links: JoinSet<()>,
    last_number: u32,
    primary: Option<Peer>,
    successor: Option<Peer>,
    /// When to open a primary; only while there is none.
    retry_at: Option<Instant>,
    /// When to open a successor, and why; only while there is none.
    rotate_at: Option<(Instant, RotationReason)>,
    /// When the successor becomes the primary; only after it delivered.
    switch_at: Option<Instant>,
    backoff: Backoff,
    rotation_backoff: Backoff,
    /// Spreads clients that the server told the same.
    retry_jitter: Spread,
}

/// Waits for a moment that may not be set.
async fn at(moment: Option<Instant>) {
    match moment {
        Some(moment) => sleep_until(moment).await,
        None => std::future::pending().await,
    }
}

impl Supervisor {
    async fn run(
        mut self,
        mut inbox: mpsc::Receiver<(u32, Report)>,
        mut stopping: watch::Receiver<bool>,
    ) -> Result<(), FeedError> {
        loop {
            tokio::select! {
                biased;
                _ = stopping.wait_for(|stop| *stop) => break,
                Some((number, report)) = inbox.recv() => self.reported(number, report),
                Some(ended) = self.links.join_next() => {
                    if ended.is_err() {
                        return Err(FeedError::Panicked);
                    }
                }
                () = at(self.switch_at) => self.switch(),
                () = at(self.retry_at) => {
                    self.retry_at = None;
                    self.primary = Some(self.open());
                }
                () = at(self.rotate_at.map(|(moment, _)| moment)) => self.rotate(),
            }
        }
        self.shut(inbox).await
    }

    fn open(&mut self) -> Peer {
        self.last_number = self.last_number.wrapping_add(1);
        let number = self.last_number;
        let (close, closing) = oneshot::channel();
        self.links.spawn(link::run(self.shared.clone(), number, self.reports.clone(), closing));
        Peer { number, close, connected_at: None, announced: false }
    }

    fn rotate(&mut self) {
        let Some((_, why)) = self.rotate_at.take() else { return };
        let Some(from) = self.primary.as_ref().map(|primary| primary.number) else { return };
        let successor = self.open();
        self.shared.sink.event(FeedEvent::Rotating { from, to: successor.number, why });
        self.successor = Some(successor);
    }

    /// The successor delivers and the overlap is over: the old connection may go.
    fn switch(&mut self) {
        self.switch_at = None;
        let (Some(old), Some(new)) = (self.primary.take(), self.successor.take()) else { return };
        let (from, to) = (old.number, new.number);
        // Its task closes it and reads it to its end; it may have ended already.
        let _ = old.close.send(());
        Counters::add(&self.shared.counters.rotations, 1);
        self.promote(new);
        self.shared.sink.event(FeedEvent::Rotated { from, to });
    }

    fn promote(&mut self, new: Peer) {
        self.switch_at = None;
        self.rotation_backoff.reset();
        self.rotate_at = match new.connected_at {
            _ if new.announced => Some((Instant::now(), RotationReason::Announced)),
            connected => connected.map(|since| (since + self.shared.config.max_age, RotationReason::Age)),
        };
        self.primary = Some(new);
    }

    fn reported(&mut self, number: u32, report: Report) {
        let is = |peer: &Option<Peer>| peer.as_ref().is_some_and(|peer| peer.number == number);
        let (is_primary, is_successor) = (is(&self.primary), is(&self.successor));
        match report {
            Report::Connected => {
                let now = Instant::now();
                if is_primary {
                    self.rotate_at = Some((now + self.shared.config.max_age, RotationReason::Age));
                }
                let peer = if is_primary { &mut self.primary } else { &mut self.successor };
                if let Some(peer) = peer.as_mut().filter(|peer| peer.number == number) {
                    peer.connected_at = Some(now);
                }
                self.shared.sink.event(FeedEvent::Connected { connection: number });
            }
            Report::Subscribed(subscriptions) => {
                self.shared.sink.event(FeedEvent::Subscribed { connection: number, subscriptions });
            }
            Report::Delivering if is_successor => {
                self.switch_at = Some(Instant::now() + self.shared.config.overlap);
            }
            Report::Announced => {
                let peer = if is_primary { &mut self.primary } else { &mut self.successor };
                // Once for each connection: a server that repeats itself does not shorten the backoff.
                if let Some(peer) = peer.as_mut().filter(|peer| peer.number == number && !peer.announced) {
                    peer.announced = true;
                    if is_primary && self.successor.is_none() {
                        self.rotate_at = Some((Instant::now(), RotationReason::Announced));
                    }
                }
            }
            Report::Delivering => {}
            Report::Ended(None) => self.shared.sink.event(FeedEvent::Closed { connection: number }),
            Report::Ended(Some(why)) => self.ended(number, why, is_primary, is_successor),
        }
    }

    fn ended(&mut self, number: u32, why: EndReason, is_primary: bool, is_successor: bool) {
        let now = Instant::now();
        let mut retry_in = None;
        if is_primary {
            let lived = self.primary.take().and_then(|peer| peer.connected_at).map(|connected| now - connected);
            if let Some(successor) = self.successor.take() {
                self.promote(successor);
            } else {
                if lived.is_some_and(|lived| lived >= self.shared.config.stable_after) {
                    self.backoff.reset();
                }
                let delay = self.delay(false, &why);
                self.rotate_at = None;
                self.retry_at = Some(now + delay);
                retry_in = Some(delay);
            }
        } else if is_successor {
            self.successor = None;
            self.switch_at = None;
            let delay = self.delay(true, &why);
            self.rotate_at = Some((now + delay, RotationReason::Retry));
            retry_in = Some(delay);
        }
        self.shared.sink.event(FeedEvent::Disconnected { connection: number, why, retry_in });
    }

    /// How long to wait after a failure: the backoff, or what the server asked for and a random part of its quarter (of
    /// the backoff's bound if that is more), so that those it told the same do not come back together.
    fn delay(&mut self, rotating: bool, why: &EndReason) -> Duration {
        let backoff = if rotating { &mut self.rotation_backoff } else { &mut self.backoff };
        let bound = backoff.bound();
        let usual = backoff.next_delay();
        match link::retry_after(why, self.shared.config.backoff_cap) {
            Some(asked) => asked + self.retry_jitter.up_to(bound.max(asked / 4)),
            None => usual,
        }
    }

    /// Asks every connection to close and waits until all have.
    async fn shut(mut self, mut inbox: mpsc::Receiver<(u32, Report)>) -> Result<(), FeedError> {
        for peer in [self.primary.take(), self.successor.take()].into_iter().flatten() {
            let _ = peer.close.send(());
        }
        let mut result = Ok(());
        while !self.links.is_empty() {
            tokio::select! {
                biased;
                Some((number, report)) = inbox.recv() => self.reported(number, report),
                Some(ended) = self.links.join_next() => {
                    if ended.is_err() {
                        result = Err(FeedError::Panicked);
                    }
                }
            }
        }
        while let Ok((number, report)) = inbox.try_recv() {
            self.reported(number, report);
        }
        result
    }
}
