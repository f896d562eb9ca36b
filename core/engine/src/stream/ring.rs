//! A bounded queue between a feed and its consumer: what happens when it is full has a name, every item is counted, and the
//! consumer is woken only when the queue was empty.
//!
//! [`Ring`] is the queue itself, for one owner. [`channel`] puts it between threads with a mutex and a condition; the wake-up
//! protocol is a type of its own ([`Wake`]) so that a test can try all its interleavings; `tests/ring_loom.rs` compiles this file against loom's threads and tries those
//! of the whole channel. No unsafe code.
//!
//! Invariants: items leave in the order they came; `pushed = popped + dropped + refused + waiting` at any time; a consumer
//! never sleeps while an item waits. O(1) an item; a lock is taken once a batch.

use std::collections::VecDeque;
use std::time::Duration;

use super::output::Overflow;
use super::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

/// What happened to items, since the beginning.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RingCounters {
    /// Given.
    pub pushed: u64,
    /// Taken.
    pub popped: u64,
    /// Lost as the oldest ones ([`Overflow::DropOldest`]).
    pub dropped: u64,
    /// Lost as the new ones ([`Overflow::Refuse`]).
    pub refused: u64,
    /// Times a consumer was woken.
    pub woken: u64,
    /// Most items that waited at once.
    pub most: usize,
}

/// A bounded queue of one owner.
#[derive(Clone, Debug)]
pub struct Ring<T> {
    items: VecDeque<T>,
    capacity: usize,
    overflow: Overflow,
    counters: RingCounters,
}

/// What became of an item.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Push<T> {
    /// It waits; `first` when nothing waited before it.
    Queued {
        /// Whether the queue was empty.
        first: bool,
    },
    /// It, or an older one, is lost, and counted.
    Lost(T),
    /// There is no room: take some out and give it again.
    Full(T),
}

impl<T> Ring<T> {
    /// Room for `capacity` items, at least one.
    #[must_use]
    pub fn new(capacity: usize, overflow: Overflow) -> Self {
        let capacity = capacity.max(1);
        Self { items: VecDeque::with_capacity(capacity), capacity, overflow, counters: RingCounters::default() }
    }

    /// Items that wait.
    #[must_use]
    pub fn len(&self) -> usize {
        self.items.len()
    }

    /// Whether none waits.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.items.is_empty()
    }

    /// The counts.
    #[must_use]
    pub const fn counters(&self) -> &RingCounters {
        &self.counters
    }

    /// Give an item.
    pub fn push(&mut self, item: T) -> Push<T> {
        let mut lost = None;
        if self.items.len() >= self.capacity {
            match self.overflow {
                Overflow::Block => return Push::Full(item),
                Overflow::Refuse => {
                    self.counters.pushed += 1;
                    self.counters.refused += 1;
                    return Push::Lost(item);
                }
                Overflow::DropOldest => {
                    lost = self.items.pop_front();
                    self.counters.dropped += 1;
                }
            }
        }
        self.counters.pushed += 1;
        let first = self.items.is_empty() && lost.is_none();
        self.items.push_back(item);
        self.counters.most = self.counters.most.max(self.items.len());
        match lost {
            Some(lost) => Push::Lost(lost),
            None => Push::Queued { first },
        }
    }

    /// Take up to `most` items into `into`, oldest first; how many.
    pub fn pop_into(&mut self, into: &mut Vec<T>, most: usize) -> usize {
        let count = most.min(self.items.len());
        into.extend(self.items.drain(..count));
        self.counters.popped += count as u64;
        count
    }
}

/// Who sleeps and who has to be woken: the protocol of [`channel`], without threads.
///
/// A consumer that finds nothing says so ([`Self::sleeps`]) under the lock, before it waits; a producer that put the first
/// item in asks ([`Self::rings`]) under the lock whether to signal. As both happen under one lock, either the producer sees
/// the sleeper or the consumer sees the item.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Wake {
    sleeping: bool,
}

impl Wake {
    /// The consumer is about to wait: nothing was there.
    pub const fn sleeps(&mut self) {
        self.sleeping = true;
    }

    /// The consumer goes on: signalled, by a time limit, or by chance.
    pub const fn wakes(&mut self) {
        self.sleeping = false;
    }

