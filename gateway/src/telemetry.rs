//! What this crate measures, by name; and the trace context that travels with a command.

use std::time::Duration;

/// A command was answered.
pub(crate) fn command(kind: &'static str, outcome: &'static str, took: Duration) {
    metrics::histogram!("andon_gateway_command_seconds", "kind" => kind).record(took.as_secs_f64());
    metrics::counter!("andon_gateway_commands_total", "kind" => kind, "outcome" => outcome).increment(1);
}

/// A request was answered.
pub(crate) fn request(route: &str, status: u16, took: Duration) {
    let class = match status {
        ..400 => "ok",
        400..500 => "refused",
        _ => "failed",
    };
    metrics::counter!("andon_gateway_requests_total", "route" => route.to_owned(), "class" => class).increment(1);
    metrics::histogram!("andon_gateway_request_seconds", "route" => route.to_owned()).record(took.as_secs_f64());
}

/// A message on the bus could not be read.
pub(crate) fn unreadable(what: &'static str) {
    metrics::counter!("andon_gateway_unreadable_total", "what" => what).increment(1);
}

/// How many messages the view is behind the log.
pub(crate) fn lag(messages: u64) {
    // A gauge is a float; beyond 2^53 nobody reads the last digit.
    #[expect(clippy::cast_precision_loss, reason = "a gauge is a float")]
    metrics::gauge!("andon_gateway_view_lag_messages").set(messages as f64);
}

/// How many sessions are active.
pub(crate) fn live_sessions(count: usize) {
    #[expect(clippy::cast_precision_loss, reason = "a gauge is a float")]
    metrics::gauge!("andon_gateway_live_sessions").set(count as f64);
}

/// How many connections the feed has.
pub(crate) fn feed_viewers(count: usize) {
    #[expect(clippy::cast_precision_loss, reason = "a gauge is a float")]
    metrics::gauge!("andon_gateway_feed_viewers").set(count as f64);
}

/// A connection of the feed began.
pub(crate) fn feed_opened(transport: &'static str) {
    metrics::counter!("andon_gateway_feed_opened_total", "transport" => transport).increment(1);
}

/// A connection of the feed was ended by the gateway.
pub(crate) fn feed_ended(code: u16) {
    metrics::counter!("andon_gateway_feed_ended_total", "code" => code.to_string()).increment(1);
}

/// A viewer could not go on from what it held, and began anew.
pub(crate) fn feed_reset(reason: &'static str) {
    metrics::counter!("andon_gateway_feed_resets_total", "reason" => reason).increment(1);
}

/// Heartbeats were sent to an owner.
pub(crate) fn beats_sent(count: usize) {
    metrics::counter!("andon_gateway_beats_sent_total").increment(count as u64);
}

/// A heartbeat was refused.
pub(crate) fn heartbeat_refused(status: u16) {
    metrics::counter!("andon_gateway_heartbeats_refused_total", "status" => status.to_string()).increment(1);
}

/// A login was tried.
pub(crate) fn login(kind: &'static str, outcome: &'static str) {
    metrics::counter!("andon_gateway_logins_total", "kind" => kind, "outcome" => outcome).increment(1);
}

/// Where a request stands in its trace: W3C trace context.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trace {
    trace_id: String,
    span_id: String,
    sampled: bool,
}

impl Trace {
    /// Goes on with the client's trace, or starts one.
    #[must_use]
    pub fn continue_from(traceparent: Option<&str>) -> Self {
        let known = traceparent.and_then(Self::parse);
        Self { span_id: random_hex(8), ..known.unwrap_or_else(Self::fresh) }
    }

    fn fresh() -> Self {
        Self { trace_id: random_hex(16), span_id: String::new(), sampled: true }
    }

    fn parse(header: &str) -> Option<Self> {
        let mut parts = header.split('-');
        let (version, trace_id, span_id, flags) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
        let hex = |text: &str, length: usize| {
            text.len() == length && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
        };
        let zero = |text: &str| text.bytes().all(|byte| byte == b'0');
        let fits = hex(version, 2)
            && version != "ff"
            && hex(trace_id, 32)
            && !zero(trace_id)
            && hex(span_id, 16)
            && !zero(span_id)
            && hex(flags, 2);
        let sampled = u8::from_str_radix(flags, 16).is_ok_and(|flags| flags & 1 == 1);
        fits.then(|| Self { trace_id: trace_id.to_owned(), span_id: span_id.to_owned(), sampled })
    }

    /// The trace's id: what an `INTERNAL` error names.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.trace_id
    }

    /// The header for what this request causes.
    #[must_use]
    pub fn header(&self) -> String {
        format!("00-{}-{}-{:02x}", self.trace_id, self.span_id, u8::from(self.sampled))
    }
}

fn random_hex(bytes: usize) -> String {
    (0..bytes).map(|_| format!("{:02x}", rand::random::<u8>())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clients_trace_goes_on_in_a_new_span() {
        let header = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
        let trace = Trace::continue_from(Some(header));
        assert_eq!(trace.id(), "4bf92f3577b34da6a3ce929d0e0e4736");
        assert!(trace.header().starts_with("00-4bf92f3577b34da6a3ce929d0e0e4736-"));
        assert_ne!(trace.header(), header);
    }

    #[test]
    fn anything_else_starts_a_trace() {
        for header in [
            "",
            "00-0-0-0",
            "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
            "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",
            "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
        ] {
            let trace = Trace::continue_from(Some(header));
            assert_eq!(Trace::parse(&trace.header()), Some(trace.clone()), "{header}");
            assert_ne!(trace.id(), "4bf92f3577b34da6a3ce929d0e0e4736");
        }
    }
}
