//! The fast path: intents, order events and fills as typed records, written in groups.
//!
//! Invariants: a group is one transaction, all of it or none; rows get their ids in the order of the records; amounts
//! are written as the same decimal text as everywhere else. Nothing is allocated for a row: statements are prepared
//! once and kept, text is bound where it lies, amounts are written into a buffer on the stack.
//! Cost: one commit a group, so many records in one group share one `fdatasync` ([`Level::Durable`]).

use rusqlite::{CachedStatement, Connection};

use super::log::is_unique_violation;
use super::{Level, OpsError, OpsLog};

/// A count of 1e-8 units, written as plain decimal text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Amount(pub i64);

/// Columns that every row has.
#[derive(Clone, Copy, Debug)]
pub struct Stamp<'a> {
    /// UTC ns by our clock.
    pub ts_init: i64,
    /// One start of a process.
    pub run_id: &'a str,
    /// One session or account.
    pub account_id: &'a str,
}

/// An approved order, before the wire.
#[derive(Clone, Copy, Debug)]
pub struct Intent<'a> {
    /// Its id, never reused.
    pub client_order_id: &'a str,
    /// The decision or command it comes from.
    pub decision_id: &'a str,
    /// `practice`, `paper` or `live`.
    pub mode: &'a str,
    /// Instrument.
    pub symbol: &'a str,
    /// `buy` or `sell`.
    pub side: &'a str,
    /// Order type.
    pub order_type: &'a str,
    /// How much.
    pub quantity: Amount,
    /// Limit price, else trigger price.
    pub price: Option<Amount>,
    /// Price the decision was taken at.
    pub reference_price: Amount,
    /// May only shrink a position.
    pub reduce_only: bool,
    /// Protective stop.
    pub stop_loss: Option<Amount>,
    /// Target.
    pub take_profit: Option<Amount>,
    /// Made by the venue for another order.
    pub protective: bool,
    /// A person, `auto` or `venue`.
    pub approved_by: &'a str,
    /// UTC ns by the venue's clock.
    pub ts_event: i64,
    /// Everything else as canonical JSON.
    pub body: &'a str,
}

/// One step of an order.
#[derive(Clone, Copy, Debug)]
pub struct OrderEvent<'a> {
    /// The order.
    pub client_order_id: &'a str,
    /// Number of the step, from 1.
    pub seq: u32,
    /// What happened.
    pub event: &'a str,
    /// State before.
    pub state_before: &'a str,
    /// State after.
    pub state: &'a str,
    /// UTC ns by the venue's clock.
    pub ts_event: i64,
    /// Why, in words.
    pub reason: &'a str,
}

/// One execution.
#[derive(Clone, Copy, Debug)]
pub struct Fill<'a> {
    /// Its id, the key that makes it idempotent.
    pub fill_id: &'a str,
    /// The order.
    pub client_order_id: &'a str,
    /// The decision or command behind it.
    pub decision_id: &'a str,
    /// Instrument.
    pub symbol: &'a str,
    /// `buy` or `sell`.
    pub side: &'a str,
    /// How much.
    pub quantity: Amount,
    /// At what price.
    pub price: Amount,
    /// Fee, positive when paid.
    pub fee: Amount,
    /// Profit taken by this fill, before fees.
    pub realised_pnl: Amount,
    /// UTC ns by the venue's clock.
    pub ts_event: i64,
    /// Why it was filled.
    pub reason: &'a str,
}

/// Anything else worth keeping.
#[derive(Clone, Copy, Debug)]
pub struct Audit<'a> {
    /// What it is about.
    pub kind: &'a str,
    /// Which one.
    pub reference: &'a str,
    /// How it stands.
    pub status: &'a str,
    /// UTC ns by the venue's clock.
    pub ts_event: i64,
    /// Canonical JSON.
    pub body: &'a str,
}

