//! What the browser complained about: scripts that failed, policies that were broken, files that are missing.

use serde_json::Value;

/// The lines that are complaints.
#[derive(Debug, Default)]
pub struct Console(Vec<String>);

impl Console {
    /// Adds what chromedriver's log holds.
    pub fn take(&mut self, entries: &[Value]) {
        self.0.extend(entries.iter().filter(|entry| is_complaint(entry)).map(|entry| {
            format!("{} {}: {}", entry["level"], entry["source"], entry["message"].as_str().unwrap_or_default())
        }));
    }

    /// Whether there are any.
    pub fn is_unclean(&self) -> bool {
        !self.0.is_empty()
    }

    /// Fails if there are any.
    #[track_caller]
    pub fn assert_clean(&self) {
        assert!(self.0.is_empty(), "the browser complains:\n{}", self.0.join("\n"));
    }
}

/// A refusal by the API, or a network that is away, is no fault of the page: what it says of it is looked at elsewhere.
fn is_complaint(entry: &Value) -> bool {
    let (level, message) = (entry["level"].as_str().unwrap_or_default(), entry["message"].as_str().unwrap_or_default());
    let of_network = entry["source"] == "network" || message.contains("WebSocket connection to");
    matches!(level, "SEVERE" | "WARNING") && !(of_network && message.contains("/api/"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_complaint_is_told_from_a_refusal() {
        for (complaint, entry) in [
            (true, json!({"level": "SEVERE", "source": "javascript", "message": "http://a/x.js 3 Uncaught TypeError"})),
            (true, json!({"level": "SEVERE", "source": "security", "message": "Refused to load /api/x: img-src"})),
            (true, json!({"level": "SEVERE", "source": "network", "message": "http://a/assets/x.js - 404"})),
            (true, json!({"level": "SEVERE", "source": "console-api", "message": "/api/ went wrong"})),
            (true, json!({"level": "WARNING", "source": "other", "message": "deprecated"})),
            (false, json!({"level": "SEVERE", "source": "network", "message": "http://a/api/admin/me - 401"})),
            (
                false,
                json!({"level": "SEVERE", "source": "javascript",
                "message": "http://a/x.js WebSocket connection to 'ws://a/api/admin/feed' failed"}),
            ),
            (false, json!({"level": "INFO", "source": "console-api", "message": "hello"})),
        ] {
            let mut console = Console::default();
            console.take(std::slice::from_ref(&entry));
            assert_eq!(console.is_unclean(), complaint, "{entry}");
        }
    }
}
