//! Gate spot v4: `spot.trades`, `spot.book_ticker`, `spot.order_book_update`, `spot.order_book`.
//!
//! The shared recording of this venue has no stream in it: the forms here are those of the venue's documentation.

use super::context::Context;
use super::error::ParseError;
use super::item::{DepthHead, Found, Item};
use super::notices::ServiceKind;
use super::scan::{Kind, Token, need, unknown_word};
use super::time::TimeUnit;
use crate::stream::event::{Quote, Trade};

pub(super) fn read(context: &mut Context, found: &mut Found, document: Token<'_>) -> Result<(), ParseError> {
    let [channel, event, result, error] = document.fields("message", &["channel", "event", "result", "error"])?;
    let channel = need(channel, "message", "channel")?.word("channel")?;
    let event = event.map(|token| token.word("event")).transpose()?;
    let refused = error.is_some_and(|token| !token.is(Kind::Null));
    let kind = match event.as_ref().map(super::scan::Word::bytes) {
        _ if refused => Some(ServiceKind::Refusal),
        _ if channel.bytes() == b"spot.pong" => Some(ServiceKind::Status),
        Some(b"subscribe" | b"unsubscribe") => Some(ServiceKind::Answer),
        Some(b"update" | b"all") => None,
        Some(other) => return Err(unknown_word("event", other)),
        None => return Err(ParseError::MissingKey { message: "message", key: "event" }),
    };
    if let Some(kind) = kind {
        context.serve(found, kind);
        return Ok(());
    }
    let result = need(result, "message", "result")?;
    match channel.bytes() {
        b"spot.trades" => trade(context, found, result),
        b"spot.book_ticker" => quote(context, found, result),
        b"spot.order_book_update" => book(context, found, result, false),
        b"spot.order_book" => book(context, found, result, true),
        other => Err(unknown_word("channel", other)),
    }
}

fn trade(context: &mut Context, found: &mut Found, result: Token<'_>) -> Result<(), ParseError> {
    const MESSAGE: &str = "spot.trades";
    let keys = ["id", "currency_pair", "price", "amount", "side", "create_time_ms"];
    let [id, pair, price, amount, side, time] = result.fields("result", &keys)?;
    let listed = context.symbol(pair, MESSAGE, "currency_pair")?;
    let trade = Trade {
        symbol: listed.id,
        trade_id: context.number(id, MESSAGE, "id")?,
        price: context.price(listed, price, MESSAGE, "price", Kind::Text)?,
        quantity: context.quantity(listed, amount, MESSAGE, "amount", Kind::Text)?,
        aggressor: Context::taker(side, MESSAGE, "side")?,
        ts_event: Context::decimal_time(TimeUnit::Millis, time, MESSAGE, "create_time_ms")?,
        ts_init: context.ts_init,
    };
    found.items.push(Item::Trade(trade));
    Ok(())
}

fn quote(context: &mut Context, found: &mut Found, result: Token<'_>) -> Result<(), ParseError> {
    const MESSAGE: &str = "spot.book_ticker";
    let [time, update, pair, bid, bid_size, ask, ask_size] =
        result.fields("result", &["t", "u", "s", "b", "B", "a", "A"])?;
    let listed = context.symbol(pair, MESSAGE, "s")?;
    let quote = Quote {
        symbol: listed.id,
        update_id: context.number(update, MESSAGE, "u")?,
        bid: context.price(listed, bid, MESSAGE, "b", Kind::Text)?,
        bid_quantity: context.quantity(listed, bid_size, MESSAGE, "B", Kind::Text)?,
        ask: context.price(listed, ask, MESSAGE, "a", Kind::Text)?,
        ask_quantity: context.quantity(listed, ask_size, MESSAGE, "A", Kind::Text)?,
        ts_event: Context::time_in(TimeUnit::Millis, time, MESSAGE, "t")?,
        ts_init: context.ts_init,
    };
    found.items.push(Item::Quote(quote));
    Ok(())
}

fn book(context: &mut Context, found: &mut Found, result: Token<'_>, snapshot: bool) -> Result<(), ParseError> {
    const MESSAGE: &str = "spot.order_book";
    let keys = ["t", "s", "U", "u", "b", "a", "lastUpdateId", "bids", "asks"];
    let [time, pair, first, last, bids, asks, whole_id, whole_bids, whole_asks] = result.fields("result", &keys)?;
    let listed = context.symbol(pair, MESSAGE, "s")?;
    let ts_event = Context::time_in(TimeUnit::Millis, time, MESSAGE, "t")?;
    let (first, last, bids, asks) = if snapshot {
        let last = context.number(whole_id, MESSAGE, "lastUpdateId")?;
        (last, last, (whole_bids, "bids"), (whole_asks, "asks"))
    } else {
        let (first, last) = (context.number(first, MESSAGE, "U")?, context.number(last, MESSAGE, "u")?);
        (first, last, (bids, "b"), (asks, "a"))
    };
    let mut side = |(list, key)| context.levels(found, listed, need(list, MESSAGE, key)?, key, Kind::Text);
    let (bids, asks) = (side(bids)?, side(asks)?);
    let head = DepthHead::unnumbered(context, listed, snapshot, bids, asks, ts_event);
    found.items.push(Item::Depth(head.numbered(first, last, None)));
    Ok(())
}
