//! The JSON of each frame.

use uuid::Uuid;

use super::*;

const AT: TimeUs = TimeUs::from_micros(1_788_260_400_000_000);

fn cursor(seq: u64) -> Cursor {
    Cursor { epoch: Epoch::new(TimeUs::from_micros(46_655), 0), seq, filter: 0 }
}

#[track_caller]
fn says(frame: &Frame, json: Value) {
    assert_eq!(serde_json::from_str::<Value>(&frame.json).unwrap(), json);
    assert_eq!(frame.kind, json["type"]);
}

#[test]
fn hello_says_what_the_viewer_is_connected_to() {
    let frame = Frame::hello(cursor(0).epoch, 84_213, false, AT);
    let json = json!({"type": "hello", "v": 1, "epoch": "zzz", "head": 84_213, "resumed": false, "ping_s": 15,
        "retry_ms": 2000, "auth_expires_at": "2026-09-01T11:00:00.000Z"});
    says(&frame, json);
    assert_eq!(frame.retry, Some(RETRY));
}

#[test]
fn a_ping_has_both_cursors_and_the_signs_of_life_there_are() {
    let frame = Frame::ping(&cursor(84_219), cursor(84_230), AT, 3, &[]);
    let json = json!({"type": "ping", "prev": "zzz.84219.0", "cursor": "zzz.84230.0",
        "time": "2026-09-01T11:00:00.000Z", "log_lag_ms": 3});
    says(&frame, json);
    assert_eq!(frame.cursor, Some(cursor(84_230)));
    let (one, other) = (SessionId(Uuid::from_u128(1)), SessionId(Uuid::from_u128(2)));
    let seen = Frame::ping(&cursor(1), cursor(1), AT, 0, &[(one, AT), (other, AT)]);
    let seen: Value = serde_json::from_str(&seen.json).unwrap();
    let at = 1_788_260_400_000_i64;
    assert_eq!(seen["seen"], json!([[one.to_string(), at], [other.to_string(), at]]));
}

#[test]
fn the_longest_ping_fits_into_a_frame() {
    let seen = vec![(SessionId(Uuid::max()), TimeUs::from_micros(i64::MIN)); SEEN_MAX];
    let far = Cursor { epoch: Epoch::new(TimeUs::from_micros(-1), u32::MAX), seq: u64::MAX, filter: u64::MAX };
    let frame = Frame::ping(&far, far, AT, u64::MAX, &seen);
    assert!(frame.json.len() <= FRAME_MAX_BYTES, "{}", frame.json.len());
}

#[test]
fn the_small_frames_are_as_documented() {
    says(&Frame::reset(Reset::TooOld), json!({"type": "reset", "reason": "CURSOR_TOO_OLD"}));
    let gap = json!({"type": "gap", "from": 84_230, "to": 84_642, "dropped": 412,
        "backfill": "/api/admin/events?after=84230&until=84642"});
    says(&Frame::gap(84_230, 84_642), gap);
    let stale = json!({"type": "stale", "since": "2026-09-01T11:00:00.000Z", "reason": "LOG_UNREACHABLE"});
    says(&Frame::stale(AT), stale);
    says(&Frame::fresh(&cursor(7)), json!({"type": "fresh", "cursor": "zzz.7.0"}));
    says(&Frame::auth(Duration::from_millis(59_900)), json!({"type": "auth", "expires_in_s": 59}));
    let error = json!({"type": "error", "code": "INVALID_FILTER", "message": "unknown station", "fatal": false});
    says(&Frame::error("INVALID_FILTER", "unknown station", false), error);
}

#[test]
fn a_worker_is_answered_and_warned() {
    let session = SessionId(Uuid::from_u128(1));
    let grace = json!({"type": "grace", "session_id": session.to_string(), "expires_at": "2026-09-01T11:00:00.000Z"});
    says(&Frame::grace(session, AT), grace);
    let reply = json!({"type": "reply", "id": "k-1", "ok": true, "body": {"ok": true}});
    says(&Frame::reply("k-1", &json!({"ok": true})), reply);
    let refused = json!({"type": "reply", "id": "k-1", "ok": false, "error": "BUSY", "message": "no"});
    says(&Frame::refusal("k-1", json!({"error": "BUSY", "message": "no"})), refused);
}

#[test]
fn a_farewell_says_when_to_come_back_unless_never() {
    let wait = Duration::from_millis(3_712);
    let all = [
        (Bye::BadRequest, 4000, "BAD_REQUEST", None),
        (Bye::TokenExpired, 4001, "TOKEN_EXPIRED", None),
        (Bye::Revoked, 4003, "REVOKED", None),
        (Bye::Version, 4004, "VERSION", None),
        (Bye::Draining(wait), 4100, "DRAINING", Some(3_712)),
        (Bye::LogUnreachable(wait), 4100, "LOG_UNREACHABLE", Some(3_712)),
        (Bye::NoOwner(wait), 4100, "NO_OWNER", Some(3_712)),
        (Bye::TooMany(wait), 4101, "TOO_MANY", Some(3_712)),
        (Bye::Stalled(wait), 4102, "STALLED", Some(3_712)),
        (Bye::NoPong(wait), 4103, "NO_PONG", Some(3_712)),
        (Bye::Resync, 4200, "RESYNC", Some(0)),
    ];
    for (bye, code, reason, retry) in all {
        let mut json = json!({"type": "bye", "code": code, "reason": reason});
        if let Some(retry) = retry {
            json["retry_in_ms"] = json!(retry);
        }
        says(&Frame::bye(bye), json);
        assert_eq!(Frame::bye(bye).code, Some(code));
    }
}
