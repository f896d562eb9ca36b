//! Any order of keys, white space, unknown keys and either form of numbers give the event that was written.

use deepalpha_engine::stream::parse::Venue;
use deepalpha_engine::types::{Price, UtcNanos};
use proptest::prelude::*;

use super::hostile::{flat, warm};

/// A decimal as venues write it, and as 1e-8 units.
fn decimal() -> impl Strategy<Value = (i64, String)> {
    (0_i64..1_000_000_000_000_000, 0_usize..4).prop_map(|(raw, zeros)| {
        let text = Price::from_raw(raw).to_string();
        let point = if text.contains('.') { "" } else { "." };
        (raw, if zeros == 0 { text } else { format!("{text}{point}{}", "0".repeat(zeros)) })
    })
}

/// A value that nobody reads, nested and with everything that could be taken for the end of something.
fn noise() -> impl Strategy<Value = String> {
    let leaf = prop::sample::select(vec![
        "null",
        "true",
        "-1.5e-3",
        "\"\"",
        "\"a\\\"}],{\\\\\"",
        "\"\\u0022:\"",
        "\"\u{e9}\u{1f4b0}\"",
        "0",
        "[]",
        "{}",
        "\"p\"",
    ]);
    leaf.prop_map(str::to_owned).prop_recursive(4, 24, 4, |inner| {
        let list = prop::collection::vec(inner.clone(), 0..4).prop_map(|values| format!("[{}]", values.join(" , ")));
        let object = prop::collection::vec(inner, 0..4).prop_map(|values| {
            let entries: Vec<String> = values.iter().map(|value| format!("\"p\":{value}")).collect();
            format!("{{{}}}", entries.join(","))
        });
        prop_oneof![list, object]
    })
}

/// A message: entries in some order, with noise between, bare or wrapped.
#[derive(Clone, Debug)]
struct Layout {
    order: Vec<prop::sample::Index>,
    spaces: Vec<usize>,
    noise: Vec<(usize, String)>,
    bare: u32,
    wrapped: bool,
    stream_last: bool,
}

fn layout() -> impl Strategy<Value = Layout> {
    (
        prop::collection::vec(any::<prop::sample::Index>(), 12),
        prop::collection::vec(0_usize..4, 8),
        prop::collection::vec((0_usize..12, noise()), 0..3),
        any::<u32>(),
        any::<bool>(),
        any::<bool>(),
    )
        .prop_map(|(order, spaces, noise, bare, wrapped, stream_last)| Layout {
            order,
            spaces,
            noise,
            bare,
            wrapped,
            stream_last,
        })
}

impl Layout {
    /// Write entries of a key, its text, and whether the text is a number (which may be in quotes or not).
    fn write(&self, entries: &[(&str, String, bool)]) -> String {
        let mut left: Vec<String> = (0..)
            .zip(entries)
            .map(|(at, (key, text, number))| {
                let quote = if *number && self.bare >> at & 1 == 1 { "\"" } else { "" };
                format!("\"{key}\"{}:{}{quote}{text}{quote}", self.space(at), self.space(at + 1))
            })
            .collect();
        for (at, (place, noise)) in self.noise.iter().enumerate() {
            left.insert(place % (left.len() + 1), format!("\"unknown{at}\":{noise}"));
        }
        let mut shuffled = Vec::new();
        for index in self.order.iter().cycle() {
            if left.is_empty() {
                break;
            }
            shuffled.push(left.remove(index.index(left.len())));
        }
        let object = format!("{{{}}}", shuffled.join(&format!("{},{}", self.space(2), self.space(3))));
        match (self.wrapped, self.stream_last) {
            (false, _) => object,
            (true, false) => format!("{{\"stream\":\"btcusdt@any\",{}\"data\":{object}}}", self.space(4)),
            (true, true) => format!("{{\"data\":{object}{},\"stream\":\"btcusdt@any\"}}", self.space(5)),
        }
    }

