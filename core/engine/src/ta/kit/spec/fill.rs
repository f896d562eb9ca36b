//! The one dispatcher: a kernel runs on the stretches of a series that have no gap.

use std::ops::Range;

use super::{Kind, MAX_SERIES, Memory, NanPolicy, Params, Policy, Spec, TaError, first_complete_bar, first_gap};

/// What an output is made of.
pub(super) trait Slot: Copy + 'static {
    /// What stands where there is no value.
    fn nothing(kind: Kind) -> Self;
}

impl Slot for f64 {
    fn nothing(kind: Kind) -> Self {
        kind.nothing()
    }
}

impl Slot for i32 {
    fn nothing(_: Kind) -> Self {
        0
    }
}

impl Spec {
    /// Cut the series into stretches without a gap and `run` the kernel on each: inputs, outputs, first bar of the outputs.
    pub(super) fn fill<T: Slot>(
        &self,
        inputs: &[&[f64]],
        params: &Params,
        policy: Policy,
        outputs: &mut [&mut [T]],
        run: impl Fn(&[&[f64]], &mut [&mut [T]], usize) -> Result<(), TaError>,
    ) -> Result<(), TaError> {
        let length = self.check_inputs(inputs)?;
        if outputs.len() != self.outputs.len() || outputs.iter().any(|output| output.len() != length) {
            return Err(TaError::OutputShape { name: self.name, expected: self.outputs.len(), length });
        }
        let lookback = (self.lookback)(params)?;
        if self.self_checking {
            match self.stretch(inputs, lookback, 0..length, outputs, &run) {
                Err(TaError::NotClean) => {}
                done => return done,
            }
        }
        let gap = first_gap(inputs, 0);
        if let (Some((bar, input)), NanPolicy::Raise) = (gap, policy.nan) {
            let value = inputs.get(input).and_then(|series| series.get(bar)).copied().unwrap_or(f64::NAN);
            let input = self.inputs.get(input).map_or("input", |input| input.name());
            return Err(TaError::Gap { name: self.name, input, value, bar });
        }
        if gap.is_none() {
            return self.stretch(inputs, lookback, 0..length, outputs, &run);
        }
        let begin = first_complete_bar(inputs, length);
        self.blank(outputs, 0, begin);
        if self.memory == Memory::Bar {
            return self.stretch(inputs, lookback, begin..length, outputs, &run);
        }
        let mut start = begin;
        while start < length {
            let end = first_gap(inputs, start).map_or(length, |(bar, _)| bar);
            self.stretch(inputs, lookback, start..end, outputs, &run)?;
            let rest =
                if self.memory == Memory::History && policy.nan == NanPolicy::Propagate { length } else { end + 1 };
            self.blank(outputs, end, rest.min(length));
            start = rest;
        }
        Ok(())
    }

    /// Run the kernel on some bars as on a series of their own.
    fn stretch<T: Slot>(
        &self,
        inputs: &[&[f64]],
        lookback: usize,
        Range { start, end }: Range<usize>,
        outputs: &mut [&mut [T]],
        run: &impl Fn(&[&[f64]], &mut [&mut [T]], usize) -> Result<(), TaError>,
    ) -> Result<(), TaError> {
        let first = start.saturating_add(lookback).min(end);
        self.blank(outputs, start, first);
        if first == end {
            let gap = first_gap(inputs, start).filter(|(bar, _)| *bar < end);
            return if gap.is_some() { Err(TaError::NotClean) } else { Ok(()) };
        }
        let wiring = || TaError::Wiring { what: "series" };
        let mut cut: [&[f64]; MAX_SERIES] = [&[]; MAX_SERIES];
        for (slot, input) in cut.iter_mut().zip(inputs) {
            *slot = input.get(start..end).ok_or_else(wiring)?;
        }
        let count = outputs.len();
        let mut tails: [&mut [T]; MAX_SERIES] = Default::default();
        for (slot, output) in tails.iter_mut().zip(outputs.iter_mut()) {
            *slot = output.get_mut(first..end).ok_or_else(wiring)?;
        }
        let cut = cut.get(..inputs.len()).ok_or_else(wiring)?;
        run(cut, tails.get_mut(..count).ok_or_else(wiring)?, first)
    }

    /// Write "no value" into bars `start..end`.
    fn blank<T: Slot>(&self, outputs: &mut [&mut [T]], start: usize, end: usize) {
        for (output, declared) in outputs.iter_mut().zip(self.outputs) {
            if let Some(slots) = output.get_mut(start..end) {
                slots.fill(T::nothing(declared.kind));
            }
        }
    }
}
