//! Venues whose streams are not in the recordings (forms of their documentation), and what venues say beside market data.

use deepalpha_engine::stream::event::{Aggressor, Event};
use deepalpha_engine::stream::parse::{ParseError, Parser, ServiceKind, Symbols, Venue};
use deepalpha_engine::types::UtcNanos;

use super::files;

fn parser(venue: Venue, symbol: &str) -> Parser {
    Parser::new(venue, Symbols::of(&[symbol]).unwrap())
}

/// What an event says, in few words.
fn told(event: &Event<'_>) -> String {
    match event {
        Event::Trade(trade) => {
            let side = if trade.aggressor == Aggressor::Buyer { "buy" } else { "sell" };
            format!("trade {} {side} {} at {} on {}", trade.trade_id, trade.quantity, trade.price, trade.ts_event.0)
        }
        Event::Quote(quote) => {
            let (bid, ask) = ((quote.bid, quote.bid_quantity), (quote.ask, quote.ask_quantity));
            format!("quote {} {} x {} / {} x {} on {}", quote.update_id, bid.0, bid.1, ask.0, ask.1, quote.ts_event.0)
        }
        Event::Depth(depth) => {
            let side = |levels: &[(deepalpha_engine::types::Price, deepalpha_engine::types::Quantity)]| {
                levels.iter().map(|(price, size)| format!("{price}x{size}")).collect::<Vec<_>>().join(",")
            };
            let kind = if depth.snapshot { "book" } else { "update" };
            let ids = format!("{}-{} after {:?}", depth.first_update, depth.last_update, depth.previous_update);
            format!("{kind} {ids} bids {} asks {} on {}", side(depth.bids), side(depth.asks), depth.ts_event.0)
        }
        other => format!("{other:?}"),
    }
}

fn assert_tells(parser: &mut Parser, cases: &[(&str, &str)]) {
    for (line, expected) in cases {
        let mut found = Vec::new();
        parser.parse_each(line.as_bytes(), UtcNanos(1), |event| found.push(told(&event))).unwrap();
        assert_eq!(found.join("; "), *expected, "{line}");
    }
}

