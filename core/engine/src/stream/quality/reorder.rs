//! Rules 4 and 20: trades wait until no earlier one may come any more, and leave in the order of time and id.
//!
//! A sorted queue: an arrival in order is appended, one out of order is put in its place. O(1) for a stream in order; as
//! many moves as trades it overtakes otherwise.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

use super::Tick;

/// The waiting trades of a symbol.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Reorder {
    waiting: VecDeque<Tick>,
    capacity: usize,
}

impl Reorder {
    pub(crate) const fn new(capacity: usize) -> Self {
        Self { waiting: VecDeque::new(), capacity }
    }

    /// Put a trade in its place; the oldest leaves when there is no room.
    #[inline]
    pub(crate) fn push(&mut self, tick: Tick) -> Option<Tick> {
        let key = tick.key();
        if self.waiting.back().is_none_or(|last| last.key() <= key) {
            self.waiting.push_back(tick);
        } else {
            // Behind its equals, so that trades without ids keep the order they came in.
            self.waiting.insert(self.waiting.partition_point(|waiting| waiting.key() <= key), tick);
        }
        if self.waiting.len() > self.capacity { self.waiting.pop_front() } else { None }
    }

    /// The next trade before `watermark`.
    #[inline]
    pub(crate) fn pop(&mut self, watermark: i64) -> Option<Tick> {
        self.waiting.pop_front_if(|tick| tick.ts_event < watermark)
    }
}
