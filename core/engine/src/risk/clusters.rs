//! Correlation classes of instruments, as data.
//!
//! Each instrument belongs to a cluster; a matrix gives the correlation between clusters (and within one). Correlated
//! exposure of an instrument with signed exposure `x` in cluster `c`, where `net(d)` is the net exposure of cluster
//! `d` after the order: `|x + sum over d of rho(c, d) * (net(d) - [d = c] * x)|`. At most [`Clusters::MOST`] clusters,
//! so it costs the same for any number of instruments.

use std::collections::BTreeMap;

use super::RiskError;
use crate::types::{Ratio, SCALE, Symbol};

/// Which instruments move together, and how much.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Clusters {
    names: Vec<String>,
    of: BTreeMap<Symbol, usize>,
    correlations: [[Ratio; Self::MOST]; Self::MOST],
}

impl Default for Clusters {
    /// One cluster that moves as one: the careful answer while nothing is known.
    fn default() -> Self {
        let one = Ratio::from_raw(SCALE);
        Self { names: vec!["others".to_owned()], of: BTreeMap::new(), correlations: [[one; Self::MOST]; Self::MOST] }
    }
}

impl Clusters {
    /// Most clusters there can be; the first is `others`, for what is not named.
    pub const MOST: usize = 16;

    /// Put an instrument into a cluster, which is made on its first mention.
    ///
    /// # Errors
    /// More than [`Clusters::MOST`] clusters.
    pub fn assign(&mut self, symbol: Symbol, cluster: &str) -> Result<(), RiskError> {
        let index = self.index_or_new(cluster)?;
        self.of.insert(symbol, index);
        Ok(())
    }

    /// Set the correlation between two clusters, or within one when they are the same. Unset ones are 1.
    ///
    /// # Errors
    /// Outside -1..1, or more than [`Clusters::MOST`] clusters.
    pub fn correlate(&mut self, one: &str, other: &str, correlation: Ratio) -> Result<(), RiskError> {
        if correlation.raw().saturating_abs() > SCALE {
            return Err(RiskError::Bound {
                rule: "correlation".to_owned(),
                value: correlation.to_string(),
                allowed: "-1..1",
            });
        }
        let (one, other) = (self.index_or_new(one)?, self.index_or_new(other)?);
        for (row, column) in [(one, other), (other, one)] {
            if let Some(cell) = self.correlations.get_mut(row).and_then(|cells| cells.get_mut(column)) {
                *cell = correlation;
            }
        }
        Ok(())
    }

    /// Index of an instrument's cluster.
    #[must_use]
    pub fn of(&self, symbol: &str) -> usize {
        self.of.get(symbol).copied().unwrap_or(0)
    }

    /// Name of a cluster.
    #[must_use]
    pub fn name(&self, index: usize) -> &str {
        self.names.get(index).map_or("others", String::as_str)
    }

    /// How many clusters there are.
    #[must_use]
    pub fn count(&self) -> usize {
        self.names.len()
    }

    /// Correlated exposure in 1e-16 units of money of an instrument whose own exposure goes from `old` to `new`, where
    /// `nets` still has the old one; see the module's head.
    #[inline]
    pub(crate) fn exposure(&self, cluster: usize, old: i64, new: i64, nets: &[i64; Self::MOST]) -> i128 {
        let mut sum = i128::from(new) * i128::from(SCALE);
        let Some(row) = self.correlations.get(cluster) else { return sum };
        for (rho, net) in row.iter().zip(nets).take(self.names.len()) {
            sum += i128::from(rho.raw()) * i128::from(*net);
        }
        // Its own part stands at the front already, whole.
        sum - row.get(cluster).map_or(0, |rho| i128::from(rho.raw()) * i128::from(old))
    }

    fn index_or_new(&mut self, cluster: &str) -> Result<usize, RiskError> {
        if let Some(index) = self.names.iter().position(|name| name == cluster) {
            return Ok(index);
        }
        if self.names.len() >= Self::MOST {
            return Err(RiskError::TooMany { what: "clusters", most: Self::MOST });
        }
        self.names.push(cluster.to_owned());
        Ok(self.names.len() - 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn correlated_exposure_is_that_of_the_formula_in_the_head() -> Result<(), RiskError> {
        let mut clusters = Clusters::default();
        let names = ["others", "one", "two", "three"];
        let correlation =
            |one: usize, other: usize| (one.min(other) * 19 + one.max(other) * 7) as i64 * 1_000_003 - 20_000_000;
        for (one, name) in names.iter().enumerate() {
            for (other, with) in names.iter().enumerate() {
                clusters.correlate(name, with, Ratio::from_raw(correlation(one, other)))?;
            }
        }
        let nets =
            std::array::from_fn(
                |cluster| if cluster < names.len() { 7_000_000_000 - cluster as i64 * 3_000_000_001 } else { 0 },
            );
        for (cluster, _) in names.iter().enumerate() {
            for (old, new) in [(0, 5_000_000_000), (4_000_000_000, 0), (-2_500_000_000, 1_500_000_000), (9, 9)] {
                let mut naive = i128::from(new) * i128::from(SCALE);
                for (other, net) in nets.iter().enumerate().take(names.len()) {
                    // The net of its own cluster after the order, less what the instrument itself then is.
                    let rest = if other == cluster { net - old + new - new } else { *net };
                    naive += i128::from(correlation(cluster, other)) * i128::from(rest);
                }
                assert_eq!(clusters.exposure(cluster, old, new, &nets), naive, "{cluster} {old} {new}");
            }
        }
        Ok(())
    }
}
