//! Bitstamp v2: `live_trades`, `diff_order_book`, `order_book`. The symbol is the end of the channel's name.
//!
//! Books are numbered by their microseconds, which only rise.

use super::context::Context;
use super::error::ParseError;
use super::item::{DepthHead, Found, Item};
use super::notices::ServiceKind;
use super::scan::{Kind, Token, need, unknown_word};
use super::time::TimeUnit;
use crate::stream::event::{Aggressor, Trade};

pub(super) fn read(context: &mut Context, found: &mut Found, document: Token<'_>) -> Result<(), ParseError> {
    let [event, channel, data] = document.fields("message", &["event", "channel", "data"])?;
    let event = need(event, "message", "event")?.word("event")?;
    let kind = match event.bytes() {
        b"bts:subscription_succeeded" | b"bts:unsubscription_succeeded" => Some(ServiceKind::Answer),
        b"bts:error" => Some(ServiceKind::Refusal),
        b"bts:heartbeat" => Some(ServiceKind::Status),
        b"bts:request_reconnect" => Some(ServiceKind::Shutdown),
        _ => None,
    };
    if let Some(kind) = kind {
        context.serve(found, kind);
        return Ok(());
    }
    let channel = need(channel, "message", "channel")?.word("channel")?;
    let data = need(data, "message", "data")?;
    let name = channel.bytes();
    let end = name.iter().rposition(|byte| *byte == b'_').unwrap_or_default();
    let (channel, symbol) = (name.get(..end).unwrap_or_default(), name.get(end + 1..).unwrap_or_default());
    match (event.bytes(), channel) {
        (b"trade", b"live_trades") => trade(context, found, symbol, data),
        (b"data", b"diff_order_book") => book(context, found, symbol, data, false),
        (b"data", b"order_book") => book(context, found, symbol, data, true),
        (b"trade" | b"data", _) => Err(unknown_word("channel", name)),
        (other, _) => Err(unknown_word("event", other)),
    }
}

fn trade(context: &mut Context, found: &mut Found, symbol: &[u8], data: Token<'_>) -> Result<(), ParseError> {
    const MESSAGE: &str = "live_trades";
    let keys = ["id", "price", "price_str", "amount", "amount_str", "type", "microtimestamp"];
    let [id, price, price_text, amount, amount_text, side, micros] = data.fields("data", &keys)?;
    let listed = context.named(symbol)?;
    let (price, price_kind) = price_text.map_or((price, Kind::Number), |text| (Some(text), Kind::Text));
    let (amount, amount_kind) = amount_text.map_or((amount, Kind::Number), |text| (Some(text), Kind::Text));
    let side = need(side, MESSAGE, "type")?;
    let trade = Trade {
        symbol: listed.id,
        trade_id: context.number(id, MESSAGE, "id")?,
        price: context.price(listed, price, MESSAGE, "price", price_kind)?,
        quantity: context.quantity(listed, amount, MESSAGE, "amount", amount_kind)?,
        aggressor: match side.uint("type")? {
            0 => Aggressor::Buyer,
            1 => Aggressor::Seller,
            _ => return Err(unknown_word("type", side.bytes())),
        },
        ts_event: Context::time_in(TimeUnit::Micros, micros, MESSAGE, "microtimestamp")?,
        ts_init: context.ts_init,
    };
    found.items.push(Item::Trade(trade));
    Ok(())
}

fn book(
    context: &mut Context,
    found: &mut Found,
    symbol: &[u8],
    data: Token<'_>,
    snapshot: bool,
) -> Result<(), ParseError> {
    const MESSAGE: &str = "order book";
    let [bids, asks, micros] = data.fields("data", &["bids", "asks", "microtimestamp"])?;
    let listed = context.named(symbol)?;
    let ts_event = Context::time_in(TimeUnit::Micros, micros, MESSAGE, "microtimestamp")?;
    let update = need(micros, MESSAGE, "microtimestamp")?.uint("microtimestamp")?;
    let bids = context.levels(found, listed, need(bids, MESSAGE, "bids")?, "bids", Kind::Text)?;
    let asks = context.levels(found, listed, need(asks, MESSAGE, "asks")?, "asks", Kind::Text)?;
    let head = DepthHead::unnumbered(context, listed, snapshot, bids, asks, ts_event);
    found.items.push(Item::Depth(head.numbered(update, update, None)));
    Ok(())
}
