//! Every real message, value by value, against what `reference.py` beside this file found with Python's json and Decimal.

use deepalpha_engine::stream::event::{Aggressor, Event, SymbolId};
use deepalpha_engine::stream::parse::recording::{self, Recorded};
use deepalpha_engine::stream::parse::{ParseError, Parser, ServiceKind, Symbols, Venue};
use deepalpha_engine::types::UtcNanos;

use super::files;

/// Counts, levels and hash as `reference.py` prints them.
#[derive(Debug, Default, PartialEq, Eq)]
struct Tally {
    /// Trades, quotes, book messages, bars, service messages, refusals.
    counts: [u64; 6],
    levels: u64,
    hash: u64,
}

impl Tally {
    fn mix(&mut self, value: i64) {
        self.hash = self.hash.wrapping_mul(0x0100_0000_01B3).wrapping_add(value.cast_unsigned());
    }

    fn mix_all(&mut self, values: impl IntoIterator<Item = i64>) {
        values.into_iter().for_each(|value| self.mix(value));
    }

    fn add(&mut self, event: &Event<'_>, names: &[String], has_ids: bool) {
        let name = |id: SymbolId| {
            let upper = names[id.0 as usize].to_uppercase();
            (1..).zip(upper.bytes()).map(|(at, byte)| at * i64::from(byte)).sum::<i64>()
        };
        match event {
            Event::Trade(trade) => {
                self.counts[0] += 1;
                self.mix(name(trade.symbol));
                if has_ids {
                    self.mix(trade.trade_id.cast_signed());
                }
                let taker = match trade.aggressor {
                    Aggressor::Buyer => 1,
                    Aggressor::Seller => 2,
                    Aggressor::Unknown => 0,
                };
                self.mix_all([trade.price.raw(), trade.quantity.raw(), taker, trade.ts_event.0]);
            }
            Event::Quote(quote) => {
                self.counts[1] += 1;
                self.mix_all([
                    name(quote.symbol),
                    quote.update_id.cast_signed(),
                    quote.bid.raw(),
                    quote.bid_quantity.raw(),
                ]);
                self.mix_all([quote.ask.raw(), quote.ask_quantity.raw(), quote.ts_event.0]);
            }
            Event::Depth(depth) => {
                self.counts[2] += 1;
                self.levels += (depth.bids.len() + depth.asks.len()) as u64;
                self.mix_all([name(depth.symbol), i64::from(depth.snapshot)]);
                let previous = depth.previous_update.unwrap_or(0);
                self.mix_all([depth.first_update, depth.last_update, previous].map(u64::cast_signed));
                self.mix(i64::from(depth.checksum.unwrap_or(0)));
                for (price, quantity) in depth.bids.iter().chain(depth.asks) {
                    self.mix_all([price.raw(), quantity.raw()]);
                }
                self.mix(depth.ts_event.0);
            }
            Event::Bar(bar) => {
                self.counts[3] += 1;
                self.mix_all([name(bar.symbol), bar.length, i64::from(bar.closed), bar.ts_open.0]);
                self.mix_all([bar.open, bar.high, bar.low, bar.close].map(|price| price.raw()));
                self.mix_all([bar.volume.raw(), bar.trades.cast_signed(), bar.ts_event.0]);
            }
            Event::Service => self.counts[4] += 1,
        }
    }
}

struct Reader {
    parser: Parser,
    names: Vec<String>,
    tally: Tally,
    refusals: Vec<ParseError>,
}

impl Reader {
    fn new(venue: Venue) -> Self {
        Self {
            parser: Parser::new(venue, Symbols::new()),
            names: Vec::new(),
            tally: Tally::default(),
            refusals: Vec::new(),
        }
    }

    /// Register a symbol whose full name the error cannot hold as it comes by, then read on.
    fn read(&mut self, raw: &[u8], init: UtcNanos) {
        loop {
            let (tally, names) = (&mut self.tally, &self.names);
            let has_ids = self.parser.venue() != Venue::Kraken;
            match self.parser.parse_each(raw, init, |event| tally.add(&event, names, has_ids)) {
                Err(ParseError::UnknownSymbol { name }) => {
                    let name = name.to_string().trim_matches('"').to_owned();
                    self.parser.symbols_mut().add(&name).unwrap();
                    self.names.push(name);
                }
                Err(error) => {
                    self.tally.counts[5] += 1;
                    self.refusals.push(error);
                    return;
                }
                Ok(_) => return,
            }
        }
    }

    fn about(&mut self, name: &str) {
        let id = self.parser.symbols().find(name.as_bytes());
        let id = id.unwrap_or_else(|| {
            self.names.push(name.to_owned());
            self.parser.symbols_mut().add(name).unwrap()
        });
        self.parser.about(Some(id));
    }
}

#[test]
fn every_raw_message_of_binance_equals_what_python_reads() {
    let expected = [
        ("spot_btcusdt", [9757, 28040, 3452, 0, 0, 0], 126_090, 0x34c2_b160_7054_9737),
        ("usdm_btcusdt", [21313, 66089, 6552, 0, 0, 0], 445_521, 0x3ab2_946a_0c64_59ec),
        ("usdm_ethusdt", [14076, 53992, 6587, 0, 0, 0], 430_662, 0x6fc5_3e7d_91d8_b81d),
    ];
    for (name, counts, levels, hash) in expected {
        let Some(text) = files::binance(name) else { return };
        let (market, symbol) = name.split_once('_').unwrap();
        let mut reader = Reader::new(if market == "spot" { Venue::BinanceSpot } else { Venue::BinanceUsdm });
        reader.about(&symbol.to_uppercase());
        for line in files::lines(&text) {
            let (init, raw) = recording::line(line).unwrap();
            reader.read(raw, init);
        }
        assert_eq!(reader.tally, Tally { counts, levels, hash }, "{name} {:?}", reader.refusals);
        assert_eq!(reader.parser.notices().type_changes, 0);
    }
}

