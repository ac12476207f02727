//! Visiting the states of a model: to the end, to a counterexample, or to an example.

use std::{collections::BTreeSet, fmt::Debug, hash::Hash, time::Instant};

use stateright::{Checker, HasDiscoveries, Model, Path};

/// Shared machines have few cores; more threads only help while one test runs alone.
const THREADS: usize = 2;

/// A visit that comes to more states than this is given up: shared machines have little memory.
const STATES_MAX: usize = 6_000_000;

/// Steps from the beginning to a state.
type Way<M> = Path<<M as Model>::State, <M as Model>::Action>;

/// What was found in a model.
pub struct Visit<M: Model> {
    states: usize,
    found: Vec<(&'static str, Way<M>)>,
    complete: bool,
}

/// Visits every state, and prints how many there are.
pub fn visit_all<M>(name: &str, model: M) -> Visit<M>
where
    M: Model + Send + Sync + 'static,
    M::State: Clone + Debug + Hash + PartialEq + Send + Sync,
    M::Action: Clone + Debug + PartialEq,
{
    visit(name, model, HasDiscoveries::All)
}

/// Visits states, those nearest to the beginning first, until `property` is violated; prints the way there.
pub fn visit_until<M>(name: &str, model: M, property: &'static str) -> Visit<M>
where
    M: Model + Send + Sync + 'static,
    M::State: Clone + Debug + Hash + PartialEq + Send + Sync,
    M::Action: Clone + Debug + PartialEq,
{
    let visit = visit(name, model, HasDiscoveries::AllOf(BTreeSet::from([property])));
    if let Some(way) = visit.way_to(property) {
        println!("  {property}: {way}");
    }
    visit
}

fn visit<M>(name: &str, model: M, until: HasDiscoveries) -> Visit<M>
where
    M: Model + Send + Sync + 'static,
    M::State: Clone + Debug + Hash + PartialEq + Send + Sync,
    M::Action: Clone + Debug + PartialEq,
{
    let begun = Instant::now();
    let checker = model.checker().threads(THREADS).finish_when(until).target_state_count(STATES_MAX).spawn_bfs().join();
    let states = checker.unique_state_count();
    let complete = checker.state_count() < STATES_MAX;
    println!("{name}: {states} states, {} levels, {:.1?}", checker.max_depth(), begun.elapsed());
    Visit { states, found: checker.discoveries().into_iter().collect(), complete }
}

impl<M: Model> Visit<M> {
    /// How many different states were visited.
    #[must_use]
    pub const fn states(&self) -> usize {
        self.states
    }

    /// Whether nothing was left to visit.
    #[must_use]
    pub const fn is_complete(&self) -> bool {
        self.complete
    }

    /// The steps to a violation (or, for what should be possible, to an example) of this property.
    #[must_use]
    pub fn way_to(&self, property: &str) -> Option<String>
    where
        M::State: Clone + PartialEq,
        M::Action: Clone + Debug + PartialEq,
    {
        let (_, path) = self.found.iter().find(|(name, _)| *name == property)?;
        let steps: Vec<String> = path.clone().into_actions().iter().map(|action| format!("{action:?}")).collect();
        Some(steps.join(" > "))
    }

    /// What was found, by name.
    #[must_use]
    pub fn names(&self) -> BTreeSet<&'static str> {
        self.found.iter().map(|(name, _)| *name).collect()
    }
}
