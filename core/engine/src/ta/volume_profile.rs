//! Volume by price over a rolling window. O(n * timeperiod * bins a bar covers).

use serde::{Deserialize, Serialize};

use super::kit::ring::Ring;
use super::kit::{Input, Memory, Output, Param, Params, Spec, State, TaError, batch, float, streaming};

/// `VOLUME_PROFILE`.
pub const SPEC: Spec = Spec {
    name: "VOLUME_PROFILE",
    group: "Volume Indicators",
    self_checking: false,
    doc: "Volume by price over the last timeperiod bars: the price with the most volume and the area around it that holds value_area of all. A bar's volume is spread evenly over its range (platforms with tick data count trades). The area grows by the larger of the next two bins above and the next two below, above when equal (CBOT's rule; some grow bin by bin). NaN where nothing was traded.",
    formula: "range of the window in `bins` equal bins; vpoc = middle of the bin with most volume (the lowest of equals); area: from that bin, pairs of bins until it holds value_area of the volume; its upper and lower edge",
    source: "J. Peter Steidlmayer, CBOT Market Profile, Chicago Board of Trade, 1985 (handbook of 1991)",
    inputs: &[Input::High, Input::Low, Input::Volume],
    params: &[
        Param::period("timeperiod", 100.0, 1.0, "bars in the window"),
        Param::whole("bins", 24.0, 2.0, 1000.0, "price bins between the window's low and high"),
        Param::between("value_area", 0.7, 0.0, 1.0, "share of the volume that the area holds"),
    ],
    outputs: &[
        Output::float("vpoc", "volume point of control: where most was traded"),
        Output::float("value_area_high", "upper edge of the value area"),
        Output::float("value_area_low", "lower edge of the value area"),
    ],
    lookback: |params| Ok(params.int(0)? - 1),
    memory: Memory::Window,
    seeded: false,
    kernel: batch::<Rolling, 3, 3>,
    stream: Some(streaming::<Rolling, 3, 3>),
};

/// Volumes that differ by a smaller share than this are equal: their sums were made in another order.
const EQUAL: f64 = 1e-12;

/// Volume by price.
#[derive(Clone, Debug, PartialEq)]
pub struct Profile {
    /// Lower edge of the first bin.
    pub lowest: f64,
    /// Upper edge of the last bin.
    pub highest: f64,
    /// Volume of each bin from the lowest price up.
    pub volumes: Vec<f64>,
}

impl Profile {
    /// Lower edge of a bin; of one past the last the upper edge of that.
    #[must_use]
    pub fn edge(&self, bin: usize) -> f64 {
        let bins = self.volumes.len();
        if bin >= bins { self.highest } else { self.lowest + (self.highest - self.lowest) * float(bin) / float(bins) }
    }

    /// The bin with the most volume, the lowest of equals; none when nothing was traded.
    #[must_use]
    pub fn control(&self) -> Option<usize> {
        let most = self.volumes.iter().copied().fold(0.0, f64::max);
        let found = self.volumes.iter().position(|volume| *volume > 0.0 && *volume >= most * (1.0 - EQUAL));
        found.filter(|_| most.is_finite())
    }

    /// First and last bin of the area around [`Self::control`] that holds `share` of the volume.
    #[must_use]
    pub fn value_area(&self, share: f64) -> Option<(usize, usize)> {
        let control = self.control()?;
        let volume = |bins: std::ops::Range<usize>| self.volumes.get(bins).map_or(0.0, |bins| bins.iter().sum::<f64>());
        let wanted = share * volume(0..self.volumes.len()) * (1.0 - EQUAL);
        let (mut first, mut end) = (control, control + 1);
        let mut held = volume(first..end);
        while held < wanted && (first > 0 || end < self.volumes.len()) {
            let (next_end, next_first) = ((end + 2).min(self.volumes.len()), first.saturating_sub(2));
            let (above, below) = (volume(end..next_end), volume(next_first..first));
            let up = first == 0 || (end < self.volumes.len() && above >= below * (1.0 - EQUAL));
            if up {
                (end, held) = (next_end, held + above);
            } else {
                (first, held) = (next_first, held + below);
            }
        }
        Some((first, end - 1))
    }
}

