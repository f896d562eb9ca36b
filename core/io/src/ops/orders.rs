//! The order manager's records in the log, and back.
//!
//! | record | table |
//! |---|---|
//! | intent, adopted | `order_intent` |
//! | event | `order_event` |
//! | fill | `fill`, and the step it makes in `order_event` |
//! | everything else | `audit` with `kind` = the record's |
//!
//! The columns are for people and queries; `body` holds the whole entry as JSON, and replay reads nothing else. Entries
//! are numbered without a gap, so a row that is missing or stands twice is found by [`OrderManager::replay`].
//!
//! [`OrderManager::replay`]: deepalpha_engine::execution::OrderManager::replay

use std::collections::HashMap;

use deepalpha_engine::execution::{FillRecord, LogEntry, OrderEvent, Record};
use deepalpha_engine::orders::OrderRequest;
use deepalpha_engine::portfolio::Portfolio;
use deepalpha_engine::types::{ClientOrderId, Money, SourceId, TradeId};

use super::{Level, OpsError, OpsLog, Row, Value};

/// Writes the entries of one account; one writer an account.
#[derive(Debug)]
pub struct OrderJournal {
    run_id: String,
    account_id: String,
    mode: &'static str,
    /// For the realised profit of a fill, which the manager does not know.
    portfolio: Portfolio,
    /// The decision behind each order, for its fills.
    decisions: HashMap<ClientOrderId, SourceId>,
}

impl OrderJournal {
    /// A journal of an account. `run_id` is one start of a process; `mode` is `practice`, `paper` or `live`.
    #[must_use]
    pub fn new(run_id: &str, account_id: &str, mode: &'static str) -> Self {
        let (run_id, account_id) = (run_id.to_owned(), account_id.to_owned());
        Self { run_id, account_id, mode, portfolio: Portfolio::new(Money::ZERO), decisions: HashMap::new() }
    }

    /// The account's entries, in order; the journal is brought to where they left the account.
    ///
    /// # Errors
    /// A file that cannot be read, or a body that is no entry.
    pub fn read(&mut self, log: &OpsLog) -> Result<Vec<LogEntry>, OpsError> {
        let found = log.select(ENTRIES, &[Value::Text(self.account_id.clone())])?;
        let mut entries = Vec::new();
        for cell in found.values.into_iter().flatten() {
            let Value::Text(body) = cell else { continue };
            let entry: LogEntry = serde_json::from_str(&body).map_err(|error| OpsError::Damaged {
                path: "ops.sqlite".to_owned(),
                detail: format!("an order record cannot be read: {error}"),
            })?;
            entries.push(entry);
        }
        entries.sort_by_key(|entry| entry.seq);
        for entry in &entries {
            match &entry.record {
                Record::Intent(request) => {
                    self.decisions.insert(request.client_order_id, request.decision_id);
                }
                Record::Fill(record) => {
                    self.book(record)?;
                }
                _ => {}
            }
        }
        Ok(entries)
    }

    /// Append entries as one transaction.
    ///
    /// # Errors
    /// As [`OpsLog::append`]; nothing is written then.
    pub fn append(&mut self, log: &mut OpsLog, entries: &[LogEntry], level: Level) -> Result<(), OpsError> {
        let before = self.portfolio.clone();
        let written = self.rows(entries).and_then(|rows| log.append(&rows, level));
        if written.is_err() {
            self.portfolio = before;
        }
        written.map(|_ids| ())
    }

    fn rows(&mut self, entries: &[LogEntry]) -> Result<Vec<Row>, OpsError> {
        let mut rows = Vec::with_capacity(entries.len());
        for entry in entries {
            let body = body(entry)?;
            match &entry.record {
                Record::Intent(request) => {
                    self.decisions.insert(request.client_order_id, request.decision_id);
                    rows.push(self.intent(entry, request, body));
                }
                Record::Adopted(adoption) => {
                    let order = &adoption.order;
                    let order_type = order.price.map_or("market", |_| "limit");
                    let mut cells = self.common(entry);
                    cells.extend([
                        text("client_order_id", &order.client_order_id),
                        text("decision_id", ADOPTED),
                        text("mode", self.mode),
                        text("symbol", &order.symbol),
                        text("side", order.side.as_str()),
                        text("type", order_type),
                        text("quantity", &order.quantity.to_string()),
                        maybe("price", order.price.map(|price| price.to_string())),
                        text("reference_price", &order.price.unwrap_or_default().to_string()),
                        integer("reduce_only", 0),
                        integer("protective", 0),
                        text("approved_by", "operator"),
                        integer("ts_event", order.updated_at.0),
                        text("body", &body),
                    ]);
                    rows.push(row("order_intent", cells));
                }
                Record::Event(event) => rows.push(self.event(entry, event, body)),
                Record::Fill(record) => {
                    rows.push(self.step_of(entry, record));
                    rows.push(self.fill(entry, record, body)?);
                }
                other => {
                    let mut cells = self.common(entry);
                    cells.extend([
                        text("kind", other.kind()),
                        text("ref", &other.reference()),
                        text("status", "recorded"),
                        integer("ts_event", entry.ts_init.0),
                        text("body", &body),
                    ]);
                    rows.push(row("audit", cells));
                }
            }
        }
        Ok(rows)
    }

