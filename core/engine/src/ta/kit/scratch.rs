//! Room for what a kernel computes on the way, kept from call to call: fresh memory costs more than the arithmetic.

use std::cell::RefCell;

/// Values a thread keeps at most.
const MAX_KEPT: usize = 4 << 20;

thread_local! {
    static KEPT: RefCell<Vec<Vec<f64>>> = const { RefCell::new(Vec::new()) };
}

/// Run `work` with room for `length` values, of any content.
pub(crate) fn with_scratch<T>(length: usize, work: impl FnOnce(&mut [f64]) -> T) -> T {
    let mut buffer = KEPT.with(|kept| kept.borrow_mut().pop()).unwrap_or_default();
    if buffer.len() < length {
        buffer.resize(length, 0.0);
    }
    let result = work(buffer.get_mut(..length).unwrap_or_default());
    if buffer.len() <= MAX_KEPT {
        KEPT.with(|kept| kept.borrow_mut().push(buffer));
    }
    result
}

#[cfg(test)]
mod tests {
    use super::with_scratch;

    #[test]
    fn nested_work_gets_rooms_of_its_own() {
        with_scratch(4, |outer| {
            outer.fill(1.0);
            with_scratch(6, |inner| inner.fill(2.0));
            assert_eq!(outer, [1.0; 4]);
        });
        assert_eq!(with_scratch(9, |room| room.len()), 9);
    }
}
