//! An indicator that takes one bar after the other.

use serde::{Deserialize, Serialize};

use super::seal::{seal, unseal};
use super::spec::MAX_SERIES;
use super::state::Stream;
use super::{Kind, Seed, Spec, TaError, find};

/// A running indicator: the values of the last bar, and the state for the next.
///
/// Fed with the bars of a series it shows, bar by bar, the bits that [`Spec::compute`] gives for the whole of it.
pub struct Live {
    spec: &'static Spec,
    params: Vec<f64>,
    seed: Seed,
    /// Incomplete bars in front of the first one taken in.
    skipped: u64,
    /// Bars taken in.
    bars: u64,
    values: [f64; MAX_SERIES],
    stream: Box<dyn Stream>,
}

/// What [`Live::snapshot`] writes.
#[derive(Serialize, Deserialize)]
struct Snapshot {
    version: u8,
    name: String,
    params: Vec<f64>,
    seed: Seed,
    skipped: u64,
    bars: u64,
    values: Vec<f64>,
    state: Vec<u8>,
}

const VERSION: u8 = 2;

impl Live {
    /// Before the first bar; missing parameters take their defaults.
    ///
    /// # Errors
    /// As [`Spec::bind`]; [`TaError::NoStream`] for an indicator whose past values change.
    pub fn new(spec: &'static Spec, params: &[f64], seed: Seed) -> Result<Self, TaError> {
        let bound = spec.bind(params, seed)?;
        let make = spec.stream.ok_or(TaError::NoStream { name: spec.name })?;
        let mut values = [f64::NAN; MAX_SERIES];
        for (slot, output) in values.iter_mut().zip(spec.outputs) {
            *slot = output.kind.nothing();
        }
        Ok(Self { spec, params: bound.values().to_vec(), seed, skipped: 0, bars: 0, values, stream: make(&bound)? })
    }