    fn common(&self, entry: &LogEntry) -> Vec<(String, Value)> {
        vec![integer("ts_init", entry.ts_init.0), text("run_id", &self.run_id), text("account_id", &self.account_id)]
    }

    fn intent(&self, entry: &LogEntry, request: &OrderRequest, body: String) -> Row {
        let mut cells = self.common(entry);
        cells.extend([
            text("client_order_id", &request.client_order_id),
            text("decision_id", &request.decision_id),
            text("mode", self.mode),
            text("symbol", &request.symbol),
            text("side", request.side.as_str()),
            text("type", request.order_type.as_str()),
            text("quantity", &request.quantity.to_string()),
            maybe("price", request.order_type.price().map(|price| price.to_string())),
            text("reference_price", &request.reference_price.to_string()),
            integer("reduce_only", i64::from(request.reduce_only)),
            maybe("stop_loss", request.stop_loss.map(|price| price.to_string())),
            maybe("take_profit", request.take_profit.map(|price| price.to_string())),
            integer("protective", 0),
            text("approved_by", request.origin.as_str()),
            integer("ts_event", entry.ts_init.0),
            text("body", &body),
        ]);
        row("order_intent", cells)
    }

    fn event(&self, entry: &LogEntry, event: &OrderEvent, body: String) -> Row {
        let mut cells = self.common(entry);
        cells.extend([
            text("client_order_id", &event.client_order_id),
            integer("seq", i64::from(event.number)),
            text("event", event.event.as_str()),
            text("state_before", event.before.as_str()),
            text("state", event.after.as_str()),
            integer("ts_event", event.ts_event.0),
            text("reason", event.reason.as_str()),
            text("body", &body),
        ]);
        row("order_event", cells)
    }

    fn step_of(&self, entry: &LogEntry, record: &FillRecord) -> Row {
        let mut cells = self.common(entry);
        cells.extend([
            text("client_order_id", &record.fill.client_order_id),
            integer("seq", i64::from(record.number)),
            text("event", "fill"),
            text("state_before", record.before.as_str()),
            text("state", record.after.as_str()),
            integer("ts_event", record.fill.ts_event.0),
            text("reason", record.reason.as_str()),
        ]);
        row("order_event", cells)
    }

    fn fill(&mut self, entry: &LogEntry, record: &FillRecord, body: String) -> Result<Row, OpsError> {
        let fill = &record.fill;
        let realised = self.book(record)?;
        let decision = self.decisions.get(&fill.client_order_id).map_or(ADOPTED, SourceId::as_str).to_owned();
        let mut cells = self.common(entry);
        cells.extend([
            // Trade ids are unique for an account and an instrument only.
            text("fill_id", &format!("{}|{}|{}", self.account_id, fill.symbol, fill.trade_id)),
            text("client_order_id", &fill.client_order_id),
            text("decision_id", &decision),
            text("symbol", &fill.symbol),
            text("side", fill.side.as_str()),
            text("quantity", &fill.quantity.to_string()),
            text("price", &fill.price.to_string()),
            text("fee", &fill.fee.to_string()),
            text("realised_pnl", &realised.to_string()),
            integer("ts_event", fill.ts_event.0),
            text("reason", if record.synthetic { "synthetic: adopted from the venue" } else { "venue" }),
            text("body", &body),
        ]);
        Ok(row("fill", cells))
    }

    fn book(&mut self, record: &FillRecord) -> Result<Money, OpsError> {
        let fill = &record.fill;
        let id = TradeId::parse(&fill.trade_id).unwrap_or_default();
        self.portfolio.book(&fill.symbol, fill.side, fill.quantity, fill.price, fill.fee, &id).map_err(|error| {
            OpsError::Damaged { path: "ops.sqlite".to_owned(), detail: format!("fill {}: {error}", fill.trade_id) }
        })
    }
}

/// The decision of an order that was taken over from the venue.
const ADOPTED: &str = "adopted";

const ENTRIES: &str = "
    SELECT body FROM order_intent WHERE account_id = ?1 AND body LIKE '{\"seq\":%'
    UNION ALL SELECT body FROM order_event WHERE account_id = ?1 AND body LIKE '{\"seq\":%'
    UNION ALL SELECT body FROM fill WHERE account_id = ?1 AND body LIKE '{\"seq\":%'
    UNION ALL SELECT body FROM audit WHERE account_id = ?1 AND body LIKE '{\"seq\":%'
";

fn body(entry: &LogEntry) -> Result<String, OpsError> {
    serde_json::to_string(entry).map_err(|error| OpsError::Unwritable { detail: error.to_string() })
}

fn row(table: &str, cells: Vec<(String, Value)>) -> Row {
    Row { table: table.to_owned(), cells }
}

fn text(name: &str, value: &str) -> (String, Value) {
    (name.to_owned(), Value::Text(value.to_owned()))
}

fn maybe(name: &str, value: Option<String>) -> (String, Value) {
    (name.to_owned(), value.map_or(Value::Null, Value::Text))
}

fn integer(name: &str, value: i64) -> (String, Value) {
    (name.to_owned(), Value::Integer(value))
}
