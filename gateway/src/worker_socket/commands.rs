//! Commands on a worker's socket: the same handlers as the routes, so that nothing can be done here that cannot there.

use std::panic::AssertUnwindSafe;

use axum::{Json, extract::State};
use bus_schemas::CommandId;
use futures::FutureExt;
use serde::Serialize;
use serde_json::{Map, Value};

use crate::{
    app::App,
    error::ApiError,
    extract::{Caller, Fields, Signed},
    feed::frame::Frame,
    routes::{Answer, worker},
    telemetry::Trace,
};

/// A command as it was asked.
pub(super) struct Asked {
    id: String,
    name: String,
    body: Map<String, Value>,
}

impl Asked {
    pub(super) const fn new(id: String, name: String, body: Map<String, Value>) -> Self {
        Self { id, name, body }
    }

    /// Does it, and says what came of it.
    pub(super) async fn done(self, app: App, caller: Caller) -> Frame {
        let id = self.id.clone();
        let trace = Trace::continue_from(None);
        let trace_id = trace.id().to_owned();
        let running = AssertUnwindSafe(self.run(app, Caller { trace, ..caller })).catch_unwind();
        let answer = running.await.unwrap_or_else(|_| {
            tracing::error!(trace_id, "a command on a socket panicked");
            metrics::counter!("andon_gateway_panics_total").increment(1);
            Err(ApiError::internal(&trace_id))
        });
        match answer {
            Ok(body) => Frame::reply(&id, &body),
            Err(error) => Frame::refusal(&id, error.to_json()),
        }
    }

    async fn run(self, app: App, caller: Caller) -> Result<Value, ApiError> {
        let command_id: CommandId = self.id.parse().map_err(|error| ApiError::payload(format!("id: {error}")))?;
        let (state, fields) = (State(app), Fields::of(self.body));
        let signed = Signed(Caller { command_id: Some(command_id), ..caller });
        match &*self.name {
            "open" => body(worker::jobs::open(state, signed, fields).await),
            "checklist" => body(worker::checklist_responses::responses(state, signed, fields).await),
            "status" => body(worker::status_events::status_event(state, signed, fields).await),
            "quantities" => body(worker::quantities::quantities(state, signed, fields).await),
            "complete" => body(worker::complete::complete(state, signed, fields).await),
            "abandon" => body(worker::abandon::abandon(state, signed, fields).await),
            _ => Err(ApiError::payload("name is open, checklist, status, quantities, complete or abandon")),
        }
    }
}

fn body<T: Serialize>(answer: Answer<T>) -> Result<Value, ApiError> {
    answer.map(|Json(body)| serde_json::to_value(body).unwrap_or_default())
}
