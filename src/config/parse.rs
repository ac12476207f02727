//! Turns the text of one setting into its value, or into a sentence that says what it must be.

use std::path::PathBuf;
use std::time::Duration;

use ipnet::IpNet;
use url::Url;

use super::NatsUrl;

/// Shorter, the owner could not tell silence from the one-second rhythm of heartbeats and echoes.
const SHORTEST_IDLE_TIMEOUT: Duration = Duration::from_secs(1);
/// Longer, a forgotten session would outlive the week for which the log is kept.
const LONGEST_IDLE_TIMEOUT: Duration = Duration::from_secs(24 * 3600);
/// An event must outlive every gap in which Postgres may be away; an hour is the least that makes sense.
const SHORTEST_RETENTION: Duration = Duration::from_secs(3600);
/// Below this the log would be full within minutes.
const SMALLEST_LOG_BYTES: u64 = 16 << 20;
/// A node id has at most 64 characters, and each start adds a random part.
const LONGEST_NODE_ID: usize = 40;

/// Why a text is refused: what it must be.
pub type Refused = String;

/// A socket address such as `127.0.0.1:8080`.
pub fn address(text: &str) -> Result<std::net::SocketAddr, Refused> {
    text.parse().map_err(|_| "must be an address and a port, such as 127.0.0.1:8080 or [::1]:8080".into())
}

/// A port; 0 asks for any free one.
pub fn port(text: &str) -> Result<u16, Refused> {
    text.parse().map_err(|_| "must be a port from 0 to 65535".into())
}

/// A file or directory.
pub fn path(text: &str) -> Result<PathBuf, Refused> {
    Ok(PathBuf::from(text))
}

/// A file that can be read now.
pub fn readable_file(text: &str) -> Result<PathBuf, Refused> {
    match std::fs::File::open(text).and_then(|file| file.metadata()) {
        Ok(metadata) if metadata.is_file() => Ok(PathBuf::from(text)),
        Ok(_) => Err("must be a file".into()),
        Err(error) => Err(format!("must be a file that can be read: {error}")),
    }
}

/// `true` or `false`, also as `1` or `0`.
pub fn truth(text: &str) -> Result<bool, Refused> {
    match text {
        "1" | "true" => Ok(true),
        "0" | "false" => Ok(false),
        _ => Err("must be true or false".into()),
    }
}

/// A duration such as `300s`, `16h` or `7d`.
pub fn duration(text: &str) -> Result<Duration, Refused> {
    humantime::parse_duration(text).map_err(|_| "must be a duration such as 300s, 16h or 7d".into())
}

/// The idle time.
pub fn idle_timeout(text: &str) -> Result<Duration, Refused> {
    let value = duration(text)?;
    if (SHORTEST_IDLE_TIMEOUT..=LONGEST_IDLE_TIMEOUT).contains(&value) {
        Ok(value)
    } else {
        Err("must be from 1s to 24h".into())
    }
}

/// How long the log is kept.
pub fn retention(text: &str) -> Result<Duration, Refused> {
    let value = duration(text)?;
    if value >= SHORTEST_RETENTION { Ok(value) } else { Err("must be 1h or longer".into()) }
}

/// A number of bytes: plain, or with a unit as in `20GiB` or `500MB`.
pub fn log_bytes(text: &str) -> Result<u64, Refused> {
    const UNITS: [(&str, u64); 7] = [
        ("TiB", 1 << 40),
        ("GiB", 1 << 30),
        ("MiB", 1 << 20),
        ("TB", 1_000_000_000_000),
        ("GB", 1_000_000_000),
        ("MB", 1_000_000),
        ("", 1),
    ];
    let refused = || Refused::from("must be a number of bytes, 16MiB or more, such as 20GiB");
    let (digits, factor) =
        UNITS.iter().find_map(|(unit, factor)| Some((text.strip_suffix(unit)?, factor))).ok_or_else(refused)?;
    let count: u64 = digits.trim().parse().map_err(|_| refused())?;
    count
        .checked_mul(*factor)
        .filter(|bytes| (SMALLEST_LOG_BYTES..=i64::MAX as u64).contains(bytes))
        .ok_or_else(refused)
}

