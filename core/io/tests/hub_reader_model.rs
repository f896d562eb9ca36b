//! The reader of the hub against a model of the hub: whatever is published, cut, overlapped, overwritten and started
//! anew, each offset of a run is told once and in order, and what is told as missing is what the model did not send.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, missing_docs)]

use std::collections::{BTreeMap, HashMap, VecDeque};

use deepalpha_io::client::hub::{Head, HubReader, Policy};
use deepalpha_io::hub::pattern::{is_wildcard, matches};
use proptest::prelude::*;
use serde_json::{Value, json};

/// Messages a topic of the model keeps.
const RING: u64 = 4;
const TOPICS: [&str; 4] = ["a.x", "a.y", "b", "c.z"];

/// A hub in a few lines: topics with their next offset, connections with what is on its way to them.
#[derive(Default)]
struct Model {
    run: u64,
    nexts: BTreeMap<String, u64>,
    links: BTreeMap<u32, Link>,
}

#[derive(Default)]
struct Link {
    run: u64,
    names: Vec<String>,
    sent: VecDeque<String>,
    ahead: HashMap<String, Option<u64>>,
}

fn message(topic: &str, offset: u64, snapshot: bool) -> String {
    let note = if snapshot { ",\"snapshot\":true" } else { "" };
    format!("{{\"topic\":\"{topic}\",\"offset\":{offset}{note},\"data\":{offset}}}")
}

impl Model {
    fn epoch(&self) -> String {
        format!("run{}", self.run)
    }

    fn publish(&mut self, topic: &str) {
        let next = self.nexts.entry(topic.to_owned()).or_default();
        for link in self.links.values_mut().filter(|link| link.run == self.run) {
            if link.names.iter().any(|name| matches(name, topic)) {
                link.sent.push_back(message(topic, *next, false));
            }
        }
        *next += 1;
    }

    fn request(&mut self, link: u32, text: &str) {
        let epoch = self.epoch();
        let request: Value = serde_json::from_str(text).unwrap();
        let link = self.links.get_mut(&link).unwrap();
        if request["op"] == "resume" {
            assert_eq!(request["epoch"], epoch.as_str(), "the model does not cut between parts");
            for (topic, offset) in request["offsets"].as_object().unwrap() {
                link.ahead.insert(topic.clone(), offset.as_u64());
            }
            link.sent.push_back("{\"op\":\"resuming\"}".to_owned());
            return;
        }
        let (mut listed, mut owed) = (Vec::new(), Vec::new());
        let names: Vec<String> = serde_json::from_value(request["topics"].clone()).unwrap();
        for name in names {
            for (topic, next) in self.nexts.iter().filter(|(topic, _)| matches(&name, topic)) {
                let own = request["resume"].get(topic);
                let own = own.or_else(|| request["resume"].get(&name).filter(|_| is_wildcard(&name)));
                let named = own.map(|own| (own["epoch"] == epoch.as_str(), own["offset"].as_u64()));
                let ahead = link.ahead.get(topic).map(|offset| (true, *offset));
                listed.push(json!({"topic": topic, "offset": next.checked_sub(1)}));
                if let Some((true, offset)) = named.or(ahead) {
                    let wanted = offset.map_or(0, |offset| offset + 1);
                    assert!(wanted <= *next, "an offset that was never given out");
                    if wanted + RING >= *next {
                        owed.extend((wanted..*next).map(|offset| message(topic, offset, false)));
                        continue;
                    }
                }
                owed.extend(next.checked_sub(1).map(|last| message(topic, last, true)));
            }
            link.names.push(name);
        }
        link.ahead.clear();
        link.sent.push_back(json!({"op": "subscribed", "epoch": epoch, "topics": listed}).to_string());
        // As the hub writes it: the operation first.
        let answer = link.sent.pop_back().unwrap();
        let rest = answer.replace(",\"op\":\"subscribed\"", "").replace("{\"op\":\"subscribed\",", "{");
        link.sent.push_back(format!("{{\"op\":\"subscribed\",{}", &rest[1..]));
        link.sent.extend(owed);
    }
}

/// What a consumer knows.
#[derive(Default)]
struct Consumer {
    /// The newest run that has answered.
    run: u64,
    /// By topic: run and the offset after the last one told.
    told: BTreeMap<String, (u64, u64)>,
    messages: u64,
    missed: u64,
    restarts: u64,
}

