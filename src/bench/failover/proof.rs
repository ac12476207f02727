//! The log that a bench has left, proven or refuted: by the rules of `andon verify`, Postgres included, and by what
//! workers were told.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::Case;
use super::figures::Count;
use super::ledger::{Ledger, Tally};
use super::scene::Scene;
use crate::verify::{self, Asked, Options, Source};

/// What is known of a log.
pub struct Proof {
    /// Whose log it is.
    pub of: &'static str,
    /// By its rules.
    pub verified: verify::Report,
    /// By what workers were told, case by case.
    pub tallies: BTreeMap<Case, Tally>,
    /// What else must be nothing.
    pub counts: Vec<Count>,
}

impl Proof {
    /// Reads the log from the first session on. Everybody has been answered.
    ///
    /// # Errors
    /// It cannot be read.
    pub async fn of(name: &'static str, scene: &Scene) -> anyhow::Result<Self> {
        scene.is_projected().await?;
        let mut ledger = Ledger::default();
        scene.staff.all().for_each(|client| ledger.told(client.worker, client.sent().iter().copied()));
        // The states of the sessions are those of the middle of a day: what lies before them is not on this log.
        let asked = Asked { from_seq: Some(scene.from_seq), ..Asked::default() };
        let source = Source::log(&scene.bus, &asked).await?;
        let options = Options { database_url: scene.site.database_url()?, dump: None };
        let verified = verify::verify_along(source, &options, |event, _| ledger.stored(event)).await?;
        let read = verified.counts();
        let mut counts = vec![
            ledger.strangers(),
            // Nobody completes, replaces or abandons anything here, and everybody shows signs of life.
            Count { name: "sessions closed", found: read.closed, of: read.opened },
            Count { name: "sessions closed for silence", found: read.idle_closed, of: read.opened },
        ];
        if let Some(beats) = &scene.beats {
            let (found, of) = beats.not_open();
            counts.push(Count { name: "heartbeats told that nothing is open", found, of });
        }
        Ok(Self { of: name, verified, tallies: ledger.tallies(), counts })
    }

    /// Everything that must be nothing.
    fn all(&self) -> impl Iterator<Item = Count> {
        self.tallies.values().flat_map(Tally::counts).chain(self.counts.iter().copied())
    }

    /// Why it is refuted.
    pub fn refuted(&self) -> Option<String> {
        let broken = self.verified.broken();
        let mut why: Vec<String> =
            self.all().filter(|c| c.found > 0).map(|c| format!("{}: {}", c.name, c.found)).collect();
        if broken > 0 {
            why.push(format!("{broken} rules of the log are broken"));
        }
        (!why.is_empty()).then(|| format!("{}: {}", self.of, why.join(", ")))
    }

    /// As lines of the report.
    pub fn lines(&self) -> Vec<String> {
        let mut lines = vec![format!("the log of {}", self.of)];
        for (case, tally) in &self.tallies {
            lines.push(format!("{}: {} commands", case.name(), tally.sent));
            lines.extend(tally.counts().iter().map(Count::line));
        }
        lines.push("all cases".to_owned());
        lines.extend(self.counts.iter().map(Count::line));
        lines.push(format!("andon verify:\n{}", self.verified));
        lines
    }

    /// As JSON.
    pub fn json(&self) -> Value {
        let tally = |(case, tally): (&Case, &Tally)| {
            let counts = tally.counts();
            json!({"case": case.name(), "commands": tally.sent, "counts": counts.map(|count| count.json())})
        };
        let verified: Value = serde_json::from_str(&self.verified.json()).unwrap_or_default();
        json!({
            "log_of": self.of,
            "cases": self.tallies.iter().map(tally).collect::<Vec<_>>(),
            "counts": self.counts.iter().map(Count::json).collect::<Vec<_>>(),
            "verify": verified,
        })
    }
}
