//! Damage of every kind: never a panic, never another event than the message says, never half of one.

use deepalpha_engine::stream::event::Event;
use deepalpha_engine::stream::parse::recording;
use deepalpha_engine::stream::parse::{DEEPEST, LONGEST_STRING, ParseError, Parser, Symbols, Venue};
use deepalpha_engine::types::UtcNanos;
use proptest::prelude::*;

use super::naive;

/// Lines of every fast form, as recorded.
pub(crate) const LINES: [&str; 6] = [
    r#"{"stream":"btcusdt@trade","data":{"e":"trade","E":1723161255343,"s":"BTCUSDT","t":3735683259,"p":"61837.63000000","q":"0.02000000","T":1723161255342,"m":true,"M":true}}"#,
    r#"{"e":"trade","E":1723161256322,"T":1723161256322,"s":"BTCUSDT","t":5266583935,"p":"61800.30","q":"0.006","X":"MARKET","m":false}"#,
    r#"{"u":50093239212,"s":"BTCUSDT","b":"61837.63000000","B":"3.78826000","a":"61837.64000000","A":"1.54698000"}"#,
    r#"{"stream":"btcusdt@bookTicker","data":{"e":"bookTicker","u":5123107839020,"s":"BTCUSDT","b":"61800.20","B":"2.507","a":"61800.30","A":"2","T":1723161256313,"E":1723161256313}}"#,
    r#"{"stream":"btcusdt@depth@0ms","data":{"e":"depthUpdate","E":1723161256299,"T":1723161256298,"s":"BTCUSDT","U":5123107832006,"u":5123107837557,"pu":5123107831937,"b":[["58710.20","0.014"],["61496.50","0.010"]],"a":[["61837.64","1.5"]]}}"#,
    r#"{"e":"depthUpdate","E":1723161255208,"s":"BTCUSDT","U":1,"u":2,"b":[],"a":[["1","0.00000001"]]}"#,
];

/// A parser that has seen a time in milliseconds, as a connection has after its first message.
pub(crate) fn warm(venue: Venue) -> Parser {
    let mut parser = Parser::new(venue, Symbols::of(&["BTCUSDT"]).unwrap());
    if matches!(venue, Venue::BinanceSpot | Venue::BinanceUsdm) {
        parser.parse(LINES[1].as_bytes(), UtcNanos(0)).unwrap();
    }
    parser
}

/// An event in the words of `naive::binance`.
pub(crate) fn flat(event: &Event<'_>) -> Vec<i128> {
    let millis = |time: UtcNanos| i128::from(time.0 / 1_000_000);
    let raw = |values: &[i64]| values.iter().map(|value| i128::from(*value)).collect::<Vec<_>>();
    match event {
        Event::Trade(trade) => {
            let seller = i64::from(trade.aggressor == deepalpha_engine::stream::event::Aggressor::Seller);
            let mut found = vec![1, i128::from(trade.trade_id)];
            found.extend(raw(&[trade.price.raw(), trade.quantity.raw(), seller]));
            found.push(millis(trade.ts_event));
            found
        }
        Event::Quote(quote) => {
            let mut found = vec![2, i128::from(quote.update_id)];
            found.extend(raw(&[quote.bid.raw(), quote.bid_quantity.raw(), quote.ask.raw(), quote.ask_quantity.raw()]));
            found.push(millis(quote.ts_event));
            found
        }
        Event::Depth(depth) => {
            let mut found = vec![3, i128::from(depth.first_update), i128::from(depth.last_update)];
            found.push(i128::from(depth.previous_update.unwrap_or(0)));
            found.push(depth.bids.len() as i128);
            for (price, quantity) in depth.bids.iter().chain(depth.asks) {
                found.extend(raw(&[price.raw(), quantity.raw()]));
            }
            found.push(millis(depth.ts_event));
            found
        }
        Event::Bar(_) | Event::Service => vec![],
    }
}

