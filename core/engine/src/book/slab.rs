//! A slab: items in one vector, named by `u32`, freed slots used again last in first out.
//!
//! Invariants: [`NIL`] names no item; reading a name that is not held gives the null item and writing it changes the
//! null item only, so links to `NIL` need no branch and no index can panic. Everything is O(1); memory is the largest
//! number of items ever held at once.

/// The name of nothing.
pub(super) const NIL: u32 = u32::MAX;

/// Items of one kind.
#[derive(Clone, Debug)]
pub(super) struct Slab<T> {
    items: Vec<T>,
    free: Vec<u32>,
    null: T,
}

impl<T: Copy> Slab<T> {
    /// An empty slab with room for `capacity` items.
    pub(super) fn new(capacity: usize, null: T) -> Self {
        Self { items: Vec::with_capacity(capacity), free: Vec::new(), null }
    }

    /// Number of items.
    pub(super) fn len(&self) -> usize {
        self.items.len() - self.free.len()
    }

    /// Whether `more` items fit without reaching [`NIL`].
    pub(super) fn has_room(&self, more: usize) -> bool {
        self.len() < NIL as usize - more
    }

    /// Keep `item`; the caller has asked [`Self::has_room`].
    #[inline]
    #[expect(clippy::cast_possible_truncation, reason = "has_room keeps the length below u32::MAX")]
    pub(super) fn insert(&mut self, item: T) -> u32 {
        if let Some(name) = self.free.pop() {
            *self.at_mut(name) = item;
            return name;
        }
        let name = self.items.len() as u32;
        self.items.push(item);
        name
    }

    /// Give a name back.
    #[inline]
    pub(super) fn release(&mut self, name: u32) {
        self.free.push(name);
    }

    /// The item.
    #[inline(always)]
    pub(super) fn at(&self, name: u32) -> &T {
        self.items.get(name as usize).unwrap_or(&self.null)
    }

    /// The item, to change.
    #[inline(always)]
    pub(super) fn at_mut(&mut self, name: u32) -> &mut T {
        match self.items.get_mut(name as usize) {
            Some(item) => item,
            None => &mut self.null,
        }
    }

    /// Forget everything, keep the memory.
    pub(super) fn clear(&mut self) {
        self.items.clear();
        self.free.clear();
    }
}
