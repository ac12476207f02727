//! Who may publish and subscribe what on the private nats-server: the whole table, tried as each role.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use serde_json::json;

use crate::harness::Andon;

const ROLES: [&str; 5] = ["engine", "gateway", "persistence", "operator", "integrator"];

/// Subjects with the roles that may publish there. Streams and nodes of these names do not exist, so that what is
/// allowed does nothing.
const PUBLISH: &[(&str, &[&str])] = &[
    ("andon.v1.session.007.x", &["engine"]),
    ("andon.v1.claim.007", &["engine"]),
    ("andon.v1.seen.007", &["engine"]),
    ("andon.v1.cmd.none", &["gateway"]),
    ("andon.v1.heartbeat.none", &["engine", "gateway"]),
    ("andon.v1.node.none", &["engine", "gateway"]),
    ("andon.v1.directory.worker.x", &["gateway"]),
    ("andon.v1.directory.credential.x", &["gateway"]),
    ("_INBOX.engine.x", &["engine"]),
    ("_INBOX.gateway.x", &["engine"]),
    ("_INBOX.persistence.x", &[]),
    ("_INBOX.operator.x", &[]),
    ("_INBOX.integrator.x", &[]),
    ("other", &[]),
    ("$JS.API.INFO", TRUSTED),
    ("$JS.API.STREAM.INFO.NONE", TRUSTED),
    ("$JS.API.STREAM.MSG.GET.NONE", TRUSTED),
    ("$JS.API.DIRECT.GET.NONE", TRUSTED),
    ("$JS.API.CONSUMER.CREATE.NONE.x", TRUSTED),
    ("$JS.API.CONSUMER.DELETE.NONE.x", TRUSTED),
    ("$JS.API.CONSUMER.DURABLE.CREATE.NONE.x", &["operator"]),
    ("$JS.API.CONSUMER.PAUSE.NONE.x", &["operator"]),
    ("$JS.API.STREAM.CREATE.NONE", &["operator"]),
    ("$JS.API.STREAM.UPDATE.NONE", &["operator"]),
    ("$JS.API.STREAM.DELETE.NONE", &["operator"]),
    ("$JS.API.STREAM.PURGE.NONE", &["persistence"]),
    ("$JS.API.STREAM.MSG.DELETE.NONE", &[]),
    ("$JS.API.STREAM.SNAPSHOT.NONE", &["operator"]),
    ("$JS.API.STREAM.RESTORE.NONE", &["operator"]),
    ("$JS.SNAPSHOT.ACK.NONE.x", &["operator"]),
    ("$JS.SNAPSHOT.RESTORE.NONE.x", &["operator"]),
    ("$JS.ACK.ANDON.integrator.1.1.1.1.1", &["integrator"]),
    ("ANDON.API.CONSUMER.INFO.ANDON.integrator", &["integrator"]),
    ("$SYS.REQ.SERVER.PING", &[]),
];

/// Any right on the JetStream API makes a role trusted with the log.
const TRUSTED: &[&str] = &["engine", "gateway", "persistence", "operator"];

/// The same for subscriptions.
const SUBSCRIBE: &[(&str, &[&str])] = &[
    ("andon.v1.cmd.*", &["engine"]),
    ("andon.v1.heartbeat.*", &["engine"]),
    ("andon.v1.node.*", &["engine"]),
    // A plain subscription would also see what the server then refused.
    ("andon.v1.session.>", &[]),
    ("andon.v1.claim.*", &[]),
    ("andon.v1.directory.>", &[]),
    ("_INBOX.engine.>", &["engine"]),
    ("_INBOX.gateway.>", &["gateway"]),
    ("_INBOX.persistence.>", &["persistence"]),
    ("_INBOX.operator.>", &["operator"]),
    ("_INBOX.integrator.>", &["integrator"]),
    ("_INBOX.>", &[]),
    ("$JS.>", &[]),
    (">", &[]),
];

/// The protocol itself: libraries tell of a refusal late, or not at all.
struct Wire {
    reader: BufReader<TcpStream>,
}

impl Wire {
    fn connect(url: &str, user: &str, password: &str) -> Self {
        let stream = TcpStream::connect(url.trim_start_matches("nats://")).expect("nats-server answers");
        stream.set_read_timeout(Some(Duration::from_secs(10))).expect("a socket");
        let mut wire = Self { reader: BufReader::new(stream) };
        let options = json!({"verbose": false, "pedantic": false, "headers": true, "user": user, "pass": password});
        assert!(wire.is_allowed(&format!("CONNECT {options}\r\n")), "{user} may connect");
        wire
    }

    /// Sends it; false when the server complains before it answers the ping that follows.
    fn is_allowed(&mut self, what: &str) -> bool {
        write!(self.reader.get_mut(), "{what}PING\r\n").expect("it is sent");
        let mut allowed = true;
        loop {
            // What nodes tell each other is no text.
            let mut line = Vec::new();
            let read = self.reader.read_until(b'\n', &mut line).expect("an answer");
            assert_ne!(read, 0, "the server hung up after {what:?}");
            allowed &= !line.starts_with(b"-ERR");
            if line.starts_with(b"PONG") {
                return allowed;
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn each_role_may_do_its_own_business_only() {
    // given
    let andon = Andon::up().await;
    for role in ROLES {
        let config = andon.place.nats_config(role);
        let password = config.password.expect("each role has one");
        let mut wire = Wire::connect(&config.url, role, &password);
        // when it publishes, with a condition that no stream meets
        for (subject, roles) in PUBLISH {
            let headers = "NATS/1.0\r\nNats-Expected-Last-Sequence: 999999999\r\n\r\n";
            let publish = format!("HPUB {subject} {0} {0}\r\n{headers}\r\n", headers.len());
            // then the table says whether it may
            assert_eq!(wire.is_allowed(&publish), roles.contains(&role), "{role} publishes on {subject}");
        }
        for (sid, (subject, roles)) in (1..).zip(SUBSCRIBE) {
            let subscribe = format!("SUB {subject} {sid}\r\n");
            assert_eq!(wire.is_allowed(&subscribe), roles.contains(&role), "{role} subscribes to {subject}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_connects_without_or_with_a_wrong_password() {
    let andon = Andon::up().await;
    let url = andon.place.nats_config("engine").url;
    for options in [
        async_nats::ConnectOptions::new(),
        async_nats::ConnectOptions::with_user_and_password("engine".to_owned(), "wrong".to_owned()),
        async_nats::ConnectOptions::with_user_and_password("integrator".to_owned(), String::new()),
    ] {
        let refused = options.connect(&url).await;
        assert!(refused.is_err(), "{refused:?}");
    }
}
