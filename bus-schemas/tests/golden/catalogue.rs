//! All examples in one list, each with what can be done to its bytes.

use std::{any::type_name, fmt::Debug};

use bus_schemas::codec::{self, CodecError};
use serde::{Serialize, de::DeserializeOwned};

use crate::{examples, kinds, records};

/// Holds something of bytes, or panics.
type Assertion = Box<dyn Fn(&[u8])>;

/// An example of a message, as bytes.
pub struct Example {
    /// Its name in the golden file.
    pub name: String,
    /// The type it is of.
    pub type_name: &'static str,
    /// What it encodes to now.
    pub bytes: Vec<u8>,
    /// Reads bytes as this type and writes them again.
    pub rewrite: fn(&[u8]) -> Result<Vec<u8>, CodecError>,
    /// As `rewrite`, of a message with this `Andon-Schema` header.
    pub rewrite_versioned: fn(&str, &[u8]) -> Result<Vec<u8>, CodecError>,
    /// Panics unless the bytes read as this very example.
    pub assert_reads: Assertion,
}

fn example<T>(name: String, message: T) -> Example
where
    T: Serialize + DeserializeOwned + PartialEq + Debug + 'static,
{
    Example {
        type_name: type_name::<T>(),
        bytes: codec::encode(&message).expect("own types encode"),
        rewrite: |bytes| codec::encode(&codec::decode::<T>(bytes)?),
        rewrite_versioned: |schema, bytes| codec::encode(&codec::decode_versioned::<T>(Some(schema), bytes)?),
        assert_reads: Box::new({
            let name = name.clone();
            move |bytes| assert_eq!(codec::decode::<T>(bytes).expect("it reads"), message, "{name}")
        }),
        name,
    }
}

/// Every example.
pub fn all() -> Vec<Example> {
    let mut all = commands_and_replies();
    all.extend(log());
    all.extend(liveness());
    all.extend(directory());
    all.extend(vocabularies());
    all
}

fn commands_and_replies() -> Vec<Example> {
    let command = |body| example(format!("command/{}", kinds::body(&body)), examples::command(body));
    let reply = |reply| example(format!("reply/{}", kinds::reply(&reply)), reply);
    let commands = examples::bodies().into_iter().map(command);
    commands.chain(examples::replies().into_iter().map(reply)).collect()
}

fn log() -> Vec<Example> {
    let event = |event: bus_schemas::SessionEvent| example(format!("event/{}", kinds::event(&event.kind)), event);
    let mut log: Vec<_> = examples::events().into_iter().map(event).collect();
    log.push(example("state".into(), examples::state()));
    log.push(example("claim".into(), examples::claim()));
    log.push(example("claim/taken".into(), examples::claim_taken()));
    log.push(example("claim/handed-over".into(), examples::claim_handed_over()));
    log
}

fn liveness() -> Vec<Example> {
    let heartbeat = |message| example(format!("heartbeat/{}", kinds::heartbeat(&message)), message);
    let mut liveness: Vec<_> = examples::heartbeats().into_iter().map(heartbeat).collect();
    liveness.push(example("heartbeat-ack".into(), examples::heartbeat_ack()));
    liveness.push(example("node-status".into(), examples::node_status()));
    liveness.push(example("node-status/leaving".into(), examples::node_leaving()));
    liveness.push(example("hand-over".into(), examples::hand_over()));
    liveness.push(example("last-seen".into(), examples::last_seen()));
    liveness
}

fn directory() -> Vec<Example> {
    use bus_schemas::directory::Change;
    let put = |record| example(format!("put/{}", kinds::record(&record)), records::event(Change::Put(record)));
    let remove = |key| example(format!("remove/{}", kinds::key(&key)), records::event(Change::Remove(key)));
    let mut directory: Vec<_> = records::records().into_iter().map(put).collect();
    directory.extend(records::keys().into_iter().map(remove));
    directory.push(example("import".into(), records::event(records::import())));
    directory.push(example("audit".into(), records::event(records::audit())));
    directory
}

fn vocabularies() -> Vec<Example> {
    vec![
        example("words/refusal-code".into(), kinds::refusal_codes()),
        example("words/audit-action".into(), kinds::audit_actions()),
        example("words/close-cause".into(), kinds::close_causes()),
        example("words/taken-why".into(), kinds::taken_whys()),
        example("words/session-status".into(), kinds::session_statuses()),
        example("words/effect".into(), kinds::effects()),
        example("words/checklist-kind".into(), kinds::checklist_kinds()),
        example("words/machine-class".into(), kinds::machine_classes()),
        example("words/reason-type".into(), kinds::reason_types()),
        example("words/language".into(), kinds::languages()),
        example("words/worker-role".into(), kinds::worker_roles()),
        example("words/station-type".into(), kinds::station_types()),
    ]
}
