//! Events of the desk as rows of the log: one command, or one batch of orders, is one transaction.
//!
//! The venue is in this process, so an order and what became of it are written together, before the caller is told: a
//! crash before the commit is an order that never was, for the caller and for the log. When the log cannot be written
//! the desk takes no more orders, keeps the events, and writes them as soon as it can again.

use std::fmt::Write;

use deepalpha_engine::desk::{DeskEvent, Durability, ExecutionDesk, Settled};
use deepalpha_engine::orders::{OrderRequest, OrderType, TimeInForce, TrailOffset};
use deepalpha_engine::portfolio::MarkPrice;
use deepalpha_engine::risk::RiskEvent;
use deepalpha_engine::types::{Price, Quantity};
use deepalpha_io::ops::{Amount, Audit, Fill, Intent, Level, OpsError, OpsLog, OrderEvent, Record, Stamp};

pub(super) struct Journal {
    log: OpsLog,
    run_id: String,
    account_id: String,
    level: Level,
    /// Number of the first event that is not written yet.
    from: u64,
    /// Fills of the account in the log: between which of them something else moved the account.
    fills: u64,
    /// Bodies of one group, one after the other.
    bodies: String,
    ends: Vec<usize>,
}

/// A text as a JSON string.
fn quoted(out: &mut String, text: &str) {
    out.push('"');
    for character in text.chars() {
        match character {
            '"' | '\\' => out.extend(['\\', character]),
            '\n' => out.push_str("\\n"),
            control if control.is_control() => {
                // Writing to a String cannot fail.
                let _infallible = write!(out, "\\u{:04x}", u32::from(control));
            }
            plain => out.push(plain),
        }
    }
    out.push('"');
}

/// What has no column of its own, as canonical JSON; only what differs from the default.
fn body_of(out: &mut String, request: &OrderRequest) {
    out.push('{');
    let mut first = true;
    let mut put = |out: &mut String, name: &str, value: std::fmt::Arguments<'_>| {
        let comma = if std::mem::take(&mut first) { "" } else { "," };
        let _infallible = write!(out, "{comma}\"{name}\":{value}");
    };
    let orders: [(&str, Option<Price>); 1] = [("trigger_price", request.order_type.trigger())];
    for (name, price) in orders {
        if let (Some(price), Some(_)) = (price, request.order_type.limit()) {
            put(out, name, format_args!("\"{price}\""));
        }
    }
    if let OrderType::TrailingStop(offset) = request.order_type {
        match offset {
            TrailOffset::Price(offset) => put(out, "trailing_offset", format_args!("\"{offset}\"")),
            TrailOffset::Percent(share) => put(out, "trailing_percent", format_args!("\"{share}\"")),
            TrailOffset::Atr { multiple, range } => {
                put(out, "trailing_atr", format_args!("\"{range}\""));
                put(out, "trailing_multiple", format_args!("\"{multiple}\""));
            }
        }
    }
    if request.time_in_force != TimeInForce::Gtc {
        put(out, "time_in_force", format_args!("\"{}\"", request.time_in_force.as_str()));
    }
    if let TimeInForce::Gtd(until) = request.time_in_force {
        put(out, "expires_at", format_args!("{}", until.0));
    }
    let display: Option<Quantity> = request.display;
    if let Some(display) = display {
        put(out, "display_quantity", format_args!("\"{display}\""));
    }
    for (name, flag) in [("post_only", request.post_only), ("forced", request.forced)] {
        if flag {
            put(out, name, format_args!("true"));
        }
    }
    let texts: [(&str, &str); 3] =
        [("strategy", &request.strategy), ("oco_group", &request.oco_group), ("parent_id", &request.parent)];
    for (name, text) in texts {
        // Ids have no character that JSON would escape.
        if !text.is_empty() {
            put(out, name, format_args!("\"{text}\""));
        }
    }
    put(out, "position_side", format_args!("\"{}\"", request.position_side.as_str()));
    out.push('}');
}

/// What a settlement did, and how many fills of the account came before it. Ids and decimals need no escapes.
fn settlement_of(out: &mut String, settled: &Settled, fills: u64) {
    let _infallible = match settled {
        Settled::Funding { instrument: symbol, leg, amount } => write!(
            out,
            "{{\"amount\":\"{amount}\",\"fills\":{fills},\"position_side\":\"{}\",\"symbol\":\"{symbol}\"}}",
            leg.as_str()
        ),
        Settled::MarginCall { equity, maintenance, call_at } => write!(
            out,
            "{{\"call_at\":\"{call_at}\",\"equity\":\"{equity}\",\"fills\":{fills},\"maintenance\":\"{maintenance}\"}}"
        ),
        Settled::Liquidated { instrument: symbol, leg, side, quantity, price, realised, fee } => write!(
            out,
            "{{\"amount\":\"{realised}\",\"fee\":\"{fee}\",\"fills\":{fills},\"position_side\":\"{}\",\"price\":\"{price}\",\
             \"quantity\":\"{quantity}\",\"side\":\"{}\",\"symbol\":\"{symbol}\"}}",
            leg.as_str(),
            side.as_str()
        ),
        Settled::Deficit { currency, amount } => {
            write!(out, "{{\"amount\":\"{amount}\",\"currency\":\"{currency}\",\"fills\":{fills}}}")
        }
        Settled::Marked(MarkPrice { instrument: symbol, price }) => {
            write!(out, "{{\"fills\":{fills},\"price\":\"{price}\",\"symbol\":\"{symbol}\"}}")
        }
        Settled::TradingDay => write!(out, "{{\"fills\":{fills}}}"),
    };
}

