//! Figures over trials: percentiles beside their targets, and counts of what must not happen. Pure.

use serde_json::{Value, json};

use crate::bench::report;

/// The percentiles that are told of every figure.
const TOLD: [u32; 3] = [50, 90, 99];

/// What a percentile should be.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Target {
    /// Which percentile.
    pub percent: u32,
    /// At most this, in the figure's unit.
    pub at_most: f64,
}

/// A target.
pub const fn at_most(percent: u32, at_most: f64) -> Target {
    Target { percent, at_most }
}

/// A number with its unit; a count has none.
fn amount(value: f64, unit: &str) -> String {
    if unit.is_empty() { format!("{value:.0}") } else { report::amount(value, unit) }
}

/// What was measured, once a trial or once a session.
#[derive(Debug, Clone)]
pub struct Figure {
    /// What it is.
    pub name: &'static str,
    /// In what it is counted; empty for a count.
    pub unit: &'static str,
    /// All of them.
    pub values: Vec<f64>,
    /// What its percentiles should be.
    pub targets: Vec<Target>,
}

/// How often something happened that must not.
#[derive(Debug, Clone, Copy)]
pub struct Count {
    /// What it is.
    pub name: &'static str,
    /// How often.
    pub found: u64,
    /// Of so many.
    pub of: u64,
}

/// The smallest of the values that `percent` of all do not exceed (nearest rank): of 30 values, the 99th percentile is
/// the largest. None when there are none.
pub fn percentile(values: &[f64], percent: u32) -> Option<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let rank = (sorted.len() as u64 * u64::from(percent)).div_ceil(100).max(1);
    sorted.get(usize::try_from(rank).ok()? - 1).copied()
}

impl Figure {
    /// A figure without a target.
    pub const fn new(name: &'static str, unit: &'static str, values: Vec<f64>) -> Self {
        Self { name, unit, values, targets: Vec::new() }
    }

    /// The same with targets.
    pub fn with(self, targets: &[Target]) -> Self {
        Self { targets: targets.to_vec(), ..self }
    }

    /// Whether this target is reached; nothing measured is not.
    fn reaches(&self, target: Target) -> bool {
        percentile(&self.values, target.percent).is_some_and(|value| value <= target.at_most)
    }

    /// As a line of the table.
    pub fn line(&self) -> String {
        let shown = |value: Option<f64>| value.map_or_else(|| "-".to_owned(), |value| amount(value, self.unit));
        let mut line = format!("  {:<44} {:>6}", self.name, self.values.len());
        for percent in TOLD {
            line.push_str(&format!(" {:>9}", shown(percentile(&self.values, percent))));
        }
        line.push_str(&format!(" {:>9}   ", shown(percentile(&self.values, 100))));
        line.push_str(&self.targets.iter().map(|target| self.told(*target)).collect::<Vec<_>>().join(", "));
        line.trim_end().to_owned()
    }

    fn told(&self, target: Target) -> String {
        let reached = if self.reaches(target) { "reached" } else { "MISSED" };
        format!("p{} ≤ {}: {reached}", target.percent, amount(target.at_most, self.unit))
    }

    /// As JSON.
    pub fn json(&self) -> Value {
        let of = |percent| percentile(&self.values, percent);
        let target = |target: &Target| json!({"percentile": target.percent, "at_most": target.at_most, "reached": self.reaches(*target)});
        json!({
            "name": self.name,
            "unit": self.unit,
            "count": self.values.len(),
            "p50": of(50), "p90": of(90), "p99": of(99), "longest": of(100),
            "targets": self.targets.iter().map(target).collect::<Vec<_>>(),
            "values": self.values,
        })
    }
}

impl Count {
    /// As a line of the table.
    pub fn line(&self) -> String {
        let reached = if self.found == 0 { "reached" } else { "MISSED" };
        format!("  {:<44} {:>6} of {:<36} 0: {reached}", self.name, self.found, self.of)
    }

    /// As JSON.
    pub fn json(&self) -> Value {
        json!({"name": self.name, "found": self.found, "of": self.of, "reached": self.found == 0})
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_values_that_were_measured() {
        let values: Vec<f64> = (1..=30).rev().map(f64::from).collect();
        for (percent, value) in [(0, 1.0), (50, 15.0), (90, 27.0), (97, 30.0), (99, 30.0), (100, 30.0)] {
            assert_eq!(percentile(&values, percent), Some(value), "p{percent}");
        }
        let many: Vec<f64> = (1..=200).map(f64::from).collect();
        assert_eq!(percentile(&many, 99), Some(198.0));
        assert_eq!(percentile(&[7.0], 50), Some(7.0));
        assert_eq!(percentile(&[], 99), None);
    }

    #[test]
    fn each_percentile_has_its_own_target_and_a_missed_one_is_told() {
        let figure = Figure::new("serves", "s", vec![0.5, 0.7, 3.0]).with(&[at_most(50, 1.0), at_most(99, 2.5)]);
        let line = figure.line();
        assert!(line.contains("p50 ≤ 1.00 s: reached, p99 ≤ 2.50 s: MISSED"), "{line}");
        assert_eq!(figure.json()["targets"][1]["reached"], false);
        let none = Figure::new("serves", "s", Vec::new()).with(&[at_most(50, 1.0)]);
        assert!(none.line().ends_with("MISSED"), "what was not measured is not reached: {}", none.line());
    }

    #[test]
    fn a_count_is_reached_at_nothing() {
        let count = |found| Count { name: "lost", found, of: 9 };
        assert!(count(0).line().ends_with("0: reached") && count(1).line().ends_with("0: MISSED"));
        assert_eq!(
            (count(0).json()["reached"].clone(), count(2).json()["reached"].clone()),
            (true.into(), false.into())
        );
    }
}