    /// Which indicator it is.
    #[must_use]
    pub const fn spec(&self) -> &'static Spec {
        self.spec
    }

    /// Its parameters, complete.
    #[must_use]
    pub fn params(&self) -> &[f64] {
        &self.params
    }

    /// How its recursive averages began.
    #[must_use]
    pub const fn seed(&self) -> Seed {
        self.seed
    }

    /// Bars taken in so far.
    #[must_use]
    pub const fn bars(&self) -> u64 {
        self.bars
    }

    /// The values of the last bar, one an output; NaN (0 for whole outputs) while there are none.
    #[must_use]
    pub fn values(&self) -> &[f64] {
        self.values.get(..self.spec.outputs.len()).unwrap_or(&self.values)
    }

    /// Take a series in: complete bars before the first of which NaN are skipped, as in [`Spec::compute`].
    ///
    /// # Errors
    /// As [`Self::update`], naming the bar; then nothing has been taken in.
    pub fn extend(&mut self, inputs: &[&[f64]]) -> Result<(), TaError> {
        let length = self.spec.check_inputs(inputs)?;
        let begin = if self.bars == 0 { super::spec::first_complete_bar(inputs, length) } else { 0 };
        if let Some((bar, input)) = super::spec::first_gap(inputs, begin) {
            let value = inputs.get(input).and_then(|series| series.get(bar)).copied().unwrap_or(f64::NAN);
            return Err(self.not_finite(input, value, format!(" at bar {bar}")));
        }
        self.skipped += u64::try_from(begin).unwrap_or(u64::MAX);
        let mut row = [0.0; MAX_SERIES];
        for bar in begin..length {
            for (slot, input) in row.iter_mut().zip(inputs) {
                *slot = input.get(bar).copied().unwrap_or(f64::NAN);
            }
            self.step(row.get(..inputs.len()).unwrap_or_default());
        }
        Ok(())
    }

    /// Take the next bar in, one number an input; the values of that bar.
    ///
    /// # Errors
    /// [`TaError::InputCount`] and [`TaError::NotFinite`]; the state is as it was before.
    pub fn update(&mut self, bar: &[f64]) -> Result<&[f64], TaError> {
        self.check(bar)?;
        self.step(bar);
        Ok(self.values())
    }

    /// What [`Self::update`] would answer for a bar that is still forming, written into `out`; nothing changes.
    ///
    /// # Errors
    /// As [`Self::update`].
    pub fn peek(&self, bar: &[f64], out: &mut [f64]) -> Result<(), TaError> {
        self.check(bar)?;
        if self.stream.peek(bar, out) {
            place(self.spec, self.skipped + self.bars, out);
        } else {
            out.iter_mut().zip(self.values()).for_each(|(slot, nothing)| *slot = *nothing);
        }
        Ok(())
    }

    fn step(&mut self, bar: &[f64]) {
        let Self { spec, values, stream, .. } = self;
        let written = values.get_mut(..spec.outputs.len()).is_some_and(|values| stream.next(bar, values));
        if written {
            place(spec, self.skipped + self.bars, &mut self.values);
        }
        self.bars += 1;
    }

    /// Whether [`Self::update`] would take a bar in.
    ///
    /// # Errors
    /// As [`Self::update`].
    pub fn check(&self, bar: &[f64]) -> Result<(), TaError> {
        if bar.len() != self.spec.inputs.len() {
            return Err(self.spec.wrong_count(bar.len()));
        }
        match bar.iter().position(|value| !value.is_finite()) {
            Some(input) => {
                let value = bar.get(input).copied().unwrap_or(f64::NAN);
                Err(self.not_finite(input, value, String::new()))
            }
            None => Ok(()),
        }
    }

    fn not_finite(&self, input: usize, value: f64, place: String) -> TaError {
        let input = self.spec.inputs.get(input).map_or("input", |input| input.name());
        TaError::NotFinite { name: self.spec.name, input, value, place }
    }

    /// The whole of it as bytes, for [`Self::restore`] in this or another process.
    ///
    /// # Errors
    /// [`TaError::Snapshot`] when the state cannot be written.
    pub fn snapshot(&self) -> Result<Vec<u8>, TaError> {
        let snapshot = Snapshot {
            version: VERSION,
            name: self.spec.name.to_owned(),
            params: self.params.clone(),
            seed: self.seed,
            skipped: self.skipped,
            bars: self.bars,
            values: self.values().to_vec(),
            state: self.stream.save()?,
        };
        seal(&snapshot).ok_or(TaError::Snapshot { what: "it cannot be written" })
    }

    /// From [`Self::snapshot`]'s bytes.
    ///
    /// # Errors
    /// [`TaError::Snapshot`] for bytes that are cut, changed or of another version; else as [`Self::new`].
    pub fn restore(bytes: &[u8]) -> Result<Self, TaError> {
        let snapshot: Snapshot = unseal(bytes).ok_or(TaError::Snapshot { what: "the bytes are damaged" })?;
        if snapshot.version != VERSION {
            return Err(TaError::Snapshot { what: "it was written by another version" });
        }
        let mut live = Self::new(find(&snapshot.name)?, &snapshot.params, snapshot.seed)?;
        live.stream.load(&snapshot.state)?;
        (live.skipped, live.bars) = (snapshot.skipped, snapshot.bars);
        live.values.iter_mut().zip(&snapshot.values).for_each(|(slot, value)| *slot = *value);
        Ok(live)
    }
}

impl Clone for Live {
    fn clone(&self) -> Self {
        let Self { spec, params, seed, skipped, bars, values, stream } = self;
        let stream = stream.duplicate();
        Self { spec, params: params.clone(), seed: *seed, skipped: *skipped, bars: *bars, values: *values, stream }
    }
}

/// Where an output is a place: from how many bars ago at bar `bar` to the place in the series.
#[expect(clippy::cast_precision_loss, reason = "counts are far below 2^53")]
fn place(spec: &Spec, bar: u64, values: &mut [f64]) {
    for (value, declared) in values.iter_mut().zip(spec.outputs) {
        if declared.kind == Kind::Index {
            *value = bar as f64 - *value;
        }
    }
}
