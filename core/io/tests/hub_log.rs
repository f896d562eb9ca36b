//! The topic log and the delivery classes against a naive model: a list of all messages ever published, and readers
//! that take what they are given at random moments.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, missing_docs)]
use bytes::Bytes;
use deepalpha_io::hub::Class;
use deepalpha_io::hub::log::{Bounds, Plan, Tally, TopicLog, plan};
use proptest::prelude::*;

#[derive(Debug, Clone)]
enum Step {
    Publish(usize),
    /// The shard takes what is new.
    Turn,
    /// The reader's socket takes at most so many messages.
    Read(usize),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        4 => (1_usize..400).prop_map(Step::Publish),
        3 => Just(Step::Turn),
        2 => (0_usize..6).prop_map(Step::Read),
    ];
    prop::collection::vec(step, 0..200)
}

fn payload(offset: u64, length: usize) -> Bytes {
    let mut bytes = offset.to_be_bytes().to_vec();
    bytes.resize(8 + length, 0);
    bytes.into()
}

/// What a reader saw, in order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Saw {
    Message(u64),
    Gap(u64, u64),
    Skipped(u64),
    Closed,
}

struct Reader {
    class: Class,
    cursor: u64,
    saw: Vec<Saw>,
    tally: Tally,
    open: bool,
}

impl Reader {
    /// As the shard does it: follow the plan until the socket is full.
    fn read(&mut self, log: &TopicLog, head: u64, most_bytes: u64, mut room: usize) {
        while self.open && room > 0 {
            match plan(self.class, log, self.cursor, head, most_bytes) {
                Plan::Idle => return,
                Plan::Send => {
                    let entry = log.get(self.cursor).expect("a message to send is held");
                    assert_eq!(&entry.frame[..8], self.cursor.to_be_bytes(), "the log gives the message of the offset");
                    self.saw.push(Saw::Message(self.cursor));
                    self.tally.delivered += 1;
                    self.cursor += 1;
                }
                Plan::Jump { from, to, next } => {
                    self.saw.push(Saw::Gap(from, to));
                    self.tally.conflated += to - from + 1;
                    self.cursor = next;
                }
                Plan::Newest { at, skipped } => {
                    if skipped > 0 {
                        self.saw.push(Saw::Skipped(skipped));
                    }
                    self.saw.push(Saw::Message(at));
                    self.tally.conflated += skipped;
                    self.tally.delivered += 1;
                    self.cursor = at + 1;
                }
                Plan::Close => {
                    self.saw.push(Saw::Closed);
                    self.tally.dropped += head - self.cursor;
                    self.cursor = head;
                    self.open = false;
                }
            }
            room -= 1;
        }
    }
}

