//! The recorded books of real venues.

use std::collections::BTreeMap;

use deepalpha_engine::stream::depth_sync::{Chain, Checksum, DepthSync, Step, SyncCounts};
use deepalpha_engine::stream::event::{Event, Quote};
use deepalpha_engine::stream::parse::recording::{self, Recorded};
use deepalpha_engine::stream::parse::{ParseError, Parser, Symbols, Venue};
use deepalpha_engine::types::{Price, Quantity, Side, UtcNanos};

use super::files;
use super::kit::{FINEST, NaiveBook, Owned, assert_counts_add_up, finest, levels};

/// Book messages and quotes of a raw recording of Binance.
pub(crate) fn binance(name: &str) -> Option<(Vec<Owned>, Vec<Quote>)> {
    let text = files::binance(name)?;
    let (market, symbol) = name.split_once('_')?;
    let venue = if market == "spot" { Venue::BinanceSpot } else { Venue::BinanceUsdm };
    let mut parser = Parser::new(venue, Symbols::of(&[&symbol.to_uppercase()]).unwrap());
    parser.about(Some(Default::default()));
    let (mut updates, mut quotes) = (Vec::new(), Vec::new());
    for line in files::lines(&text) {
        let (init, raw) = recording::line(line).unwrap();
        match parser.parse(raw, init).unwrap() {
            Event::Depth(update) => updates.push(Owned::of(&update)),
            Event::Quote(quote) => quotes.push(quote),
            _ => {}
        }
    }
    Some((updates, quotes))
}

fn best(sync: &DepthSync) -> [(Price, Quantity); 2] {
    [Side::Buy, Side::Sell].map(|side| levels(sync.depth(), side, FINEST)[0])
}

/// Chain without a gap after the snapshot, and the best prices are those that the venue's quote stream told at the same id.
#[test]
fn recorded_books_of_binance_sync_and_equal_the_quotes_at_equal_ids() {
    // Quotes with the id of a book update, and updates between two quotes known to have no other quote between them.
    let expected = [
        ("spot_btcusdt", Chain::Range, 3451, (564, 2885)),
        ("usdm_btcusdt", Chain::Previous, 6551, (629, 5916)),
        ("usdm_ethusdt", Chain::Previous, 6586, (551, 6027)),
    ];
    for (name, chain, received, comparable) in expected {
        let Some((updates, quotes)) = binance(name) else { return };
        let by_id: BTreeMap<u64, Quote> = quotes.iter().map(|quote| (quote.update_id, *quote)).collect();
        let mut sync = finest(chain);
        let mut naive = NaiveBook::default();
        let (mut equal, mut between) = (0, 0);
        for update in &updates {
            match sync.apply(&update.borrow()) {
                Step::Synced { .. } | Step::Applied => {}
                Step::Buffered | Step::Dropped => continue,
                Step::Resync(broken) => panic!("{name}: {broken}"),
            }
            let Some((id, quote)) = by_id.range(..=sync.last_update()).next_back() else { continue };
            let told = [(quote.bid, quote.bid_quantity), (quote.ask, quote.ask_quantity)];
            if *id == sync.last_update() {
                equal += 1;
                assert_eq!(best(&sync), told, "{name} at {id}");
            } else if by_id.range(sync.last_update()..).next().is_some() {
                between += 1;
                assert_eq!(best(&sync), told, "{name} after {id}");
            }
        }
        let snapshot = updates.iter().position(|update| update.snapshot).unwrap();
        naive.apply(&updates[snapshot]);
        updates.iter().filter(|update| update.last > updates[snapshot].last).for_each(|update| naive.apply(update));
        naive.assert_equals(&sync, FINEST);
        assert_counts_add_up(&sync);
        let counts = sync.counts();
        assert_eq!((counts.received, counts.resyncs, counts.breaking, counts.snapshots), (received, 0, 0, 1), "{name}");
        assert_eq!((equal, between), comparable, "{name}");
    }
}

/// Messages in the order of their times, REST answers among them.
fn session(venue: Venue, files: &[&str]) -> Option<(Vec<(UtcNanos, Owned)>, Parser)> {
    let mut parser = Parser::new(venue, Symbols::new());
    let mut found = Vec::new();
    for name in files {
        let text = files::cryptofeed(name)?;
        for line in files::lines(&text) {
            let (init, raw) = match recording::cryptofeed(line).unwrap() {
                Recorded::Message { ts_init, payload } => (ts_init, payload),
                Recorded::Answer { url, ts_init, payload } => {
                    let url = std::str::from_utf8(url).unwrap();
                    let symbol = url.split("symbol=").nth(1)?.split('&').next()?;
                    let id = parser.symbols().find(symbol.as_bytes());
                    let id = id.unwrap_or_else(|| parser.symbols_mut().add(symbol).unwrap());
                    parser.about(Some(id));
                    (ts_init, payload)
                }
                _ => continue,
            };
            let mut take = |event: Event<'_>| {
                if let Event::Depth(update) = event {
                    found.push((init, Owned::of(&update)));
                }
            };
            while let Err(ParseError::UnknownSymbol { name }) = parser.parse_each(raw, init, &mut take) {
                parser.symbols_mut().add(name.to_string().trim_matches('"')).unwrap();
            }
        }
    }
    found.sort_by_key(|(time, _)| *time);
    Some((found, parser))
}

