//! The processor's tables as Arrow columns. A table's vectors become the columns' memory; what has another width in
//! Arrow (flags, decimals, VWAP) is made here, once a row.

use std::sync::Arc;

use deepalpha_engine::stream::output::{self, flags};
use pyo3::prelude::*;

use crate::arrow_batch::{Bits, Column, Columns, Text};
use crate::error::{Kind, raise};

/// Units of 1e-8 in one.
const ONE: f64 = 1e8;
/// Units of 1e-16 in one.
const ONE_SQUARED: f64 = 1e16;
/// How prices and quantities leave the core.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Numbers {
    /// float64: the nearest to the exact number, up to 90 million with eight decimals.
    Float,
    /// decimal128 with eight decimals: exact.
    Decimal,
}

impl Numbers {
    pub(crate) fn parse(name: &str) -> PyResult<Self> {
        match name {
            "float" => Ok(Self::Float),
            "decimal" => Ok(Self::Decimal),
            other => {
                Err(raise(Kind::MarketData, format!("numbers={other:?} is unknown; take \"float\" or \"decimal\"")))
            }
        }
    }

    #[expect(clippy::cast_precision_loss, reason = "said at Numbers::Float")]
    fn narrow(self, units: Vec<i64>) -> Column {
        match self {
            Self::Float => Column::Float64(units.into_iter().map(|units| units as f64 / ONE).collect()),
            Self::Decimal => Column::Decimal { units: units.into_iter().map(i128::from).collect(), wide: false },
        }
    }

    #[expect(clippy::cast_precision_loss, reason = "said at Numbers::Float")]
    fn wide(self, units: Vec<i128>) -> Column {
        match self {
            Self::Float => Column::Float64(units.into_iter().map(|units| units as f64 / ONE).collect()),
            Self::Decimal => Column::Decimal { units, wide: true },
        }
    }
}

/// What the numbers of a stream's tables stand for.
pub(crate) struct Labels {
    /// Names of the symbols, then one for "nobody knows".
    symbols: Arc<Text>,
    unknown_symbol: i32,
    /// Names of the bars in the order of the settings, then one for "no bars".
    bars: Arc<Text>,
    no_bars: i32,
    aggressors: Arc<Text>,
    kinds: Arc<Text>,
    reasons: Arc<Text>,
    /// Union of the indicator outputs of all bars, in order of appearance.
    indicators: Vec<String>,
    /// For each of the bars, which of the union each of its outputs is.
    places: Vec<Vec<usize>>,
    numbers: Numbers,
}

const KINDS: [&str; 18] = [
    "gap",
    "gap_filled",
    "id_reset",
    "revision",
    "quarantined",
    "released",
    "discarded",
    "evicted",
    "late",
    "bad",
    "stale",
    "resumed",
    "clock_skew",
    "clock_agreed",
    "resync",
    "status",
    "skipped",
    "hurried",
];
const REASONS: [&str; 15] = [
    "",
    "price",
    "off_grid",
    "quantity",
    "future",
    "time",
    "unknown_symbol",
    "halted",
    "conflict",
    "spike",
    "unreadable",
    "crossed",
    "shape",
    "chain",
    "checksum",
];

fn whole(codes: impl IntoIterator<Item = u32>) -> Vec<i32> {
    codes.into_iter().map(|code| i32::try_from(code).unwrap_or(i32::MAX)).collect()
}

fn bits(flags: &[u8], flag: u8) -> Column {
    Column::Bool(flags.iter().map(|all| all & flag != 0).collect::<Bits>())
}

type Named = Vec<(String, Column)>;

fn named<const N: usize>(columns: [(&str, Column); N]) -> Named {
    columns.into_iter().map(|(name, column)| (name.to_owned(), column)).collect()
}

