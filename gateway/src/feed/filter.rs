//! What a viewer sees: stations and statuses asked for (OR inside, AND between), cut to the stations its account may see;
//! or the sessions of one worker.

use bus_schemas::{StationId, StatusCode, WorkerId};
use xxhash_rust::xxh3::Xxh3;

/// A filter. Clones are cheap where it matters: the unfiltered one holds nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    worker: Option<WorkerId>,
    stations: Option<Box<[StationId]>>,
    statuses: Option<Box<[StatusCode]>>,
}

impl Filter {
    /// These stations and statuses; none at all means every one. Only stations inside `scope` are left.
    #[must_use]
    pub fn new(stations: Vec<StationId>, statuses: Vec<StatusCode>, scope: Option<&[StationId]>) -> Self {
        let asked = (!stations.is_empty()).then_some(stations);
        let stations = match (asked, scope) {
            (None, None) => None,
            (None, Some(scope)) => Some(scope.to_vec()),
            (Some(asked), None) => Some(asked),
            (Some(mut asked), Some(scope)) => {
                asked.retain(|station| scope.contains(station));
                Some(asked)
            }
        };
        Self {
            worker: None,
            stations: stations.map(sorted),
            statuses: (!statuses.is_empty()).then(|| sorted(statuses)),
        }
    }

    /// The sessions of this worker, wherever they are.
    #[must_use]
    pub const fn of_worker(worker: WorkerId) -> Self {
        Self { worker: Some(worker), stations: None, statuses: None }
    }

    /// Whether anything of this worker at this station may be seen at all.
    #[must_use]
    pub fn sees(&self, station: StationId, worker: WorkerId) -> bool {
        self.worker.is_none_or(|wanted| wanted == worker)
            && self.stations.as_ref().is_none_or(|stations| stations.binary_search(&station).is_ok())
    }

    /// Whether a session with this status is wanted; one before its start gate has none.
    #[must_use]
    pub fn wants(&self, status: Option<&StatusCode>) -> bool {
        self.statuses.as_ref().is_none_or(|wanted| status.is_some_and(|status| wanted.binary_search(status).is_ok()))
    }

    /// Whether everything is seen.
    #[must_use]
    pub const fn is_open(&self) -> bool {
        self.worker.is_none() && self.stations.is_none() && self.statuses.is_none()
    }

    /// The same on every gateway: a cursor of another filter must not be gone on with.
    #[must_use]
    pub fn hash(&self) -> u64 {
        if self.is_open() {
            return 0;
        }
        let mut hasher = Xxh3::new();
        if let Some(worker) = self.worker {
            hasher.update(b"worker");
            hasher.update(worker.0.as_bytes());
        }
        // Lengths first, so that no two filters give the same bytes.
        let stations = self.stations.as_deref();
        hasher.update(&count(stations.map(<[_]>::len)));
        for station in stations.unwrap_or_default() {
            hasher.update(station.0.as_bytes());
        }
        let statuses = self.statuses.as_deref();
        hasher.update(&count(statuses.map(<[_]>::len)));
        for status in statuses.unwrap_or_default() {
            hasher.update(status.as_str().as_bytes());
            hasher.update(b"\n");
        }
        hasher.digest()
    }
}

fn sorted<T: Ord>(mut items: Vec<T>) -> Box<[T]> {
    items.sort_unstable();
    items.dedup();
    items.into()
}

fn count(of: Option<usize>) -> [u8; 8] {
    of.map_or(u64::MAX, |count| count as u64).to_le_bytes()
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    const ANY: WorkerId = WorkerId(Uuid::nil());

    fn station(number: u128) -> StationId {
        StationId(Uuid::from_u128(number))
    }

    fn status(code: &str) -> StatusCode {
        code.parse().unwrap()
    }

    #[test]
    fn nothing_asked_and_no_scope_is_everything() {
        let open = Filter::new(vec![], vec![], None);
        assert!(open.is_open() && open.sees(station(1), ANY) && open.wants(None));
        assert_eq!(open.hash(), 0);
    }

    #[test]
    fn or_inside_and_between() {
        let filter = Filter::new(vec![station(1), station(2)], vec![status("fault"), status("setup")], None);
        assert!(filter.sees(station(2), ANY) && !filter.sees(station(3), ANY));
        assert!(filter.wants(Some(&status("setup"))) && !filter.wants(Some(&status("production"))));
        assert!(!filter.wants(None));
    }

    #[test]
    fn an_account_never_sees_beyond_its_stations() {
        let scope = [station(2), station(3)];
        let all = Filter::new(vec![], vec![], Some(&scope));
        assert!(all.sees(station(3), ANY) && !all.sees(station(1), ANY));
        let asked = Filter::new(vec![station(1), station(2)], vec![], Some(&scope));
        assert!(asked.sees(station(2), ANY) && !asked.sees(station(1), ANY) && !asked.sees(station(3), ANY));
        let outside = Filter::new(vec![station(1)], vec![], Some(&scope));
        assert!(!outside.is_open() && (1..4).all(|number| !outside.sees(station(number), ANY)));
        let nothing = Filter::new(vec![], vec![], Some(&[]));
        assert!(!nothing.is_open() && !nothing.sees(station(1), ANY));
    }

    #[test]
    fn a_worker_sees_own_sessions_anywhere_and_nobody_elses() {
        let own = Filter::of_worker(ANY);
        assert!(!own.is_open() && own.sees(station(1), ANY) && own.sees(station(2), ANY) && own.wants(None));
        assert!(!own.sees(station(1), WorkerId(Uuid::from_u128(1))));
    }

    #[test]
    fn the_hash_knows_filters_apart_whatever_their_order() {
        let make = |stations: &[u128], statuses: &[&str]| {
            let stations = stations.iter().map(|number| station(*number)).collect();
            Filter::new(stations, statuses.iter().map(|code| status(code)).collect(), None)
        };
        assert_eq!(make(&[1, 2], &["a", "b"]).hash(), make(&[2, 1, 1], &["b", "a"]).hash());
        let all = [
            make(&[], &[]),
            make(&[1], &[]),
            make(&[1, 2], &[]),
            make(&[], &["a"]),
            make(&[], &["a", "b"]),
            make(&[1], &["a"]),
            Filter::new(vec![], vec![], Some(&[])),
            Filter::of_worker(ANY),
            Filter::of_worker(WorkerId(Uuid::from_u128(1))),
        ];
        let mut hashes: Vec<_> = all.iter().map(Filter::hash).collect();
        hashes.sort_unstable();
        hashes.dedup();
        assert_eq!(hashes.len(), all.len());
    }
}