    /// Items were put in; whether to signal. Only the first of a run does: a sleeper is signalled once.
    pub const fn rings(&mut self) -> bool {
        std::mem::replace(&mut self.sleeping, false)
    }
}

struct State<T> {
    ring: Ring<T>,
    consumer: Wake,
    /// A producer waits for room.
    producer: Wake,
    closed: bool,
}

struct Inside<T> {
    state: Mutex<State<T>>,
    filled: Condvar,
    freed: Condvar,
}

impl<T> Inside<T> {
    fn lock(&self) -> MutexGuard<'_, State<T>> {
        // The state is whole between any two statements that could stop, so a poisoned lock holds nothing broken.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The giving end of a [`channel`]. Dropped, it closes the queue: the consumer gets what waits and then the end.
pub struct Producer<T> {
    inside: Arc<Inside<T>>,
}

/// The taking end of a [`channel`]. Dropped, it closes the queue: what is given then is handed back.
pub struct Consumer<T> {
    inside: Arc<Inside<T>>,
}

/// A bounded queue between one producer and one consumer. Under [`Overflow::Block`] the producer waits for room.
#[must_use]
pub fn channel<T>(capacity: usize, overflow: Overflow) -> (Producer<T>, Consumer<T>) {
    let state = State {
        ring: Ring::new(capacity, overflow),
        consumer: Wake::default(),
        producer: Wake::default(),
        closed: false,
    };
    let inside = Arc::new(Inside { state: Mutex::new(state), filled: Condvar::new(), freed: Condvar::new() });
    (Producer { inside: Arc::clone(&inside) }, Consumer { inside })
}

impl<T> Producer<T> {
    /// Give all of `items`, waiting for room under [`Overflow::Block`]; false when the consumer is gone, with what it did
    /// not get left in `items`.
    pub fn push_all(&self, items: &mut Vec<T>) -> bool {
        let mut waiting = items.drain(..);
        let mut next = waiting.next();
        let mut state = self.inside.lock();
        while let Some(item) = next.take() {
            if state.closed {
                let mut rest = vec![item];
                rest.extend(waiting);
                *items = rest;
                return false;
            }
            match state.ring.push(item) {
                Push::Queued { .. } | Push::Lost(_) => next = waiting.next(),
                Push::Full(item) => {
                    next = Some(item);
                    self.signal(&mut state);
                    state.producer.sleeps();
                    state = self.inside.freed.wait(state).unwrap_or_else(PoisonError::into_inner);
                    state.producer.wakes();
                }
            }
        }
        self.signal(&mut state);
        true
    }

    fn signal(&self, state: &mut State<T>) {
        if !state.ring.is_empty() && state.consumer.rings() {
            state.ring.counters.woken += 1;
            self.inside.filled.notify_one();
        }
    }

    /// The counts.
    #[must_use]
    pub fn counters(&self) -> RingCounters {
        *self.inside.lock().ring.counters()
    }
}

impl<T> Consumer<T> {
    /// Take up to `most` items into `into`, waiting until there is one, the producer is gone or `timeout` has passed.
    /// False when the producer is gone and nothing waits any more.
    pub fn pop_into(&self, into: &mut Vec<T>, most: usize, timeout: Duration) -> bool {
        let mut state = self.inside.lock();
        if state.ring.is_empty() && !state.closed {
            let waited = self.inside.filled.wait_timeout_while(state, timeout, |state| {
                let nothing = state.ring.is_empty() && !state.closed;
                if nothing {
                    // Before each wait: also after a wake-up by chance the next item has to ring.
                    state.consumer.sleeps();
                }
                nothing
            });
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
            state.consumer.wakes();
        }
        let taken = state.ring.pop_into(into, most);
        if taken > 0 && state.producer.rings() {
            self.inside.freed.notify_one();
        }
        taken > 0 || !state.closed
    }

    /// The counts.
    #[must_use]
    pub fn counters(&self) -> RingCounters {
        *self.inside.lock().ring.counters()
    }
}

impl<T> Inside<T> {
    fn close(&self) {
        self.lock().closed = true;
        self.filled.notify_all();
        self.freed.notify_all();
    }
}

impl<T> Drop for Producer<T> {
    fn drop(&mut self) {
        self.inside.close();
    }
}

impl<T> Drop for Consumer<T> {
    fn drop(&mut self) {
        self.inside.close();
    }
}