impl Consumer {
    fn take(&mut self, text: &str, run: u64) {
        let (topic, first, end, policy) = match Head::of(text.as_bytes()) {
            Head::Message { topic, first, offset } => (topic, first, offset + 1, None),
            Head::Gap { topic, first, end, policy } => (topic, first, end, Some(policy)),
            other => panic!("{other:?}: {text}"),
        };
        let known = self.told.get(topic).copied();
        match policy {
            Some(Policy::Restarted) => {
                assert_eq!(first, 0, "{text}");
                assert!(known.is_none_or(|(of, _)| of < run), "{text}: once for each run");
                self.restarts += 1;
            }
            _ => {
                if let Some((of, next)) = known {
                    assert_eq!(of, run, "{text}: another run begins with a restart");
                    assert_eq!(first, next, "{text}");
                }
            }
        }
        match policy {
            None => self.messages += 1,
            Some(_) => self.missed += end - first,
        }
        self.told.insert(topic.to_owned(), (run, end));
    }
}

#[derive(Clone, Debug)]
enum Step {
    Publish(usize),
    /// So many records of the oldest or newest connection arrive.
    Arrive(bool, usize),
    /// The oldest connection ends; what was on its way to it is lost.
    Cut,
    /// Another connection, beside the one there is.
    Connect,
    /// Offsets begin again; connections to the hub before end, or deliver what is on its way.
    Restart(bool),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        8 => (0..TOPICS.len()).prop_map(Step::Publish),
        8 => (any::<bool>(), 1_usize..6).prop_map(|(newest, count)| Step::Arrive(newest, count)),
        2 => Just(Step::Cut),
        2 => Just(Step::Connect),
        1 => any::<bool>().prop_map(Step::Restart),
    ]
}

struct Bench {
    model: Model,
    reader: HubReader,
    consumer: Consumer,
    last: u32,
}

impl Bench {
    fn connect(&mut self) {
        self.last += 1;
        self.model.links.insert(self.last, Link { run: self.model.run, ..Link::default() });
        for text in self.reader.subscriptions(self.last) {
            self.model.request(self.last, &text);
        }
    }

    fn arrive(&mut self, link: u32, count: usize) {
        for _ in 0..count {
            let from = self.model.links.get_mut(&link).and_then(|link| Some((link.sent.pop_front()?, link.run)));
            let Some((text, run)) = from else { return };
            if Head::of(text.as_bytes()) == Head::Subscribed {
                self.consumer.run = self.consumer.run.max(run);
            }
            let run = self.consumer.run;
            let consumer = &mut self.consumer;
            self.reader.read(link, text.as_bytes(), |record| consumer.take(std::str::from_utf8(record).unwrap(), run));
        }
    }

    fn run(&mut self, step: &Step) {
        match step {
            Step::Publish(topic) => self.model.publish(TOPICS[*topic]),
            Step::Arrive(newest, count) => {
                let mut links = self.model.links.keys();
                let link = if *newest { links.next_back() } else { links.next() };
                if let Some(link) = link.copied() {
                    self.arrive(link, *count);
                }
            }
            Step::Cut => drop(self.model.links.pop_first()),
            Step::Connect if self.model.links.len() < 2 => self.connect(),
            Step::Connect => {}
            Step::Restart(lingers) => {
                if !lingers {
                    self.model.links.clear();
                }
                self.model.nexts.clear();
                self.model.run += 1;
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 600, failure_persistence: None, ..ProptestConfig::default() })]
    #[test]
    fn whatever_happens_each_offset_is_told_once_and_in_order(
        before in prop::collection::vec(0..TOPICS.len(), 0..8),
        steps in prop::collection::vec(step(), 0..120),
    ) {
        let texts = [
            json!({"op": "subscribe", "topics": ["a.*", "b"]}).to_string(),
            json!({"op": "subscribe", "topics": ["c.>"], "filter": {}}).to_string(),
        ];
        let reader = HubReader::new(&texts, 64).unwrap();
        let mut bench = Bench { model: Model::default(), reader, consumer: Consumer::default(), last: 0 };
        for topic in before {
            bench.model.publish(TOPICS[topic]);
        }
        bench.connect();
        let first = bench.last;
        // The first answers arrive: from here on nothing may be silent.
        bench.arrive(first, usize::MAX);
        for step in &steps {
            bench.run(step);
        }
        // In the end a connection stays, one more message of each topic comes, and everything arrives.
        while bench.model.links.pop_first().is_some() {}
        bench.connect();
        for topic in TOPICS {
            bench.model.publish(topic);
        }
        let last = bench.last;
        bench.arrive(last, usize::MAX);
        for topic in TOPICS {
            let (run, end) = bench.consumer.told[topic];
            prop_assert_eq!((run, end), (bench.model.run, bench.model.nexts[topic]), "{}", topic);
        }
        prop_assert_eq!(bench.reader.counts().missed, bench.consumer.missed);
    }
}

