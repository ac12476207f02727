//! What the private nats-server says about itself on `/healthz`.

use std::time::Duration;

/// How long it may take to answer.
const TIMEOUT: Duration = Duration::from_secs(2);
/// What the server's answer holds when it will acknowledge nothing any more and only a restart helps: after a write
/// error on its disk, and after it has put JetStream out of service. A server that still starts says neither: until
/// JetStream runs it says that it is not ready for connections (nats-server: `healthz` in `server/monitor.go`, and
/// `Start` in `server/server.go`, which listens for clients last).
const MUTE: [&str; 2] = ["write error", "jetstream not enabled"];

/// One answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Health {
    /// All is well.
    Good,
    /// It will acknowledge nothing until it is restarted.
    Mute(String),
    /// Not well for another reason, such as streams still being recovered.
    Unwell(String),
    /// No answer: not listening yet, suspended or gone.
    Silent,
}

/// A client that goes straight to the loopback address, whatever proxy the environment names.
pub fn client() -> reqwest::Client {
    reqwest::Client::builder().no_proxy().timeout(TIMEOUT).build().unwrap_or_default()
}

/// Asks the server at `monitor_url`.
pub async fn ask(client: &reqwest::Client, monitor_url: &str) -> Health {
    let request = client.get(format!("{monitor_url}/healthz"));
    let Ok(response) = request.send().await else {
        return Health::Silent;
    };
    let good = response.status().is_success();
    match response.text().await {
        Ok(_) if good => Health::Good,
        Ok(text) => judge(text),
        Err(_) => Health::Silent,
    }
}

fn judge(text: String) -> Health {
    let said = text.to_ascii_lowercase();
    if MUTE.iter().any(|mute| said.contains(mute)) { Health::Mute(text) } else { Health::Unwell(text) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_write_error_and_a_jetstream_out_of_service_mean_mute_and_nothing_else_does() {
        for mute in [
            r#"{"status":"unavailable","status_code":503,"error":"JetStream stream 'ANDON > ANDON' write error: input/output error"}"#,
            r#"{"status":"unavailable","status_code":503,"error":"JetStream not enabled"}"#,
        ] {
            assert!(matches!(judge(mute.into()), Health::Mute(_)), "{mute}");
        }
        for at_work in [
            r#"{"status":"unavailable","error":"JetStream is not current"}"#,
            r#"{"status":"error","status_code":500,"error":"failed to be ready for connections after 1ms: server"}"#,
        ] {
            assert!(matches!(judge(at_work.into()), Health::Unwell(_)), "{at_work}");
        }
    }
}
