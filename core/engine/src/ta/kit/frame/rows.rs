//! Rows whose groups do not lie together, and where groups end.

use super::FrameError;

/// Where each row of a table goes so that its groups lie together.
///
/// Both ways go through the table row by row: where rows of many groups alternate, each group is one stream in the cache.
#[derive(Debug)]
pub struct Places(Vec<u32>);

impl Places {
    /// From the table's row at each place.
    ///
    /// # Errors
    /// [`FrameError::Shape`] when `order` does not name each of its rows once.
    pub fn new(order: &[u32]) -> Result<Self, FrameError> {
        let mut places = vec![u32::MAX; order.len()];
        for (place, row) in (0_u32..).zip(order) {
            match places.get_mut(*row as usize) {
                Some(slot) if *slot == u32::MAX => *slot = place,
                _ => return Err(FrameError::Shape { what: "order" }),
            }
        }
        Ok(Self(places))
    }

    /// A column of the table, in the groups' order.
    #[must_use]
    pub fn gather(&self, column: &[f64]) -> Vec<f64> {
        let mut out = vec![0.0; column.len()];
        for (value, place) in column.iter().zip(&self.0) {
            if let Some(slot) = out.get_mut(*place as usize) {
                *slot = *value;
            }
        }
        out
    }

    /// Results in the groups' order, for the rows of the table from `first` on.
    pub fn give_back<T: Copy>(&self, ordered: &[T], first: usize, slots: &mut [T]) {
        for (slot, place) in slots.iter_mut().zip(self.0.iter().skip(first)) {
            if let Some(value) = ordered.get(*place as usize) {
                *slot = *value;
            }
        }
    }
}

/// The rows at which a table's key changes, where a row's key is `width` words; row 0 is none of them.
#[must_use]
pub fn changes(words: &[u64], width: usize) -> Vec<i64> {
    // Most rows have the key of the row before: a block of them is looked through without a branch in it.
    const BLOCK: usize = 64;
    let width = width.max(1);
    let (before, after) = (words, words.get(width..).unwrap_or_default());
    let mut rows = Vec::new();
    let mut row = 1;
    for (before, after) in before.chunks(BLOCK * width).zip(after.chunks(BLOCK * width)) {
        if before.iter().zip(after).fold(0, |differs, (before, after)| differs | (before ^ after)) != 0 {
            let keys = before.chunks(width).zip(after.chunks(width));
            let here = (row..).zip(keys).filter(|(_, (before, after))| before != after);
            rows.extend(here.map(|(row, _)| row));
        }
        row += i64::try_from(after.len() / width).unwrap_or(0);
    }
    rows
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_order_that_names_a_row_twice_is_refused() {
        for order in [&[0, 0][..], &[0, 2], &[1]] {
            assert_eq!(Places::new(order).err(), Some(FrameError::Shape { what: "order" }), "{order:?}");
        }
    }

    #[test]
    fn changes_are_the_rows_that_differ_from_the_one_before() {
        for (length, width) in [(0, 1), (1, 2), (64, 1), (65, 1), (500, 2), (129, 2)] {
            let key = |row: u64| (row / 7) * 3 + row / 64;
            let words: Vec<u64> =
                (0..length).flat_map(|row| (0..width).map(move |word| key(row) * word + key(row))).collect();
            let expected: Vec<i64> =
                (1_i64..).zip(1..length).filter(|(_, row)| key(*row) != key(row - 1)).map(|(row, _)| row).collect();
            assert_eq!(changes(&words, usize::try_from(width).unwrap_or(1)), expected, "{length} {width}");
        }
    }
}
