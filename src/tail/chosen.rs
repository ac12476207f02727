//! Whose events are wanted.

use std::str::FromStr;

use bus_schemas::{SessionEvent, WorkerId, subject, text};

/// Everybody's, or one worker's.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Chosen {
    /// Everybody's.
    #[default]
    All,
    /// Those of the worker with this id.
    Id(WorkerId),
    /// Those of workers with this in their name, in lower case.
    NamePart(String),
}

impl FromStr for Chosen {
    type Err = &'static str;

    fn from_str(given: &str) -> Result<Self, Self::Err> {
        let given = text::present(given).ok_or("the id of a worker, or a part of the name")?;
        Ok(given.parse().map_or_else(|_| Self::NamePart(given.to_lowercase()), Self::Id))
    }
}

impl Chosen {
    /// The subjects on which they are: the server sends no more than needed.
    pub fn filter(&self) -> String {
        match self {
            Self::Id(worker) => subject::session(*worker),
            Self::All | Self::NamePart(_) => subject::SESSIONS.to_owned(),
        }
    }

    /// Whether this event is one of them. The name is the one with which the session was opened.
    pub fn matches(&self, event: &SessionEvent) -> bool {
        let session = &event.state.session;
        match self {
            Self::All => true,
            Self::Id(worker) => session.worker_id == *worker,
            Self::NamePart(part) => session.names.worker.to_lowercase().contains(part.as_str()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tail::line::tests::opened;

    #[test]
    fn an_id_is_an_id_and_anything_else_a_part_of_the_name() {
        let event = opened("Noa Levi");
        let id = event.state.session.worker_id.to_string();
        for (given, wanted) in [(id.as_str(), true), ("noa", true), (" LEVI ", true), ("Dan", false)] {
            assert_eq!(given.parse::<Chosen>().expect("a choice").matches(&event), wanted, "{given}");
        }
        assert!("  ".parse::<Chosen>().is_err());
    }

    #[test]
    fn a_worker_known_by_id_is_one_subject() {
        let worker = opened("Noa").state.session.worker_id;
        assert_eq!(Chosen::Id(worker).filter(), subject::session(worker));
        assert_eq!(Chosen::NamePart("noa".into()).filter(), subject::SESSIONS);
    }
}