/// The number of copies of the log. Two would be no safer than one: JetStream needs a majority.
pub fn replicas(text: &str) -> Result<usize, Refused> {
    match text {
        "1" => Ok(1),
        "3" => Ok(3),
        _ => Err("must be 1 or 3".into()),
    }
}

/// A node's name, which becomes part of NATS subjects.
pub fn node_id(text: &str) -> Result<String, Refused> {
    let fits = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    if text.len() <= LONGEST_NODE_ID && text.chars().all(fits) {
        Ok(text.to_owned())
    } else {
        Err("must be 1 to 40 letters, digits, dashes or underscores".into())
    }
}

/// The address of a nats-server.
pub fn nats_url(text: &str) -> Result<NatsUrl, Refused> {
    let example = "nats://user:password@127.0.0.1:4222";
    let mut servers = text.split(',').map(|server| url_of(server.trim(), &["nats", "tls"], example));
    let first = servers.next().unwrap_or_else(|| Err(format!("must be an address such as {example}")))?;
    let others: Vec<Url> = servers.collect::<Result<_, _>>()?;
    if others.iter().any(|other| !other.username().is_empty() || other.password().is_some()) {
        return Err("must have user and password, where there are any, at the first server alone".to_owned());
    }
    Ok(NatsUrl { first, others })
}

/// The address of a Postgres database.
pub fn database_url(text: &str) -> Result<Url, Refused> {
    url_of(text, &["postgres", "postgresql"], "postgres://user:password@127.0.0.1:5432/andon")
}

/// An address for browsers or for the monitoring port.
pub fn http_url(text: &str) -> Result<Url, Refused> {
    url_of(text, &["http", "https"], "http://127.0.0.1:8222")
}

fn url_of(text: &str, schemes: &[&str], example: &str) -> Result<Url, Refused> {
    Url::parse(text)
        .ok()
        .filter(|url| schemes.contains(&url.scheme()) && url.host().is_some())
        .ok_or_else(|| format!("must be an address such as {example}"))
}

/// Origins, separated by commas, each normalised to scheme, host and port.
pub fn origins(text: &str) -> Result<Vec<String>, Refused> {
    items(text)
        .map(|item| {
            let url = http_url(item)
                .ok()
                .filter(|url| url.path() == "/" && url.query().is_none() && url.fragment().is_none());
            url.map(|url| url.origin().ascii_serialization())
                .ok_or_else(|| format!("{item}: must be an origin such as https://board.example:8443"))
        })
        .collect()
}

/// Networks, separated by commas; a bare address is a network of one.
pub fn networks(text: &str) -> Result<Vec<IpNet>, Refused> {
    items(text)
        .map(|item| {
            item.parse::<IpNet>()
                .or_else(|_| item.parse::<std::net::IpAddr>().map(IpNet::from))
                .map_err(|_| format!("{item}: must be a network such as 10.0.0.0/8"))
        })
        .collect()
}

fn items(text: &str) -> impl Iterator<Item = &str> {
    text.split(',').map(str::trim).filter(|item| !item.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_take_units_and_refuse_what_would_overflow() {
        assert_eq!(log_bytes("20GiB"), Ok(20 << 30));
        assert_eq!(log_bytes("500 MB"), Ok(500_000_000));
        assert_eq!(log_bytes("16777216"), Ok(16 << 20));
        for wrong in ["", "GiB", "1KiB", "-5GiB", "99999999999TiB", "18446744073709551615"] {
            assert!(log_bytes(wrong).is_err(), "{wrong:?} was taken");
        }
    }

    #[test]
    fn a_bare_address_is_a_network_of_one() {
        let networks = networks("10.0.0.0/8, ::1").expect("both are networks");
        assert_eq!(networks[1].to_string(), "::1/128");
    }

    #[test]
    fn an_origin_has_no_path() {
        assert_eq!(origins("HTTPS://Board.example:443/"), Ok(vec!["https://board.example".into()]));
        assert!(origins("https://board.example/app").is_err());
    }

    #[test]
    fn the_idle_time_has_bounds() {
        assert!(idle_timeout("999ms").is_err());
        assert_eq!(idle_timeout("1s"), Ok(Duration::from_secs(1)));
        assert!(idle_timeout("25h").is_err());
    }
}
