//! Puts a backup into servers that hold nothing of Andon yet.

use std::path::PathBuf;
use std::time::Duration;

use andon_nats::snapshot::{self, Snapshotted};
use andon_nats::{Bus, NatsConfig, batch};
use anyhow::{Context as _, bail, ensure};
use bus_schemas::subject::{METADATA_GENERATION, STREAM_LOG};
use gateway::clock::wall_now;
use serde_json::{Value, json};

use super::database::PgTools;
use super::files::Reader;
use super::take::DATABASE;
use super::{Backup, STREAMS, stream_file, told_bytes};

/// Time for one question to a server.
const WITHIN: Duration = Duration::from_secs(10);
/// What the server calls a stream for which it has no room.
const NO_ROOM: u64 = 10_047;
/// What the server says when a stream is there that is to be restored.
const IS_THERE: u64 = 10_130;

/// Where a backup is put.
pub struct Target {
    /// How the operator reaches NATS, and the copies that it is asked for.
    pub nats: NatsConfig,
    /// The database, credentials included.
    pub database_url: String,
    /// The directory of Postgres' programs, where one was named.
    pub pg_bin: Option<PathBuf>,
}

/// Puts the streams and the database there, and says what is there now. All of it or nothing.
///
/// # Errors
/// Something is there already; or a server cannot be reached or refuses.
pub async fn into_servers(backup: &Backup, target: &Target) -> anyhow::Result<String> {
    let tools = PgTools::find(target.pg_bin.as_deref())?;
    let bus = Bus::connect(&target.nats, crate::backends::NatsRole::Operator.name()).await?;
    is_empty(&bus, target).await?;
    let mut made = Made::default();
    let put = put(backup, target, &bus, &tools, &mut made).await;
    if put.is_err() {
        undo(&bus, target, &made).await;
    }
    put
}

/// What this restore has made, in whole or in part. What somebody else makes meanwhile is nobody's to remove.
#[derive(Default)]
struct Made {
    streams: Vec<&'static str>,
    database: bool,
}

async fn is_empty(bus: &Bus, target: &Target) -> anyhow::Result<()> {
    for stream in STREAMS {
        match bus.stream_info(stream, WITHIN).await {
            Err(error) if error.is_no_stream() => {}
            Err(error) => return Err(error).context("NATS cannot be asked what is there already"),
            Ok(facts) => bail!(
                "the nats-server has a stream {stream} already, with {} messages: a backup is restored only where \
                 there is none. Nothing was changed",
                facts.messages
            ),
        }
    }
    let occupied = persistence::backup::occupied_by(&target.database_url).await;
    if let Some(table) = occupied.context("the database cannot be asked what is there already")? {
        bail!(
            "the database has a table {table} already: a backup is restored only into an empty one. Nothing was changed"
        );
    }
    Ok(())
}

async fn put(backup: &Backup, target: &Target, bus: &Bus, tools: &PgTools, made: &mut Made) -> anyhow::Result<String> {
    let manifest = &backup.manifest;
    let mut generation = 0;
    for stream in STREAMS {
        let mut about = manifest.stream(stream)?.snapshotted.clone();
        without_the_servers_own(&mut about);
        if stream == STREAM_LOG {
            generation = next_generation(&about.config);
            about.config["metadata"][METADATA_GENERATION] = json!(generation.to_string());
            if let Some(bytes) = target.nats.log_max_bytes {
                about.config["max_bytes"] = json!(bytes);
            }
        }
        still_free(bus, stream).await?;
        made.streams.push(stream);
        put_stream(backup, target, bus, stream, &about, made).await?;
    }
    if let Some(position) = manifest.database.positions.get(STREAM_LOG) {
        let message = bus.message(STREAM_LOG, position.seq, WITHIN).await?;
        ensure!(position.is_at(message.as_ref()), "the log and the database of this backup do not belong together");
    }
    let dump = backup.file(DATABASE)?;
    let occupied = persistence::backup::occupied_by(&target.database_url).await?;
    if let Some(table) = occupied {
        bail!("somebody made table {table} meanwhile: it stays as it is, and nothing is restored");
    }
    made.database = true;
    tools.load(&target.database_url, &dump).await.context("the database cannot be restored")?;
    persistence::backup::adopt(&target.database_url, bus).await?;
    let log = bus.stream_info(STREAM_LOG, WITHIN).await?;
    if bus.message(STREAM_LOG, log.last_seq, WITHIN).await?.is_some_and(|last| batch::goes_on_after(&last)) {
        tracing::warn!(
            seq = log.last_seq,
            "the log ends in the middle of a batch that was not acknowledged before the backup: `andon verify` will name it"
        );
    }
    Ok(format!(
        "restored sequences {} to {} of the log, as of {}, as generation {generation}",
        log.first_seq, log.last_seq, manifest.taken_at
    ))
}

/// A stream that somebody has made since all of them were looked for is not written over, and not removed.
async fn still_free(bus: &Bus, stream: &str) -> anyhow::Result<()> {
    match bus.stream_info(stream, WITHIN).await {
        Err(error) if error.is_no_stream() => Ok(()),
        Err(error) => Err(error).context("NATS cannot be asked what is there by now"),
        Ok(_) => Err(made_meanwhile(stream)),
    }
}