impl Labels {
    /// `outputs`: names of the indicator outputs of each of the bars.
    pub(crate) fn new(
        symbols: &[String],
        bars: &[String],
        outputs: &[Vec<String>],
        numbers: Numbers,
    ) -> PyResult<Self> {
        let mut indicators: Vec<String> = Vec::new();
        let mut place_of = |name: &String| {
            indicators.iter().position(|known| known == name).unwrap_or_else(|| {
                indicators.push(name.clone());
                indicators.len() - 1
            })
        };
        let places = outputs.iter().map(|names| names.iter().map(&mut place_of).collect()).collect();
        let text = |names: &[String]| Text::new(names.iter().map(String::as_str).chain([""])).map(Arc::new);
        Ok(Self {
            symbols: text(symbols)?,
            unknown_symbol: i32::try_from(symbols.len()).unwrap_or(i32::MAX),
            bars: text(bars)?,
            no_bars: i32::try_from(bars.len()).unwrap_or(i32::MAX),
            aggressors: Arc::new(Text::new(["unknown", "buyer", "seller"])?),
            kinds: Arc::new(Text::new(KINDS)?),
            reasons: Arc::new(Text::new(REASONS)?),
            indicators,
            places,
            numbers,
        })
    }

    fn symbol(&self, codes: Vec<u32>) -> Column {
        let last = self.unknown_symbol;
        let codes = whole(codes).into_iter().map(|code| code.min(last)).collect();
        Column::Symbol { codes, names: Arc::clone(&self.symbols) }
    }

    fn bars(&self, codes: Vec<u16>) -> Column {
        let codes = codes.into_iter().map(|code| i32::from(code).min(self.no_bars)).collect();
        Column::Symbol { codes, names: Arc::clone(&self.bars) }
    }

    pub(crate) fn trades(&self, table: output::Trades) -> PyResult<Columns> {
        let aggressor = whole(table.aggressor.into_iter().map(u32::from));
        Columns::new(named([
            ("symbol", self.symbol(table.symbol)),
            ("ts_event", Column::Int64(table.ts_event)),
            ("ts_init", Column::Int64(table.ts_init)),
            ("trade_id", Column::UInt64(table.trade_id)),
            ("price", self.numbers.narrow(table.price)),
            ("quantity", self.numbers.narrow(table.quantity)),
            ("aggressor", Column::Symbol { codes: aggressor, names: Arc::clone(&self.aggressors) }),
            ("behind", bits(&table.flags, flags::BEHIND)),
            ("released", bits(&table.flags, flags::RELEASED)),
        ]))
    }

    pub(crate) fn quotes(&self, table: output::Quotes) -> PyResult<Columns> {
        Columns::new(named([
            ("symbol", self.symbol(table.symbol)),
            ("ts_event", Column::Int64(table.ts_event)),
            ("ts_init", Column::Int64(table.ts_init)),
            ("update_id", Column::UInt64(table.update_id)),
            ("bid", self.numbers.narrow(table.bid)),
            ("bid_quantity", self.numbers.narrow(table.bid_quantity)),
            ("ask", self.numbers.narrow(table.ask)),
            ("ask_quantity", self.numbers.narrow(table.ask_quantity)),
            ("crossed", bits(&table.flags, flags::CROSSED)),
        ]))
    }

