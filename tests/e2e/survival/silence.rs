//! Silence closes a session, on time and once; whoever is there is never closed, whatever happened to the servers.

mod gaps;
mod scene;
mod timely;