/// Subscribed to everything, with nothing answered.
fn bench(max_topics: usize) -> Bench {
    let reader = HubReader::new(&[json!({"op": "subscribe", "topics": [">"]}).to_string()], max_topics).unwrap();
    Bench { model: Model::default(), reader, consumer: Consumer::default(), last: 0 }
}

#[test]
fn a_late_answer_of_an_older_run_neither_silences_a_newer_connection_nor_brings_its_run_back() {
    let mut bench = bench(9);
    bench.connect();
    bench.arrive(1, 9);
    for run in 1..3 {
        bench.model.run = run;
        bench.connect();
    }
    // Connection 2 is of run 1, connection 3 of run 2: their answers come in this order, then the other way round.
    bench.arrive(2, 9);
    bench.arrive(3, 9);
    bench.model.publish("b");
    bench.arrive(3, 9);
    assert_eq!((bench.consumer.told["b"], bench.reader.counts().restarts), ((2, 1), 2));
    bench.connect();
    bench.model.run = 3;
    bench.connect();
    bench.arrive(5, 9);
    bench.arrive(4, 9);
    bench.model.publish("b");
    bench.arrive(5, 9);
    assert_eq!((bench.consumer.told["b"], bench.reader.counts().restarts), ((3, 2), 3));
    // Of two hubs behind one address, the one a newer connection reads already is the one that counts.
    bench.model.run = 4;
    bench.connect();
    bench.model.run = 3;
    bench.connect();
    bench.arrive(7, 9);
    bench.arrive(6, 9);
    bench.consumer.run = 3;
    bench.model.publish("b");
    bench.arrive(7, 9);
    assert_eq!((bench.consumer.told["b"], bench.reader.counts().restarts), ((3, 3), 3));
}

#[test]
fn topics_beyond_the_bound_are_left_out_with_a_word_and_the_others_go_on() {
    let mut bench = bench(2);
    bench.connect();
    bench.arrive(1, 9);
    for topic in TOPICS.iter().chain(&TOPICS) {
        bench.model.publish(topic);
    }
    let mut seen = Vec::new();
    while let Some(text) = bench.model.links.get_mut(&1).unwrap().sent.pop_front() {
        bench.reader.read(1, text.as_bytes(), |record| seen.push(String::from_utf8(record.to_vec()).unwrap()));
    }
    let (errors, records): (Vec<_>, Vec<_>) = seen.into_iter().partition(|text| text.contains("too_many_topics"));
    assert_eq!(errors.len(), 1, "{errors:?}");
    assert!(errors[0].contains("max_topics = 2"), "{errors:?}");
    assert_eq!(records.len(), 4, "{records:?}");
    assert_eq!((bench.reader.topics(), bench.reader.counts().untracked), (2, 4));
}

#[test]
fn what_is_no_subscription_is_refused_by_name() {
    for (text, said) in [
        ("x", "expected value"),
        (r#"{"op":"ping"}"#, "its op is not subscribe"),
        (r#"{"op":"subscribe"}"#, "it names no topics"),
        (r#"{"op":"subscribe","topics":[]}"#, "it names no topics"),
        (r#"{"op":"subscribe","topics":["a"],"resume":{}}"#, "resume is what a reader adds itself"),
    ] {
        let error = HubReader::new(&[text.to_owned()], 1).unwrap_err().to_string();
        assert!(error.contains(said), "{error}");
    }
    assert!(HubReader::new(&[], 0).unwrap_err().to_string().contains("max_topics 0 is not in 1..=1000000"));
}
