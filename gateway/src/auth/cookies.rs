//! Cookies: one per signed-in worker, one for the account.

use bus_schemas::{TimeUs, WorkerId};
use http::{HeaderMap, HeaderValue, header};

use super::token::{Login, Who};

/// Workers that may be signed in on one browser: a shared tablet of a crew.
pub const WORKERS_MAX: usize = 8;
const WORKER_PREFIX: &str = "andon_worker_";
const ACCOUNT: &str = "andon_admin";
const DEVICE: &str = "andon_device";
/// As long as browsers keep any cookie; given anew at every sign-in, so a tablet in use never loses it.
const DEVICE_SECONDS: u64 = 400 * 24 * 3_600;

/// The cookies of ours in a request that are logins: name and token.
pub fn ours(headers: &HeaderMap) -> impl Iterator<Item = (&str, &str)> {
    all(headers).filter(|(name, _)| name.starts_with(WORKER_PREFIX) || *name == ACCOUNT)
}

/// What an enrolled device holds.
#[must_use]
pub fn of_device(headers: &HeaderMap) -> Option<&str> {
    all(headers).find(|(name, _)| *name == DEVICE).map(|(_, token)| token)
}

/// `Set-Cookie` for an enrolled device.
#[must_use]
pub fn set_device(token: &str, https: bool) -> Option<HeaderValue> {
    cookie(DEVICE, token, DEVICE_SECONDS, https)
}

fn all(headers: &HeaderMap) -> impl Iterator<Item = (&str, &str)> {
    headers
        .get_all(header::COOKIE)
        .into_iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
}

/// The token of this worker's cookie.
#[must_use]
pub fn of_worker(headers: &HeaderMap, worker: WorkerId) -> Option<&str> {
    let mut buffer = uuid::Uuid::encode_buffer();
    let id: &str = worker.0.as_simple().encode_lower(&mut buffer);
    ours(headers).find(|(name, _)| name.strip_prefix(WORKER_PREFIX) == Some(id)).map(|(_, token)| token)
}

fn name(who: &Who) -> String {
    match who {
        Who::Worker(id) => format!("{WORKER_PREFIX}{}", id.0.as_simple()),
        Who::Account { .. } => ACCOUNT.to_owned(),
    }
}

/// `Set-Cookie` for a login.
#[must_use]
pub fn set(login: &Login, token: &str, https: bool, now: TimeUs) -> Option<HeaderValue> {
    let max_age = login.expires_at.since(now).as_secs();
    cookie(&name(&login.who), token, max_age, https)
}

/// `Set-Cookie` that takes a login's cookie away.
#[must_use]
pub fn clear(who: &Who, https: bool) -> Option<HeaderValue> {
    cookie(&name(who), "", 0, https)
}

/// `Set-Cookie` that takes away a cookie of ours by its name.
#[must_use]
pub fn clear_named(name: &str, https: bool) -> Option<HeaderValue> {
    cookie(name, "", 0, https)
}

fn cookie(name: &str, value: &str, max_age: u64, https: bool) -> Option<HeaderValue> {
    let secure = if https { "; Secure" } else { "" };
    let text = format!("{name}={value}; Path=/; HttpOnly; SameSite=Lax; Max-Age={max_age}{secure}");
    HeaderValue::from_str(&text).ok()
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    fn request(cookie: &str) -> HeaderMap {
        HeaderMap::from_iter([(header::COOKIE, HeaderValue::from_str(cookie).unwrap())])
    }

    #[test]
    fn ours_are_found_among_others() {
        let worker = WorkerId(Uuid::from_u128(1));
        let id = worker.0.as_simple();
        let headers = request(&format!("theme=dark; andon_worker_{id}=aaa; andon_admin=bbb;x; andon_x=1"));
        assert_eq!(of_worker(&headers, worker), Some("aaa"));
        assert_eq!(of_worker(&headers, WorkerId(Uuid::from_u128(2))), None);
        assert_eq!(ours(&headers).count(), 2);
        assert_eq!(ours(&HeaderMap::new()).count(), 0);
    }

    #[test]
    fn cookies_cannot_be_read_by_scripts_and_are_secure_over_https() {
        let worker = WorkerId(Uuid::from_u128(1));
        let at = TimeUs::from_micros(0);
        let login = Login {
            id: "x".into(),
            who: Who::Worker(worker),
            device: None,
            issued_at: at,
            first_at: at,
            expires_at: TimeUs::from_micros(60_000_000),
        };
        let text = set(&login, "t", true, at).unwrap();
        let text = text.to_str().unwrap();
        assert!(text.ends_with("=t; Path=/; HttpOnly; SameSite=Lax; Max-Age=60; Secure"), "{text}");
        let gone = clear(&login.who, false).unwrap();
        assert!(gone.to_str().unwrap().ends_with("=; Path=/; HttpOnly; SameSite=Lax; Max-Age=0"));
    }
}
