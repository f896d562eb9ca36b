//! The text of `/metrics`, read by a strict reader of the format.
#![expect(clippy::expect_used, clippy::indexing_slicing, reason = "tests may stop at a wrong shape")]

#[path = "hub_access/prometheus.rs"]
mod prometheus;

use deepalpha_io::hub::metrics::{Figures, OTHER_TOPICS, TOPICS_SHOWN, render};
use deepalpha_io::hub::{Class, CloseStats, CounterStats, HubStats, LatencyStats, Tally, TopicStats};
use prometheus::{Kind, parse};
use proptest::prelude::*;

fn tally(factor: u64) -> Tally {
    Tally { sent: 10 * factor, delivered: 7 * factor, conflated: 2 * factor, dropped: factor }
}

fn latency(factor: u64) -> LatencyStats {
    let mut counts = [0; 24];
    counts[0] = factor;
    counts[3] = 2 * factor;
    counts[23] = 3 * factor;
    LatencyStats { counts, sum_ns: factor * 1_500_000_000 }
}

fn topic(name: &str, class: Class, sent: u64) -> TopicStats {
    let tally = Tally { sent, delivered: sent, ..Tally::default() };
    TopicStats { name: name.to_owned(), class, next_offset: sent, tally }
}

fn figures(topics: Vec<TopicStats>) -> Figures {
    let counters = CounterStats {
        accepted: 9,
        connections: 3,
        open: 2,
        opened: 5,
        refused_full: 2,
        refused_handshake: 7,
        bytes_out: u64::MAX,
        messages_in: 5,
        slow_closes: 1,
        ..CounterStats::default()
    };
    let stats = HubStats {
        counters,
        tally: tally(6),
        by_class: [tally(1), tally(2), tally(3)],
        closes: CloseStats::default(),
        latency: [latency(1), latency(2), latency(3)],
        publish_latency: latency(4),
        topics: topics.len(),
    };
    Figures { stats, topics, rejections: vec![("expired", 1), ("origin", 4)], uptime_nanos: 61_500_000_000 }
}

#[test]
fn every_family_is_typed_and_shows_what_it_was_given() {
    let families = parse(&render(&figures(Vec::new()))).expect("strict");
    let value = |series: &str| families.value(&format!("deepalpha_hub_{series}")).cloned();
    let rows = [
        ("connections{state=\"open\"}", "2"),
        ("connections{state=\"handshake\"}", "1"),
        ("refused_total{reason=\"origin\"}", "4"),
        ("refused_total{reason=\"capacity\"}", "2"),
        ("refused_total{reason=\"bad_request\"}", "2"),
        ("ended_total{reason=\"slow\"}", "1"),
        ("closes_total{code=\"4008\"}", "0"),
        ("closes_total{code=\"other\"}", "0"),
        ("messages_total{direction=\"in\"}", "5"),
        ("messages_total{direction=\"out\"}", "42"),
        ("bytes_total{direction=\"out\"}", "18446744073709551615"),
        ("deliveries_total{class=\"buffered\",outcome=\"conflated\"}", "4"),
        ("sent_total{class=\"last_value\"}", "30"),
        ("publish_latency_seconds_bucket{le=\"0.000001\"}", "4"),
        ("publish_latency_seconds_bucket{le=\"0.000008\"}", "12"),
        ("publish_latency_seconds_bucket{le=\"4.194304\"}", "12"),
        ("publish_latency_seconds_bucket{le=\"+Inf\"}", "24"),
        ("publish_latency_seconds_sum", "6"),
        ("delivery_latency_seconds_sum{class=\"reliable\"}", "1.5"),
        ("delivery_latency_seconds_count{class=\"last_value\"}", "18"),
        ("uptime_seconds", "61.5"),
    ];
    for (series, expected) in rows {
        assert_eq!(value(series).as_deref(), Some(expected), "{series}");
    }
    assert_eq!(families.kind("deepalpha_hub_publish_latency_seconds"), Some(Kind::Histogram));
    assert_eq!(families.kind("deepalpha_hub_connections"), Some(Kind::Gauge));
    assert!(families.names().all(|name| name.starts_with("deepalpha_hub_")));
}

#[test]
fn topics_beyond_the_first_hundred_are_the_rest_of_their_class() {
    let all: Vec<TopicStats> = (0..TOPICS_SHOWN as u64 + 50)
        .map(|index| {
            let class = if index % 2 == 0 { Class::Reliable } else { Class::Buffered };
            topic(&format!("trades.{index}"), class, index)
        })
        .collect();
    let total: u64 = all.iter().map(|topic| topic.tally.sent).sum();
    let mut figures = figures(all.iter().take(TOPICS_SHOWN).cloned().collect());
    figures.stats.topics = all.len();
    figures.stats.by_class = [Tally::default(); 3];
    for topic in &all {
        figures.stats.by_class[topic.class.index()].add(topic.tally);
    }
    let families = parse(&render(&figures)).expect("strict");
    let sent: Vec<(String, u64)> = families
        .series("deepalpha_hub_topic_sent_total")
        .map(|(series, value)| (series.to_owned(), value.parse().expect("whole")))
        .collect();
    assert_eq!(sent.iter().map(|(_, count)| count).sum::<u64>(), total);
    assert_eq!(sent.iter().filter(|(series, _)| series.contains(OTHER_TOPICS)).count(), Class::ALL.len());
}

#[test]
fn the_strict_reader_refuses_what_the_format_forbids() {
    let head = "# HELP a x\n# TYPE a counter\n";
    assert!(parse(&format!("{head}a{{b=\"c\"}} 1\n")).is_ok());
    for bad in [
        "a 1\n".to_owned(),
        "# TYPE a counter\na 1\n".to_owned(),
        format!("{head}a 1\na 1\n"),
        format!("{head}a 1\n{head}"),
        format!("{head}a 1"),
        format!("{head}a one\n"),
        format!("{head}a{{b=\"c\"d\"}} 1\n"),
        format!("{head}a{{b=\"c\\x\"}} 1\n"),
        format!("{head}b 1\n"),
        "# HELP h x\n# TYPE h histogram\nh_bucket{le=\"1\"} 2\nh_bucket{le=\"+Inf\"} 1\nh_sum 1\nh_count 1\n"
            .to_owned(),
        "# HELP h x\n# TYPE h histogram\nh_bucket{le=\"1\"} 1\nh_sum 1\nh_count 1\n".to_owned(),
    ] {
        assert!(parse(&bad).is_err(), "{bad}");
    }
}

proptest! {
    #[test]
    fn any_topic_name_is_escaped_and_comes_back(names in prop::collection::btree_set(".{0,20}|[\"\\\\\n{}=,]{0,8}", 0..20)) {
        let topics = names.iter().map(|name| topic(name, Class::Reliable, 7)).collect();
        let text = render(&figures(topics));
        let families = parse(&text).map_err(TestCaseError::fail)?;
        let found: std::collections::BTreeSet<String> =
            families.labels("deepalpha_hub_topic_sent_total", "topic").collect();
        prop_assert_eq!(found, names);
    }
}