/// The volume of all bars by price, each bar's spread evenly over its range; none without bars or bins.
///
/// A bar with a number that is not finite counts as absent, a volume that is not above 0 as 0. Where all bars have the
/// same one price, everything is in the first bin.
#[must_use]
pub fn histogram(high: &[f64], low: &[f64], volume: &[f64], bins: usize) -> Option<Profile> {
    let prices = || high.iter().copied().zip(low.iter().copied());
    let bars = || {
        prices()
            .zip(volume.iter().copied())
            .filter(|((high, low), volume)| [high, low, volume].iter().all(|value| value.is_finite()))
    };
    let ends = |(highest, lowest): (f64, f64), ((high, low), _)| (highest.max(high), lowest.min(low));
    let (highest, lowest) = bars().fold((f64::NEG_INFINITY, f64::INFINITY), ends);
    if bins == 0 || highest < lowest {
        return None;
    }
    let mut volumes = vec![0.0; bins];
    let range = highest - lowest;
    // Where a price lies, in bins from the bottom.
    let place = |price: f64| if range > 0.0 { (price - lowest) * float(bins) / range } else { 0.0 };
    for ((high, low), volume) in bars().filter(|(_, volume)| *volume > 0.0) {
        spread(&mut volumes, place(low), place(high), volume);
    }
    Some(Profile { lowest, highest, volumes })
}

/// Add `volume` to the bins between two places, to each by the share that lies in it.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a place in 0..=bins; others saturate")]
fn spread(volumes: &mut [f64], bottom: f64, top: f64, volume: f64) {
    let Some(last) = volumes.len().checked_sub(1) else { return };
    let first = (bottom.floor() as usize).min(last);
    let height = top - bottom;
    if height <= 0.0 || height.is_nan() {
        if let Some(slot) = volumes.get_mut(first) {
            *slot += volume;
        }
        return;
    }
    let end = (top.ceil() as usize).clamp(first + 1, last + 1);
    for (bin, slot) in volumes.iter_mut().enumerate().take(end).skip(first) {
        let inside = top.min(float(bin + 1)) - bottom.max(float(bin));
        *slot += volume * (inside / height);
    }
}

#[derive(Clone, Serialize, Deserialize)]
struct Rolling {
    high: Ring,
    low: Ring,
    volume: Ring,
    bins: usize,
    share: f64,
}

impl State<3, 3> for Rolling {
    fn new(params: &Params) -> Result<Self, TaError> {
        let window = || params.int(0).map(Ring::new);
        let (bins, share) = (params.int(1)?, params.real(2)?);
        Ok(Self { high: window()?, low: window()?, volume: window()?, bins, share })
    }

    fn next(&mut self, [high, low, volume]: [f64; 3]) -> Option<[f64; 3]> {
        self.high.push(high);
        self.low.push(low);
        self.volume.push(volume);
        if !self.volume.is_full() {
            return None;
        }
        let [high, low, volume] = [&self.high, &self.low, &self.volume].map(|ring| ring.iter().collect::<Vec<_>>());
        let levels = histogram(&high, &low, &volume, self.bins).and_then(|profile| {
            let (control, (first, last)) = profile.control().zip(profile.value_area(self.share))?;
            let vpoc = f64::midpoint(profile.edge(control), profile.edge(control + 1));
            Some([vpoc, profile.edge(last + 1), profile.edge(first)])
        });
        Some(levels.unwrap_or([f64::NAN; 3]))
    }
}

#[cfg(test)]
mod tests {
    use super::{SPEC, histogram};

    const BARS: [[f64; 3]; 3] = [[4.0, 3.0, 2.0], [0.0, 1.0, 2.0], [8.0, 10.0, 1.0]];

    #[test]
    fn a_bar_is_spread_evenly_over_its_range() {
        let [high, low, volume] = BARS;
        let profile = histogram(&high, &low, &volume, 4);
        // 2 each; 5 each in the middle two; the point at 2 lies in the third bin
        let profile = profile.map(|profile| (profile.volumes.clone(), profile.control(), profile.value_area(0.7)));
        // 8 of 19, then two above (2) against two below (7 + 2): 17
        assert_eq!(profile, Some((vec![2.0, 7.0, 8.0, 2.0], Some(2), Some((0, 2)))));
    }

    #[test]
    fn shows_the_levels_of_the_window() {
        let outputs =
            SPEC.compute_vec(&BARS.each_ref().map(<[f64; 3]>::as_slice), &[3.0, 4.0, 0.7]).unwrap_or_default();
        let last: Vec<_> = outputs.iter().filter_map(|output| output.last().copied()).collect();
        assert_eq!(last, [2.5, 3.0, 0.0]);
        let silent = SPEC.compute_vec(&[&[2.0], &[1.0], &[0.0]], &[1.0]).unwrap_or_default().concat();
        assert!(silent.iter().all(|value| value.is_nan()) && silent.len() == 3);
        let still = SPEC.compute_vec(&[&[2.0], &[2.0], &[5.0]], &[1.0]).unwrap_or_default().concat();
        assert_eq!(still, [2.0; 3]);
    }
}
