//! What the private nats-server says about itself on `/healthz`.

use std::time::Duration;

/// How long it may take to answer.
const TIMEOUT: Duration = Duration::from_secs(2);
/// What the server's answer holds after a write error on its disk. It acknowledges nothing any more then, and only a
/// restart helps.
const WRITE_ERROR: &str = "write error";

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
    if text.to_ascii_lowercase().contains(WRITE_ERROR) { Health::Mute(text) } else { Health::Unwell(text) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_write_error_means_mute_and_nothing_else_does() {
        let mute = r#"{"status":"unavailable","status_code":503,"error":"JetStream stream 'ANDON > ANDON' write error: input/output error"}"#;
        assert!(matches!(judge(mute.into()), Health::Mute(_)));
        let recovering = r#"{"status":"unavailable","error":"JetStream is not current"}"#;
        assert!(matches!(judge(recovering.into()), Health::Unwell(_)));
    }
}
