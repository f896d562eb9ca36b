//! The text of `/metrics`, read by a strict reader of the format.
#![expect(clippy::expect_used, clippy::indexing_slicing, reason = "tests may stop at a wrong shape")]

#[path = "hub_access/prometheus.rs"]
mod prometheus;

use deepalpha_io::hub::metrics::{
    ClassFigures, Deliveries, HubFigures, LatencyHistogram, OTHER_TOPICS, TOPICS_SHOWN, TopicFigures, render,
};
use prometheus::{Kind, parse};
use proptest::prelude::*;

fn class(class: &'static str, factor: u64) -> ClassFigures {
    let (publish, delivery) = (LatencyHistogram::default(), LatencyHistogram::default());
    for exponent in 0..12 {
        publish.record(factor * 10_u64.pow(exponent));
        delivery.record_many(factor * 10_u64.pow(exponent), 3);
    }
    ClassFigures {
        class,
        published: factor,
        deliveries: Deliveries { sent: 10 * factor, delivered: 7 * factor, conflated: 2 * factor, dropped: factor },
        publish_latency: publish.snapshot(),
        delivery_latency: delivery.snapshot(),
    }
}

fn figures(topics: Vec<TopicFigures>) -> HubFigures {
    HubFigures {
        connections: vec![("handshake", 1), ("open", 2), ("closing", 0)],
        accepted: 9,
        upgraded: 3,
        refused: vec![("origin", 1), ("capacity", 2), ("origin", 3)],
        closed: vec![(1006, 2), (4008, 1), (1006, 5)],
        slow_closes: 1,
        messages: [5, 6],
        bytes: [500, u64::MAX],
        subscriptions: 4,
        topics_count: topics.len() as u64,
        classes: vec![class("reliable", 1), class("buffered", 2), class("last_value", 3)],
        topics,
        uptime_nanos: 61_500_000_000,
    }
}

#[test]
fn every_family_is_typed_and_shows_what_it_was_given() {
    let families = parse(&render(&figures(Vec::new()))).expect("strict");
    let value = |series: &str| families.value(&format!("deepalpha_hub_{series}")).cloned();
    let rows = [
        ("connections{state=\"open\"}", "2"),
        ("refused_total{reason=\"origin\"}", "4"),
        ("refused_total{reason=\"capacity\"}", "2"),
        ("closed_total{code=\"1006\"}", "7"),
        ("messages_total{direction=\"in\"}", "5"),
        ("bytes_total{direction=\"out\"}", "18446744073709551615"),
        ("deliveries_total{class=\"buffered\",outcome=\"conflated\"}", "4"),
        ("sent_total{class=\"last_value\"}", "30"),
        ("publish_latency_seconds_bucket{class=\"reliable\",le=\"0.000001\"}", "4"),
        ("publish_latency_seconds_bucket{class=\"reliable\",le=\"10\"}", "11"),
        ("publish_latency_seconds_count{class=\"reliable\"}", "12"),
        ("publish_latency_seconds_sum{class=\"reliable\"}", "111.111111111"),
        ("delivery_latency_seconds_count{class=\"reliable\"}", "36"),
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
fn topics_beyond_the_first_hundred_are_summed_by_class() {
    let topics: Vec<TopicFigures> = (0..TOPICS_SHOWN as u64 + 50)
        .map(|index| TopicFigures {
            topic: format!("trades.{index}"),
            class: if index % 2 == 0 { "reliable" } else { "buffered" },
            deliveries: Deliveries { sent: index, delivered: index, ..Deliveries::default() },
        })
        .collect();
    let total: u64 = topics.iter().map(|topic| topic.deliveries.sent).sum();
    let families = parse(&render(&figures(topics))).expect("strict");
    let sent: Vec<(String, u64)> = families
        .series("deepalpha_hub_topic_sent_total")
        .map(|(series, value)| (series.to_owned(), value.parse().expect("whole")))
        .collect();
    assert_eq!(sent.len(), TOPICS_SHOWN + 2);
    assert_eq!(sent.iter().map(|(_, count)| count).sum::<u64>(), total);
    assert_eq!(sent.iter().filter(|(series, _)| series.contains(OTHER_TOPICS)).count(), 2);
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
        let topics = names.iter().map(|name| TopicFigures {
            topic: name.clone(), class: "reliable", deliveries: Deliveries { sent: 7, ..Deliveries::default() },
        }).collect();
        let text = render(&figures(topics));
        let families = parse(&text).map_err(TestCaseError::fail)?;
        let found: std::collections::BTreeSet<String> =
            families.labels("deepalpha_hub_topic_sent_total", "topic").collect();
        prop_assert_eq!(found, names);
    }

    #[test]
    fn a_duration_is_counted_in_the_first_bucket_that_holds_it(durations in prop::collection::vec(0..20_000_000_000_u64, 0..50)) {
        let histogram = LatencyHistogram::default();
        durations.iter().for_each(|&duration| histogram.record(duration));
        let mut all = figures(Vec::new());
        all.classes[0].publish_latency = histogram.snapshot();
        let families = parse(&render(&all)).map_err(TestCaseError::fail)?;
        for (series, value) in families.series("deepalpha_hub_publish_latency_seconds_bucket") {
            let Some(rest) = series.split_once("class=\"reliable\",le=\"").map(|(_, rest)| rest) else { continue };
            let bound = rest.trim_end_matches("\"}");
            let bound = if bound == "+Inf" { f64::INFINITY } else { bound.parse::<f64>().expect("number") };
            let expected = durations.iter().filter(|&&duration| duration as f64 / 1e9 <= bound).count();
            prop_assert_eq!(value.parse::<usize>().expect("whole"), expected, "le {}", bound);
        }
    }
}