#[test]
fn deribit_in_the_forms_of_its_documentation() {
    let mut parser = parser(Venue::Deribit, "BTC-PERPETUAL");
    assert_tells(
        &mut parser,
        &[
            (
                r#"{"jsonrpc":"2.0","method":"subscription","params":{"channel":"trades.BTC-PERPETUAL.raw","data":[{"trade_seq":30289442,"trade_id":"48079269","timestamp":1590484512188,"tick_direction":2,"price":8950.5,"mark_price":8948.9,"instrument_name":"BTC-PERPETUAL","index_price":8955.88,"direction":"sell","amount":10}]}}"#,
                "trade 30289442 sell 10 at 8950.5 on 1590484512188000000",
            ),
            (
                r#"{"params":{"data":{"timestamp":1550658624149,"instrument_name":"BTC-PERPETUAL","best_bid_price":3914.97,"best_bid_amount":40.0,"best_ask_price":3996.61,"best_ask_amount":50.0},"channel":"quote.BTC-PERPETUAL"},"method":"subscription","jsonrpc":"2.0"}"#,
                "quote 0 3914.97 x 40 / 3996.61 x 50 on 1550658624149000000",
            ),
            (
                r#"{"params":{"data":{"type":"change","timestamp":1554373911330,"prev_change_id":297217,"instrument_name":"BTC-PERPETUAL","change_id":297218,"bids":[["delete",5041.94,0.0],["delete",5042.34,0.0]],"asks":[["new",5042.6,10]]},"channel":"book.BTC-PERPETUAL.100ms"},"method":"subscription","jsonrpc":"2.0"}"#,
                "update 297218-297218 after Some(297217) bids 5041.94x0,5042.34x0 asks 5042.6x10 on 1554373911330000000",
            ),
            (
                r#"{"params":{"data":{"timestamp":1554375447971,"instrument_name":"BTC-PERPETUAL","change_id":109615,"bids":[[160,40]],"asks":[[161,20]]},"channel":"book.BTC-PERPETUAL.100.1.100ms"},"method":"subscription","jsonrpc":"2.0"}"#,
                "book 109615-109615 after None bids 160x40 asks 161x20 on 1554375447971000000",
            ),
            (r#"{"jsonrpc":"2.0","id":1,"result":["quote.BTC-PERPETUAL"]}"#, "Service"),
        ],
    );
    assert_eq!(parser.service(), Some(ServiceKind::Answer));
    assert_tells(
        &mut parser,
        &[(r#"{"jsonrpc":"2.0","id":1,"error":{"code":11050,"message":"bad_request"}}"#, "Service")],
    );
    assert_eq!(parser.service(), Some(ServiceKind::Refusal));
}

#[test]
fn gate_in_the_forms_of_its_documentation() {
    let mut parser = parser(Venue::Gate, "BTC_USDT");
    assert_tells(
        &mut parser,
        &[(
            r#"{"time":1606292218,"time_ms":1606292218231,"channel":"spot.trades","event":"update","result":{"id":309143071,"create_time":1606292218,"create_time_ms":"1606292218213.4578","side":"sell","currency_pair":"BTC_USDT","amount":"16.4700000000","price":"0.4705000000"}}"#,
            "trade 309143071 sell 16.47 at 0.4705 on 1606292218213457800",
        )],
    );
    let fine = r#"{"channel":"spot.book_ticker","event":"update","result":{"t":1606293275123,"u":48733182,"s":"BTC_USDT","b":"19177.79","B":"0.0003341504","a":"19179.38","A":"0.09"}}"#;
    assert!(matches!(parser.parse(fine.as_bytes(), UtcNanos(1)), Err(ParseError::TooPrecise { key: "B", .. })));
    assert_tells(
        &mut parser,
        &[
            (
                &fine.replace("0.0003341504", "0.00033415"),
                "quote 48733182 19177.79 x 0.00033415 / 19179.38 x 0.09 on 1606293275123000000",
            ),
            (
                r#"{"time":1606294781,"channel":"spot.order_book_update","event":"update","result":{"t":1606294781123,"e":"depthUpdate","E":1606294781,"s":"BTC_USDT","U":48776301,"u":48776306,"b":[["19137.74","0.0001"]],"a":[["19137.75","0.6135"]]}}"#,
                "update 48776301-48776306 after None bids 19137.74x0.0001 asks 19137.75x0.6135 on 1606294781123000000",
            ),
            (
                r#"{"time":1606295412,"channel":"spot.order_book","event":"update","result":{"t":1606295412123,"lastUpdateId":48791820,"s":"BTC_USDT","bids":[["19079.55","0.0195"]],"asks":[["19080.24","0.1638"]]}}"#,
                "book 48791820-48791820 after None bids 19079.55x0.0195 asks 19080.24x0.1638 on 1606295412123000000",
            ),
            (
                r#"{"time":1611541000,"channel":"spot.trades","event":"subscribe","error":null,"result":{"status":"success"}}"#,
                "Service",
            ),
        ],
    );
    assert_eq!(parser.service(), Some(ServiceKind::Answer));
}

#[test]
fn bybit_v5_books_rise_by_one() {
    let mut parser = parser(Venue::Bybit, "XRPUSDT");
    let path = files::folder().join("bybit_xrpusdt_ob500.data.zip");
    let unzipped = std::process::Command::new("unzip").arg("-p").arg(&path).output();
    let Some(text) = unzipped.ok().filter(|output| output.status.success()).map(|output| output.stdout) else {
        println!("skipped: {} is absent or unzip cannot run", path.display());
        return;
    };
    let (mut ids, mut levels) = (Vec::new(), 0);
    for line in files::lines(&text) {
        let Ok(Event::Depth(depth)) = parser.parse(line, UtcNanos(1)) else {
            panic!("{}", String::from_utf8_lossy(line))
        };
        assert_eq!(depth.snapshot, ids.is_empty());
        ids.push(depth.last_update);
        levels += depth.bids.len() + depth.asks.len();
    }
    assert!(ids.windows(2).all(|pair| pair[1] == pair[0] + 1));
    // Python: sum(len(m["data"]["b"]) + len(m["data"]["a"]) for m in map(json.loads, lines)).
    assert_eq!((ids.len(), levels), (50, 3966));
}

/// Ids that are text become the same number each time, and another for another text.
#[test]
fn text_ids_are_hashed() {
    let mut parser = parser(Venue::Bybit, "XRPUSDT");
    let line = |id: &str| {
        format!(
            r#"{{"topic":"publicTrade.XRPUSDT","data":[{{"T":1672304486865,"s":"XRPUSDT","S":"Buy","v":"1","p":"2","i":"{id}"}}]}}"#
        )
    };
    let mut id = |text: &str| match parser.parse(line(text).as_bytes(), UtcNanos(1)) {
        Ok(Event::Trade(trade)) => trade.trade_id,
        other => panic!("{other:?}"),
    };
    assert_eq!(id("20f43950-d8dd"), id("20f43950-d8dd"));
    assert_ne!(id("20f43950-d8dd"), id("20f43950-d8de"));
}

#[test]
fn refusals_and_shutdowns_of_venues_are_told_apart() {
    for (venue, line, kind) in [
        (Venue::Coinbase, r#"{"type":"error","message":"Failed to subscribe"}"#, ServiceKind::Refusal),
        (Venue::Coinbase, r#"{"type":"heartbeat","sequence":90}"#, ServiceKind::Status),
        (Venue::Kraken, r#"{"errorMessage":"x","event":"subscriptionStatus","status":"error"}"#, ServiceKind::Refusal),
        (Venue::Kraken, r#"{"event":"pong","reqid":42}"#, ServiceKind::Status),
        (Venue::Okx, r#"{"event":"error","code":"60012","msg":"Invalid request"}"#, ServiceKind::Refusal),
        (
            Venue::Okx,
            r#"{"event":"notice","code":"64008","msg":"The connection will soon be closed"}"#,
            ServiceKind::Shutdown,
        ),
        (Venue::Bybit, r#"{"success":false,"ret_msg":"error","op":"subscribe"}"#, ServiceKind::Refusal),
        (Venue::Bitstamp, r#"{"event":"bts:request_reconnect","channel":"","data":""}"#, ServiceKind::Shutdown),
        (Venue::Bitstamp, r#"{"event":"bts:error","channel":"","data":{"code":null}}"#, ServiceKind::Refusal),
        (Venue::Kucoin, r#"{"id":"1","type":"error","code":404,"data":"topic is not found"}"#, ServiceKind::Refusal),
        (Venue::Bitmex, r#"{"status":400,"error":"Unknown table"}"#, ServiceKind::Refusal),
        (
            Venue::Gate,
            r#"{"time":1,"channel":"spot.trades","event":"subscribe","error":{"code":2}}"#,
            ServiceKind::Refusal,
        ),
    ] {
        let mut parser = parser(venue, "BTCUSDT");
        assert_eq!(parser.parse(line.as_bytes(), UtcNanos(1)), Ok(Event::Service), "{line}");
        assert_eq!(parser.service(), Some(kind), "{line}");
    }
}

#[test]
fn venues_have_names_and_come_back_from_them() {
    for venue in Venue::ALL {
        assert_eq!(Venue::from_name(venue.name()), Some(venue));
    }
    assert_eq!(Venue::from_name("nowhere"), None);
}
