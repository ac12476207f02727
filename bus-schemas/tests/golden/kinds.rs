//! The names of every variant on the bus, from matches without a wildcard: a new variant does not compile until it is
//! named here, and a name without an example fails the test.

use bus_schemas::{
    Actor, CloseCause, CommandBody, Effect, EventKind, RefusalCode, Reply, SessionStatus, TakenWhy,
    audit::AuditAction,
    command::{AbandonReason, ChecklistKind, QuantityReport},
    directory::{Change, Key, Record},
    heartbeat::HeartbeatMessage,
    records::{Language, ReasonType, Revoked, RevokedWhat, StationType, WorkerRole},
    status::MachineClass,
};

macro_rules! kinds {
    ($function:ident, $names:ident, $type:ty { $($pattern:pat => $name:literal),+ $(,)? }) => {
        /// Every name, in order.
        pub const $names: &[&str] = &[$($name),+];

        /// The name of this one.
        pub const fn $function(value: &$type) -> &'static str {
            match value {
                $($pattern => $name),+
            }
        }
    };
}

/// A closed vocabulary: its words in one array.
macro_rules! words {
    ($function:ident, $type:ident { $($variant:ident),+ $(,)? }) => {
        /// Every word.
        pub fn $function() -> Vec<$type> {
            // Compiles only while the list is whole.
            let _whole = |word: &$type| match word {
                $($type::$variant => ()),+
            };
            vec![$($type::$variant),+]
        }
    };
}

kinds!(actor, ACTORS, Actor {
    Actor::Worker(_) => "worker",
    Actor::Admin(_) => "admin",
    Actor::System => "system",
});

kinds!(key, KEYS, Key {
    Key::Worker(_) => "worker",
    Key::Station(_) => "station",
    Key::Job(_) => "job",
    Key::Reason(_) => "reason",
    Key::Status(_) => "status",
    Key::Credential(_) => "credential",
    Key::Revoked(RevokedWhat::Token(_)) => "revoked-token",
    Key::Revoked(RevokedWhat::Account(_)) => "revoked-account",
    Key::Revoked(RevokedWhat::Worker(_)) => "revoked-worker",
    Key::Device(_) => "device",
});

kinds!(body, BODIES, CommandBody {
    CommandBody::Open { .. } => "open",
    CommandBody::Checklist { .. } => "checklist",
    CommandBody::Status { .. } => "status",
    CommandBody::Quantities { report: QuantityReport::Totals { .. }, .. } => "quantities-totals",
    CommandBody::Quantities { report: QuantityReport::Deltas { .. }, .. } => "quantities-deltas",
    CommandBody::Complete { .. } => "complete",
    CommandBody::Abandon { reason: AbandonReason::WorkerChoice, .. } => "abandon-worker-choice",
    CommandBody::Abandon { reason: AbandonReason::Expired, .. } => "abandon-expired",
    CommandBody::AdminClose { .. } => "admin-close",
    CommandBody::Look => "look",
});

kinds!(reply, REPLIES, Reply {
    Reply::Done(_) => "done",
    Reply::Refused(_) => "refused",
    Reply::Wait { .. } => "wait",
    Reply::NotOwner => "not-owner",
    Reply::Busy { .. } => "busy",
    Reply::Expired => "expired",
    Reply::Unknown => "unknown",
    Reply::LogFull => "log-full",
    Reply::Poison { .. } => "poison",
});

kinds!(event, EVENTS, EventKind {
    EventKind::Opened { .. } => "opened",
    EventKind::ChecklistCompleted { .. } => "checklist-completed",
    EventKind::StatusChanged => "status-changed",
    EventKind::QuantitiesReported { .. } => "quantities-reported",
    EventKind::Closed { .. } => "closed",
    EventKind::Carried => "carried",
});

kinds!(heartbeat, HEARTBEATS, HeartbeatMessage {
    HeartbeatMessage::Beats(_) => "beats",
    HeartbeatMessage::Echo(_) => "echo",
});

kinds!(change, CHANGES, Change {
    Change::Put(_) => "put",
    Change::Remove(_) => "remove",
    Change::Import { .. } => "import",
    Change::Audit(_) => "audit",
});

kinds!(record, RECORDS, Record {
    Record::Worker(_) => "worker",
    Record::Station(_) => "station",
    Record::Job(_) => "job",
    Record::Reason(_) => "reason",
    Record::Status(_) => "status",
    Record::Credential(_) => "credential",
    Record::Revoked(Revoked { what: RevokedWhat::Token(_), .. }) => "revoked-token",
    Record::Revoked(Revoked { what: RevokedWhat::Account(_), .. }) => "revoked-account",
    Record::Revoked(Revoked { what: RevokedWhat::Worker(_), .. }) => "revoked-worker",
    Record::Device(_) => "device",
});

words!(
    refusal_codes,
    RefusalCode {
        SessionClosed,
        NotFound,
        StationNotAssigned,
        StationInactive,
        WorkerInactive,
        StartChecklistRequired,
        EndChecklistRequired,
        ChecklistIncomplete,
        StationMismatch,
        UnknownStatus,
        UnknownReason,
        ReasonRequired,
        InvalidQuantity,
        SessionStillLive,
        IdempotencyKeyReused,
        InvalidPayload,
    }
);
words!(
    audit_actions,
    AuditAction {
        SignIn,
        SignOut,
        CreateAccount,
        ChangeAccount,
        SetPassword,
        ExportDirectory,
        CloseSession,
        CloseAllSessions,
    }
);
words!(close_causes, CloseCause { Completed, Idle, Abandoned, Replaced, Admin });
words!(taken_whys, TakenWhy { Unclaimed, Released, HandedOver, NoResponder, Silent, Told, Other });
words!(session_statuses, SessionStatus { Active, Completed, Aborted });
words!(effects, Effect { Stored, Nothing });
words!(checklist_kinds, ChecklistKind { Start, End });
words!(machine_classes, MachineClass { Production, Setup, Stoppage });
words!(reason_types, ReasonType { Stop, Scrap });
words!(languages, Language { He, Ru, En, Auto });
words!(worker_roles, WorkerRole { Worker, Admin });
words!(
    station_types,
    StationType { Prepress, DigitalPress, Offset, Folding, Cutting, Binding, Shrink, Lamination, Other }
);

/// Keys of the maps by which MessagePack carries a variant with a value. Such a map has exactly one entry, in every
/// version.
pub const TAGS: &[&str] = &[
    // Actors.
    "worker",
    "admin",
    // Commands.
    "open",
    "checklist",
    "status",
    "quantities",
    "totals",
    "deltas",
    "complete",
    "abandon",
    "admin-close",
    // Replies.
    "done",
    "refused",
    "wait",
    "busy",
    "poison",
    // Events.
    "opened",
    "checklist-completed",
    "quantities-reported",
    "closed",
    // Heartbeats.
    "beats",
    "echo",
    // The directory.
    "put",
    "remove",
    "import",
    "audit",
    "device",
    "station",
    "job",
    "reason",
    "credential",
    "revoked",
    "token",
    "account",
];
