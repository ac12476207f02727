//! Signed tokens: what they say, how long they hold.

use std::time::Duration;

use bus_schemas::{DeviceId, StationId, TimeUs, WorkerId};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation, decode, encode};
use persistence::Role;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// A token holds for a shift and a bit.
pub const LIFETIME: Duration = Duration::from_secs(16 * 3_600);
/// Renewed on use, it holds for at most this long after the signing in.
pub const LIFETIME_MAX: Duration = Duration::from_secs(7 * 24 * 3_600);

/// Who signed in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Who {
    /// A worker.
    Worker(WorkerId),
    /// An account.
    Account {
        /// Its name.
        name: Box<str>,
        /// What it may do.
        role: Role,
        /// Limited to these stations; none: all.
        stations: Option<Box<[StationId]>>,
    },
}

/// What a token proves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Login {
    /// Names the signing in; the same in every renewal. 128 random bits.
    pub id: Box<str>,
    /// Who.
    pub who: Who,
    /// From which enrolled device: the login ends with the device's.
    pub device: Option<DeviceId>,
    /// When this token was made.
    pub issued_at: TimeUs,
    /// When the person signed in.
    pub first_at: TimeUs,
    /// When it ends.
    pub expires_at: TimeUs,
}

#[derive(Serialize, Deserialize)]
struct Claims {
    jti: String,
    sub: String,
    kind: Kind,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    role: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    stations: Option<Vec<StationId>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    device: Option<DeviceId>,
    iat: i64,
    first: i64,
    exp: i64,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Kind {
    Worker,
    Account,
    Device,
}

/// What an enrolled device holds. It never ends by itself: its record does.
#[derive(Serialize, Deserialize)]
struct DeviceClaims {
    sub: DeviceId,
    kind: Kind,
}

/// Makes and verifies tokens: JWT, HS256.
pub struct Tokens {
    encoding: EncodingKey,
    decoding: DecodingKey,
    validation: Validation,
}

impl Tokens {
    /// With this key.
    #[must_use]
    pub fn new(secret: &[u8]) -> Self {
        let mut validation = Validation::new(Algorithm::HS256);
        // Expiry is judged at every use, by our own clock: a verified token is remembered.
        validation.validate_exp = false;
        validation.required_spec_claims.clear();
        Self { encoding: EncodingKey::from_secret(secret), decoding: DecodingKey::from_secret(secret), validation }
    }

    /// A token for somebody who has just signed in: with a new id, so that nothing set before is worth anything.
    #[must_use]
    pub fn issue(&self, who: Who, now: TimeUs) -> (String, Login) {
        self.issue_on(None, who, now)
    }

    /// The same, for somebody who signed in on this enrolled device.
    #[must_use]
    pub fn issue_on(&self, device: Option<DeviceId>, who: Who, now: TimeUs) -> (String, Login) {
        let id = format!("{:032x}", rand::random::<u128>()).into();
        let now = whole(now);
        let login = Login { id, who, device, issued_at: now, first_at: now, expires_at: now.after(LIFETIME) };
        (self.sign(&login), login)
    }

    /// The same login with a later end, when there is one.
    #[must_use]
    pub fn renew(&self, login: &Login, now: TimeUs) -> Option<(String, Login)> {
        let now = whole(now);
        let expires_at = now.after(LIFETIME).min(login.first_at.after(LIFETIME_MAX));
        if expires_at <= login.expires_at {
            return None;
        }
        let renewed = Login { issued_at: now, expires_at, ..login.clone() };
        Some((self.sign(&renewed), renewed))
    }

    /// What an enrolled device is given to hold.
    #[must_use]
    pub fn of_device(&self, id: DeviceId) -> String {
        let claims = DeviceClaims { sub: id, kind: Kind::Device };
        encode(&Header::new(Algorithm::HS256), &claims, &self.encoding).unwrap_or_default()
    }

    /// Which device was given this to hold; whether it is still enrolled, the directory knows.
    #[must_use]
    pub fn verify_device(&self, token: &str) -> Option<DeviceId> {
        let claims: DeviceClaims = decode(token, &self.decoding, &self.validation).ok()?.claims;
        matches!(claims.kind, Kind::Device).then_some(claims.sub)
    }

