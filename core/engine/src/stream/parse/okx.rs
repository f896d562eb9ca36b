//! OKX v5: `trades`, `tickers`, `books` and its kin.
//!
//! Books have `seqId` and `prevSeqId` (since 2023) and a checksum; recordings of before have the checksum only. Quantities of
//! derivatives are contracts, as sent.

use super::context::{Context, Listed};
use super::error::ParseError;
use super::item::{DepthHead, Found, Item};
use super::notices::ServiceKind;
use super::scan::{Kind, Token, need, unknown_word};
use super::time::TimeUnit;
use crate::stream::event::{Quote, Trade};

pub(super) fn read(context: &mut Context, found: &mut Found, document: Token<'_>) -> Result<(), ParseError> {
    let [event, argument, action, data] = document.fields("message", &["event", "arg", "action", "data"])?;
    if let Some(event) = event {
        let event = event.word("event")?;
        let kind = match event.bytes() {
            b"error" => ServiceKind::Refusal,
            b"notice" => ServiceKind::Shutdown,
            _ => ServiceKind::Answer,
        };
        context.serve(found, kind);
        return Ok(());
    }
    let [channel, instrument] = need(argument, "message", "arg")?.fields("arg", &["channel", "instId"])?;
    let channel = need(channel, "message", "channel")?.word("channel")?;
    let listed = context.symbol(instrument, "message", "instId")?;
    let mut rows = need(data, "message", "data")?.elements("data")?;
    while let Some(row) = rows.next()? {
        match channel.bytes() {
            b"trades" | b"trades-all" => trade(context, found, listed, row)?,
            b"tickers" => quote(context, found, listed, row)?,
            b"books" | b"books-l2-tbt" | b"books50-l2-tbt" => {
                let action = need(action, "books", "action")?.word("action")?;
                let snapshot = match action.bytes() {
                    b"snapshot" => true,
                    b"update" => false,
                    other => return Err(unknown_word("action", other)),
                };
                book(context, found, listed, row, snapshot)?;
            }
            // The whole of a few levels each time.
            b"books5" | b"bbo-tbt" => book(context, found, listed, row, true)?,
            other => return Err(unknown_word("channel", other)),
        }
    }
    Ok(())
}

fn trade(context: &mut Context, found: &mut Found, listed: Listed, row: Token<'_>) -> Result<(), ParseError> {
    const MESSAGE: &str = "trades";
    let [id, price, size, side, time] = row.fields("data", &["tradeId", "px", "sz", "side", "ts"])?;
    let trade = Trade {
        symbol: listed.id,
        trade_id: need(id, MESSAGE, "tradeId")?.uint("tradeId")?,
        price: context.price(listed, price, MESSAGE, "px", Kind::Text)?,
        quantity: context.quantity(listed, size, MESSAGE, "sz", Kind::Text)?,
        aggressor: Context::taker(side, MESSAGE, "side")?,
        ts_event: Context::time_in(TimeUnit::Millis, time, MESSAGE, "ts")?,
        ts_init: context.ts_init,
    };
    found.items.push(Item::Trade(trade));
    Ok(())
}

fn quote(context: &mut Context, found: &mut Found, listed: Listed, row: Token<'_>) -> Result<(), ParseError> {
    const MESSAGE: &str = "tickers";
    let [bid, bid_size, ask, ask_size, time] = row.fields("data", &["bidPx", "bidSz", "askPx", "askSz", "ts"])?;
    let quote = Quote {
        symbol: listed.id,
        update_id: 0,
        bid: context.price(listed, bid, MESSAGE, "bidPx", Kind::Text)?,
        bid_quantity: context.quantity(listed, bid_size, MESSAGE, "bidSz", Kind::Text)?,
        ask: context.price(listed, ask, MESSAGE, "askPx", Kind::Text)?,
        ask_quantity: context.quantity(listed, ask_size, MESSAGE, "askSz", Kind::Text)?,
        ts_event: Context::time_in(TimeUnit::Millis, time, MESSAGE, "ts")?,
        ts_init: context.ts_init,
    };
    found.items.push(Item::Quote(quote));
    Ok(())
}

fn book(
    context: &mut Context,
    found: &mut Found,
    listed: Listed,
    row: Token<'_>,
    snapshot: bool,
) -> Result<(), ParseError> {
    const MESSAGE: &str = "books";
    let keys = ["bids", "asks", "ts", "checksum", "seqId", "prevSeqId"];
    let [bids, asks, time, checksum, sequence, previous] = row.fields("data", &keys)?;
    let ts_event = Context::time_in(TimeUnit::Millis, time, MESSAGE, "ts")?;
    let bids = context.levels(found, listed, need(bids, MESSAGE, "bids")?, "bids", Kind::Text)?;
    let asks = context.levels(found, listed, need(asks, MESSAGE, "asks")?, "asks", Kind::Text)?;
    let mut head = DepthHead::unnumbered(context, listed, snapshot, bids, asks, ts_event);
    head.checksum = checksum.map(|token| token.bits32("checksum")).transpose()?;
    if let Some(sequence) = sequence {
        let sequence = sequence.uint("seqId")?;
        // A snapshot's previous id is -1: there is none.
        let previous = previous.filter(|token| token.bytes() != b"-1");
        let previous = previous.map(|token| token.uint("prevSeqId")).transpose()?;
        head = head.numbered(sequence, sequence, previous);
    }
    found.items.push(Item::Depth(head));
    Ok(())
}
