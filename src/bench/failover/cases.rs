//! The faults, one a file: what is done, and what is measured of it.

mod cold;
mod kill;
mod leader;
mod rolling;
mod servers;
mod stop;

use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::Instant;

use super::Case;
use super::figures::Figure;
use super::scene::Scene;
use super::strike::Struck;
use crate::bench::processes;

/// Workers try for so long before a partition counts as not served.
const TRY_WITHIN: Duration = Duration::from_secs(60);

/// What was measured of a case.
#[derive(Debug)]
pub struct Section {
    /// Which.
    pub case: Case,
    /// How often it was done.
    pub trials: usize,
    /// The figures.
    pub figures: Vec<Figure>,
    /// Why there are fewer trials than were asked for.
    pub ended: Option<Ending>,
    /// What explains them.
    pub notes: Vec<String>,
}

/// Why a case ended before its time.
#[derive(Debug)]
pub enum Ending {
    /// The time for all of it was over.
    Time,
    /// Something did not happen that must.
    Broken(String),
}

/// Does it as planned.
pub async fn run(scene: &mut Scene, plan: Plan) -> Section {
    match plan.case {
        Case::Kill => kill::run(scene, plan).await,
        Case::Stop => stop::run(scene, plan).await,
        Case::Rolling => rolling::run(scene, plan).await,
        Case::Leader => leader::run(scene, plan).await,
        Case::Servers => servers::run(scene, plan).await,
        Case::Cold => cold::run(scene, plan).await,
    }
}

/// How often a case is done, and until when.
#[derive(Debug, Clone, Copy)]
pub struct Plan {
    /// Which.
    pub case: Case,
    /// How often.
    pub trials: usize,
    /// No trial begins later.
    pub deadline: Instant,
    /// How long a load is measured that nothing disturbs.
    pub undisturbed: Duration,
}

impl Plan {
    /// Does the trials; what came of them, and why there are not more. Whatever happens, the cluster is looked at again
    /// at the end: a fault that it does not recover from is a result.
    async fn trials<T>(
        self,
        scene: &mut Scene,
        trial: impl AsyncFn(&mut Scene, usize) -> anyhow::Result<T>,
    ) -> (Vec<T>, Option<Ending>) {
        let mut done = Vec::with_capacity(self.trials);
        for number in 0..self.trials {
            if Instant::now() >= self.deadline {
                return (done, Some(Ending::Time));
            }
            let tried = async {
                scene.settle().await?;
                trial(scene, number).await
            };
            match tried.await {
                Ok(result) => done.push(result),
                Err(error) => return (done, Some(Ending::Broken(format!("{error:#}")))),
            }
            tracing::info!(case = self.case.name(), trial = number + 1, of = self.trials, "done");
        }
        let broken = scene.settle().await.err().map(|error| Ending::Broken(format!("afterwards: {error:#}")));
        (done, broken)
    }

    fn section(self, trials: usize, figures: Vec<Figure>, ended: Option<Ending>) -> Section {
        let notes = vec![format!("load of the machine at the end: {}", processes::load())];
        Section { case: self.case, trials, figures, ended, notes }
    }
}

impl Section {
    /// As JSON.
    pub fn json(&self) -> Value {
        json!({
            "case": self.case.name(),
            "what": self.case.what(),
            "trials": self.trials,
            "figures": self.figures.iter().map(Figure::json).collect::<Vec<_>>(),
            "notes": self.notes,
            "ended_early": self.ended.as_ref().map(ToString::to_string),
        })
    }
}

impl std::fmt::Display for Ending {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Time => write!(f, "the time was over"),
            Self::Broken(why) => write!(f, "{why}"),
        }
    }
}

/// Claims that moved by a fault: when the first and the last of them were stored, in seconds from its beginning.
fn claimed_s(scene: &Scene, struck: &Struck) -> Option<(f64, f64)> {
    let moves = scene.owners.now().moves_since(struck.wall_us);
    let since = |stored_us: i64| (stored_us - struck.wall_us) as f64 / 1e6;
    let stored = || moves.iter().map(|moved| moved.stored_us);
    Some((since(stored().min()?), since(stored().max()?)))
}

/// Of one fault in the engines.
struct Owned {
    last_s: f64,
    served_s: Vec<f64>,
    answered_s: Vec<f64>,
    claimed_s: Option<(f64, f64)>,
}

impl Owned {
    fn of(scene: &Scene, struck: Struck) -> anyhow::Result<Self> {
        let (last_s, claimed_s) = (struck.last_s()?, claimed_s(scene, &struck));
        Ok(Self { last_s, claimed_s, served_s: struck.served_s, answered_s: struck.answered_s })
    }
}

/// The figures of faults in the engines: when the last partition served, and what that consists of.
fn figures(trials: &[Owned], targets: &[super::figures::Target]) -> Vec<Figure> {
    let each = |of: fn(&Owned) -> Option<f64>| trials.iter().filter_map(of).collect::<Vec<_>>();
    let all = |of: fn(&Owned) -> &Vec<f64>| trials.iter().flat_map(of).copied().collect::<Vec<_>>();
    vec![
        Figure::new("last partition accepts commands", "s", each(|trial| Some(trial.last_s))).with(targets),
        Figure::new("any partition accepts commands", "s", all(|trial| &trial.served_s)),
        Figure::new("command on its way is answered", "s", all(|trial| &trial.answered_s)),
        Figure::new("first claim by another node", "s", each(|trial| trial.claimed_s.map(|(first, _)| first))),
        Figure::new("last claim by another node", "s", each(|trial| trial.claimed_s.map(|(_, last)| last))),
    ]
}
