//! Takes a backup of a factory that works.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use andon_nats::{Bus, Followed, Follower, Start, batch, snapshot};
use anyhow::{Context as _, ensure};
use bus_schemas::subject::{STREAM_DIRECTORY, STREAM_LOG};
use gateway::clock::wall_now;
use persistence::backup::Frozen;
use tokio::time::{Instant, timeout};

use super::database::PgTools;
use super::files::{self, Sum, Unfinished};
use super::manifest::{Manifest, Stream};
use super::{STREAMS, iso8601, stream_file, told_bytes};
use crate::backends::{Backends, NatsRole};
use crate::config::Config;

/// A log that is taken within moments has moments without a batch, in which nothing is cut.
const ATTEMPTS: u32 = 10;
/// A larger one is taken once: it takes seconds, and there is a batch in most of them.
const AGAIN_UP_TO_BYTES: u64 = 1 << 30;
/// Time for one message of the log.
const READ_WITHIN: Duration = Duration::from_secs(10);
/// How long the log may be interrupted, without a message in between, before it is taken for gone.
const GONE_AFTER: Duration = Duration::from_secs(30);
/// The dump of the database.
pub const DATABASE: &str = "database.dump";
/// Where a directory of `andon up` keeps its secrets, and their names in a backup.
pub const SECRETS: [(&str, &str); 3] = [
    ("installation.toml", "secrets/installation.toml"),
    ("token.key", "secrets/token.key"),
    ("lan/authority.toml", "secrets/authority.toml"),
];

/// Takes a backup into a new directory, and says what is in it.
///
/// # Errors
/// Something is at `place` already, a server cannot be reached or read, or the disk is full. Nothing stays behind.
pub async fn take(config: &Config, place: &Path) -> anyhow::Result<String> {
    let unfinished = Unfinished::begin(place)?;
    let backends = Backends::beside(config)?;
    let database_url = backends.database_url.as_deref().context("a backup needs the database: --database-url")?;
    let tools = PgTools::find(config.postgres.binaries.as_deref())?;
    let bus = Bus::connect(&backends.nats(NatsRole::Operator), NatsRole::Operator.name()).await?;
    let taken_at = iso8601(wall_now());
    let mut sums = BTreeMap::new();

    // First the database's view: what is in it is in the log that is taken afterwards.
    let frozen = Frozen::begin(database_url).await.context("the database cannot be read")?;
    let dump = unfinished.path().join(DATABASE);
    // Made here, so that nobody else can read what the other program writes into it.
    files::write(&dump, &[])?;
    let dumped = tools.dump(database_url, &frozen.snapshot, &dump).await;
    let database = frozen.contents.clone();
    frozen.end().await;
    dumped?;
    sums.insert(DATABASE.to_owned(), files::settle(&dump)?);

    unfinished.directory("streams")?;
    let mut streams = BTreeMap::new();
    for stream in STREAMS {
        let (taken, sum) = take_stream(&bus, stream, &unfinished).await?;
        sums.insert(stream_file(stream), sum);
        streams.insert(stream.to_owned(), taken);
    }
    belong_together(&bus, &database, &streams).await?;
    for (name, path) in secrets(config) {
        unfinished.directory("secrets")?;
        let text = std::fs::read(&path).with_context(|| format!("{} cannot be read", path.display()))?;
        sums.insert(name.to_owned(), files::write(&unfinished.path().join(name), &text)?);
    }

    let manifest = Manifest::new(taken_at, streams, database, sums);
    manifest.write(unfinished.path())?;
    let told = told(&manifest)?;
    let place = unfinished.finish()?;
    Ok(format!("{} holds {told}", place.display()))
}

/// The log is taken again when it may have been cut in the middle of a batch: then half of a deed would be restored, a
/// session replaced by none, say.
async fn take_stream(bus: &Bus, stream: &str, unfinished: &Unfinished) -> anyhow::Result<(Stream, Sum)> {
    let path = unfinished.path().join(stream_file(stream));
    let mut attempt = 1;
    loop {
        let mut file = files::Writer::create(&path)?;
        let taken = snapshot::take(bus, stream, |piece| file.write(piece)).await;
        let taken = taken.with_context(|| format!("stream {stream} cannot be written to {}", path.display()))?;
        let taken = Stream::of(taken);
        let sum = file.finish()?;
        let again = attempt < ATTEMPTS && taken.bytes <= AGAIN_UP_TO_BYTES;
        if stream != STREAM_LOG || !again || !batch_since(bus, taken.last_seq, GONE_AFTER).await? {
            return Ok((taken, sum));
        }
        std::fs::remove_file(&path)?;
        attempt += 1;
    }
}

