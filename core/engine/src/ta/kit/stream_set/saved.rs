//! A set as bytes and back, and its copies.

use serde::{Deserialize, Serialize};

use super::super::seal::{seal, unseal};
use super::super::{Seed, find};
use super::{Plan, StreamSet, StreamSetError, TaError, Wanted};

#[derive(Serialize, Deserialize)]
struct SavedPlan {
    label: String,
    name: String,
    params: Vec<f64>,
    seed: Seed,
    state: Vec<u8>,
}

#[derive(Serialize, Deserialize)]
struct Snapshot {
    kind: String,
    version: u8,
    symbols: Vec<String>,
    bars: Vec<u64>,
    values: Vec<f64>,
    plans: Vec<SavedPlan>,
}

const KIND: &str = "StreamSet";
const VERSION: u8 = 2;

impl StreamSet {
    /// The whole of it as bytes, for [`Self::restore`] in this or another process.
    ///
    /// # Errors
    /// [`TaError::Snapshot`] when a state cannot be written.
    pub fn snapshot(&self) -> Result<Vec<u8>, StreamSetError> {
        let save = |plan: &Plan| {
            let Wanted { label, spec, params, seed } = plan.wanted.clone();
            plan.lanes.save().map(|state| SavedPlan { label, name: spec.name.to_owned(), params, seed, state })
        };
        let snapshot = Snapshot {
            kind: KIND.to_owned(),
            version: VERSION,
            symbols: self.symbols.clone(),
            bars: self.bars.clone(),
            values: self.values.clone(),
            plans: self.plans.iter().map(save).collect::<Result<_, TaError>>()?,
        };
        seal(&snapshot).ok_or_else(|| TaError::Snapshot { what: "it cannot be written" }.into())
    }

    /// From [`Self::snapshot`]'s bytes.
    ///
    /// # Errors
    /// [`TaError::Snapshot`] for bytes that are cut, changed, or of something else.
    pub fn restore(bytes: &[u8]) -> Result<Self, StreamSetError> {
        let damaged = || TaError::Snapshot { what: "the bytes are damaged" };
        let saved: Snapshot = unseal(bytes).ok_or_else(damaged)?;
        if saved.kind != KIND || saved.version != VERSION {
            return Err(TaError::Snapshot { what: "it is of another kind or version" }.into());
        }
        let wanted = saved.plans.iter().map(|plan| {
            let (label, params, seed) = (plan.label.clone(), plan.params.clone(), plan.seed);
            find(&plan.name).map(|spec| Wanted { label, spec, params, seed })
        });
        let mut set = Self::new(wanted.collect::<Result<_, TaError>>()?, saved.symbols)?;
        if saved.values.len() != set.values.len() || saved.bars.len() != set.bars.len() {
            return Err(damaged().into());
        }
        for (plan, saved) in set.plans.iter_mut().zip(&saved.plans) {
            plan.lanes.load(&saved.state)?;
        }
        (set.bars, set.values) = (saved.bars, saved.values);
        Ok(set)
    }
}

impl Clone for StreamSet {
    fn clone(&self) -> Self {
        let plans = self.plans.iter().map(|Plan { wanted, columns, offset, count, places, lookback, lanes }| {
            let (wanted, columns, places) = (wanted.clone(), columns.clone(), places.clone());
            Plan {
                wanted,
                columns,
                offset: *offset,
                count: *count,
                places,
                lookback: *lookback,
                lanes: lanes.duplicate(),
            }
        });
        Self {
            plans: plans.collect(),
            names: self.names.clone(),
            symbols: self.symbols.clone(),
            places: self.places.clone(),
            bars: self.bars.clone(),
            values: self.values.clone(),
            nothing: self.nothing.clone(),
            read: self.read,
        }
    }
}
