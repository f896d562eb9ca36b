//! Rule 5: how far the venue's clock is ahead of ours, and whether a time is further in the future than that explains.
//!
//! The skew is an exponentially weighted mean of `ts_event - ts_init` in integers (weight 1/64 once 64 messages came).
//! It holds the delay of the network too: a venue's clock that agrees with ours shows as a small negative skew.

use serde::{Deserialize, Serialize};

const WEIGHT: i64 = 64;

/// A change of the alarm.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Alarm {
    Raised,
    Cleared,
}

/// The estimated skew of one symbol's stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(crate) struct Skew {
    estimate: i64,
    messages: i64,
    alarmed: bool,
}

impl Skew {
    /// Estimated lead of the venue's clock over ours, in ns.
    pub(crate) const fn estimate(&self) -> i64 {
        self.estimate
    }

    /// Whether a lead is more than `most` beyond the estimated skew.
    #[inline]
    pub(crate) fn future(&self, lead: i64, most: i64) -> bool {
        // One message may move the estimate by no more than the bound itself, so no row of wrong times can lift it
        // above twice the bound.
        lead > most.saturating_add(self.estimate.clamp(0, most))
    }

    /// Take a lead in.
    #[inline]
    pub(crate) fn take(&mut self, lead: i64, most: i64, alarm: i64) -> Option<Alarm> {
        let lead = lead.clamp(-most, most);
        if self.messages < WEIGHT {
            self.messages += 1;
            self.estimate += (lead - self.estimate) / self.messages;
        } else {
            self.estimate += (lead - self.estimate) / WEIGHT;
        }
        // An alarm clears at three quarters of its level, so that a skew at the level does not ring at each message.
        let level = self.estimate.saturating_abs();
        match self.alarmed {
            false if level > alarm => self.alarmed = true,
            true if level < alarm / 4 * 3 => self.alarmed = false,
            _ => return None,
        }
        Some(if self.alarmed { Alarm::Raised } else { Alarm::Cleared })
    }
}