/// Whether the log holds a batch of several messages from this sequence on: where the snapshot ends after it is not
/// known, so it may end inside.
async fn batch_since(bus: &Bus, seq: u64, gone_after: Duration) -> anyhow::Result<bool> {
    let mut follower = Follower::new(bus.clone(), STREAM_LOG, Vec::new(), Start::Sequence(seq.max(1)));
    let mut went_on = Instant::now();
    loop {
        match timeout(READ_WITHIN, follower.next()).await.context("the log gives nothing")? {
            Followed::Message(message) if batch::goes_on_after(&message) => return Ok(true),
            Followed::CaughtUp => return Ok(false),
            Followed::Message(_) => went_on = Instant::now(),
            Followed::Interrupted(why) => {
                ensure!(went_on.elapsed() < gone_after, "the log cannot be read any more: {why}");
            }
        }
    }
}

/// The tables must go on with these very streams: a log that was damaged, or that was cut while it was taken, would be
/// found out only when the backup is needed.
async fn belong_together(
    bus: &Bus,
    database: &persistence::backup::Contents,
    streams: &BTreeMap<String, Stream>,
) -> anyhow::Result<()> {
    for stream in [STREAM_LOG, STREAM_DIRECTORY] {
        let facts = bus.stream_info(stream, READ_WITHIN).await?;
        let taken = streams.get(stream).context("it was taken")?;
        let Some(position) = database.positions.get(stream) else {
            ensure!(
                taken.first_seq <= 1,
                "nothing of stream {stream} is in the database, and its beginning is gone: has a persistence process \
                 run with this database?"
            );
            continue;
        };
        let facts = andon_nats::StreamFacts { first_seq: taken.first_seq, last_seq: taken.last_seq, ..facts };
        position.goes_on_with(stream, &facts).map_err(anyhow::Error::msg).context(
            "the database and the streams do not belong together, and a backup of them could not be restored",
        )?;
    }
    Ok(())
}

/// The secrets that are there: all of a data directory's, or the one that is named to a role.
fn secrets(config: &Config) -> Vec<(&'static str, PathBuf)> {
    let [_, (_, token_key), _] = SECRETS;
    if config.nats.url.is_some() {
        return config.secret_file.iter().map(|path| (token_key, path.clone())).collect();
    }
    let in_data_dir = SECRETS.iter().map(|(file, name)| match &config.secret_file {
        Some(named) if *name == token_key => (*name, named.clone()),
        _ => (*name, config.data_dir.join(file)),
    });
    in_data_dir.filter(|(_, path)| path.is_file()).collect()
}

fn told(manifest: &Manifest) -> anyhow::Result<String> {
    let log = manifest.stream(STREAM_LOG)?;
    let projected = manifest.database.positions.get(STREAM_LOG).map_or(0, |position| position.seq);
    let bytes = manifest.files.values().map(|sum| sum.bytes).sum();
    Ok(format!(
        "sequences {} to {} of the log, of which {projected} are in the database, as of {}: {}",
        log.first_seq,
        log.last_seq,
        manifest.taken_at,
        told_bytes(bytes)
    ))
}

#[cfg(test)]
mod tests {
    use andon_nats::testing::{Settings, TestServer};

    use super::*;

    #[tokio::test]
    async fn a_log_that_is_gone_for_good_ends_the_backup() {
        // given a server that dies for good
        let mut server = TestServer::start(Settings::default()).await;
        let bus = server.bus("operator").await;
        server.kill();
        // when the log is read, then it is not waited for without end
        let error = timeout(Duration::from_secs(30), batch_since(&bus, 1, Duration::from_millis(1))).await;
        let error = error.expect("it ends").expect_err("there is no log");
        assert!(error.to_string().contains("cannot be read any more"), "{error:#}");
    }
}
