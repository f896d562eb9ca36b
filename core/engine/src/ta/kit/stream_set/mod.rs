//! Many indicators of many symbols, updated in one call.

mod error;
mod saved;

use std::collections::HashMap;

pub use error::StreamSetError;

use super::abreast::{Abreast, BAR, Place, Row};
use super::wanted::COLUMN_NAMES;
use super::{Kind, TaError, Wanted};

/// One indicator of the set, for all symbols.
struct Plan {
    wanted: Wanted,
    /// Column of a row each input reads.
    columns: Vec<usize>,
    /// First slot of its outputs in a symbol's results.
    offset: usize,
    /// How many outputs it has.
    count: usize,
    /// Outputs that are a bar's place in the series, which a state gives as how many bars ago.
    places: Vec<usize>,
    /// Bars before the first value.
    lookback: u64,
    lanes: Box<dyn Abreast>,
}

impl Plan {
    /// Make places of what bar `bar` of a symbol gave.
    fn settle(&self, bar: u64, slots: &mut [f64]) {
        if bar < self.lookback {
            return;
        }
        for place in &self.places {
            if let Some(slot) = slots.get_mut(*place) {
                #[expect(clippy::cast_precision_loss, reason = "counts are far below 2^53")]
                let here = bar as f64;
                *slot = here - *slot;
            }
        }
    }

    fn slots<'a>(&self, results: &'a mut [f64]) -> &'a mut [f64] {
        results.get_mut(self.offset..self.offset + self.count).unwrap_or_default()
    }
}

const fn is_place(kind: Kind) -> bool {
    match kind {
        Kind::Float | Kind::Int32 => false,
        Kind::Index => true,
    }
}

/// `k` outputs of some indicators for each of `m` symbols, bar by bar; each with the bits [`Live`](super::Live) shows.
///
/// A call is all or nothing: every row is checked before the first state moves. An update costs O(k) a symbol.
pub struct StreamSet {
    plans: Vec<Plan>,
    names: Vec<String>,
    symbols: Vec<String>,
    places: HashMap<String, usize>,
    /// Bars taken in, a symbol.
    bars: Vec<u64>,
    /// Results of the last bars, a row a symbol.
    values: Vec<f64>,
    /// A row of results before the first value.
    nothing: Vec<f64>,
    /// Columns that some indicator reads: the others may hold anything.
    read: [bool; BAR],
}

impl StreamSet {
    /// Before the first bar of every symbol.
    ///
    /// # Errors
    /// No indicator or no symbol; a name twice; parameters out of bounds; an indicator that cannot be streamed.
    pub fn new(wanted: Vec<Wanted>, symbols: Vec<String>) -> Result<Self, StreamSetError> {
        if wanted.is_empty() || symbols.is_empty() {
            return Err(StreamSetError::Empty);
        }
        let (mut plans, mut names, mut nothing) = (Vec::with_capacity(wanted.len()), Vec::new(), Vec::new());
        let mut read = [false; BAR];
        for wanted in wanted {
            let make = wanted.spec.stream.ok_or(TaError::NoStream { name: wanted.spec.name })?;
            let params = wanted.spec.bind(&wanted.params, wanted.seed)?;
            let lanes = make(&params)?.abreast(symbols.len());
            let lookback = u64::try_from((wanted.spec.lookback)(&params)?).unwrap_or(u64::MAX);
            let outputs = wanted.spec.outputs.iter().enumerate();
            let places = outputs.filter(|(_, output)| is_place(output.kind)).map(|(place, _)| place).collect();
            let of_a_bar = wanted.columns().into_iter().zip(wanted.spec.inputs).map(|(column, input)| {
                column.ok_or(StreamSetError::NotInABar { name: wanted.spec.name, input: input.name() })
            });
            let (columns, offset) = (of_a_bar.collect::<Result<Vec<usize>, _>>()?, names.len());
            let count = wanted.spec.outputs.len();
            read.iter_mut().enumerate().for_each(|(column, read)| *read |= columns.contains(&column));
            names.extend(wanted.names());
            nothing.extend(wanted.spec.outputs.iter().map(|output| output.kind.nothing()));
            plans.push(Plan { wanted, columns, offset, count, places, lookback, lanes });
        }
        no_twin("result", &names)?;
        no_twin("symbol", &symbols)?;
        let places = symbols.iter().enumerate().map(|(place, symbol)| (symbol.clone(), place)).collect();
        let (bars, values) = (vec![0; symbols.len()], nothing.repeat(symbols.len()));
        Ok(Self { plans, names, symbols, places, bars, values, nothing, read })
    }

    /// Names of the results of a symbol, in order.
    #[must_use]
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// The symbols, in the order of the rows.
    #[must_use]
    pub fn symbols(&self) -> &[String] {
        &self.symbols
    }

    /// Bars taken in, a symbol.
    #[must_use]
    pub fn bars(&self) -> &[u64] {
        &self.bars
    }

    /// Results of the last bars, a row a symbol; NaN (0 for whole outputs) where there is none yet.
    #[must_use]
    pub fn values(&self) -> &[f64] {
        &self.values
    }

    /// The row of a symbol.
    ///
    /// # Errors
    /// [`StreamSetError::UnknownSymbol`].
    pub fn lane(&self, symbol: &str) -> Result<usize, StreamSetError> {
        self.places.get(symbol).copied().ok_or_else(|| StreamSetError::UnknownSymbol {
            name: symbol.to_owned(),
            count: self.symbols.len(),
            first: self.symbols.first().cloned().unwrap_or_default(),
        })
    }

