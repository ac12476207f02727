//! The nodes and their partitions as a table for people: partitions that moved together are one line.

use std::collections::BTreeMap;
use std::fmt;

use bus_schemas::{Claim, Partition, TakenWhy};

use super::{Nodes, Said, owns, state, time};

impl fmt::Display for Nodes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{:<32} {:<10} {:>10} {:>9}  STARTED", "NODE", "STATE", "PARTITIONS", "SESSIONS")?;
        for (node, said) in &self.said {
            let owned = self.claims.values().filter(|claim| owns(claim, node)).count();
            let (sessions, started) = match said {
                Said::Status(status) => (status.sessions.to_string(), time(status.started_at_us)),
                Said::Nobody | Said::Nothing => ("-".to_owned(), "-".to_owned()),
            };
            writeln!(f, "{node:<32} {:<10} {owned:>10} {sessions:>9}  {started}", state(said))?;
        }
        writeln!(f, "\n{:<32} {:<24}  {:<28} PARTITIONS", "OWNER", "SINCE", "WHY")?;
        for (group, partitions) in self.groups() {
            writeln!(f, "{:<32} {:<24}  {:<28} {}", group.owner, group.since, group.why, ranges(&partitions))?;
        }
        match self.unserved() {
            0 => write!(f, "every partition is served"),
            unserved => write!(f, "{unserved} of {} partitions are not served", Partition::all().len()),
        }
    }
}

/// What partitions of one line have in common.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Group {
    owner: String,
    since: String,
    why: String,
}

impl Nodes {
    fn groups(&self) -> BTreeMap<Group, Vec<Partition>> {
        let mut groups: BTreeMap<Group, Vec<Partition>> = BTreeMap::new();
        for partition in Partition::all() {
            groups.entry(group(self.claims.get(&partition))).or_default().push(partition);
        }
        groups
    }
}

fn group(claim: Option<&Claim>) -> Group {
    let nobody = |since, why: String| Group { owner: "nobody".to_owned(), since, why };
    let Some(claim) = claim else { return nobody("-".to_owned(), "never claimed".to_owned()) };
    // Partitions that moved together did so within moments.
    let second = |at| time(at).get(..19).map_or_else(String::new, |text| format!("{text}Z"));
    if claim.released {
        return nobody(second(claim.at_us), format!("let go of by {}", claim.node_id));
    }
    let owner = claim.node_id.to_string();
    match &claim.taken {
        None => Group { owner, since: second(claim.at_us), why: "not told".to_owned() },
        Some(taken) => Group { owner, since: second(taken.at_us), why: why(taken.why, taken.from.as_deref()) },
    }
}

fn why(why: TakenWhy, from: Option<&str>) -> String {
    let from = from.unwrap_or("a node");
    match why {
        TakenWhy::Unclaimed => "nobody had it".to_owned(),
        TakenWhy::Released => format!("{from} let go of it"),
        TakenWhy::HandedOver => format!("{from} handed it over"),
        TakenWhy::NoResponder => format!("{from} was gone"),
        TakenWhy::Silent => format!("{from} was silent"),
        TakenWhy::Told => format!("told to take it from {from}"),
        TakenWhy::Other => "for another reason".to_owned(),
    }
}

/// `000-005 009 012-255`.
fn ranges(partitions: &[Partition]) -> String {
    let mut ranges: Vec<(Partition, Partition)> = Vec::new();
    for &partition in partitions {
        match ranges.last_mut() {
            Some((_, last)) if last.index() + 1 == partition.index() => *last = partition,
            _ => ranges.push((partition, partition)),
        }
    }
    let range = |(first, last): &(Partition, Partition)| {
        if first == last { first.to_string() } else { format!("{first}-{last}") }
    };
    ranges.iter().map(range).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use bus_schemas::{Extra, NodeStatus, Taken, TimeUs};

    use super::*;

    const AT: TimeUs = TimeUs::from_micros(1_754_028_000_500_000);

    fn claim(owner: &str, why: TakenWhy, from: Option<&str>) -> Claim {
        let taken = Some(Taken { at_us: AT, why, from: from.map(Into::into) });
        let (node_id, successor) = (owner.into(), None);
        Claim { node_id, at_us: AT, released: false, taken, successor, extra: Extra::new() }
    }

    fn nodes() -> Nodes {
        let moved = claim("b-2", TakenWhy::Silent, Some("a-1"));
        let own = claim("a-1", TakenWhy::Unclaimed, None);
        let mut claims: BTreeMap<_, _> = Partition::all().map(|partition| (partition, own.clone())).collect();
        for index in [3, 4, 5, 9] {
            claims.insert(Partition::new(index), moved.clone());
        }
        claims.insert(Partition::new(7), Claim { released: true, ..own });
        let status = NodeStatus {
            node_id: "b-2".into(),
            started_at_us: AT,
            ready: true,
            owned: 4,
            sessions: 12,
            log_seq: 99,
            leaving: false,
        };
        Nodes { claims, said: [("a-1".into(), Said::Nobody), ("b-2".into(), Said::Status(status))].into() }
    }

    #[test]
    fn the_table_says_who_since_when_and_why() {
        let text = nodes().to_string();
        let line = |words: &[&str]| text.lines().any(|line| words.iter().all(|word| line.contains(word)));
        assert!(line(&["b-2", "ready", "4", "12", "2025-08-01T06:00:00.500Z"]), "{text}");
        assert!(line(&["a-1", "gone", "251"]), "{text}");
        assert!(line(&["b-2", "2025-08-01T06:00:00Z", "a-1 was silent", "003-005 009"]), "{text}");
        assert!(line(&["nobody", "let go of by a-1", "007"]), "{text}");
        assert!(text.ends_with("252 of 256 partitions are not served"), "{text}");
    }

    #[test]
    fn json_has_every_partition() {
        let object: serde_json::Value = serde_json::from_str(&nodes().json()).expect("JSON");
        assert_eq!(object["partitions"].as_array().map(Vec::len), Some(256));
        assert_eq!(object["partitions"][4]["why"], "silent");
        assert_eq!(object["partitions"][4]["from"], "a-1");
        assert_eq!(object["partitions"][7]["owner"], serde_json::Value::Null);
        assert_eq!(object["nodes"][1]["sessions"], 12);
    }
}
