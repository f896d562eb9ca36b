//! Waking Python from a thread that never attaches to it: a condition variable for `poll(timeout)`, a readable file
//! descriptor for `asyncio` (`loop.add_reader`).
//!
//! Invariant: under the mutex, the descriptor is readable exactly while the content is not idle. It is written once when
//! that begins and read empty when it ends, so a burst costs one wake-up, and none is lost or left over.

use std::io::{ErrorKind, Read, Write};
use std::os::fd::AsRawFd;
use std::os::unix::net::UnixStream;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use pyo3::prelude::*;

use crate::error::{Kind, raise};

/// Longest wait without a look at Python's signals.
const SIGNAL_CHECK: Duration = Duration::from_millis(100);

/// What a consumer waits for.
pub(crate) trait Content: Send {
    /// Nothing to fetch and nothing to be told: the consumer may sleep.
    fn is_idle(&self) -> bool;
}

/// Something that a producing thread fills and a Python thread empties.
pub(crate) struct Shared<T> {
    content: Mutex<(T, bool)>,
    ready: Condvar,
    /// For producers that wait until there is room.
    room: Condvar,
    reader: UnixStream,
    writer: UnixStream,
}

impl<T: Content> Shared<T> {
    pub(crate) fn new(content: T) -> PyResult<Self> {
        let made = UnixStream::pair().and_then(|(reader, writer)| {
            reader.set_nonblocking(true)?;
            writer.set_nonblocking(true)?;
            Ok((reader, writer))
        });
        let (reader, writer) = made.map_err(|error| {
            raise(Kind::MarketData, format!("no pair of sockets to wake Python with: {error}; close what is not used"))
        })?;
        let content = Mutex::new((content, false));
        Ok(Self { content, ready: Condvar::new(), room: Condvar::new(), reader, writer })
    }

    fn lock(&self) -> MutexGuard<'_, (T, bool)> {
        // What a panicking producer left is whole: it appends complete messages.
        self.content.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Keep the descriptor in step with the content; a full or closed socket pair needs no further byte.
    fn settle(&self, guard: &mut MutexGuard<'_, (T, bool)>) {
        let idle = guard.0.is_idle();
        if !idle && !guard.1 {
            guard.1 = true;
            while matches!((&self.writer).write(&[1]), Err(error) if error.kind() == ErrorKind::Interrupted) {}
            self.ready.notify_all();
        } else if idle && guard.1 {
            guard.1 = false;
            let mut spent = [0_u8; 16];
            while match (&self.reader).read(&mut spent) {
                Ok(count) => count == spent.len(),
                Err(error) => error.kind() == ErrorKind::Interrupted,
            } {}
        }
    }

    /// Look at or change the content; wakes the consumer when it is no longer idle.
    pub(crate) fn with<R>(&self, change: impl FnOnce(&mut T) -> R) -> R {
        let mut guard = self.lock();
        let result = change(&mut guard.0);
        self.settle(&mut guard);
        result
    }

    /// As `with`, then tells producers that wait in [`Self::wait_for_room`] to look again.
    pub(crate) fn take<R>(&self, change: impl FnOnce(&mut T) -> R) -> R {
        let result = self.with(change);
        self.room.notify_all();
        result
    }

    /// Call `attempt` until it gives a result, each time after a consumer took something.
    pub(crate) fn wait_for_room<R>(&self, mut attempt: impl FnMut(&mut T) -> Option<R>) -> R {
        let mut guard = self.lock();
        loop {
            if let Some(result) = attempt(&mut guard.0) {
                self.settle(&mut guard);
                return result;
            }
            self.settle(&mut guard);
            guard = self.room.wait(guard).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Sleep, detached from Python, until the content is not idle or `timeout` has passed; none waits without end.
    /// Whether there is something. Ctrl-C ends it.
    pub(crate) fn wait(&self, py: Python<'_>, timeout: Option<Duration>) -> PyResult<bool> {
        let deadline = timeout.and_then(|timeout| Instant::now().checked_add(timeout));
        loop {
            let left = deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()));
            let slice = left.map_or(SIGNAL_CHECK, |left| left.min(SIGNAL_CHECK));
            let something = py.detach(|| {
                let guard = self.lock();
                let waited = self.ready.wait_timeout_while(guard, slice, |held| held.0.is_idle());
                !waited.unwrap_or_else(PoisonError::into_inner).0.0.is_idle()
            });
            if something {
                return Ok(true);
            }
            py.check_signals()?;
            if left.is_some_and(|left| left <= slice) {
                return Ok(false);
            }
        }
    }

    /// The descriptor: readable while there is something to fetch.
    pub(crate) fn fileno(&self) -> i32 {
        self.reader.as_raw_fd()
    }
}

/// A timeout of Python, in seconds; None waits without end.
pub(crate) fn timeout(seconds: Option<f64>) -> PyResult<Option<Duration>> {
    let convert = |seconds: f64| {
        Duration::try_from_secs_f64(seconds).map_err(|_| {
            raise(Kind::MarketData, format!("timeout {seconds} is no time in seconds; pass 0 or more, or None"))
        })
    };
    seconds.map(convert).transpose()
}
