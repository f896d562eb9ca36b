//! Messages of a venue from Python: a kind and its fields. Amounts are str, Decimal or int.

use deepalpha_engine::execution::{
    FillReport, RejectKind, Snapshot, VenueOrder, VenuePosition, VenueReport, VenueStatus,
};
use deepalpha_engine::types::{
    AmountError, ClientOrderId, Money, Price, Quantity, SignedQuantity, Symbol, TradeId, UtcNanos,
};
use pyo3::prelude::*;
use pyo3::types::PyDict;

use super::super::convert::{amount, id, position_side, side};
use crate::error::{Kind, raise};

/// A report with everything it borrows.
pub(super) enum Told {
    Plain(VenueReport<'static>),
    Snapshot { snapshot: u64, orders: Vec<VenueOrder>, fills: Vec<FillReport>, positions: Vec<VenuePosition> },
}

impl Told {
    pub(super) fn as_report(&self) -> VenueReport<'_> {
        match self {
            Self::Plain(report) => *report,
            Self::Snapshot { snapshot, orders, fills, positions } => {
                VenueReport::Snapshot(Snapshot { snapshot: *snapshot, orders, fills, positions })
            }
        }
    }
}

/// The fields of one message.
struct Fields<'a, 'py> {
    kind: &'a str,
    given: &'a Bound<'py, PyDict>,
}

impl<'py> Fields<'_, 'py> {
    fn get(&self, name: &str) -> PyResult<Option<Bound<'py, PyAny>>> {
        Ok(self.given.get_item(name)?.filter(|value| !value.is_none()))
    }

    fn need(&self, name: &str) -> PyResult<Bound<'py, PyAny>> {
        self.get(name)?.ok_or_else(|| raise(Kind::Order, format!("a venue's {} needs {name}", self.kind)))
    }

    fn text(&self, name: &str) -> PyResult<String> {
        self.need(name)?.str()?.extract()
    }

    fn amount<T>(&self, name: &str, parse: impl Fn(&str) -> Result<T, AmountError>) -> PyResult<T> {
        amount(&self.need(name)?, parse)
    }

    fn optional<T>(&self, name: &str, parse: impl Fn(&str) -> Result<T, AmountError>) -> PyResult<Option<T>> {
        self.get(name)?.map(|value| amount(&value, parse)).transpose()
    }

    fn order_id(&self) -> PyResult<ClientOrderId> {
        id(&self.text("client_order_id")?, ClientOrderId::parse)
    }

    fn symbol(&self) -> PyResult<Symbol> {
        id(&self.text("symbol")?, Symbol::parse)
    }

    fn leg(&self) -> PyResult<deepalpha_engine::orders::PositionSide> {
        self.get("position_side")?.map_or(Ok(Default::default()), |leg| position_side(&leg.str()?.extract::<String>()?))
    }

    fn at(&self, name: &str) -> PyResult<UtcNanos> {
        self.need(name)?.extract().map(UtcNanos)
    }

    fn number(&self, name: &str) -> PyResult<u64> {
        self.need(name)?.extract()
    }

    fn reject(&self) -> PyResult<RejectKind> {
        Ok(match self.get("why")?.map(|why| why.str()?.extract::<String>()).transpose()?.as_deref() {
            None | Some("refused") => RejectKind::Refused,
            Some("duplicate_id") => RejectKind::DuplicateId,
            Some("too_late") => RejectKind::TooLate,
            Some("rate_limited") => RejectKind::RateLimited { retry_after: self.need("retry_after")?.extract()? },
            Some(other) => {
                let known = "refused, duplicate_id, too_late or rate_limited";
                return Err(raise(Kind::Order, format!("a venue's {} has why {other:?}, not {known}", self.kind)));
            }
        })
    }

    fn list<T>(&self, name: &str, each: impl Fn(&Fields<'_, 'py>) -> PyResult<T>) -> PyResult<Vec<T>> {
        let row = |row: PyResult<Bound<'py, PyAny>>| {
            let given = row?.cast_into::<PyDict>().map_err(PyErr::from)?;
            each(&Fields { kind: name, given: &given })
        };
        self.need(name)?.try_iter()?.map(row).collect()
    }
}

