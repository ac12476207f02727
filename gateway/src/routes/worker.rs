//! What workers use.

pub mod abandon;
pub mod active_session;
pub mod checklist;
pub mod checklist_responses;
pub mod complete;
pub mod heartbeat;
pub mod jobs;
pub mod login;
pub mod logout;
pub mod quantities;
pub mod reasons;
pub mod socket;
pub mod stations;
pub mod status_events;
pub mod statuses;