fn made_meanwhile(stream: &str) -> anyhow::Error {
    anyhow::anyhow!("somebody made stream {stream} meanwhile: it stays as it is, and nothing is restored")
}

async fn put_stream(
    backup: &Backup,
    target: &Target,
    bus: &Bus,
    stream: &str,
    about: &Snapshotted,
    made: &mut Made,
) -> anyhow::Result<()> {
    let known = backup.manifest.stream(stream)?;
    let mut file = Reader::open(&backup.file(&stream_file(stream))?)?;
    let facts = match snapshot::put(bus, stream, about, target.nats.replicas, || file.next()).await {
        Err(snapshot::SnapshotError::Api {
            source: andon_nats::ReadError::Refused { code: NO_ROOM, text }, ..
        }) => bail!(
            "the nats-server has no room for stream {stream} ({text}): it holds {}. Give the server more, or the log a \
             smaller limit with --log-max-bytes",
            told_bytes(known.bytes)
        ),
        Err(snapshot::SnapshotError::Api { source: andon_nats::ReadError::Refused { code: IS_THERE, .. }, .. }) => {
            made.streams.retain(|made| *made != stream);
            return Err(made_meanwhile(stream));
        }
        put => put.with_context(|| format!("stream {stream} cannot be restored"))?,
    };
    ensure!(
        facts.last_seq >= known.last_seq && facts.lost_bytes == 0 && facts.lost_messages == 0,
        "stream {stream} ends at {} and not at {} or later: the backup is damaged. Use another one",
        facts.last_seq,
        known.last_seq
    );
    if stream == STREAM_LOG {
        ensure!(facts.num_deleted == 0, "{} messages in the middle of the log are missing", facts.num_deleted);
    }
    Ok(())
}

/// What the server writes into a definition by itself is no part of it.
fn without_the_servers_own(about: &mut Snapshotted) {
    if let Some(metadata) = about.config.get_mut("metadata").and_then(Value::as_object_mut) {
        metadata.retain(|name, _| !name.starts_with("_nats."));
    }
}

/// A generation that no other restore gives, also not a second one of the same backup: the seconds since 1970, and in
/// any case more than the log had.
fn next_generation(config: &Value) -> u32 {
    let was = config["metadata"][METADATA_GENERATION].as_str().and_then(|text| text.parse::<u32>().ok());
    let now = u32::try_from(wall_now().as_micros() / 1_000_000).unwrap_or(u32::MAX);
    was.map_or(now, |was| now.max(was.saturating_add(1)))
}

/// Removes what a failed restore has put where nothing was, and nothing else.
async fn undo(bus: &Bus, target: &Target, made: &Made) {
    for stream in &made.streams {
        let removed: Result<Value, _> = bus.api(&format!("STREAM.DELETE.{stream}"), &Value::Null, WITHIN).await;
        match removed {
            Ok(_) => {}
            Err(error) if error.is_no_stream() => {}
            Err(error) => tracing::error!(%error, stream, "cannot be removed: remove it before the next attempt"),
        }
    }
    if !made.database {
        return;
    }
    match persistence::backup::occupied_by(&target.database_url).await {
        Ok(None) => {}
        Ok(Some(_)) => {
            if let Err(error) = persistence::backup::undo(&target.database_url).await {
                tracing::error!(%error, "the database cannot be emptied: empty it before the next attempt");
            }
        }
        Err(error) => tracing::error!(%error, "the database does not answer any more"),
    }
}

#[cfg(test)]
mod tests {
    use andon_nats::testing::{Settings, TestServer};
    use bus_schemas::subject::{STREAM_DIRECTORY, STREAM_SEEN};

    use super::*;

    #[tokio::test]
    async fn a_failed_restore_removes_what_it_made_and_nothing_else() {
        // given streams of which a restore made one, and somebody else the others
        let server = TestServer::start(Settings::default()).await;
        let bus = server.bus("operator").await;
        let nobody = "postgres://nobody@127.0.0.1:9/none".to_owned();
        let target = Target { nats: server.config(), database_url: nobody, pg_bin: None };
        // when the restore comes to one of the others, then it says so
        let refused = still_free(&bus, STREAM_LOG).await.expect_err("it is there").to_string();
        assert!(refused.contains("it stays as it is"), "{refused}");
        // and when it is undone
        undo(&bus, &target, &Made { streams: vec![STREAM_SEEN], database: false }).await;
        // then what the others made is there
        for stream in [STREAM_LOG, STREAM_DIRECTORY] {
            bus.stream_info(stream, WITHIN).await.expect("it was not ours");
        }
        assert!(bus.stream_info(STREAM_SEEN, WITHIN).await.expect_err("it was ours").is_no_stream());
    }

    #[test]
    fn a_generation_is_above_the_last_one_and_above_that_of_any_earlier_restore() {
        let now = next_generation(&json!({}));
        assert!(now > 1_700_000_000, "{now}");
        let later = now + 1_000;
        let config = json!({ "metadata": { METADATA_GENERATION: later.to_string() } });
        assert_eq!(next_generation(&config), later + 1);
    }

    #[test]
    fn the_servers_own_metadata_is_left_out() {
        let mut about =
            Snapshotted { config: json!({ "metadata": { "_nats.ver": "2.15.1", "kept": "yes" } }), state: json!({}) };
        without_the_servers_own(&mut about);
        assert_eq!(about.config["metadata"], json!({ "kept": "yes" }));
    }
}
