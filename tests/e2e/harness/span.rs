//! How long an outage lasts: seconds in `./test`, and as long as the fault says in a long run.
//!
//! `ANDON_TEST_LONG=1 ./test` makes outages as long as [docs/reliability.md](../../../docs/reliability.md) names them.

use std::time::Duration;

/// The variable that asks for a long run.
const LONG: &str = "ANDON_TEST_LONG";

/// `short`, or `long` when a long run was asked for.
pub fn span(short: Duration, long: Duration) -> Duration {
    if std::env::var_os(LONG).is_some_and(|value| !value.is_empty() && value != "0") { long } else { short }
}
