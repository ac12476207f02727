//! What is printed: how it was measured, the figures of each case with their targets, and the proof of the log.

use std::fmt;

use serde_json::{Value, json};

use super::cases::{Ending, Section};
use super::figures::Figure;
use super::proof::Proof;
use crate::bench::processes;
use crate::bench::report::{Told, build, command_line};

/// The result.
pub struct Report {
    /// How it was measured.
    pub setup: Vec<String>,
    /// The cases.
    pub sections: Vec<Section>,
    /// The logs.
    pub proofs: Vec<Proof>,
    /// What explains them.
    pub notes: Vec<String>,
}

impl Told for Report {
    fn json(&self) -> Value {
        json!({
            "bench": "failover",
            "command": command_line(),
            "build": build(),
            "cores": processes::cores(),
            "processor": processes::processor(),
            "setup": self.setup,
            "cases": self.sections.iter().map(Section::json).collect::<Vec<_>>(),
            "logs": self.proofs.iter().map(Proof::json).collect::<Vec<_>>(),
            "notes": self.notes,
            "failure": self.failure(),
        })
    }

    fn failure(&self) -> Option<String> {
        let broken = self.sections.iter().filter_map(|section| match &section.ended {
            Some(Ending::Broken(why)) => Some(format!("{}: {why}", section.case.name())),
            Some(Ending::Time) | None => None,
        });
        let refuted = self.proofs.iter().filter_map(Proof::refuted);
        let why: Vec<String> = broken.chain(refuted).collect();
        (!why.is_empty()).then(|| why.join("; "))
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
            "\n{:<46} {:>6} {:>9} {:>9} {:>9} {:>9}   target",
            "percentiles", "values", "p50", "p90", "p99", "longest"
        )?;
        for section in &self.sections {
            writeln!(f, "{}: {}, {} trials", section.case.name(), section.case.what(), section.trials)?;
            for figure in &section.figures {
                writeln!(f, "{}", Figure::line(figure))?;
            }
            for note in &section.notes {
                writeln!(f, "  {note}")?;
            }
            if let Some(ended) = &section.ended {
                writeln!(f, "  ENDED EARLY: {ended}")?;
            }
        }
        for proof in &self.proofs {
            writeln!(f)?;
            for line in proof.lines() {
                writeln!(f, "{line}")?;
            }
        }
        for note in &self.notes {
            write!(f, "\n{note}")?;
        }
        Ok(())
    }
}
