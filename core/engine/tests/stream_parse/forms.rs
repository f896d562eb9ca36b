//! Each typed refusal by its name, and what is accepted though it is unusual.

use deepalpha_engine::stream::event::{Event, SymbolId};
use deepalpha_engine::stream::parse::{Excerpt, ParseError, Parser, ServiceKind, Symbols, TimeUnit, Venue};
use deepalpha_engine::types::{Price, Quantity, UtcNanos};

use super::hostile::{LINES, flat, warm};

fn read(line: &str) -> Result<Vec<i128>, ParseError> {
    warm(Venue::BinanceUsdm).parse(line.as_bytes(), UtcNanos(0)).map(|event| flat(&event))
}

fn quoted(text: &str) -> Excerpt {
    Excerpt::new(text.as_bytes())
}

#[test]
fn a_missing_key_is_named() {
    for (line, keys) in [
        (LINES[0], &["s", "t", "p", "q", "T", "m"][..]),
        (LINES[2], &["s", "B", "A"]),
        (LINES[3], &["u", "s", "b", "B", "a", "A", "E"]),
        (LINES[4], &["E", "s", "U", "u", "b", "a"]),
    ] {
        for key in keys {
            let without = line.replace(&format!("\"{key}\":"), "\"other\":");
            let found = read(&without);
            assert!(
                matches!(found, Err(ParseError::MissingKey { key: missing, .. }) if missing == *key),
                "{key}: {found:?}"
            );
        }
    }
    for line in [r#"{"stream":"x"}"#, r#"{"data":{}}"#] {
        assert!(matches!(read(line), Err(ParseError::MissingKey { message: "combined stream", .. })));
    }
}

