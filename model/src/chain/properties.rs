//! What must hold in every state, and what must be possible, or the model would prove nothing.

use stateright::Property;

use super::{
    Chain, State,
    state::{Place, Reply, Told},
};

/// Every event builds on the one before it.
pub const NEVER_FORKS: &str = "the chain never forks";
/// However often it is sent, through whom and to whom.
pub const AT_MOST_ONCE: &str = "a command takes effect at most once";
/// `docs/protocol.md`, what may be seen.
pub const OK_IS_STORED_ONCE: &str = "ok means stored once";
/// `docs/protocol.md`, what may be seen.
pub const REFUSED_IS_NEVER_STORED: &str = "refused means never stored";
/// An answer without effect was right at some time between the command and the answer.
pub const WAS_TRUE: &str = "a refusal was true";

/// Should be possible: a publish without an acknowledgement is in the log.
pub const UNKNOWN_IS_STORED: &str = "a publish of unknown outcome is stored";
/// Should be possible: the condition of a publish fails.
pub const STALE_IS_REFUSED: &str = "a publish on an old state is refused";
/// Should be possible: two attempts of one command are answered as stored.
pub const REPEAT_IS_ANSWERED: &str = "a repeat is answered from the ring";

/// All of them.
pub(super) fn all() -> Vec<Property<Chain>> {
    vec![
        Property::always(NEVER_FORKS, |_, state: &State| (0..).zip(&state.log).all(|(seq, event)| event.base == seq)),
        Property::always(AT_MOST_ONCE, |_, state: &State| {
            every_client(state, |command, _| state.effects(command) <= 1)
        }),
        Property::always(OK_IS_STORED_ONCE, |_, state: &State| {
            every_client(state, |command, told| told != Some(Told::Ok) || state.effects(command) == 1)
        }),
        Property::always(REFUSED_IS_NEVER_STORED, |_, state: &State| {
            let without_effect = [Some(Told::Refused), Some(Told::Nothing)];
            every_client(state, |command, told| !without_effect.contains(&told) || state.effects(command) == 0)
        }),
        Property::always(WAS_TRUE, |_, state: &State| state.clients.iter().all(|client| !client.lied_to)),
        Property::sometimes(UNKNOWN_IS_STORED, |_, state: &State| {
            state.nodes.iter().flat_map(|node| &node.unknown).any(|events| state.log.ends_with(events))
        }),
        Property::sometimes(STALE_IS_REFUSED, |_, state: &State| {
            state.publishes.iter().any(|publish| publish.answer == Some(false))
        }),
        Property::sometimes(REPEAT_IS_ANSWERED, |_, state: &State| {
            every_client(state, |command, _| {
                let stored = |place| matches!(place, Place::Stored | Place::Answered(Reply::Stored));
                state.attempts.iter().filter(|a| a.command == command && stored(a.place)).count() > 1
            })
        }),
    ]
}

fn every_client(state: &State, holds: impl Fn(u8, Option<Told>) -> bool) -> bool {
    (0..).zip(&state.clients).all(|(command, client)| holds(command, client.told))
}