    /// One symbol's next bar; its results.
    ///
    /// # Errors
    /// [`StreamSetError::NotFinite`]; nothing has changed then.
    pub fn update(&mut self, lane: usize, row: &Row) -> Result<&[f64], StreamSetError> {
        self.check(lane, row, String::new)?;
        self.step(lane, row);
        let width = self.names.len();
        Ok(self.values.get(lane * width..(lane + 1) * width).unwrap_or_default())
    }

    /// A symbol's history, oldest first.
    ///
    /// # Errors
    /// As [`Self::update`], naming the bar; nothing has changed then.
    pub fn extend(&mut self, lane: usize, rows: &[Row]) -> Result<(), StreamSetError> {
        for (bar, row) in rows.iter().enumerate() {
            self.check(lane, row, || format!(" at bar {bar}"))?;
        }
        rows.iter().for_each(|row| self.step(lane, row));
        Ok(())
    }

    /// The next bar of every symbol, in the order of [`Self::symbols`]. With `skip`, symbols whose row has no finite
    /// number are left as they are; which ones is the answer.
    ///
    /// # Errors
    /// Not one row a symbol; [`StreamSetError::NotFinite`] without `skip`. Nothing has changed then.
    pub fn update_many(&mut self, rows: &[Row], skip: bool) -> Result<Vec<usize>, StreamSetError> {
        let (skipped, left_out) = self.screen(rows, skip)?;
        let width = self.names.len();
        for plan in &mut self.plans {
            let place = Place { width, offset: plan.offset };
            plan.lanes.next_all(rows, &skipped, &plan.columns, &mut self.values, place);
            if !plan.places.is_empty() {
                let symbols = self.values.chunks_exact_mut(width).zip(&self.bars).zip(&skipped);
                let taken = symbols.filter(|(_, skip)| !**skip);
                taken.for_each(|((results, bars), _)| plan.settle(*bars, plan.slots(results)));
            }
        }
        self.bars.iter_mut().zip(&skipped).for_each(|(bars, skip)| *bars += u64::from(!skip));
        Ok(left_out)
    }

    /// What [`Self::update`] would answer for a bar that is still forming; nothing changes.
    ///
    /// # Errors
    /// As [`Self::update`].
    pub fn peek(&self, lane: usize, row: &Row) -> Result<Vec<f64>, StreamSetError> {
        self.check(lane, row, String::new)?;
        let mut out = self.nothing.clone();
        let bar = self.bars.get(lane).copied().unwrap_or(0);
        for plan in &self.plans {
            let slots = plan.slots(&mut out);
            plan.lanes.peek(lane, row, &plan.columns, slots);
            plan.settle(bar, slots);
        }
        Ok(out)
    }

    /// What [`Self::update_many`] would answer; nothing changes. Skipped symbols get no values.
    ///
    /// # Errors
    /// As [`Self::update_many`].
    pub fn peek_many(&self, rows: &[Row], skip: bool) -> Result<(Vec<f64>, Vec<usize>), StreamSetError> {
        let (skipped, left_out) = self.screen(rows, skip)?;
        let mut out = Vec::with_capacity(self.values.len());
        for (lane, (row, skip)) in rows.iter().zip(skipped).enumerate() {
            out.extend(if skip { self.nothing.clone() } else { self.peek(lane, row)? });
        }
        Ok((out, left_out))
    }

    /// A row of results with no value in it.
    #[must_use]
    pub fn nothing(&self) -> &[f64] {
        &self.nothing
    }

    fn step(&mut self, lane: usize, row: &Row) {
        let width = self.names.len();
        let (Some(mut results), Some(bars)) =
            (self.values.get_mut(lane * width..(lane + 1) * width), self.bars.get_mut(lane))
        else {
            return;
        };
        // Plans lie one behind the other in the results.
        for plan in &mut self.plans {
            let Some((slots, others)) = results.split_at_mut_checked(plan.count) else { return };
            plan.lanes.next(lane, row, &plan.columns, slots);
            if !plan.places.is_empty() {
                plan.settle(*bars, slots);
            }
            results = others;
        }
        *bars += 1;
    }

    /// The first column some indicator reads that holds no finite number.
    fn broken(&self, row: &Row) -> Option<usize> {
        row.iter().zip(self.read).position(|(value, read)| read && !value.is_finite())
    }

    fn check(&self, lane: usize, row: &Row, place: impl Fn() -> String) -> Result<(), StreamSetError> {
        match self.broken(row) {
            None => Ok(()),
            Some(column) => Err(StreamSetError::NotFinite {
                symbol: self.symbols.get(lane).cloned().unwrap_or_default(),
                column: COLUMN_NAMES.get(column).copied().unwrap_or("column"),
                value: row.get(column).copied().unwrap_or(f64::NAN),
                place: place(),
            }),
        }
    }

    /// Which rows to leave out.
    fn screen(&self, rows: &[Row], skip: bool) -> Result<(Vec<bool>, Vec<usize>), StreamSetError> {
        if rows.len() != self.symbols.len() {
            return Err(StreamSetError::Rows { expected: self.symbols.len(), given: rows.len() });
        }
        if !skip {
            rows.iter().enumerate().try_for_each(|(lane, row)| self.check(lane, row, String::new))?;
        }
        let skipped: Vec<bool> = rows.iter().map(|row| self.broken(row).is_some()).collect();
        let left_out = skipped.iter().enumerate().filter_map(|(lane, skip)| skip.then_some(lane)).collect();
        Ok((skipped, left_out))
    }
}

fn no_twin(what: &'static str, names: &[String]) -> Result<(), StreamSetError> {
    let mut seen = std::collections::HashSet::with_capacity(names.len());
    match names.iter().find(|name| !seen.insert(*name)) {
        Some(name) => Err(StreamSetError::Twice { what, name: name.clone() }),
        None => Ok(()),
    }
}
