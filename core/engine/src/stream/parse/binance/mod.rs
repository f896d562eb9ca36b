//! Binance spot and USD-M futures: streams (raw and combined), arrays, REST snapshots, answers.
//!
//! Trades carry the trade time `T`; quotes and book updates the transaction time `T` where there is one (USD-M), else the
//! event time `E`, else ours. A partial-depth stream (`@depth5`, `@depth10`, `@depth20`) replaces the book: on spot it is
//! known by `lastUpdateId`, on USD-M only by the name of the combined stream it comes in.

mod cursor;
mod fast;
mod ordered;

use super::context::{Context, Listed};
use super::error::ParseError;
use super::item::{DepthHead, Found, Item};
use super::notices::ServiceKind;
use super::scan::{Kind, Token, need, unknown_word};
use crate::stream::event::{Aggressor, Quote, Trade, VenueBar};
use crate::types::{Price, Quantity, UtcNanos};

pub(super) use fast::fast;

/// Keys of a stream's data, a snapshot and an answer.
#[rustfmt::skip]
const KEYS: [&str; 28] = [
    "e", "E", "T", "s", "t", "p", "q", "m", "a", "A", "b", "B", "u", "U", "pu", "k", "c", "o", "h", "l", "v",
    "lastUpdateId", "bids", "asks", "result", "id", "error", "code",
];

/// Whether a stream's name is that of a partial book: `@depth` and a number of levels.
fn is_partial(stream: &[u8]) -> bool {
    const MARK: &[u8] = b"@depth";
    let place = stream.windows(MARK.len()).position(|window| window.eq_ignore_ascii_case(MARK));
    place.and_then(|place| stream.get(place + MARK.len())).is_some_and(u8::is_ascii_digit)
}

/// Read a message: one object, one wrapped in its stream's name, or a list of objects.
pub(super) fn read(context: &mut Context, found: &mut Found, document: Token<'_>) -> Result<(), ParseError> {
    if document.is(Kind::Array) {
        return each(context, found, document, "message", None);
    }
    let [stream, data] = document.fields("message", &["stream", "data"])?;
    match (stream, data) {
        (None, None) => object(context, found, document, None),
        (None, Some(_)) => Err(ParseError::MissingKey { message: "combined stream", key: "stream" }),
        (Some(stream), data) => {
            let name = stream.word("stream")?;
            let data = need(data, "combined stream", "data")?;
            if data.is(Kind::Array) {
                return each(context, found, data, "data", Some(name.bytes()));
            }
            object(context, found, data, Some(name.bytes()))
        }
    }
}

fn each(
    context: &mut Context,
    found: &mut Found,
    list: Token<'_>,
    key: &'static str,
    stream: Option<&[u8]>,
) -> Result<(), ParseError> {
    let mut elements = list.elements(key)?;
    while let Some(element) = elements.next()? {
        object(context, found, element, stream)?;
    }
    context.serve(found, ServiceKind::Status);
    Ok(())
}

fn object(
    context: &mut Context,
    found: &mut Found,
    object: Token<'_>,
    stream: Option<&[u8]>,
) -> Result<(), ParseError> {
    #[rustfmt::skip]
    let [
        kind, event, time, name, id, price, quantity, maker, ask, ask_size, bid, bid_size, last, first, previous, candle,
        close, open, high, low, volume, snapshot, bids, asks, result, answer, error, code,
    ] = object.fields("data", &KEYS)?;
    let times = (event, time);
    let Some(kind) = kind else {
        return match (snapshot, last, bid, ask) {
            (Some(_), ..) => {
                let listed = from_stream(context, name, stream, "book snapshot")?;
                let last = context.number(snapshot, "book snapshot", "lastUpdateId")?;
                let ids = Ids { snapshot: true, first: last, last, previous: None };
                let sides = [("bids", bids), ("asks", asks)];
                depth(context, found, "book snapshot", listed, &ids, times, sides)
            }
            (None, Some(_), Some(_), Some(_)) => {
                quote(context, found, "bookTicker", name, last, times, [bid, bid_size, ask, ask_size])
            }
            _ if error.is_some() || code.is_some() => {
                context.serve(found, ServiceKind::Refusal);
                Ok(())
            }
            _ if result.is_some() || answer.is_some() => {
                context.serve(found, ServiceKind::Answer);
                Ok(())
            }
            _ => Err(ParseError::UnknownMessage { venue: context.venue.name() }),
        };
    };
    let kind = kind.word("e")?;
    match kind.bytes() {
        b"trade" => trade(context, found, "trade", name, ("t", id), [price, quantity, time, maker]),
        b"aggTrade" => trade(context, found, "aggTrade", name, ("a", ask), [price, quantity, time, maker]),
        b"bookTicker" => quote(context, found, "bookTicker event", name, last, times, [bid, bid_size, ask, ask_size]),
        b"depthUpdate" => {
            let listed = context.symbol(name, "depthUpdate", "s")?;
            let ids = Ids {
                snapshot: stream.is_some_and(is_partial),
                first: context.number(first, "depthUpdate", "U")?,
                last: context.number(last, "depthUpdate", "u")?,
                previous: previous.map(|token| context.number(Some(token), "depthUpdate", "pu")).transpose()?,
            };
            depth(context, found, "depthUpdate", listed, &ids, times, [("b", bid), ("a", ask)])
        }
        b"kline" => kline(context, found, name, event, candle),
        b"24hrMiniTicker" => rolling_day(context, found, name, event, [open, high, low, close], volume),
        b"serverShutdown" => {
            context.serve(found, ServiceKind::Shutdown);
            Ok(())
        }
        other => Err(unknown_word("e", other)),
    }
}

