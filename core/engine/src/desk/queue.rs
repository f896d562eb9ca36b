//! What waits to leave: three lanes in a bounded room, the urgent lane first, first come first served inside a lane.
//!
//! Invariants: an item is never lost: it is popped, still waiting, or handed back to the caller that pushed it or whose
//! item was displaced (`pushed = popped + displaced + waiting`, and a refused item was never pushed). A lane is only
//! popped when every more urgent lane is empty. O(1), no allocation after construction.

use std::collections::VecDeque;

use thiserror::Error;

/// Lanes, the most urgent first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Priority {
    /// Takes an order back.
    Cancel,
    /// Can only shrink a position.
    Reducing,
    /// Everything else.
    Normal,
}

impl Priority {
    const fn lane(self) -> usize {
        match self {
            Self::Cancel => 0,
            Self::Reducing => 1,
            Self::Normal => 2,
        }
    }
}

/// What happens to one too many.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Overflow {
    /// The newcomer is handed back, whatever it is.
    RefuseNewest,
    /// The newest item of the least urgent lane below the newcomer's is handed back in its place; without one the
    /// newcomer is.
    #[default]
    DisplaceLeastUrgent,
}

/// The room is full; here is your item back.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[error("the queue is full ({capacity} items wait); try again when some have left, or make it larger")]
pub struct QueueFull<T> {
    /// What did not get in.
    pub item: T,
    /// The bound.
    pub capacity: usize,
}

/// How many went where.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct QueueCounts {
    /// Let in.
    pub pushed: u64,
    /// Left by their turn.
    pub popped: u64,
    /// Handed back for a more urgent one.
    pub displaced: u64,
    /// Not let in.
    pub refused: u64,
}

/// The queue.
#[derive(Clone, Debug)]
pub struct PriorityQueue<T> {
    lanes: [VecDeque<T>; 3],
    capacity: usize,
    overflow: Overflow,
    counts: QueueCounts,
}

impl<T> PriorityQueue<T> {
    /// Room for `capacity` items (at least one).
    #[must_use]
    pub fn new(capacity: usize, overflow: Overflow) -> Self {
        let capacity = capacity.max(1);
        let lane = || VecDeque::with_capacity(capacity);
        Self { lanes: [lane(), lane(), lane()], capacity, overflow, counts: QueueCounts::default() }
    }

    /// Items waiting.
    #[must_use]
    pub fn len(&self) -> usize {
        self.lanes.iter().map(VecDeque::len).sum()
    }

    /// Whether nothing waits.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.lanes.iter().all(VecDeque::is_empty)
    }

    /// The bound.
    #[must_use]
    pub const fn capacity(&self) -> usize {
        self.capacity
    }

    /// How many went where.
    #[must_use]
    pub const fn counts(&self) -> QueueCounts {
        self.counts
    }

    /// Put an item at the end of its lane. `Ok(Some(..))` is an item that had to make room.
    ///
    /// # Errors
    /// Full, and nothing less urgent waits: the item comes back.
    pub fn push(&mut self, priority: Priority, item: T) -> Result<Option<T>, QueueFull<T>> {
        let displaced = if self.len() < self.capacity {
            None
        } else if let Some(displaced) = self.make_room(priority) {
            self.counts.displaced += 1;
            Some(displaced)
        } else {
            self.counts.refused += 1;
            return Err(QueueFull { item, capacity: self.capacity });
        };
        if let Some(lane) = self.lanes.get_mut(priority.lane()) {
            lane.push_back(item);
        }
        self.counts.pushed += 1;
        Ok(displaced)
    }

    fn make_room(&mut self, priority: Priority) -> Option<T> {
        if self.overflow == Overflow::RefuseNewest {
            return None;
        }
        self.lanes.iter_mut().skip(priority.lane() + 1).rev().find_map(VecDeque::pop_back)
    }

    /// The next item: the oldest of the most urgent lane that has one.
    pub fn pop(&mut self) -> Option<T> {
        let next = self.lanes.iter_mut().find_map(VecDeque::pop_front);
        self.counts.popped += u64::from(next.is_some());
        next
    }

    /// Take the oldest item that fits out of its turn, wherever it waits; counted as popped. O(waiting).
    pub fn take_where(&mut self, mut fits: impl FnMut(&T) -> bool) -> Option<T> {
        for lane in &mut self.lanes {
            if let Some(found) = lane.iter().position(&mut fits) {
                self.counts.popped += 1;
                return lane.remove(found);
            }
        }
        None
    }

    /// Everything that waits, in the order it will leave.
    pub fn iter(&self) -> impl Iterator<Item = &T> {
        self.lanes.iter().flatten()
    }

    /// The next item and its lane, left in place.
    #[must_use]
    pub fn peek(&self) -> Option<(Priority, &T)> {
        [Priority::Cancel, Priority::Reducing, Priority::Normal]
            .into_iter()
            .zip(&self.lanes)
            .find_map(|(priority, lane)| lane.front().map(|item| (priority, item)))
    }
}