/// Read on both paths: a space at the end leads past the fast one. Their answers are the same.
fn both(parser: &Parser, raw: &[u8]) -> Result<Vec<i128>, ParseError> {
    let (mut fast, mut slow) = (parser.clone(), parser.clone());
    let spaced = [raw, b" "].concat();
    let fast = fast.parse(raw, UtcNanos(0)).map(|event| flat(&event));
    let slow = slow.parse(&spaced, UtcNanos(0)).map(|event| flat(&event));
    match (&fast, &slow) {
        // Where a message ends the space moves the place, and a cut word at its end is another error.
        (Err(_), Err(_)) => {}
        _ => assert_eq!(fast, slow, "{}", String::from_utf8_lossy(raw)),
    }
    fast
}

#[test]
fn every_mutation_of_one_byte_is_refused_or_says_what_json_says() {
    let parser = warm(Venue::BinanceUsdm);
    let (mut accepted, mut refused) = (0, 0);
    for line in LINES {
        assert_eq!(both(&parser, line.as_bytes()).ok(), naive::binance(line.as_bytes()));
        let bytes = "0159.-+eE\"\\{}[]:, \n\0truexsabBpqTmMuU\u{7f}".bytes().chain([0x80, 0xC3, 0xFF]);
        for byte in bytes {
            for at in 0..line.len() {
                let mut raw = line.as_bytes().to_vec();
                raw[at] = byte;
                match both(&parser, &raw) {
                    Err(_) => refused += 1,
                    Ok(found) => {
                        accepted += 1;
                        let shown = String::from_utf8_lossy(&raw);
                        let said = naive::binance(&raw).unwrap_or_else(|| panic!("json refuses {shown}"));
                        assert_eq!(found, said, "{shown}");
                    }
                }
            }
        }
    }
    assert!(accepted > 4_000 && refused > 20_000, "{accepted} {refused}");
}

#[test]
fn every_deletion_and_doubling_of_a_byte_is_refused_or_says_what_json_says() {
    let parser = warm(Venue::BinanceUsdm);
    for line in LINES {
        for at in 0..line.len() {
            for doubled in [false, true] {
                let mut raw = line.as_bytes().to_vec();
                let byte = raw.remove(at);
                if doubled {
                    raw.splice(at..at, [byte, byte]);
                }
                if let Ok(found) = both(&parser, &raw) {
                    assert_eq!(Some(found), naive::binance(&raw), "{}", String::from_utf8_lossy(&raw));
                }
            }
        }
    }
}

#[test]
fn a_message_cut_anywhere_is_called_truncated() {
    let parser = warm(Venue::BinanceUsdm);
    for line in LINES {
        for length in 0..line.len() {
            let cut = parser.clone().parse(&line.as_bytes()[..length], UtcNanos(0)).map(|event| flat(&event));
            assert_eq!(cut, Err(ParseError::Truncated { at: length }), "{}", &line[..length]);
        }
    }
}

#[test]
fn bytes_after_a_message_are_refused() {
    let parser = warm(Venue::BinanceUsdm);
    for line in LINES {
        for tail in ["{}", line, "x", "}", "]", ",", "\0", "1"] {
            let found = parser.clone().parse(format!("{line}{tail}").as_bytes(), UtcNanos(0)).map(|event| flat(&event));
            assert_eq!(found, Err(ParseError::Trailing { at: line.len() }), "{tail}");
        }
        for space in [" ", "\n", "\r\n", "\t "] {
            let found =
                parser.clone().parse(format!("{space}{line}{space}").as_bytes(), UtcNanos(0)).map(|event| flat(&event));
            assert_eq!(found.ok(), naive::binance(line.as_bytes()));
        }
    }
}