fn run(class: Class, steps: &[Step], bounds: Bounds, most_bytes: u64) -> (Reader, u64, u64) {
    let mut log = TopicLog::new(bounds);
    let mut all: Vec<Bytes> = Vec::new();
    let mut head = 0;
    let mut reader = Reader { class, cursor: 0, saw: Vec::new(), tally: Tally::default(), open: true };
    let mut sent = 0;
    for step in steps {
        match step {
            Step::Publish(length) => {
                let message = payload(all.len() as u64, *length);
                let floor = if class == Class::Reliable { head } else { u64::MAX };
                match log.push(message.clone(), (0, 0), 0, floor) {
                    Ok(offset) => {
                        assert_eq!(offset, all.len() as u64, "offsets are consecutive");
                        all.push(message);
                    }
                    Err(full) => {
                        assert_eq!(class, Class::Reliable, "only reliable topics refuse");
                        assert!(full.held > 0);
                    }
                }
            }
            Step::Turn => {
                if reader.open {
                    sent += log.next() - head;
                }
                head = log.next();
            }
            Step::Read(room) => reader.read(&log, head, most_bytes, *room),
        }
        // The log against the list.
        assert_eq!(log.next(), all.len() as u64);
        for (offset, entry) in log.from(log.base()) {
            assert_eq!(entry.frame, all[offset as usize]);
        }
        let held: u64 = log.from(reader.cursor).map(|(_, entry)| entry.frame.len() as u64).sum();
        if reader.cursor >= log.base() {
            assert_eq!(log.behind(reader.cursor), Some(held));
        } else {
            assert_eq!(log.behind(reader.cursor), None);
        }
        if class == Class::Reliable {
            assert!(log.base() <= head, "a reliable log keeps what the shard has not taken");
        }
        assert!(all.is_empty() || log.last().is_some(), "the last value is always held");
        let waiting = if reader.open { head - reader.cursor } else { 0 };
        let settled = reader.tally.delivered + reader.tally.conflated + reader.tally.dropped;
        assert_eq!(sent, settled + waiting, "sent = delivered + conflated + dropped + waiting");
    }
    // A quiet moment: the shard looks, the reader's socket takes everything.
    if reader.open {
        sent += log.next() - head;
    }
    head = log.next();
    reader.read(&log, head, most_bytes, usize::MAX);
    (reader, sent, head)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn a_reliable_reader_sees_every_message_or_is_closed(
        steps in steps(), messages in 1_usize..20, bytes in 64_usize..4_000, most in 64_u64..4_000,
    ) {
        let (reader, sent, head) = run(Class::Reliable, &steps, Bounds { messages, bytes }, most);
        let closed = reader.saw.last() == Some(&Saw::Closed);
        let count = reader.saw.len() - usize::from(closed);
        let expected: Vec<Saw> = (0..count as u64).map(Saw::Message).collect();
        prop_assert_eq!(&reader.saw[..count], &expected[..]);
        if !closed {
            prop_assert_eq!(count as u64, head);
        }
        prop_assert_eq!(reader.tally.conflated, 0);
        prop_assert_eq!(sent, reader.tally.delivered + reader.tally.dropped);
    }

    #[test]
    fn a_buffered_reader_sees_every_message_or_is_told_exactly_which_not(
        steps in steps(), messages in 1_usize..20, bytes in 64_usize..4_000, most in 64_u64..4_000,
    ) {
        let (reader, sent, head) = run(Class::Buffered, &steps, Bounds { messages, bytes }, most);
        let mut next = 0;
        for saw in &reader.saw {
            match *saw {
                Saw::Message(offset) => {
                    prop_assert_eq!(offset, next);
                    next += 1;
                }
                Saw::Gap(from, to) => {
                    prop_assert_eq!(from, next);
                    prop_assert!(to >= from);
                    next = to + 1;
                }
                other => prop_assert!(false, "a buffered reader saw {:?}", other),
            }
        }
        prop_assert_eq!(next, head, "in the end nothing is silently missing");
        prop_assert_eq!(sent, reader.tally.delivered + reader.tally.conflated);
    }

    #[test]
    fn a_last_value_reader_ends_at_the_newest_and_knows_how_many_it_skipped(
        steps in steps(), messages in 1_usize..20, bytes in 64_usize..4_000,
    ) {
        let (reader, sent, head) = run(Class::LastValue, &steps, Bounds { messages, bytes }, 1);
        let mut next = 0;
        for saw in &reader.saw {
            match *saw {
                Saw::Skipped(count) => next += count,
                Saw::Message(offset) => {
                    prop_assert_eq!(offset, next);
                    next += 1;
                }
                other => prop_assert!(false, "a last-value reader saw {:?}", other),
            }
        }
        prop_assert_eq!(next, head);
        prop_assert_eq!(sent, reader.tally.delivered + reader.tally.conflated);
    }

    #[test]
    fn a_log_stays_within_its_bounds(steps in steps(), messages in 1_usize..20, bytes in 64_usize..4_000) {
        let mut log = TopicLog::new(Bounds { messages, bytes });
        for step in &steps {
            if let Step::Publish(length) = step {
                let _ = log.push(payload(log.next(), *length), (0, 0), 0, u64::MAX).unwrap();
                let held: usize = log.from(log.base()).map(|(_, entry)| entry.frame.len()).sum();
                let count = log.next() - log.base();
                prop_assert!(count <= messages as u64);
                prop_assert!(held <= bytes || count == 1);
            }
        }
    }
}