    #[expect(clippy::cast_precision_loss, reason = "a VWAP is a statistic: float64")]
    pub(crate) fn candles(&self, table: output::Bars) -> PyResult<Columns> {
        let vwap = table.notional.iter().zip(&table.volume).map(|(notional, volume)| {
            (*notional as f64 / ONE_SQUARED) / (*volume as f64 / ONE) // NaN for a bar without volume
        });
        Columns::new(named([
            ("symbol", self.symbol(table.symbol)),
            ("bars", self.bars(table.bars)),
            ("ts_open", Column::Int64(table.ts_open)),
            ("ts_event", Column::Int64(table.ts_event)),
            ("vwap", Column::Float64(vwap.collect())),
            ("open", self.numbers.narrow(table.open)),
            ("high", self.numbers.narrow(table.high)),
            ("low", self.numbers.narrow(table.low)),
            ("close", self.numbers.narrow(table.close)),
            ("volume", self.numbers.wide(table.volume)),
            ("buy_volume", self.numbers.wide(table.buy_volume)),
            ("trades", Column::UInt64(table.trades)),
            ("first_id", Column::UInt64(table.first_id)),
            ("last_id", Column::UInt64(table.last_id)),
            ("revision", Column::Int64(table.revision.into_iter().map(i64::from).collect())),
            ("incomplete", bits(&table.flags, flags::INCOMPLETE)),
            ("revised", bits(&table.flags, flags::REVISED)),
            ("carried", bits(&table.flags, flags::CARRIED)),
            ("partial", bits(&table.flags, flags::PARTIAL)),
            ("oversize", bits(&table.flags, flags::OVERSIZE)),
        ]))
    }

    /// A column for each indicator output of any bars; NaN where the row's bars have it not.
    pub(crate) fn indicators(&self, table: output::IndicatorValues) -> PyResult<Columns> {
        let rows = table.symbol.len();
        let width = table.values.len().checked_div(rows).unwrap_or(0);
        let mut columns = vec![vec![f64::NAN; rows]; self.indicators.len()];
        for (row, (kind, values)) in table.bars.iter().zip(table.values.chunks(width.max(1))).enumerate() {
            let places = self.places.get(usize::from(*kind)).map_or(&[] as &[usize], Vec::as_slice);
            for (place, value) in places.iter().zip(values) {
                if let Some(slot) = columns.get_mut(*place).and_then(|column| column.get_mut(row)) {
                    *slot = *value;
                }
            }
        }
        let mut all = named([
            ("symbol", self.symbol(table.symbol)),
            ("bars", self.bars(table.bars)),
            ("ts_open", Column::Int64(table.ts_open)),
            ("ts_event", Column::Int64(table.ts_event)),
            ("revision", Column::Int64(table.revision.into_iter().map(i64::from).collect())),
        ]);
        all.extend(self.indicators.iter().cloned().zip(columns.into_iter().map(Column::Float64)));
        Columns::new(all)
    }

    pub(crate) fn venue_bars(&self, table: output::VenueBars) -> PyResult<Columns> {
        Columns::new(named([
            ("symbol", self.symbol(table.symbol)),
            ("length", Column::Int64(table.length)),
            ("closed", Column::Bool(table.closed.into_iter().map(|closed| closed != 0).collect())),
            ("ts_open", Column::Int64(table.ts_open)),
            ("open", self.numbers.narrow(table.open)),
            ("high", self.numbers.narrow(table.high)),
            ("low", self.numbers.narrow(table.low)),
            ("close", self.numbers.narrow(table.close)),
            ("volume", self.numbers.narrow(table.volume)),
            ("trades", Column::UInt64(table.trades)),
            ("ts_event", Column::Int64(table.ts_event)),
            ("ts_init", Column::Int64(table.ts_init)),
        ]))
    }

    pub(crate) fn events(&self, table: output::Events) -> PyResult<Columns> {
        let coded = |codes: Vec<u8>, names: &Arc<Text>| Column::Symbol {
            codes: whole(codes.into_iter().map(u32::from)),
            names: Arc::clone(names),
        };
        Columns::new(named([
            ("symbol", self.symbol(table.symbol)),
            ("event", coded(table.kind, &self.kinds)),
            ("reason", coded(table.reason, &self.reasons)),
            ("bars", self.bars(table.bars)),
            ("ts_event", Column::Int64(table.ts_event)),
            ("ts_init", Column::Int64(table.ts_init)),
            ("from", Column::UInt64(table.from)),
            ("to", Column::UInt64(table.to)),
            ("price", self.numbers.narrow(table.price)),
            ("quantity", self.numbers.narrow(table.quantity)),
            ("value", Column::Int64(table.value)),
        ]))
    }
}
