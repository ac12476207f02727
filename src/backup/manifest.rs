//! What a backup says of itself, and whether it is what it says.
//!
//! `manifest.json` names every file with its size and SHA-256; `SHA256SUMS` has the same in the format of `sha256sum`,
//! the manifest's own sum besides, so that `sha256sum -c SHA256SUMS` proves a backup without Andon.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use andon_nats::snapshot::Snapshotted;
use anyhow::{Context as _, bail, ensure};
use persistence::backup::Contents;
use serde::{Deserialize, Serialize};

use super::files::{self, Sum};

/// The manifest's name.
pub const MANIFEST: &str = "manifest.json";
/// The sums' name.
pub const SUMS: &str = "SHA256SUMS";
/// What this version writes and reads.
const FORMAT: &str = "andon-backup-1";
/// A manifest has some kilobytes; one larger than this is none of ours.
const MANIFEST_MAX: u64 = 1 << 20;

/// What a backup holds.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Manifest {
    /// [`FORMAT`].
    format: String,
    /// The version that took it.
    pub andon_version: String,
    /// When it was begun, ISO 8601: everything acknowledged before is in it.
    pub taken_at: String,
    /// The streams.
    pub streams: BTreeMap<String, Stream>,
    /// The database.
    pub database: Contents,
    /// Every file but this one and the sums.
    pub files: BTreeMap<String, Sum>,
}

/// A stream.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Stream {
    /// The first sequence that was there.
    pub first_seq: u64,
    /// The last one that is in it for certain; later ones may be.
    pub last_seq: u64,
    /// Bytes that its messages take in a server.
    pub bytes: u64,
    /// What the server wants back.
    pub snapshotted: Snapshotted,
}

impl Stream {
    /// From what the server said.
    pub fn of(snapshotted: Snapshotted) -> Self {
        Self {
            first_seq: snapshotted.number("first_seq"),
            last_seq: snapshotted.number("last_seq"),
            bytes: snapshotted.number("bytes"),
            snapshotted,
        }
    }
}

impl Manifest {
    /// Of a backup begun at this time.
    pub fn new(
        taken_at: String,
        streams: BTreeMap<String, Stream>,
        database: Contents,
        files: BTreeMap<String, Sum>,
    ) -> Self {
        let andon_version = env!("CARGO_PKG_VERSION").to_owned();
        Self { format: FORMAT.to_owned(), andon_version, taken_at, streams, database, files }
    }

    /// A stream.
    ///
    /// # Errors
    /// It has none of this name.
    pub fn stream(&self, name: &str) -> anyhow::Result<&Stream> {
        self.streams.get(name).with_context(|| format!("the backup has no stream {name}"))
    }

    /// Writes it and the sums into a directory.
    ///
    /// # Errors
    /// They cannot be written.
    pub fn write(&self, directory: &Path) -> anyhow::Result<()> {
        let text = format!("{}\n", serde_json::to_string_pretty(self)?);
        let own = files::write(&directory.join(MANIFEST), text.as_bytes())?;
        let files = self.files.iter().map(|(name, sum)| (name.as_str(), sum));
        let lines = files.chain([(MANIFEST, &own)]).map(|(name, sum)| format!("{}  {name}\n", sum.sha256));
        files::write(&directory.join(SUMS), lines.collect::<String>().as_bytes())?;
        Ok(())
    }
}

/// A backup that was looked through: every file is there and whole.
#[derive(Debug)]
pub struct Backup {
    directory: PathBuf,
    /// What it holds.
    pub manifest: Manifest,
}

impl Backup {
    /// Reads the manifest and all of every file; nothing is written.
    ///
    /// # Errors
    /// It is no backup, one of another version, or damaged; the error names the file.
    pub fn open(directory: &Path) -> anyhow::Result<Self> {
        let shown = directory.display();
        let no_backup = || format!("{shown} is no backup: `andon backup DIR` makes one");
        let path = directory.join(MANIFEST);
        let size = std::fs::metadata(&path).with_context(no_backup)?.len();
        ensure!(size <= MANIFEST_MAX, no_backup());
        let text = std::fs::read(&path).with_context(|| format!("{} cannot be read", path.display()))?;
        let sums = std::fs::read_to_string(directory.join(SUMS)).with_context(no_backup)?;
        let own = sums.lines().find_map(|line| line.strip_suffix(&format!("  {MANIFEST}"))).with_context(no_backup)?;
        ensure!(
            own == files::sha256(&text),
            "{} is damaged: its SHA-256 is not the one in {SUMS}. Use another copy of the backup",
            path.display()
        );
        #[derive(Deserialize)]
        struct Beginning {
            format: String,
        }
        match serde_json::from_slice::<Beginning>(&text) {
            Ok(Beginning { format }) if format == FORMAT => {}
            Ok(Beginning { format }) => bail!(
                "{shown} is a backup of the format {format:?}, and this andon reads {FORMAT:?}: restore it with the \
                 version that took it"
            ),
            Err(_) => bail!(no_backup()),
        }
        let manifest: Manifest =
            serde_json::from_slice(&text).with_context(|| format!("{} cannot be read", path.display()))?;
        let backup = Self { directory: directory.to_owned(), manifest };
        backup.is_whole()?;
        Ok(backup)
    }