/// A record of the fast path.
#[derive(Clone, Copy, Debug)]
pub enum Record<'a> {
    /// Before the wire.
    Intent(Intent<'a>),
    /// A step.
    Event(OrderEvent<'a>),
    /// An execution.
    Fill(Fill<'a>),
    /// A verdict, a state, a start.
    Audit(Audit<'a>),
}

const INTENT: &str = "INSERT INTO order_intent (ts_init, run_id, account_id, client_order_id, decision_id, mode, \
     symbol, side, type, quantity, price, reference_price, reduce_only, stop_loss, take_profit, protective, \
     approved_by, ts_event, body) VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)";
const EVENT: &str = "INSERT INTO order_event (ts_init, run_id, account_id, client_order_id, seq, event, state_before, \
     state, ts_event, reason) VALUES (?,?,?,?,?,?,?,?,?,?)";
const FILL: &str = "INSERT INTO fill (ts_init, run_id, account_id, fill_id, client_order_id, decision_id, symbol, \
     side, quantity, price, fee, realised_pnl, ts_event, reason) VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?)";
const AUDIT: &str =
    "INSERT INTO audit (ts_init, run_id, account_id, kind, ref, status, ts_event, body) VALUES (?,?,?,?,?,?,?,?)";

/// Decimal text of an amount in a buffer of its own: sign, eleven digits, point, eight digits.
struct Decimal {
    bytes: [u8; 24],
    start: usize,
    end: usize,
}

impl Decimal {
    fn new(Amount(raw): Amount) -> Self {
        const DECIMALS: u32 = 8;
        let mut text = Self { bytes: [b'0'; 24], start: 24, end: 24 };
        let mut rest = raw.unsigned_abs();
        let mut trailing = true;
        for place in 0.. {
            if place > DECIMALS && rest == 0 {
                break;
            }
            let digit = u8::try_from(rest % 10).unwrap_or_default();
            rest /= 10;
            if place == DECIMALS && !trailing {
                text.put(b'.');
            }
            if place < DECIMALS && trailing && digit == 0 {
                continue;
            }
            trailing &= place >= DECIMALS;
            text.put(b'0' + digit);
        }
        if raw < 0 {
            text.put(b'-');
        }
        text
    }

    fn put(&mut self, byte: u8) {
        self.start = self.start.saturating_sub(1);
        if let Some(place) = self.bytes.get_mut(self.start) {
            *place = byte;
        }
    }

    fn as_str(&self) -> &str {
        self.bytes.get(self.start..self.end).and_then(|bytes| std::str::from_utf8(bytes).ok()).unwrap_or_default()
    }
}

/// A statement and the next parameter of it.
struct Binder<'s, 'c> {
    statement: &'s mut CachedStatement<'c>,
    next: usize,
}

impl Binder<'_, '_> {
    fn text(&mut self, text: &str) -> rusqlite::Result<&mut Self> {
        self.bind(text)
    }

    fn amount(&mut self, amount: Amount) -> rusqlite::Result<&mut Self> {
        self.bind(Decimal::new(amount).as_str())
    }

    fn maybe(&mut self, amount: Option<Amount>) -> rusqlite::Result<&mut Self> {
        match amount {
            Some(amount) => self.amount(amount),
            None => self.bind(rusqlite::types::Null),
        }
    }

    fn bind(&mut self, value: impl rusqlite::ToSql) -> rusqlite::Result<&mut Self> {
        self.next += 1;
        self.statement.raw_bind_parameter(self.next, value)?;
        Ok(self)
    }
}

/// A transaction: what is not committed is rolled back. Unlike rusqlite's own its statements are prepared once and kept,
/// which of a group with one order in it was a tenth.
struct Group<'c>(&'c Connection);

impl<'c> Group<'c> {
    fn begin(connection: &'c Connection) -> rusqlite::Result<Self> {
        connection.prepare_cached("BEGIN IMMEDIATE")?.raw_execute()?;
        Ok(Self(connection))
    }

    fn commit(self) -> rusqlite::Result<()> {
        self.0.prepare_cached("COMMIT")?.raw_execute().map(drop)
    }
}

impl Drop for Group<'_> {
    fn drop(&mut self) {
        if !self.0.is_autocommit() {
            // What failed before is told; the next group would fail at its beginning.
            let _not_open = self.0.execute_batch("ROLLBACK");
        }
    }
}

/// The statements of a group, each taken from the connection, which keeps them, when it is needed.
struct Statements<'c> {
    connection: &'c Connection,
    intent: Option<CachedStatement<'c>>,
    event: Option<CachedStatement<'c>>,
    fill: Option<CachedStatement<'c>>,
    audit: Option<CachedStatement<'c>>,
}