#[test]
fn deep_long_and_foreign_text_is_refused_by_name() {
    let mut parser = warm(Venue::BinanceSpot);
    let mut read = |raw: &[u8]| parser.parse(raw, UtcNanos(0)).map(|event| flat(&event));
    let nested = |depth: usize| format!(r#"{{"x":{}{}}}"#, "[".repeat(depth), "]".repeat(depth));
    assert!(matches!(read(nested(DEEPEST - 1).as_bytes()), Err(ParseError::UnknownMessage { .. })));
    assert!(matches!(read(nested(DEEPEST).as_bytes()), Err(ParseError::TooDeep { .. })));
    assert!(matches!(read("[".repeat(10_000_000).as_bytes()), Err(ParseError::TooDeep { .. })));
    let long = |length: usize| LINES[2].replace("{\"u\"", &format!("{{\"x\":\"{}\",\"u\"", "y".repeat(length)));
    assert!(read(long(LONGEST_STRING).as_bytes()).is_ok());
    for length in [LONGEST_STRING + 1, 1 << 20] {
        assert!(matches!(read(long(length).as_bytes()), Err(ParseError::TooLong { what: "string", .. })));
    }
    let name = format!(r#"{{"stream":"{}","data":{}}}"#, "y".repeat(1 << 20), LINES[2]);
    assert!(matches!(read(name.as_bytes()), Err(ParseError::TooLong { what: "string", .. })));
    assert!(matches!(read(&vec![b' '; 33 << 20]), Err(ParseError::TooLong { what: "message", .. })));
    for bytes in [&b"\xff"[..], b"\xc3(", b"\xed\xa0\x80", b"\xf8\x88\x80\x80\x80", b"\xc0\xaf"] {
        let raw = [b"{\"x\":\"", bytes, b"\",", &LINES[2].as_bytes()[1..]].concat();
        assert!(matches!(read(&raw), Err(ParseError::NotUtf8 { .. })), "{bytes:?}");
    }
    assert!(read(LINES[2].replace('{', "{\"\u{e4}\u{1f600}\":\"\u{6f22}\\ud83d\",").as_bytes()).is_ok());
}

/// Text that looks like JSON, of words that the venues use.
fn near_json() -> impl Strategy<Value = String> {
    let words = prop::sample::select(vec![
        "{",
        "}",
        "[",
        "]",
        ":",
        ",",
        "\"",
        "\"e\"",
        "\"trade\"",
        "\"data\"",
        "\"stream\"",
        "\"b\"",
        "\"a\"",
        "\"s\"",
        "\"BTCUSDT\"",
        "\"p\":\"1.5\"",
        "\"u\":5",
        "\"type\":\"match\"",
        "\"table\":\"orderBookL2\"",
        "\"action\":\"insert\"",
        "\"topic\":\"trade.BTCUSDT\"",
        "\"event\":\"trade\"",
        "\"channel\":\"spot.trades\"",
        "\"arg\"",
        "\"params\"",
        "null",
        "true",
        "1e-7",
        "-0",
        "\\u0065",
        " ",
        "\"result\":",
        "[[\"1\",\"2\"]]",
        "\"asks\":",
        "\"bids\":",
        "0",
        "1723161255343",
    ]);
    prop::collection::vec(words, 0..40).prop_map(|words| words.concat())
}

proptest! {
    #[test]
    fn no_bytes_make_any_venue_panic(bytes in prop::collection::vec(any::<u8>(), 0..200), near in near_json()) {
        for venue in Venue::ALL {
            let mut parser = warm(venue);
            for raw in [&bytes[..], near.as_bytes()] {
                let mut events = 0;
                let result = parser.parse_each(raw, UtcNanos(0), |_| events += 1);
                // All or nothing.
                prop_assert_eq!(result.unwrap_or(0), events);
                let _ = (recording::line(raw), recording::cryptofeed(raw));
            }
        }
    }

    #[test]
    fn near_json_is_judged_as_json_is(near in near_json()) {
        if let Ok(found) = both(&warm(Venue::BinanceSpot), near.as_bytes()) {
            prop_assert!(naive::json(near.as_bytes()).is_some());
            if !found.is_empty() {
                prop_assert_eq!(Some(found), naive::binance(near.as_bytes()));
            }
        }
    }
}
