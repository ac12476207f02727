//! Heartbeats beside a bare handler that parses the same body.

use serde_json::json;

use super::factory::Factory;
use super::floor::{self, Floor};
use super::load::{Callers, dealt};
use super::report::Report;
use super::rounds::{Answering, Rounds};
use super::stack::Stack;
use super::wire::{Answer, Prepared};
use super::{Options, crew};
use crate::backends::NatsRole;
use crate::config::Config;

/// The least share of the floor, in percent.
const TARGET_SHARE: f64 = 60.0;

/// Measures.
///
/// # Errors
/// Something does not work.
pub async fn measure(config: &Config, options: &Options) -> anyhow::Result<Report> {
    let stack = Stack::start(config, "5m").await?;
    let factory = Factory::make(&stack.bus(NatsRole::Gateway).await?, options.sessions).await?;
    let crew = crew::assemble(&stack, &factory, options.sessions).await?;
    let floor = Floor::start().await?;
    let beats = crew.iter().map(|member| {
        let body = json!({"sessionId": member.session}).to_string();
        Prepared::post(floor::PATH, Some(&member.token), &body)
    });
    let requests = dealt(beats.collect(), options.connections);
    let connections = requests.len();
    let mut ours =
        Answering { callers: Callers::connect(stack.http(), requests.clone(), is_ok).await?, process: stack.pid() };
    let mut bare =
        Answering { callers: Callers::connect(floor.address(), requests, is_ok).await?, process: floor.pid() };
    let rounds = Rounds::of(&mut ours, &mut bare, options).await?;
    Ok(Report {
        bench: "heartbeat",
        setup: vec![
            format!(
                "{} rounds of {:?} each: heartbeats of {} sessions on {connections} connections, load generator included",
                options.rounds, options.round, options.sessions
            ),
            "floor: a bare axum handler in a process of its own that parses the same requests".to_owned(),
        ],
        figures: rounds.figures("heartbeats", TARGET_SHARE, None),
        notes: rounds.notes(),
    })
}

fn is_ok(answer: &Answer) -> bool {
    answer.status == 200 && answer.body == br#"{"ok":true}"#
}
