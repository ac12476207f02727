//! What the fold of the directory must hold.

use super::*;

fn worker_id(number: u128) -> WorkerId {
    WorkerId(uuid::Uuid::from_u128(number))
}

fn put(record: Record) -> DirectoryEvent {
    DirectoryEvent {
        at_us: TimeUs::from_micros(1),
        actor: Actor::System,
        change: Change::Put(record),
        extra: Extra::new(),
    }
}

fn code(worker: u128, code: &str) -> Record {
    Record::Credential(Credential { worker_id: worker_id(worker), worker_code: code.into(), extra: Extra::new() })
}

#[test]
fn a_code_that_moves_to_another_worker_belongs_to_that_one_alone() {
    let mut directory = Directory::default();
    directory.apply(1, put(code(1, "1001")));
    directory.apply(2, put(code(1, "1002")));
    directory.apply(3, put(code(2, "1001")));
    assert_eq!(directory.workers_by_code.get("1001"), Some(&worker_id(2)));
    assert_eq!(directory.workers_by_code.get("1002"), Some(&worker_id(1)));
    // A late edit of the former holder does not take it away.
    directory.apply(4, put(code(1, "1003")));
    assert_eq!(directory.workers_by_code.get("1001"), Some(&worker_id(2)));
    assert_eq!(directory.workers_by_code.get("1002"), None);
}

#[test]
fn codes_travel_apart_from_what_everybody_may_read() {
    // given an import of two statuses and one code
    let id = uuid::Uuid::from_u128(7);
    let mut records: Vec<_> = builtin::statuses().into_iter().take(2).map(Record::Status).collect();
    records.push(code(1, "1001"));
    let mixed = Change::Import { id, records: records.clone() };
    assert_eq!(mixed.subject(), subject::directory("credential", &id.to_string()), "never where it can be read");
    // when it is made into messages
    let messages = mixed.messages();
    // then the code has its own, after the rest
    let open = Change::Import { id, records: records[..2].to_vec() };
    assert_eq!(messages, [open, Change::Put(records[2].clone())]);
    assert_eq!(messages[0].subject(), subject::directory("import", &id.to_string()));
    assert_eq!(messages[1].subject(), subject::directory("credential", &worker_id(1).to_string()));
    assert_eq!(Change::Import { id, records: vec![] }.messages(), []);
}

#[test]
fn a_message_folded_twice_changes_nothing() {
    let mut directory = Directory::default();
    directory.apply(1, put(code(1, "1001")));
    directory.apply(2, put(code(1, "1002")));
    directory.apply(1, put(code(1, "1001")));
    assert_eq!(directory.workers_by_code.get("1001"), None);
    assert_eq!(directory.seq(), 2);
}

#[test]
fn a_built_in_status_can_be_relabelled_and_never_removed() {
    let mut directory = Directory::default();
    let mut status = builtin::statuses().remove(0);
    status.label_en = "Make ready".into();
    directory.apply(1, put(Record::Status(status.clone())));
    assert_eq!(&*directory.status(&status.code).unwrap().record.label_en, "Make ready");
    let removal = DirectoryEvent { change: Change::Remove(Key::Status(status.code.clone())), ..put(code(1, "1")) };
    directory.apply(2, removal);
    assert_ne!(&*directory.status(&status.code).unwrap().record.label_en, "Make ready");
    assert_eq!(directory.statuses().count(), 6);
}