    fn is_whole(&self) -> anyhow::Result<()> {
        for (name, sum) in &self.manifest.files {
            let path = self.file(name)?;
            let found = files::sum(&path)?;
            ensure!(
                found.bytes == sum.bytes,
                "{} is damaged: it has {} bytes and not {}. Use another copy of the backup",
                path.display(),
                found.bytes,
                sum.bytes
            );
            ensure!(
                found.sha256 == sum.sha256,
                "{} is damaged: its SHA-256 is not the one in {MANIFEST}. Use another copy of the backup",
                path.display()
            );
        }
        Ok(())
    }

    /// The path of a file of the backup; a name that leads out of it is none.
    ///
    /// # Errors
    /// See above.
    pub fn file(&self, name: &str) -> anyhow::Result<PathBuf> {
        let inside = Path::new(name).components().all(|part| matches!(part, std::path::Component::Normal(_)));
        ensure!(inside && !name.is_empty(), "{MANIFEST} names {name:?}, which is no file of a backup");
        Ok(self.directory.join(name))
    }

    /// The same, where the backup has such a file.
    pub fn file_if_there(&self, name: &str) -> Option<PathBuf> {
        self.manifest.files.contains_key(name).then(|| self.directory.join(name))
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use serde_json::json;

    use super::*;

    fn backup(directory: &Path) -> Manifest {
        std::fs::create_dir_all(directory.join("streams")).expect("made");
        let sum = files::write(&directory.join("streams/ANDON.snapshot"), b"messages").expect("written");
        let snapshotted = Snapshotted { config: json!({}), state: json!({ "first_seq": 3, "last_seq": 9 }) };
        let database =
            Contents { server_version: "18.1".to_owned(), bytes: 1, migration: 5, positions: BTreeMap::new() };
        let manifest = Manifest::new(
            "2026-08-01T06:00:00Z".to_owned(),
            [("ANDON".to_owned(), Stream::of(snapshotted))].into(),
            database,
            [("streams/ANDON.snapshot".to_owned(), sum)].into(),
        );
        manifest.write(directory).expect("written");
        manifest
    }

    #[test]
    fn what_was_written_is_read_and_is_for_its_owner_alone() {
        let directory = tempfile::tempdir().expect("a directory");
        let written = backup(directory.path());
        let read = Backup::open(directory.path()).expect("a backup");
        assert_eq!(read.manifest, written);
        assert_eq!(read.manifest.stream("ANDON").expect("there").last_seq, 9);
        for file in [MANIFEST, SUMS, "streams/ANDON.snapshot"] {
            let mode = std::fs::metadata(directory.path().join(file)).expect("there").permissions().mode();
            assert_eq!(mode & 0o777, 0o600, "{file}");
        }
    }

    #[test]
    fn each_way_of_being_no_whole_backup_is_told() {
        type Harm = fn(&Path);
        let cases: [(&str, Harm, &str); 6] = [
            ("nothing there", |at| std::fs::remove_file(at.join(MANIFEST)).expect("removed"), "is no backup"),
            ("no sums", |at| std::fs::remove_file(at.join(SUMS)).expect("removed"), "is no backup"),
            ("a byte of the manifest", |at| flip(&at.join(MANIFEST)), "manifest.json is damaged"),
            ("a byte of a file", |at| flip(&at.join("streams/ANDON.snapshot")), "ANDON.snapshot is damaged: its SHA"),
            ("cut", |at| std::fs::write(at.join("streams/ANDON.snapshot"), b"mess").expect("cut"), "has 4 bytes"),
            ("another version", of_another_version, "format \"andon-backup-9\""),
        ];
        for (name, harm, said) in cases {
            let directory = tempfile::tempdir().expect("a directory");
            backup(directory.path());
            harm(directory.path());
            let refused = format!("{:#}", Backup::open(directory.path()).expect_err(name));
            assert!(refused.contains(said), "{name}: {refused}");
        }
    }

    fn flip(path: &Path) {
        let mut bytes = std::fs::read(path).expect("read");
        let middle = bytes.len() / 2;
        bytes[middle] ^= 1;
        std::fs::write(path, bytes).expect("written");
    }

    fn of_another_version(directory: &Path) {
        let text = std::fs::read_to_string(directory.join(MANIFEST)).expect("read").replace(FORMAT, "andon-backup-9");
        std::fs::write(directory.join(MANIFEST), &text).expect("written");
        let line = format!("{}  {MANIFEST}\n", files::sha256(text.as_bytes()));
        std::fs::write(directory.join(SUMS), line).expect("written");
    }

    #[test]
    fn a_name_that_leads_out_is_refused() {
        let directory = tempfile::tempdir().expect("a directory");
        backup(directory.path());
        let backup = Backup::open(directory.path()).expect("a backup");
        for name in ["../secret", "/etc/passwd", "", "streams/../../x"] {
            assert!(backup.file(name).is_err(), "{name}");
        }
    }
}
