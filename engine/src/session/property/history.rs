//! Random histories: what may happen to one worker's chain.

use bus_schemas::{
    ReasonId,
    command::{AbandonReason, ChecklistKind, QuantityReport},
    limits::QUANTITY_MAX,
};
use proptest::prelude::*;

use super::super::fixture::{JAM, OLD_REASON, SMEARED};

/// One step: the clock moves (or runs back), then something happens.
#[derive(Clone, Debug)]
pub(super) struct Step {
    pub(super) clock_us: i64,
    /// The deadline the owner knows, from now.
    pub(super) deadline_us: Option<i64>,
    pub(super) what: What,
}

#[derive(Clone, Debug)]
pub(super) enum What {
    Send(Intent, Sender),
    /// Sends an earlier command again, by how far back it is.
    Repeat(usize),
    /// Uses the id of an earlier command for something else.
    Reuse(usize, Intent),
    Idle {
        seen_us: i64,
    },
    Carry,
    /// The lists of the press are emptied, or come back.
    EditPress {
        empty: bool,
    },
}

#[derive(Clone, Copy, Debug)]
pub(super) enum Sender {
    Worker,
    Supervisor,
}

/// A command whose session is chosen when it is sent.
#[derive(Clone, Debug)]
pub(super) enum Intent {
    Open { bench: bool, job: u8 },
    Checklist { which: Which, list: ChecklistKind, complete: bool },
    Status { which: Which, status: &'static str, reason: Option<ReasonId>, note: Option<&'static str> },
    Quantities { which: Which, report: QuantityReport },
    Complete(Which),
    Abandon(Which, AbandonReason),
    AdminClose(Which),
}

/// Which of the sessions there were, from the latest back; none of them when there are not so many.
pub(super) type Which = usize;

fn which() -> impl Strategy<Value = Which> {
    prop_oneof![8 => Just(0), 1 => Just(1), 1 => 2_usize..6]
}

fn intent() -> impl Strategy<Value = Intent> {
    let list = prop_oneof![Just(ChecklistKind::Start), Just(ChecklistKind::End)];
    let status = prop::sample::select(vec!["production", "setup", "stopped", "fault", "explained", "cleaning", "gone"]);
    let reason = prop::option::of(prop::sample::select(vec![JAM, OLD_REASON]));
    let note = prop::option::of(prop::sample::select(vec!["", "a", "b"]));
    let why = prop_oneof![Just(AbandonReason::WorkerChoice), Just(AbandonReason::Expired)];
    prop_oneof![
        2 => (any::<bool>(), 0_u8..3).prop_map(|(bench, job)| Intent::Open { bench, job }),
        4 => (which(), list, prop::bool::weighted(0.8))
            .prop_map(|(which, list, complete)| Intent::Checklist { which, list, complete }),
        6 => (which(), status, reason, note)
            .prop_map(|(which, status, reason, note)| Intent::Status { which, status, reason, note }),
        4 => (which(), report()).prop_map(|(which, report)| Intent::Quantities { which, report }),
        1 => which().prop_map(Intent::Complete),
        1 => (which(), why).prop_map(|(which, why)| Intent::Abandon(which, why)),
        1 => which().prop_map(Intent::AdminClose),
    ]
}

fn report() -> impl Strategy<Value = QuantityReport> {
    let figure = || {
        prop::option::of(prop_oneof![
            6 => -20_i64..200,
            1 => Just(QUANTITY_MAX),
            1 => Just(-QUANTITY_MAX),
            1 => any::<i64>(),
        ])
    };
    (figure(), figure(), any::<bool>()).prop_map(|(good, scrap, absolute)| {
        let reason_id = scrap.map(|_| SMEARED);
        if absolute {
            QuantityReport::Totals { good, scrap, reason_id }
        } else {
            QuantityReport::Deltas { good, scrap, reason_id }
        }
    })
}

pub(super) fn step() -> impl Strategy<Value = Step> {
    let sender = prop_oneof![9 => Just(Sender::Worker), 1 => Just(Sender::Supervisor)];
    let what = prop_oneof![
        16 => (intent(), sender).prop_map(|(intent, sender)| What::Send(intent, sender)),
        3 => (0_usize..40).prop_map(What::Repeat),
        1 => (0_usize..40, intent()).prop_map(|(back, intent)| What::Reuse(back, intent)),
        1 => (-400_000_000_i64..10_000_000).prop_map(|seen_us| What::Idle { seen_us }),
        1 => Just(What::Carry),
        1 => any::<bool>().prop_map(|empty| What::EditPress { empty }),
    ];
    let clock = prop_oneof![6 => 0_i64..60_000_000, 1 => Just(0), 2 => -90_000_000_i64..0, 1 => -3_600_000_000_i64..3_600_000_000];
    (clock, prop::option::of(-1_000_000_i64..10_000_000), what).prop_map(|(clock_us, deadline_us, what)| Step {
        clock_us,
        deadline_us,
        what,
    })
}