#[test]
fn every_message_of_eleven_venues_equals_what_python_reads() {
    // Refused are prices finer than 1e-8 (KuCoin 0.0000002181, BitMEX 0.0000016425) and a later change of such a level.
    let expected = [
        ("BINANCE.http.0.0", Venue::BinanceSpot, [0, 0, 4, 0, 0, 0], 4648, 0x5238_eff6_4795_b656),
        ("BINANCE.ws.1.0", Venue::BinanceSpot, [2, 84, 177, 2, 0, 0], 422, 0x567f_c979_5560_00b5),
        ("BINANCE_FUTURES.http.0.0", Venue::BinanceUsdm, [0, 0, 4, 0, 0, 0], 5613, 0xf2b9_c3ef_8f57_89da),
        ("BINANCE_FUTURES.ws.1.0", Venue::BinanceUsdm, [91, 613, 764, 67, 0, 0], 6297, 0x4bf7_0d0c_c7f7_7228),
        ("BITMEX.ws.1.0", Venue::Bitmex, [26, 435, 1976, 0, 31, 5], 14188, 0x5f9f_926b_741e_c360),
        ("BITSTAMP.ws.1.0", Venue::Bitstamp, [10, 0, 717, 0, 20, 0], 1950, 0xba94_d208_c582_6c1d),
        ("BYBIT.ws.25.0", Venue::Bybit, [101, 0, 3260, 0, 16, 0], 20342, 0x613d_7080_7fa4_1aa8),
        ("BYBIT.ws.26.0", Venue::Bybit, [150, 0, 1018, 0, 4, 0], 2652, 0x8fb7_07b3_63b7_9bc5),
        ("COINBASE.ws.28.0", Venue::Coinbase, [107, 107, 9729, 0, 3, 0], 18081, 0x6676_bba3_03b8_9952),
        ("KRAKEN.ws.50.0", Venue::Kraken, [0, 0, 4279, 0, 42, 0], 11745, 0x8648_3c1e_b161_80a2),
        ("KUCOIN.http.0.0", Venue::Kucoin, [0, 0, 5, 0, 0, 4], 3894, 0xe18b_b44b_f143_6362),
        ("KUCOIN.ws.1.0", Venue::Kucoin, [6, 644, 3554, 0, 20, 497], 2199, 0xc9c0_2d2f_301a_fad7),
        ("OKX.ws.1.0", Venue::Okx, [74, 28, 290, 0, 18, 0], 8264, 0xaa2c_3cdb_58a4_7bae),
    ];
    for (name, venue, counts, levels, hash) in expected {
        let Some(text) = files::cryptofeed(name) else { return };
        let mut reader = Reader::new(venue);
        for line in files::lines(&text) {
            match recording::cryptofeed(line).unwrap() {
                Recorded::Message { ts_init, payload } => reader.read(payload, ts_init),
                Recorded::Answer { url, ts_init, payload } => {
                    let url = std::str::from_utf8(url).unwrap();
                    let symbol = url.split("symbol=").nth(1).and_then(|rest| rest.split('&').next());
                    reader.about(symbol.unwrap());
                    reader.read(payload, ts_init);
                }
                Recorded::Ours | Recorded::Empty => {}
            }
        }
        assert_eq!(reader.tally, Tally { counts, levels, hash }, "{name} {:?}", reader.refusals.last());
        let explained = |error: &ParseError| match venue {
            Venue::Kucoin => matches!(error, ParseError::TooPrecise { .. }),
            Venue::Bitmex => matches!(error, ParseError::TooPrecise { .. } | ParseError::UnknownLevel { .. }),
            _ => false,
        };
        assert!(reader.refusals.iter().all(explained), "{name}: {:?}", reader.refusals);
    }
}

/// The recordings of these venues hold the venue's lists of instruments only: nothing of a stream.
#[test]
fn recordings_without_a_stream_have_answers_and_settings_only() {
    for name in ["DERIBIT.0", "GATEIO.0"] {
        let Some(text) = files::cryptofeed(name) else { return };
        let kinds = files::lines(&text).map(|line| recording::cryptofeed(line).unwrap());
        assert!(kinds.into_iter().all(|kind| matches!(kind, Recorded::Answer { .. } | Recorded::Ours)), "{name}");
    }
}

#[test]
fn a_service_message_says_what_it_is() {
    let mut parser = Parser::new(Venue::BinanceSpot, Symbols::new());
    for (text, kind) in [
        (r#"{"result":null,"id":1}"#, ServiceKind::Answer),
        (r#"{"id":3,"result":["btcusdt@trade"]}"#, ServiceKind::Answer),
        (r#"{"error":{"code":2,"msg":"Invalid request"},"id":1}"#, ServiceKind::Refusal),
        (r#"{"code":-1003,"msg":"Too many requests"}"#, ServiceKind::Refusal),
        (r#"{"e":"serverShutdown","E":1770123456789}"#, ServiceKind::Shutdown),
        (r#"{"stream":"x","data":{"e":"serverShutdown","E":1770123456789}}"#, ServiceKind::Shutdown),
        ("[]", ServiceKind::Status),
    ] {
        assert_eq!(parser.parse(text.as_bytes(), UtcNanos(1)), Ok(Event::Service), "{text}");
        assert_eq!(parser.service(), Some(kind), "{text}");
    }
}