    fn space(&self, at: usize) -> &'static str {
        ["", " ", "\n\t", ""][self.spaces[at % self.spaces.len()]]
    }
}

fn text(value: impl ToString) -> String {
    format!("\"{}\"", value.to_string())
}

fn read(line: &str) -> Result<Vec<i128>, TestCaseError> {
    let mut parser = warm(Venue::BinanceUsdm);
    let found = parser.parse(line.as_bytes(), UtcNanos(0)).map(|event| flat(&event));
    found.map_err(|error| TestCaseError::fail(format!("{error}: {line}")))
}

const TIMES: std::ops::Range<u64> = 1_500_000_000_000..1_900_000_000_000;

proptest! {
    #[test]
    fn a_trade_is_what_was_written(
        layout in layout(), (price, price_text) in decimal(), (size, size_text) in decimal(),
        id in 0_u64..10_000_000_000_000_000_000, maker: bool, time in TIMES, aggregate: bool,
    ) {
        let line = layout.write(&[
            ("e", text(if aggregate { "aggTrade" } else { "trade" }), false), ("E", (time + 5).to_string(), false),
            ("s", text("BTCUSDT"), false), (if aggregate { "a" } else { "t" }, id.to_string(), true),
            ("p", price_text, true), ("q", size_text, true), ("T", time.to_string(), true), ("m", maker.to_string(), false),
        ]);
        let expected = [1, i128::from(id), i128::from(price), i128::from(size), i128::from(maker), i128::from(time)];
        prop_assert_eq!(read(&line)?, expected);
    }

    #[test]
    fn best_prices_are_what_was_written(
        layout in layout(), values in prop::array::uniform4(decimal()), id: u64, time in prop::option::of(TIMES),
    ) {
        let mut entries = vec![("u", id.to_string(), true), ("s", text("BTCUSDT"), false)];
        for (key, (_, written)) in ["b", "B", "a", "A"].into_iter().zip(&values) {
            entries.push((key, written.clone(), true));
        }
        if let Some(time) = time {
            entries.extend([("e", text("bookTicker"), false), ("E", time.to_string(), true)]);
        }
        let mut expected = vec![2, i128::from(id)];
        expected.extend(values.iter().map(|(raw, _)| i128::from(*raw)));
        expected.push(i128::from(time.unwrap_or(0)));
        prop_assert_eq!(read(&layout.write(&entries))?, expected);
    }

    #[test]
    fn an_update_is_what_was_written(
        layout in layout(), ids in prop::array::uniform2(any::<u64>()), previous in prop::option::of(any::<u64>()),
        sides in prop::array::uniform2(prop::collection::vec((decimal(), decimal(), any::<bool>()), 0..5)), time in TIMES,
    ) {
        let list = |side: &[((i64, String), (i64, String), bool)]| {
            let levels = side.iter().map(|((_, price), (_, size), bare)| {
                if *bare { format!("[{price},{size},7]") } else { format!("[\"{price}\",\"{size}\"]") }
            });
            format!("[{}]", levels.collect::<Vec<_>>().join(&format!(",{}", layout.space(6))))
        };
        let mut entries = vec![
            ("e", text("depthUpdate"), false), ("E", time.to_string(), true), ("s", text("BTCUSDT"), false),
            ("U", ids[0].to_string(), true), ("u", ids[1].to_string(), true), ("b", list(&sides[0]), false), ("a", list(&sides[1]), false),
        ];
        if let Some(previous) = previous {
            entries.push(("pu", previous.to_string(), true));
        }
        let mut expected = vec![3, i128::from(ids[0]), i128::from(ids[1]), i128::from(previous.unwrap_or(0)), sides[0].len() as i128];
        for ((price, _), (size, _), _) in sides.iter().flatten() {
            expected.extend([i128::from(*price), i128::from(*size)]);
        }
        expected.push(i128::from(time));
        prop_assert_eq!(read(&layout.write(&entries))?, expected);
    }
}