fn amount(price: Price) -> Amount {
    Amount(price.raw())
}

fn intent<'a>(request: &'a OrderRequest, protective: bool, ts_event: i64, body: &'a str) -> Record<'a> {
    Record::Intent(Intent {
        client_order_id: &request.client_order_id,
        decision_id: &request.decision_id,
        mode: "paper",
        symbol: &request.symbol,
        side: request.side.as_str(),
        order_type: request.order_type.as_str(),
        quantity: Amount(request.quantity.raw()),
        price: request.order_type.price().map(amount),
        reference_price: amount(request.reference_price),
        reduce_only: request.reduce_only,
        stop_loss: request.stop_loss.map(amount),
        take_profit: request.take_profit.map(amount),
        protective,
        approved_by: if protective { "venue" } else { request.origin.as_str() },
        ts_event,
        body,
    })
}

impl Journal {
    /// A journal of an account that has `fills` fills in the log already.
    pub(super) fn new(log: OpsLog, run_id: String, account_id: String, level: Level, fills: u64) -> Self {
        Self { log, run_id, account_id, level, from: 1, fills, bodies: String::new(), ends: Vec::new() }
    }

    pub(super) const fn durability(&self) -> Durability {
        match self.level {
            Level::Journalled => Durability::Journalled,
            Level::Durable => Durability::Durable,
        }
    }

    /// Write every event that is not written yet, as one transaction.
    pub(super) fn flush(&mut self, desk: &ExecutionDesk, ts_init: i64) -> Result<(), OpsError> {
        let next = desk.events().next_number();
        if next == self.from {
            return Ok(());
        }
        let events = desk.events_since(self.from);
        let fills = self.write_bodies(events.clone());
        let (bodies, now) = (self.bodies.as_str(), desk.now().0);
        let mut start = 0;
        let bodies = self.ends.iter().map(|end| {
            let body = bodies.get(start..*end).unwrap_or("{}");
            start = *end;
            body
        });
        let records = events.zip(bodies).map(|(event, body)| match event {
            DeskEvent::Intent(request) => intent(request, false, now, body),
            DeskEvent::Attached(request) => intent(request, true, now, body),
            DeskEvent::Step(step) => Record::Event(OrderEvent {
                client_order_id: &step.client_order_id,
                seq: step.seq,
                event: step.event,
                state_before: step.state_before,
                state: step.state,
                ts_event: step.ts_event.0,
                reason: &step.reason,
            }),
            DeskEvent::Fill(fill) => Record::Fill(Fill {
                fill_id: &fill.fill_id,
                client_order_id: &fill.client_order_id,
                decision_id: &fill.decision_id,
                symbol: &fill.symbol,
                side: fill.side.as_str(),
                quantity: Amount(fill.quantity.raw()),
                price: Amount(fill.price.raw()),
                fee: Amount(fill.fee.raw()),
                realised_pnl: Amount(fill.realised.raw()),
                ts_event: fill.ts_event.0,
                reason: fill.reason,
            }),
            DeskEvent::Refused { client_order_id, ts_event, .. } => Record::Audit(Audit {
                kind: "verdict",
                reference: client_order_id,
                status: "refused",
                ts_event: ts_event.0,
                body,
            }),
            DeskEvent::Settled(settled) => Record::Audit(Audit {
                kind: "settlement",
                reference: &self.account_id,
                status: settled.as_str(),
                ts_event: now,
                body,
            }),
            DeskEvent::Risk(event) => {
                let status = match event.as_ref() {
                    RiskEvent::State(snapshot) => snapshot.state.state.as_str(),
                    RiskEvent::Warning(_) => "warning",
                };
                Record::Audit(Audit { kind: "risk", reference: &self.account_id, status, ts_event: now, body })
            }
        });
        let stamp = Stamp { ts_init, run_id: &self.run_id, account_id: &self.account_id };
        self.log.append_group(&stamp, records, self.level)?;
        (self.from, self.fills) = (next, fills);
        Ok(())
    }

    /// The bodies of these events; the fills of the account after them.
    fn write_bodies<'a>(&mut self, events: impl Iterator<Item = &'a DeskEvent>) -> u64 {
        let (out, mut fills) = (&mut self.bodies, self.fills);
        out.clear();
        self.ends.clear();
        for event in events {
            match event {
                DeskEvent::Intent(request) | DeskEvent::Attached(request) => body_of(out, request),
                DeskEvent::Refused { refused, .. } => {
                    out.push_str("{\"bound\":");
                    quoted(out, &refused.bound());
                    out.push_str(",\"rule\":");
                    quoted(out, refused.rule.name);
                    out.push_str(",\"value\":");
                    quoted(out, &refused.value());
                    out.push('}');
                }
                DeskEvent::Risk(event) => {
                    if let RiskEvent::State(snapshot) = event.as_ref() {
                        out.push_str("{\"by\":");
                        quoted(out, &snapshot.state.by);
                        out.push_str(",\"reason\":");
                        quoted(out, &snapshot.state.reason);
                        let _infallible = write!(out, ",\"since\":{}}}", snapshot.state.since.0);
                    } else {
                        out.push_str("{\"text\":");
                        quoted(out, &format!("{event:?}"));
                        out.push('}');
                    }
                }
                DeskEvent::Settled(settled) => settlement_of(out, settled, fills),
                DeskEvent::Fill(_) => fills += 1,
                DeskEvent::Step(_) => {}
            }
            self.ends.push(out.len());
        }
        fills
    }
}