#[test]
fn a_key_twice_is_refused_wherever_it_stands() {
    for (line, keys) in [
        (LINES[0], &["stream", "data", "e", "s", "t", "p", "q", "T", "m"][..]),
        (LINES[3], &["u", "b", "B", "a", "A", "E"]),
        (LINES[4], &["U", "u", "pu", "b", "a"]),
    ] {
        for key in keys {
            for value in ["1", "\"5\"", "true", "[]", "null"] {
                let mark = format!("\"{key}\":");
                let twice = line.replacen(&mark, &format!("\"{key}\":{value},{mark}"), 1);
                let found = read(&twice);
                assert!(
                    matches!(found, Err(ParseError::DuplicateKey { key: twice, .. }) if twice == *key),
                    "{twice}: {found:?}"
                );
            }
        }
    }
    assert!(matches!(read(&LINES[2].replace("{", r#"{"\u0075":1,"#)), Err(ParseError::DuplicateKey { key: "u", .. })));
}

#[test]
fn a_number_in_no_form_of_ours_is_refused_by_kind() {
    let with = |number: &str| read(&LINES[1].replace("\"61800.30\"", number));
    for text in ["NaN", "nan", "Infinity", "", " 1", "1 ", "0x10", "1_000", "+1", ".5", "5.", "007", "1,5"] {
        assert_eq!(with(&format!("\"{text}\"")), Err(ParseError::NotANumber { key: "p", text: quoted(text) }));
    }
    for text in ["NaN", "Infinity", "-Infinity", "+1", ".5", "007", "0x10"] {
        assert!(matches!(with(text), Err(ParseError::Syntax { .. })), "{text}");
    }
    for text in ["-0", "-0.000"] {
        assert_eq!(with(text), Err(ParseError::NegativeZero { key: "p", text: quoted(text) }));
        assert_eq!(with(&format!("\"{text}\"")), Err(ParseError::NegativeZero { key: "p", text: quoted(text) }));
    }
    for text in ["0.000000001", "1e-9", "61800.300000001"] {
        assert_eq!(with(text), Err(ParseError::TooPrecise { key: "p", text: quoted(text) }));
    }
    for text in ["92233720368.54775808", "1e400", "1234567890123456789012"] {
        assert_eq!(with(text), Err(ParseError::OutOfRange { key: "p", text: quoted(text) }));
    }
    for (text, raw) in
        [("1e-7", 10), ("\"1E2\"", 10_000_000_000), ("-5", -500_000_000), ("0", 0), ("\"0.100000000000\"", 10_000_000)]
    {
        assert_eq!(with(text).map(|found| found[2]), Ok(raw), "{text}");
    }
    for (value, found) in [("null", "null"), ("true", "true or false"), ("[1]", "a list"), ("{}", "an object")] {
        assert_eq!(with(value), Err(ParseError::WrongType { key: "p", expected: "a decimal number", found }));
    }
}

#[test]
fn a_changed_type_is_accepted_and_counted_once_a_key() {
    let mut parser = warm(Venue::BinanceUsdm);
    let usual = parser.parse(LINES[1].as_bytes(), UtcNanos(0)).map(|event| flat(&event));
    let changed = LINES[1].replace("\"61800.30\"", "61800.30").replace("5266583935", "\"5266583935\"");
    for _ in 0..3 {
        assert_eq!(parser.parse(changed.as_bytes(), UtcNanos(0)).map(|event| flat(&event)), usual);
    }
    let notices = parser.notices();
    assert_eq!((notices.type_changes, notices.last_type_change), (2, Some("p")));
}

#[test]
fn times_in_micro_and_nanoseconds_are_seen_and_a_change_of_unit_is_refused() {
    for (zeros, unit) in [("", TimeUnit::Millis), ("000", TimeUnit::Micros), ("000000", TimeUnit::Nanos)] {
        let mut parser = Parser::new(Venue::BinanceUsdm, Symbols::of(&["BTCUSDT"]).unwrap());
        let line = LINES[1].replace("1723161256322", &format!("1723161256322{zeros}"));
        let Ok(Event::Trade(trade)) = parser.parse(line.as_bytes(), UtcNanos(0)) else { panic!("{line}") };
        assert_eq!(trade.ts_event, UtcNanos(1_723_161_256_322_000_000));
        assert_eq!(parser.time_unit(), Some(unit));
    }
    let mut parser = warm(Venue::BinanceUsdm);
    let micros = LINES[1].replace("1723161256322", "1723161256322000");
    let mixed = LINES[3].replace("\"T\":1723161256313", "\"T\":1723161256313000");
    let refused = ParseError::UnitChanged { key: "T", expected: TimeUnit::Millis, found: TimeUnit::Micros };
    assert_eq!(parser.parse(micros.as_bytes(), UtcNanos(0)), Err(refused));
    assert!(parser.parse(LINES[1].as_bytes(), UtcNanos(0)).is_ok());
    assert!(matches!(parser.parse(mixed.as_bytes(), UtcNanos(0)), Err(ParseError::UnitChanged { .. })));
    // Three in a row are the connection's new unit, after which the old one is refused.
    let taken = [0; 4].map(|_| parser.parse(micros.as_bytes(), UtcNanos(0)).is_ok());
    assert_eq!((taken, parser.notices().unit_changes), ([false, false, true, true], 4));
    assert!(parser.parse(LINES[1].as_bytes(), UtcNanos(0)).is_err());
    parser.reconnected();
    assert!(parser.parse(LINES[1].as_bytes(), UtcNanos(0)).is_ok());
    for text in ["0", "5", "18446744073709551615"] {
        let line = LINES[1].replace("\"T\":1723161256322", &format!("\"T\":{text}"));
        assert_eq!(read(&line), Err(ParseError::BadTime { key: "T", text: quoted(text) }));
    }
}

#[test]
fn an_unknown_symbol_or_kind_is_refused_by_name() {
    assert_eq!(
        read(&LINES[1].replace("BTCUSDT", "ETHUSDT")),
        Err(ParseError::UnknownSymbol { name: quoted("ETHUSDT") })
    );
    assert!(read(&LINES[1].replace("BTCUSDT", "btcusdt")).is_ok());
    assert_eq!(
        read(&LINES[1].replace("\"trade\"", "\"markPriceUpdate\"")),
        Err(ParseError::UnknownWord { key: "e", text: quoted("markPriceUpdate") })
    );
    assert_eq!(read("{}"), Err(ParseError::UnknownMessage { venue: "binance_usdm" }));
}

#[test]
fn a_price_or_quantity_off_its_step_is_refused_on_both_paths() {
    let mut symbols = Symbols::new();
    symbols.add_with_steps("BTCUSDT", Some(Price::from_raw(10_000_000)), Some(Quantity::from_raw(100_000))).unwrap();
    let mut parser = Parser::new(Venue::BinanceUsdm, symbols);
    for space in ["", " "] {
        let mut read =
            |line: &str| parser.parse(format!("{line}{space}").as_bytes(), UtcNanos(0)).map(|event| flat(&event));
        for line in [LINES[1], LINES[3]] {
            assert!(read(line).is_ok(), "{line}");
        }
        for (line, from, to, key) in [
            (LINES[1], "61800.30", "61800.35", "p"),
            (LINES[1], "0.006", "0.0065", "q"),
            (LINES[3], "61800.20", "61800.25", "b"),
            (LINES[3], "\"2\"", "\"2.0001\"", "A"),
            (LINES[4], "61496.50", "61496.55", "b"),
            (LINES[4], "\"1.5\"", "\"1.50001\"", "a"),
        ] {
            let found = read(&line.replace(from, to));
            assert!(matches!(found, Err(ParseError::OffStep { key: off, .. }) if off == key), "{to}: {found:?}");
        }
    }
}

#[test]
fn a_partial_book_replaces_the_book() {
    let mut parser = warm(Venue::BinanceUsdm);
    let mut snapshot = |line: &str| match parser.parse(line.as_bytes(), UtcNanos(7)) {
        Ok(Event::Depth(depth)) => (depth.snapshot, depth.symbol, depth.last_update, depth.ts_event),
        other => panic!("{line}: {other:?}"),
    };
    for space in ["", " "] {
        for name in ["depth5", "depth10@100ms", "depth20@500ms"] {
            let line = format!("{}{space}", LINES[4].replace("depth@0ms", name));
            assert!(snapshot(&line).0, "{name}");
        }
        assert!(!snapshot(&format!("{}{space}", LINES[4])).0);
    }
    // Spot: the symbol stands in the stream's name only.
    let whole = r#"{"lastUpdateId":160,"bids":[["0.0024","10"]],"asks":[["0.0026","100"]]}"#;
    let named = format!(r#"{{"stream":"btcusdt@depth5","data":{whole}}}"#);
    assert_eq!(snapshot(&named), (true, SymbolId(0), 160, UtcNanos(7)));
    assert_eq!(parser.parse(whole.as_bytes(), UtcNanos(7)), Err(ParseError::NoSymbol { message: "book snapshot" }));
    parser.about(Some(SymbolId(0)));
    assert!(parser.parse(whole.as_bytes(), UtcNanos(7)).is_ok());
}

#[test]
fn a_list_gives_its_events_in_order_or_none() {
    let ticker = |symbol: &str| {
        format!(
            r#"{{"e":"24hrMiniTicker","E":1672515782136,"s":"{symbol}","c":"0.0025","o":"0.0010","h":"0.0026","l":"0.0009","v":"10000","q":"18"}}"#
        )
    };
    let mut parser = Parser::new(Venue::BinanceSpot, Symbols::of(&["BTCUSDT", "ETHUSDT"]).unwrap());
    for (begin, end) in [("", ""), (r#"{"stream":"!miniTicker@arr","data":"#, "}")] {
        let list = format!("{begin}[{},{}]{end}", ticker("ETHUSDT"), ticker("BTCUSDT"));
        let mut bars = Vec::new();
        let count = parser.parse_each(list.as_bytes(), UtcNanos(9), |event| match event {
            Event::Bar(bar) => bars.push((bar.symbol.0, bar.close.raw(), bar.volume.raw(), bar.closed, bar.length)),
            other => panic!("{other:?}"),
        });
        assert_eq!(count, Ok(2));
        let day = 86_400_000_000_000;
        let of = |symbol| (symbol, 250_000, 1_000_000_000_000, false, day);
        assert_eq!(bars, [of(1), of(0)]);
        assert_eq!(parser.parse(list.as_bytes(), UtcNanos(9)), Err(ParseError::Several { count: 2 }));
        let half = list.replace("BTCUSDT", "XYZ");
        let refused = Err(ParseError::UnknownSymbol { name: quoted("XYZ") });
        assert_eq!(parser.parse_each(half.as_bytes(), UtcNanos(9), |event| panic!("{event:?}")), refused);
    }
    assert_eq!(parser.parse_each(b"[]", UtcNanos(9), |event| assert_eq!(event, Event::Service)), Ok(1));
    assert_eq!(parser.service(), Some(ServiceKind::Status));
}

#[test]
fn errors_say_what_to_do() {
    let error = read(&LINES[1].replace("61800.30", "0.000000001")).unwrap_err();
    assert_eq!(
        error.to_string(),
        "\"p\" \"0.000000001\" has a digit below 1e-8, the finest unit kept; leave the symbol out"
    );
    let error = read(&LINES[1].replace("\"p\"", "\"x\"")).unwrap_err();
    assert_eq!(error.to_string(), "trade without \"p\"; the venue changed its schema or the message is damaged");
}
