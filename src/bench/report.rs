//! What a bench prints: how it was run, and each figure beside its floor.

use std::fmt;
use std::time::Duration;

use serde_json::{Value, json};

use super::processes;

/// What a bench has to say: for people, and as JSON.
pub trait Told: fmt::Display {
    /// The same as one JSON object.
    fn json(&self) -> Value;

    /// Why the command fails although it has measured; a missed target is no reason.
    fn failure(&self) -> Option<String> {
        None
    }
}

/// The result of a bench.
#[derive(Debug)]
pub struct Report {
    /// Its name.
    pub bench: &'static str,
    /// What was done, in words: how many rounds of what, against which floor.
    pub setup: Vec<String>,
    /// The figures.
    pub figures: Vec<Figure>,
    /// What explains them.
    pub notes: Vec<String>,
}

/// A figure, ours and the floor's, one of each a round.
#[derive(Debug)]
pub struct Figure {
    /// What it is.
    pub name: &'static str,
    /// In what it is counted.
    pub unit: &'static str,
    /// Ours, by round.
    pub ours: Vec<f64>,
    /// The floor's, by round; empty when there is none.
    pub floor: Vec<f64>,
    /// What it should be.
    pub target: Option<Target>,
}

/// What a figure should be.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Target {
    /// Ours at least this share of the floor, in percent.
    ShareOfFloor(f64),
    /// Ours at most this.
    AtMost(f64),
    /// Ours at least this.
    AtLeast(f64),
}

/// A middle, and how far the others were from it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Spread {
    /// The middle one.
    pub median: f64,
    /// The lowest.
    pub lowest: f64,
    /// The highest.
    pub highest: f64,
}

impl Spread {
    /// Of these; none when there are none.
    pub fn of(values: &[f64]) -> Option<Self> {
        let mut sorted = values.to_vec();
        sorted.sort_by(f64::total_cmp);
        let (lowest, highest) = (*sorted.first()?, *sorted.last()?);
        let middle = sorted.len() / 2;
        let median =
            if sorted.len() % 2 == 1 { sorted[middle] } else { f64::midpoint(sorted[middle - 1], sorted[middle]) };
        Some(Self { median, lowest, highest })
    }
}

impl Figure {
    /// Ours as a share of the floor, in percent, round by round: the machine is shared, and only what was measured in
    /// the same moment can be compared.
    pub fn share(&self) -> Option<Spread> {
        let shares: Vec<f64> = self.ours.iter().zip(&self.floor).map(|(ours, floor)| ours / floor * 100.0).collect();
        Spread::of(&shares)
    }

    fn is_reached(&self) -> Option<bool> {
        match self.target? {
            Target::ShareOfFloor(least) => Some(self.share()?.median >= least),
            Target::AtMost(most) => Some(Spread::of(&self.ours)?.median <= most),
            Target::AtLeast(least) => Some(Spread::of(&self.ours)?.median >= least),
        }
    }

    fn target_told(&self) -> String {
        let Some(target) = self.target else { return String::new() };
        let told = match target {
            Target::ShareOfFloor(least) => format!("≥ {least:.0} %"),
            Target::AtMost(most) => format!("≤ {}", amount(most, self.unit)),
            Target::AtLeast(least) => format!("≥ {}", amount(least, self.unit)),
        };
        let reached = if self.is_reached() == Some(true) { "reached" } else { "missed" };
        format!("{told}: {reached}")
    }

    fn json(&self) -> Value {
        let share = self.share();
        json!({
            "name": self.name,
            "unit": self.unit,
            "ours": self.ours,
            "floor": self.floor,
            "share_percent": share.map(|share| json!({
                "median": share.median, "lowest": share.lowest, "highest": share.highest,
            })),
            "target": self.target.map(|_| self.target_told()),
            "reached": self.is_reached(),
        })
    }
}

impl Told for Report {
    fn json(&self) -> Value {
        json!({
            "bench": self.bench,
            "command": command_line(),
            "build": build(),
            "cores": processes::cores(),
            "processor": processes::processor(),
            "setup": self.setup,
            "figures": self.figures.iter().map(Figure::json).collect::<Vec<_>>(),
            "notes": self.notes,
        })
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", command_line())?;
        writeln!(f, "{} build, {} cores, {}", build(), processes::cores(), processes::processor())?;
        for line in &self.setup {
            writeln!(f, "{line}")?;
        }
        writeln!(
            f,
            "\n{:<28} {:>12} {:>12}   {:<26} target",
            "median of the rounds", "ours", "floor", "ours / floor (range)"
        )?;
        for figure in &self.figures {
            let told = |values: &[f64]| Spread::of(values).map(|spread| amount(spread.median, figure.unit));
            let share = figure
                .share()
                .map(|share| format!("{:.0} % ({:.0} – {:.0} %)", share.median, share.lowest, share.highest));
            writeln!(
                f,
                "{:<28} {:>12} {:>12}   {:<26} {}",
                figure.name,
                told(&figure.ours).unwrap_or_default(),
                told(&figure.floor).unwrap_or_default(),
                share.unwrap_or_default(),
                figure.target_told()
            )?;
        }
        for note in &self.notes {
            write!(f, "\n{note}")?;
        }
        Ok(())
    }
}

/// A number with its unit, with about three digits.
pub fn amount(value: f64, unit: &str) -> String {
    let digits = if value.abs() >= 100.0 { 0 } else { 2 - value.abs().max(1.0).log10() as usize };
    format!("{value:.digits$} {unit}")
}

/// Milliseconds, with fractions.
pub fn millis(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e3
}

/// How it was built.
pub fn build() -> &'static str {
    if cfg!(debug_assertions) { "DEBUG" } else { "release" }
}

/// What was typed.
pub fn command_line() -> String {
    std::iter::once("andon".to_owned()).chain(std::env::args().skip(1)).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_middle_is_the_middle() {
        let spread = |values: &[f64]| Spread::of(values).map(|spread| (spread.lowest, spread.median, spread.highest));
        assert_eq!(spread(&[]), None);
        assert_eq!(spread(&[3.0, 1.0, 2.0]), Some((1.0, 2.0, 3.0)));
        assert_eq!(spread(&[4.0, 1.0, 2.0, 3.0]), Some((1.0, 2.5, 4.0)));
    }

    #[test]
    fn a_share_is_taken_round_by_round() {
        // given a machine that was twice as fast in the second round
        let mut figure = Figure {
            name: "requests",
            unit: "/s",
            ours: vec![70.0, 140.0, 70.0],
            floor: vec![100.0, 200.0, 100.0],
            target: Some(Target::ShareOfFloor(60.0)),
        };
        // then it does not matter
        let share = figure.share().expect("rounds");
        assert!((share.lowest - 70.0).abs() < 1e-9 && (share.highest - 70.0).abs() < 1e-9);
        assert_eq!(figure.target_told(), "≥ 60 %: reached");
        figure.target = Some(Target::AtMost(60.0));
        assert_eq!(figure.target_told(), "≤ 60.0 /s: missed");
        figure.target = Some(Target::AtLeast(70.0));
        assert_eq!(figure.target_told(), "≥ 70.0 /s: reached");
    }

    #[test]
    fn numbers_have_about_three_digits() {
        for (value, told) in
            [(41_234.5, "41234 x"), (99.94, "99.9 x"), (1.234, "1.23 x"), (0.012, "0.01 x"), (0.0, "0.00 x")]
        {
            assert_eq!(amount(value, "x"), told);
        }
    }
}
