//! The whole state as bytes: a restart in the middle of a bar goes on as if nothing had happened (rule 21).

use serde::{Deserialize, Serialize};

use super::counters::Counts;
use super::symbol::SymbolState;
use super::{Processor, ProcessorConfig, ProcessorError, SymbolTerms};
use crate::stream::output::Output;
use crate::stream::quality::Quarantine;
use crate::ta::kit::seal::{seal, unseal};
use crate::types::StateHasher;

const KIND: &str = "StreamProcessor";
const VERSION: u8 = 2;

/// States of the indicators of one kind of bars of one symbol.
type Study = Option<(Vec<u8>, Option<Vec<u8>>)>;

#[derive(Serialize, Deserialize)]
struct Saved {
    kind: String,
    version: u8,
    /// Of the settings and symbols: a state fits only what made it.
    settings: u64,
    states: Vec<SymbolState>,
    studies: Vec<Vec<Study>>,
    quarantine: Quarantine,
    out: Output,
    unknown: Counts,
    service: u64,
    arrivals: u64,
}

impl Processor {
    /// The whole state, with what waits in the output.
    ///
    /// # Errors
    /// [`ProcessorError`] when a state cannot be written.
    pub fn snapshot(&self) -> Result<Vec<u8>, ProcessorError> {
        let study = |study: &Option<super::Studies>| study.as_ref().map(super::Studies::snapshot).transpose();
        let of_symbol = |studies: &Vec<Option<super::Studies>>| studies.iter().map(study).collect::<Result<_, _>>();
        let saved = Saved {
            kind: KIND.to_owned(),
            version: VERSION,
            settings: settings(&self.config, &self.symbols),
            states: self.states.clone(),
            studies: self.studies.iter().map(of_symbol).collect::<Result<_, _>>()?,
            quarantine: self.quarantine.clone(),
            out: self.out.clone(),
            unknown: self.unknown,
            service: self.service,
            arrivals: self.arrivals,
        };
        seal(&saved).ok_or(ProcessorError::Snapshot("it cannot be written"))
    }

    /// From [`Self::snapshot`]'s bytes, with the settings and symbols of the one that was saved.
    ///
    /// # Errors
    /// [`ProcessorError`] for bytes that are cut, changed, or of other settings.
    pub fn restore(config: ProcessorConfig, symbols: Vec<SymbolTerms>, bytes: &[u8]) -> Result<Self, ProcessorError> {
        let mut made = Self::new(config, symbols)?;
        let saved: Saved = unseal(bytes).ok_or(ProcessorError::Snapshot("the bytes are damaged"))?;
        if saved.kind != KIND || saved.version != VERSION {
            return Err(ProcessorError::Snapshot("it is of another kind or version"));
        }
        if saved.settings != settings(&made.config, &made.symbols) {
            return Err(ProcessorError::Snapshot("it was made with other settings or symbols"));
        }
        for (studies, saved) in made.studies.iter_mut().flatten().zip(saved.studies.iter().flatten()) {
            if let (Some(studies), Some((live, settled))) = (studies, saved) {
                studies.restore(live, settled.as_deref())?;
            }
        }
        made.states = saved.states;
        made.quarantine = saved.quarantine;
        made.out = saved.out;
        (made.unknown, made.service, made.arrivals) = (saved.unknown, saved.service, saved.arrivals);
        Ok(made)
    }

    /// One word for the whole state, output included: equal for equal histories.
    ///
    /// # Errors
    /// As [`Self::snapshot`].
    pub fn digest(&self) -> Result<u64, ProcessorError> {
        let mut hasher = StateHasher::new();
        hasher.bytes(&self.snapshot()?);
        Ok(hasher.finish())
    }
}

fn settings(config: &ProcessorConfig, symbols: &[SymbolTerms]) -> u64 {
    let mut hasher = StateHasher::new();
    let wanted = config.bars.iter().map(|plan| {
        let indicators = plan.indicators.iter().map(|one| (&one.label, one.spec.name, &one.params, one.seed));
        (plan.kind, indicators.collect::<Vec<_>>())
    });
    hasher.text(&format!("{:?}", wanted.collect::<Vec<_>>()));
    let rest = ProcessorConfig { bars: Vec::new(), ..config.clone() };
    hasher.text(&format!("{rest:?}{symbols:?}"));
    hasher.finish()
}