fn run(updates: &[(UtcNanos, Owned)], parser: &Parser, make: impl Fn(&str) -> DepthSync) -> Vec<(String, DepthSync)> {
    let names = (0..parser.symbols().len()).map(|id| {
        let id = deepalpha_engine::stream::event::SymbolId(u32::try_from(id).unwrap());
        parser.symbols().name(id).unwrap().to_owned()
    });
    let mut books: Vec<_> = names.map(|name| (name.clone(), make(&name))).collect();
    for (_, update) in updates {
        let (name, sync) = &mut books[update.symbol.0 as usize];
        if let Step::Resync(broken) = sync.apply(&update.borrow()) {
            panic!("{name}: {broken}");
        }
    }
    for (name, sync) in &books {
        assert_counts_add_up(sync);
        if sync.counts().snapshots > 0 {
            assert!(sync.is_live() && !sync.depth().is_crossed(), "{name} {:?}", sync.state());
        }
    }
    books
}

fn total(books: &[(String, DepthSync)], count: impl Fn(&SyncCounts) -> u64) -> u64 {
    books.iter().map(|(_, sync)| count(&sync.counts())).sum()
}

#[test]
fn recorded_sessions_of_other_venues_keep_their_books_without_a_resync() {
    // Venue, files, chain, snapshots, updates received, of them applied.
    let sessions: [(Venue, &[&str], Chain, [u64; 3]); 6] = [
        (Venue::BinanceSpot, &["BINANCE.ws.1.0", "BINANCE.http.0.0"], Chain::Range, [4, 177, 172]),
        (Venue::BinanceUsdm, &["BINANCE_FUTURES.ws.1.0", "BINANCE_FUTURES.http.0.0"], Chain::Previous, [4, 764, 749]),
        (Venue::Bybit, &["BYBIT.ws.25.0"], Chain::Rising, [8, 3252, 3252]),
        (Venue::Bybit, &["BYBIT.ws.26.0"], Chain::Rising, [2, 1016, 1016]),
        (Venue::Coinbase, &["COINBASE.ws.28.0"], Chain::None, [10, 9719, 9719]),
        (Venue::Bitmex, &["BITMEX.ws.1.0"], Chain::None, [9, 1967, 1967]),
    ];
    for (venue, files, chain, expected) in sessions {
        let Some((updates, parser)) = session(venue, files) else { return };
        let books = run(&updates, &parser, |_| finest(chain));
        let found = [
            total(&books, |counts| counts.snapshots),
            total(&books, |counts| counts.received),
            total(&books, |counts| counts.applied),
        ];
        assert_eq!(found, expected, "{}", venue.name());
    }
}

/// Every checksum that Kraken and OKX sent is that of our book.
#[test]
fn recorded_checksums_of_kraken_and_okx_all_agree() {
    let Some((updates, parser)) = session(Venue::Okx, &["OKX.ws.1.0"]) else { return };
    let books = run(&updates, &parser, |_| finest(Chain::None).with_checksum(Checksum::Okx));
    assert!(updates.iter().all(|(_, update)| update.checksum.is_some()));
    assert_eq!((total(&books, |counts| counts.snapshots), total(&books, |counts| counts.applied)), (3, 287));

    let Some((updates, parser)) = session(Venue::Kraken, &["KRAKEN.ws.50.0"]) else { return };
    // Decimals as the messages of each pair have them.
    let decimals = |name: &str| match name {
        "XBT/CHF" | "ETH/CHF" => 5,
        "SC/EUR" | "OMG/USD" | "WAVES/EUR" => 6,
        "KSM/XBT" | "XMR/USD" => 8,
        _ => 9,
    };
    let books = run(&updates, &parser, |name| {
        let checksum = Checksum::Kraken { price_decimals: decimals(name), quantity_decimals: 8 };
        finest(Chain::None).with_checksum(checksum).with_levels(1000)
    });
    let checked = updates.iter().filter(|(_, update)| update.checksum.is_some()).count();
    assert_eq!(
        (total(&books, |counts| counts.snapshots), total(&books, |counts| counts.applied), checked),
        (10, 4269, 4269)
    );
}
