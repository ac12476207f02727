//! What was proven and what was refuted, for people and as JSON.

use std::fmt;

use engine::verify::{Counts, Finding, Range, Rule, Verdict};
use persistence::proof::Compared;
use serde_json::{Value, json};

use crate::printable::{printable, printable_json};

/// The result.
pub struct Report {
    range: Range,
    verdict: Verdict,
    compared: Option<Compared>,
}

impl Report {
    /// Of this range; `compared` is none when there was no Postgres to compare with.
    pub const fn new(range: Range, verdict: Verdict, compared: Option<Compared>) -> Self {
        Self { range, verdict, compared }
    }

    /// What was read.
    pub const fn counts(&self) -> &Counts {
        &self.verdict.counts
    }

    /// The broken rules.
    pub fn broken(&self) -> usize {
        self.verdict.findings.iter().count()
    }

    /// As one JSON object.
    pub fn json(&self) -> String {
        let rule = |rule: Rule| {
            let found = self.verdict.findings.of(rule);
            json!({
                "rule": rule.name(),
                "statement": rule.statement(),
                "holds": self.holds(rule),
                "broken": found.map_or(0, |found| found.count),
                "first": found.map(first),
            })
        };
        let object = json!({
            "first_seq": self.range.first_seq,
            "last_seq": self.range.last_seq,
            "counts": self.verdict.counts,
            "sessions_compared": self.compared.as_ref().map(|compared| compared.sessions),
            "rules": Rule::ALL.map(rule),
            "holds": self.broken() == 0,
        });
        printable_json(object.to_string())
    }

    /// None: it was not looked at.
    fn holds(&self, rule: Rule) -> Option<bool> {
        let looked_at = rule != Rule::Projection || self.compared.is_some();
        looked_at.then(|| self.verdict.findings.of(rule).is_none())
    }
}

fn first(found: &Finding) -> Value {
    let place = &found.place;
    json!({
        "seq": place.seq,
        "session_id": place.session_id,
        "version": place.version,
        "worker_id": place.worker_id,
        "what": found.what,
    })
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (range, counts) = (&self.range, &self.verdict.counts);
        writeln!(
            f,
            "sequences {} to {}: {} events of {} workers, {} claims",
            range.first_seq, range.last_seq, counts.events, counts.workers, counts.claims
        )?;
        writeln!(
            f,
            "{} sessions opened, {} closed, {} of them for silence; {} times a partition changed its owner",
            counts.opened, counts.closed, counts.idle_closed, counts.take_overs
        )?;
        if counts.begun_before > 0 {
            writeln!(
                f,
                "{} workers' chains began earlier: their first state here is taken as it is",
                counts.begun_before
            )?;
        }
        if let Some(compared) = &self.compared {
            let gone_on =
                if compared.gone_on > 0 { format!(", {} have gone on", compared.gone_on) } else { String::new() };
            writeln!(f, "{} sessions compared with Postgres{gone_on}", compared.sessions)?;
        }
        for rule in Rule::ALL {
            let mark = match self.holds(rule) {
                Some(true) => "ok",
                Some(false) => "BROKEN",
                None => "-",
            };
            let not_looked_at = if mark == "-" { " (not compared: no database given)" } else { "" };
            write!(f, "{mark:<7}{:<11}{}{not_looked_at}", rule.name(), rule.statement())?;
            if let Some(found) = self.verdict.findings.of(rule) {
                write!(f, "\n       {}", told(found))?;
            }
            if rule != Rule::Projection {
                writeln!(f)?;
            }
        }
        Ok(())
    }
}

fn told(found: &Finding) -> String {
    let mut told = format!("{} times, first at sequence {}", found.count, found.place.seq);
    if let Some(session) = found.place.session_id {
        told.push_str(&format!(", session {session}"));
    }
    if let Some(version) = found.place.version {
        told.push_str(&format!(", version {version}"));
    }
    format!("{told}: {}", printable(&found.what))
}

#[cfg(test)]
mod tests {
    use bus_schemas::SessionId;
    use engine::verify::{Findings, Place};

    use super::*;

    fn report(compared: Option<Compared>) -> Report {
        let mut findings = Findings::default();
        let session_id = SessionId(uuid::Uuid::from_u128(5));
        let place = Place { seq: 4_711, session_id: Some(session_id), version: Some(7), worker_id: None };
        findings.add(Rule::Versions, place, "version 9 came\u{1b} where 7 was due".to_owned());
        let verdict = Verdict { counts: Counts { events: 12, ..Counts::default() }, findings };
        Report::new(Range { first_seq: 1, last_seq: 5_000, cut: true }, verdict, compared)
    }

    #[test]
    fn the_first_event_that_breaks_a_rule_is_named() {
        let text = report(None).to_string();
        assert!(text.contains("BROKEN versions"), "{text}");
        let first = "1 times, first at sequence 4711, session 00000000-0000-0000-0000-000000000005, version 7: \
                     version 9 came\\u{1b} where 7 was due";
        assert!(text.contains(first), "{text}");
        assert!(text.contains("-      projection"), "{text}");
        assert!(text.lines().count() >= Rule::ALL.len());
    }

    #[test]
    fn json_says_the_same() {
        let object: Value = serde_json::from_str(&report(Some(Compared::default())).json()).expect("JSON");
        assert_eq!(object["holds"], false);
        let rules = object["rules"].as_array().expect("rules");
        let of = |name: &str| rules.iter().find(|rule| rule["rule"] == name).expect("there");
        assert_eq!((&of("versions")["holds"], &of("versions")["first"]["seq"]), (&json!(false), &json!(4_711)));
        assert_eq!((&of("time")["holds"], &of("projection")["holds"]), (&json!(true), &json!(true)));
    }
}
