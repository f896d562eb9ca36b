//! Records that wait for a consumer: bounded by their number and their bytes.
//!
//! What has no room goes, oldest first, and is told as one gap for each topic before the record that follows it. Memory
//! beyond the bounds: [`MOST_SPANS`] spans for each topic that lost something. Push is O(1), O(log topics) when it drops.

use std::collections::{BTreeMap, VecDeque};

use super::head::{Head, Policy, gap_record};

/// Most gaps of one topic that wait to be told. A reader's records follow each other, so that losses of one run are one
/// gap; further ones widen the last.
const MOST_SPANS: usize = 4;

/// A record: the number of its connection, when it came, its text.
pub type Record = (u32, i64, Vec<u8>);

#[derive(Clone, Copy, Debug)]
struct Span {
    first: u64,
    end: u64,
    policy: Policy,
    /// Connection and time of the newest record in it.
    from: (u32, i64),
}

/// See the module.
#[derive(Debug)]
pub struct RecordQueue {
    records: VecDeque<Record>,
    bytes: usize,
    most_records: usize,
    most_bytes: usize,
    dropped: u64,
    lost: BTreeMap<Box<str>, Vec<Span>>,
}

impl RecordQueue {
    /// An empty one that holds so many records and bytes.
    #[must_use]
    pub const fn new(most_records: usize, most_bytes: usize) -> Self {
        Self { records: VecDeque::new(), bytes: 0, most_records, most_bytes, dropped: 0, lost: BTreeMap::new() }
    }

    /// Nothing to take.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.records.is_empty() && self.lost.is_empty()
    }

    /// Records that had no room so far.
    #[must_use]
    pub const fn dropped(&self) -> u64 {
        self.dropped
    }

    /// Adds a record; older ones make room for it.
    pub fn push(&mut self, connection: u32, ts_init_ns: i64, record: &[u8]) {
        self.bytes += record.len();
        self.records.push_back((connection, ts_init_ns, record.to_vec()));
        while self.records.len() > self.most_records || self.bytes > self.most_bytes {
            let Some((connection, time, oldest)) = self.records.pop_front() else { break };
            self.bytes -= oldest.len();
            self.dropped += 1;
            let from = (connection, time);
            match Head::of(&oldest) {
                Head::Message { topic, first, offset } => {
                    self.lose(topic, Span { first, end: offset + 1, policy: Policy::Missed, from });
                }
                Head::Gap { topic, first, end, policy: Policy::Restarted } => {
                    // It says that what came before is not known to its end: gaps before it add nothing.
                    self.lost.insert(topic.into(), vec![Span { first, end, policy: Policy::Restarted, from }]);
                }
                Head::Gap { topic, first, end, .. } => {
                    self.lose(topic, Span { first, end, policy: Policy::Missed, from });
                }
                Head::Subscribed | Head::Resuming | Head::Other => {}
            }
        }
    }

    fn lose(&mut self, topic: &str, span: Span) {
        let Some(spans) = self.lost.get_mut(topic) else {
            self.lost.insert(topic.into(), vec![span]);
            return;
        };
        let full = spans.len() >= MOST_SPANS;
        match spans.last_mut() {
            Some(last) if full || (last.policy == span.policy && last.end >= span.first) => {
                last.end = last.end.max(span.end);
                last.from = span.from;
            }
            _ => spans.push(span),
        }
    }

    /// The next records, `most` at most; gaps of what had no room stand before everything else.
    pub fn take(&mut self, most: usize) -> Vec<Record> {
        let mut taken = Vec::with_capacity(most.min(self.records.len() + self.lost.len()));
        while taken.len() < most
            && let Some(mut entry) = self.lost.first_entry()
        {
            let topic = entry.key().clone();
            let spans = entry.get_mut();
            let told = spans.len().min(most - taken.len());
            taken.extend(spans.drain(..told).map(|span| {
                let (connection, time) = span.from;
                (connection, time, gap_record(&topic, span.first, span.end, span.policy))
            }));
            if spans.is_empty() {
                entry.remove();
            }
        }
        let count = self.records.len().min(most - taken.len());
        for record in self.records.drain(..count) {
            self.bytes -= record.2.len();
            taken.push(record);
        }
        taken
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic)]
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::super::head::{Head, Policy, gap_record};
    use super::RecordQueue;

    fn message(topic: &str, offset: u64) -> Vec<u8> {
        format!("{{\"topic\":\"{topic}\",\"offset\":{offset},\"data\":0}}").into_bytes()
    }

    proptest! {
        #[test]
        fn whatever_room_there_is_each_offset_is_told_once_in_order(
            most in 1_usize..8,
            bytes in 40_usize..400,
            steps in prop::collection::vec((0_u8..3, 0_usize..6), 1..200),
        ) {
            let mut queue = RecordQueue::new(most, bytes);
            let mut pushed: BTreeMap<String, u64> = BTreeMap::new();
            let mut told: BTreeMap<String, u64> = BTreeMap::new();
            let check = |told: &mut BTreeMap<String, u64>, records: Vec<super::Record>| {
                for (_, _, text) in records {
                    let (topic, first, end) = match Head::of(&text) {
                        Head::Message { topic, first, offset } => (topic, first, offset + 1),
                        Head::Gap { topic, first, end, .. } => (topic, first, end),
                        other => panic!("{other:?}"),
                    };
                    let next = told.entry(topic.to_owned()).or_default();
                    assert_eq!(first, *next, "{topic}");
                    *next = end;
                }
            };
            for (topic, take) in steps {
                let name = format!("t{topic}");
                let next = pushed.entry(name.clone()).or_default();
                queue.push(1, 0, &message(&name, *next));
                *next += 1;
                let records = queue.take(take);
                prop_assert!(records.len() <= take);
                check(&mut told, records);
            }
            check(&mut told, queue.take(usize::MAX));
            prop_assert!(queue.is_empty());
            prop_assert_eq!(told, pushed);
        }
    }

    #[test]
    fn a_restart_without_room_is_told_and_stands_for_what_the_run_before_lost() {
        let mut queue = RecordQueue::new(1, 1_000);
        for record in [message("t", 5), gap_record("t", 0, 0, Policy::Restarted), message("t", 0), message("t", 1)] {
            queue.push(1, 0, &record);
        }
        let told: Vec<String> = queue.take(9).into_iter().map(|(.., text)| String::from_utf8(text).unwrap()).collect();
        assert_eq!(
            told,
            [
                r#"{"topic":"t","gap":[0,-1],"policy":"restarted"}"#,
                r#"{"topic":"t","gap":[0,0],"policy":"missed"}"#,
                r#"{"topic":"t","offset":1,"data":0}"#
            ]
        );
    }
}