    fn sign(&self, login: &Login) -> String {
        let (kind, sub, role, stations) = match &login.who {
            Who::Worker(id) => (Kind::Worker, id.to_string(), None, None),
            Who::Account { name, role, stations } => {
                (Kind::Account, name.to_string(), Some(role.as_str().to_owned()), stations.as_ref().map(|s| s.to_vec()))
            }
        };
        let claims = Claims {
            jti: login.id.to_string(),
            sub,
            kind,
            role,
            stations,
            device: login.device,
            iat: seconds(login.issued_at),
            first: seconds(login.first_at),
            exp: seconds(login.expires_at),
        };
        // HMAC over claims of our own cannot fail; an empty token is one that nobody accepts.
        encode(&Header::new(Algorithm::HS256), &claims, &self.encoding).unwrap_or_default()
    }

    /// What a token says, when its signature is ours; its expiry is not judged.
    #[must_use]
    pub fn verify(&self, token: &str) -> Option<Login> {
        let claims: Claims = decode(token, &self.decoding, &self.validation).ok()?.claims;
        let who = match claims.kind {
            Kind::Worker => Who::Worker(Uuid::try_parse(&claims.sub).ok()?.into()),
            Kind::Account => Who::Account {
                name: claims.sub.into(),
                role: Role::parse(claims.role.as_deref()?)?,
                stations: claims.stations.map(Into::into),
            },
            Kind::Device => return None,
        };
        let time = |seconds: i64| TimeUs::from_micros(seconds.saturating_mul(1_000_000));
        Some(Login {
            id: claims.jti.into(),
            who,
            device: claims.device,
            issued_at: time(claims.iat),
            first_at: time(claims.first),
            expires_at: time(claims.exp),
        })
    }
}

const fn seconds(time: TimeUs) -> i64 {
    time.as_micros() / 1_000_000
}

/// Tokens count whole seconds.
const fn whole(time: TimeUs) -> TimeUs {
    TimeUs::from_micros(seconds(time) * 1_000_000)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: TimeUs = TimeUs::from_micros(1_780_000_000_000_000);

    #[test]
    fn what_is_signed_reads_back_and_nothing_else_does() {
        let tokens = Tokens::new(b"secret one, long enough for anybody");
        let who = Who::Account {
            name: "Ада".into(),
            role: Role::Supervisor,
            stations: Some([StationId(Uuid::from_u128(7))].into()),
        };
        let (token, login) = tokens.issue(who, NOW);
        assert_eq!(tokens.verify(&token), Some(login));
        assert_eq!(Tokens::new(b"another secret, as long as the first").verify(&token), None);
        // An unsigned token must not be one.
        let claims = token.split('.').nth(1).unwrap();
        assert_eq!(tokens.verify(&format!("eyJhbGciOiJub25lIiwidHlwIjoiSldUIn0.{claims}.")), None);
        for garbage in ["", ".", "..", "a.b.c", &token[..token.len() - 2]] {
            assert_eq!(tokens.verify(garbage), None, "{garbage}");
        }
    }

    #[test]
    fn what_a_device_holds_is_no_login_and_a_login_is_no_device() {
        let tokens = Tokens::new(b"secret one, long enough for anybody");
        let device = DeviceId(Uuid::from_u128(9));
        let held = tokens.of_device(device);
        assert_eq!(tokens.verify_device(&held), Some(device));
        assert_eq!(tokens.verify(&held), None);
        let (token, login) = tokens.issue_on(Some(device), Who::Worker(WorkerId(Uuid::from_u128(1))), NOW);
        assert_eq!(tokens.verify_device(&token), None);
        assert_eq!(tokens.verify(&token), Some(login));
    }

    #[test]
    fn every_login_has_an_id_of_its_own() {
        let tokens = Tokens::new(b"secret one, long enough for anybody");
        let worker = Who::Worker(WorkerId(Uuid::from_u128(1)));
        let (_, one) = tokens.issue(worker.clone(), NOW);
        let (_, two) = tokens.issue(worker, NOW);
        assert_eq!(one.id.len(), 32);
        assert_ne!(one.id, two.id);
    }
}