fn fill(fields: &Fields<'_, '_>) -> PyResult<FillReport> {
    Ok(FillReport {
        client_order_id: fields.order_id()?,
        trade_id: id(&fields.text("trade_id")?, TradeId::parse)?,
        symbol: fields.symbol()?,
        position_side: fields.leg()?,
        side: side(&fields.text("side")?)?,
        quantity: fields.amount("quantity", Quantity::parse)?,
        price: fields.amount("price", Price::parse)?,
        fee: fields.optional("fee", Money::parse)?.unwrap_or_default(),
        ts_event: fields.at("ts_event")?,
    })
}

fn venue_order(fields: &Fields<'_, '_>) -> PyResult<VenueOrder> {
    let status = match fields.text("status")?.as_str() {
        "working" => VenueStatus::Working,
        "filled" => VenueStatus::Filled,
        "cancelled" => VenueStatus::Cancelled,
        "expired" => VenueStatus::Expired,
        "rejected" => VenueStatus::Rejected,
        other => {
            let known = "working, filled, cancelled, expired or rejected";
            return Err(raise(Kind::Order, format!("a venue's order has status {other:?}, not {known}")));
        }
    };
    Ok(VenueOrder {
        client_order_id: fields.order_id()?,
        symbol: fields.symbol()?,
        position_side: fields.leg()?,
        side: side(&fields.text("side")?)?,
        quantity: fields.amount("quantity", Quantity::parse)?,
        price: fields.optional("price", Price::parse)?,
        filled: fields.amount("filled", Quantity::parse)?,
        status,
        updated_at: fields.at("ts_event")?,
    })
}

fn position(fields: &Fields<'_, '_>) -> PyResult<VenuePosition> {
    Ok(VenuePosition {
        symbol: fields.symbol()?,
        position_side: fields.leg()?,
        quantity: fields.amount("quantity", SignedQuantity::parse)?,
        average_price: fields.optional("average_price", Price::parse)?.unwrap_or_default(),
    })
}

/// A message by its kind.
pub(super) fn parse(kind: &str, given: &Bound<'_, PyDict>) -> PyResult<Told> {
    let fields = Fields { kind, given };
    Ok(Told::Plain(match kind {
        "accepted" => VenueReport::Accepted { client_order_id: fields.order_id()?, ts_event: fields.at("ts_event")? },
        "rejected" => VenueReport::Rejected {
            client_order_id: fields.order_id()?,
            kind: fields.reject()?,
            ts_event: fields.at("ts_event")?,
        },
        "fill" => VenueReport::Fill(fill(&fields)?),
        "cancelled" => VenueReport::Cancelled {
            client_order_id: fields.order_id()?,
            filled: fields.optional("filled", Quantity::parse)?,
            ts_event: fields.at("ts_event")?,
        },
        "expired" => VenueReport::Expired {
            client_order_id: fields.order_id()?,
            filled: fields.optional("filled", Quantity::parse)?,
            ts_event: fields.at("ts_event")?,
        },
        "cancel_rejected" => VenueReport::CancelRejected {
            client_order_id: fields.order_id()?,
            kind: fields.reject()?,
            ts_event: fields.at("ts_event")?,
        },
        "amended" => VenueReport::Amended {
            client_order_id: fields.order_id()?,
            quantity: fields.amount("quantity", Quantity::parse)?,
            price: fields.optional("limit_price", Price::parse)?,
            ts_event: fields.at("ts_event")?,
        },
        "amend_rejected" => VenueReport::AmendRejected {
            client_order_id: fields.order_id()?,
            kind: fields.reject()?,
            ts_event: fields.at("ts_event")?,
        },
        "triggered" => VenueReport::Triggered { client_order_id: fields.order_id()?, ts_event: fields.at("ts_event")? },
        "maybe" => VenueReport::Maybe { client_order_id: fields.order_id()? },
        "status" => VenueReport::Status { query: fields.number("query")?, order: venue_order(&fields)? },
        "not_found" => VenueReport::NotFound { query: fields.number("query")?, client_order_id: fields.order_id()? },
        "busy" => VenueReport::Busy { retry_after: fields.need("retry_after")?.extract()? },
        "link_up" => VenueReport::LinkUp,
        "link_down" => VenueReport::LinkDown,
        "snapshot" => {
            return Ok(Told::Snapshot {
                snapshot: fields.number("snapshot")?,
                orders: fields.list("orders", venue_order)?,
                fills: fields.list("fills", fill)?,
                positions: fields.list("positions", position)?,
            });
        }
        other => return Err(raise(Kind::Order, format!("a venue tells no {other:?}"))),
    }))
}