/// The symbol a message names, its stream's name begins with, or the connection is about.
fn from_stream(
    context: &Context,
    name: Option<Token<'_>>,
    stream: Option<&[u8]>,
    message: &'static str,
) -> Result<Listed, ParseError> {
    match (name, stream) {
        (Some(_), _) => context.symbol(name, message, "s"),
        (None, Some(stream)) => context.named(stream.split(|byte| *byte == b'@').next().unwrap_or_default()),
        (None, None) => context.unnamed(message),
    }
}

fn trade(
    context: &mut Context,
    found: &mut Found,
    message: &'static str,
    name: Option<Token<'_>>,
    (id_key, id): (&'static str, Option<Token<'_>>),
    [price, quantity, time, maker]: [Option<Token<'_>>; 4],
) -> Result<(), ParseError> {
    let listed = context.symbol(name, message, "s")?;
    let trade = Trade {
        symbol: listed.id,
        trade_id: context.number(id, message, id_key)?,
        price: context.price(listed, price, message, "p", Kind::Text)?,
        quantity: context.quantity(listed, quantity, message, "q", Kind::Text)?,
        aggressor: if need(maker, message, "m")?.truth("m")? { Aggressor::Seller } else { Aggressor::Buyer },
        ts_event: context.time(time, message, "T")?,
        ts_init: context.ts_init,
    };
    found.items.push(Item::Trade(trade));
    Ok(())
}

/// `T`, else `E`, else our own time.
fn event_time(
    context: &mut Context,
    (event, transaction): (Option<Token<'_>>, Option<Token<'_>>),
    message: &'static str,
) -> Result<UtcNanos, ParseError> {
    // A snapshot and spot's best prices have no time.
    let event = match event {
        None if matches!(message, "depthUpdate" | "bookTicker event") => {
            return Err(ParseError::MissingKey { message, key: "E" });
        }
        None => None,
        token => Some(context.time(token, message, "E")?),
    };
    let transaction = transaction.map(|token| context.time(Some(token), message, "T")).transpose()?;
    Ok(transaction.or(event).unwrap_or(context.ts_init))
}

fn quote(
    context: &mut Context,
    found: &mut Found,
    message: &'static str,
    name: Option<Token<'_>>,
    update: Option<Token<'_>>,
    times: (Option<Token<'_>>, Option<Token<'_>>),
    [bid, bid_size, ask, ask_size]: [Option<Token<'_>>; 4],
) -> Result<(), ParseError> {
    let listed = context.symbol(name, message, "s")?;
    let quote = Quote {
        symbol: listed.id,
        update_id: context.number(update, message, "u")?,
        bid: context.price(listed, bid, message, "b", Kind::Text)?,
        bid_quantity: context.quantity(listed, bid_size, message, "B", Kind::Text)?,
        ask: context.price(listed, ask, message, "a", Kind::Text)?,
        ask_quantity: context.quantity(listed, ask_size, message, "A", Kind::Text)?,
        ts_event: event_time(context, times, message)?,
        ts_init: context.ts_init,
    };
    found.items.push(Item::Quote(quote));
    Ok(())
}

struct Ids {
    snapshot: bool,
    first: u64,
    last: u64,
    previous: Option<u64>,
}

fn depth(
    context: &mut Context,
    found: &mut Found,
    message: &'static str,
    listed: Listed,
    ids: &Ids,
    times: (Option<Token<'_>>, Option<Token<'_>>),
    [bids, asks]: [(&'static str, Option<Token<'_>>); 2],
) -> Result<(), ParseError> {
    let ts_event = event_time(context, times, message)?;
    let bids = context.levels(found, listed, need(bids.1, message, bids.0)?, bids.0, Kind::Text)?;
    let asks = context.levels(found, listed, need(asks.1, message, asks.0)?, asks.0, Kind::Text)?;
    found.items.push(Item::Depth(DepthHead {
        symbol: listed.id,
        snapshot: ids.snapshot,
        first_update: ids.first,
        last_update: ids.last,
        previous_update: ids.previous,
        checksum: None,
        bids,
        asks,
        ts_event,
        ts_init: context.ts_init,
    }));
    Ok(())
}

fn kline(
    context: &mut Context,
    found: &mut Found,
    name: Option<Token<'_>>,
    event: Option<Token<'_>>,
    candle: Option<Token<'_>>,
) -> Result<(), ParseError> {
    const MESSAGE: &str = "kline";
    let listed = context.symbol(name, MESSAGE, "s")?;
    let ts_event = context.time(event, MESSAGE, "E")?;
    let keys = ["t", "T", "o", "h", "l", "c", "v", "n", "x"];
    let [begin, end, open, high, low, close, volume, trades, closed] =
        need(candle, MESSAGE, "k")?.fields("k", &keys)?;
    let ts_open = context.time(begin, MESSAGE, "t")?;
    let ts_close = context.time(end, MESSAGE, "T")?;
    // The end is the last unit of time inside: 12:00:59.999 in milliseconds.
    let unit = context.message_unit().map_or(0, super::time::TimeUnit::nanos);
    let length = ts_close.since(ts_open).saturating_add(unit);
    let [open, high, low, close] = prices(context, listed, MESSAGE, [open, high, low, close])?;
    let bar = VenueBar {
        symbol: listed.id,
        length,
        closed: need(closed, MESSAGE, "x")?.truth("x")?,
        ts_open,
        open,
        high,
        low,
        close,
        volume: volume_of(context, volume, MESSAGE)?,
        trades: context.number(trades, MESSAGE, "n")?,
        ts_event,
        ts_init: context.ts_init,
    };
    found.items.push(Item::Bar(bar));
    Ok(())
}

fn rolling_day(
    context: &mut Context,
    found: &mut Found,
    name: Option<Token<'_>>,
    event: Option<Token<'_>>,
    values: [Option<Token<'_>>; 4],
    volume: Option<Token<'_>>,
) -> Result<(), ParseError> {
    const MESSAGE: &str = "24hrMiniTicker";
    let listed = context.symbol(name, MESSAGE, "s")?;
    let ts_event = context.time(event, MESSAGE, "E")?;
    let [open, high, low, close] = prices(context, listed, MESSAGE, values)?;
    let bar = VenueBar {
        symbol: listed.id,
        length: UtcNanos::DAY,
        closed: false,
        ts_open: UtcNanos(ts_event.0.saturating_sub(UtcNanos::DAY)),
        open,
        high,
        low,
        close,
        volume: volume_of(context, volume, MESSAGE)?,
        trades: 0,
        ts_event,
        ts_init: context.ts_init,
    };
    found.items.push(Item::Bar(bar));
    Ok(())
}

fn prices(
    context: &mut Context,
    listed: Listed,
    message: &'static str,
    [open, high, low, close]: [Option<Token<'_>>; 4],
) -> Result<[Price; 4], ParseError> {
    Ok([
        context.price(listed, open, message, "o", Kind::Text)?,
        context.price(listed, high, message, "h", Kind::Text)?,
        context.price(listed, low, message, "l", Kind::Text)?,
        context.price(listed, close, message, "c", Kind::Text)?,
    ])
}

/// A volume is a sum: it may be off the step of quantities (trades between auctions of other steps).
fn volume_of(context: &mut Context, token: Option<Token<'_>>, message: &'static str) -> Result<Quantity, ParseError> {
    let token = need(token, message, "v")?;
    let value = token.decimal("v")?;
    context.expect(token, Kind::Text, "v");
    Ok(Quantity::from_raw(value))
}