impl<'c> Statements<'c> {
    const fn new(connection: &'c Connection) -> Self {
        Self { connection, intent: None, event: None, fill: None, audit: None }
    }

    fn insert(&mut self, stamp: &Stamp<'_>, record: &Record<'_>) -> rusqlite::Result<()> {
        let (kept, sql) = match record {
            Record::Intent(_) => (&mut self.intent, INTENT),
            Record::Event(_) => (&mut self.event, EVENT),
            Record::Fill(_) => (&mut self.fill, FILL),
            Record::Audit(_) => (&mut self.audit, AUDIT),
        };
        let statement = match kept {
            Some(statement) => statement,
            None => kept.insert(self.connection.prepare_cached(sql)?),
        };
        let mut binder = Binder { statement: &mut *statement, next: 0 };
        binder.bind(stamp.ts_init)?.text(stamp.run_id)?.text(stamp.account_id)?;
        match record {
            Record::Intent(row) => {
                binder.text(row.client_order_id)?.text(row.decision_id)?.text(row.mode)?.text(row.symbol)?;
                binder.text(row.side)?.text(row.order_type)?.amount(row.quantity)?.maybe(row.price)?;
                binder.amount(row.reference_price)?.bind(row.reduce_only)?.maybe(row.stop_loss)?;
                binder.maybe(row.take_profit)?.bind(row.protective)?.text(row.approved_by)?;
                binder.bind(row.ts_event)?.text(row.body)?;
            }
            Record::Event(row) => {
                binder.text(row.client_order_id)?.bind(row.seq)?.text(row.event)?.text(row.state_before)?;
                binder.text(row.state)?.bind(row.ts_event)?.text(row.reason)?;
            }
            Record::Fill(row) => {
                binder.text(row.fill_id)?.text(row.client_order_id)?.text(row.decision_id)?.text(row.symbol)?;
                binder.text(row.side)?.amount(row.quantity)?.amount(row.price)?.amount(row.fee)?;
                binder.amount(row.realised_pnl)?.bind(row.ts_event)?.text(row.reason)?;
            }
            Record::Audit(row) => {
                binder.text(row.kind)?.text(row.reference)?.text(row.status)?.bind(row.ts_event)?.text(row.body)?;
            }
        }
        statement.raw_execute().map(drop)
    }
}

impl Record<'_> {
    const fn table(&self) -> &'static str {
        match self {
            Self::Intent(_) => "order_intent",
            Self::Event(_) => "order_event",
            Self::Fill(_) => "fill",
            Self::Audit(_) => "audit",
        }
    }
}

impl OpsLog {
    /// Append a group of records as one transaction; returns how many were written.
    ///
    /// # Errors
    /// A key that is in the log already, or a file that cannot be written: nothing of the group is written then.
    pub fn append_group<'a>(
        &mut self,
        stamp: &Stamp<'_>,
        records: impl IntoIterator<Item = Record<'a>>,
        level: Level,
    ) -> Result<usize, OpsError> {
        self.at_level(level)?;
        let (path, writer) = self.writer();
        let classify = |error| Self::classify(path, error);
        let group = Group::begin(writer).map_err(classify)?;
        let mut statements = Statements::new(writer);
        let mut written = 0;
        for record in records {
            statements.insert(stamp, &record).map_err(|error| match error.sqlite_error() {
                Some(cause) if is_unique_violation(cause.extended_code) => {
                    OpsError::Duplicate { table: record.table().to_owned(), detail: error.to_string() }
                }
                _ => classify(error),
            })?;
            written += 1;
        }
        drop(statements);
        group.commit().map_err(classify)?;
        Ok(written)
    }
}

#[cfg(test)]
mod tests {
    use super::{Amount, Decimal};

    #[test]
    fn amounts_are_written_as_plain_decimals() {
        for (raw, text) in [
            (0, "0"),
            (1, "0.00000001"),
            (-1, "-0.00000001"),
            (50_000_000, "0.5"),
            (100_000_000, "1"),
            (-1_230_000_000, "-12.3"),
            (1_000_000_000_000, "10000"),
            (i64::MAX, "92233720368.54775807"),
            (i64::MIN, "-92233720368.54775808"),
        ] {
            assert_eq!(Decimal::new(Amount(raw)).as_str(), text);
        }
    }
}
