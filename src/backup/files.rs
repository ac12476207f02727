//! The files of a backup: private, summed while they are written and read, on disk before they count.

use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{BufWriter, Read as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, ensure};
use bytes::Bytes;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

/// Read at once.
const PIECE: usize = 256 << 10;

/// What a file is known by.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sum {
    /// Its size.
    pub bytes: u64,
    /// Its SHA-256 in hexadecimal digits.
    pub sha256: String,
}

/// The SHA-256 of these bytes, in hexadecimal digits.
pub fn sha256(bytes: &[u8]) -> String {
    digits(Sha256::new_with_prefix(bytes))
}

fn digits(sum: Sha256) -> String {
    sum.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Writes a whole file.
///
/// # Errors
/// It is there already, or cannot be written.
pub fn write(path: &Path, bytes: &[u8]) -> anyhow::Result<Sum> {
    let mut writer = Writer::create(path)?;
    writer.write(bytes).with_context(|| unwritten(path))?;
    writer.finish()
}

/// The sum of a file.
///
/// # Errors
/// It cannot be read.
pub fn sum(path: &Path) -> anyhow::Result<Sum> {
    let mut reader = Reader::open(path)?;
    let (mut sum, mut bytes) = (Sha256::new(), 0);
    loop {
        let piece = reader.next().with_context(|| format!("{} cannot be read", path.display()))?;
        if piece.is_empty() {
            return Ok(Sum { bytes, sha256: digits(sum) });
        }
        sum.update(&piece);
        bytes += piece.len() as u64;
    }
}

/// Brings a file that another program wrote to the disk, and sums it.
///
/// # Errors
/// It cannot be read or synced.
pub fn settle(path: &Path) -> anyhow::Result<Sum> {
    File::open(path).and_then(|file| file.sync_all()).with_context(|| unwritten(path))?;
    sum(path)
}

fn unwritten(path: &Path) -> String {
    format!("{} cannot be written", path.display())
}

/// Writes a file that only its owner can read.
pub struct Writer {
    file: BufWriter<File>,
    path: PathBuf,
    sum: Sha256,
    bytes: u64,
}

impl Writer {
    /// Begins it; one that is there is never overwritten.
    ///
    /// # Errors
    /// It is there already, or cannot be made.
    pub fn create(path: &Path) -> anyhow::Result<Self> {
        let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path);
        let file = file.with_context(|| unwritten(path))?;
        Ok(Self { file: BufWriter::new(file), path: path.to_owned(), sum: Sha256::new(), bytes: 0 })
    }

    /// Adds to it.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn write(&mut self, piece: &[u8]) -> std::io::Result<()> {
        self.sum.update(piece);
        self.bytes += piece.len() as u64;
        self.file.write_all(piece)
    }

    /// Ends it; it is on disk then.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn finish(self) -> anyhow::Result<Sum> {
        let file = self.file.into_inner().map_err(std::io::IntoInnerError::into_error);
        file.and_then(|file| file.sync_all()).with_context(|| unwritten(&self.path))?;
        Ok(Sum { bytes: self.bytes, sha256: digits(self.sum) })
    }
}

/// Reads a file piece by piece.
pub struct Reader(File);

impl Reader {
    /// Opens it.
    ///
    /// # Errors
    /// It cannot be read.
    pub fn open(path: &Path) -> anyhow::Result<Self> {
        File::open(path).map(Self).with_context(|| format!("{} cannot be read", path.display()))
    }

    /// The next piece; empty at the end.
    ///
    /// # Errors
    /// It cannot be read.
    pub fn next(&mut self) -> std::io::Result<Bytes> {
        let mut piece = vec![0; PIECE];
        let length = self.0.read(&mut piece)?;
        piece.truncate(length);
        Ok(piece.into())
    }
}

/// A directory that is being filled beside its place, and moved there when it is whole. Dropped before, it is removed.
pub struct Unfinished {
    path: PathBuf,
    place: PathBuf,
    whole: bool,
}

impl Unfinished {
    /// Begins one for this place, where nothing may be.
    ///
    /// # Errors
    /// Something is there, or the directory cannot be made.
    pub fn begin(place: &Path) -> anyhow::Result<Self> {
        let place = std::path::absolute(place)?;
        let is_free = match std::fs::read_dir(&place) {
            Ok(mut entries) => entries.next().is_none(),
            Err(error) => error.kind() == std::io::ErrorKind::NotFound,
        };
        ensure!(is_free, "{} is there already: a backup needs a place of its own, so name another", place.display());
        let name = place.file_name().with_context(|| format!("{} is no place for a backup", place.display()))?;
        let path = place.with_file_name(format!("{}.{}.unfinished", name.display(), std::process::id()));
        DirBuilder::new().recursive(true).mode(0o700).create(&path).with_context(|| unwritten(&path))?;
        Ok(Self { path, place, whole: false })
    }

    /// Where it is filled.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// A directory inside, for its owner alone.
    ///
    /// # Errors
    /// It cannot be made.
    pub fn directory(&self, name: &str) -> anyhow::Result<PathBuf> {
        let path = self.path.join(name);
        DirBuilder::new().recursive(true).mode(0o700).create(&path).with_context(|| unwritten(&path))?;
        Ok(path)
    }

    /// Moves it to its place; it is on disk then.
    ///
    /// # Errors
    /// Something has come there meanwhile, or it cannot be moved.
    pub fn finish(mut self) -> anyhow::Result<PathBuf> {
        let moved = std::fs::rename(&self.path, &self.place)
            .and_then(|()| File::open(self.place.parent().unwrap_or(&self.place))?.sync_all());
        moved.with_context(|| unwritten(&self.place))?;
        self.whole = true;
        Ok(self.place.clone())
    }
}

impl Drop for Unfinished {
    fn drop(&mut self) {
        if !self.whole
            && let Err(error) = std::fs::remove_dir_all(&self.path)
        {
            tracing::warn!(%error, "{} cannot be removed", self.path.display());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_whole_is_never_at_its_place() {
        let directory = tempfile::tempdir().expect("a directory");
        let place = directory.path().join("monday");
        let unfinished = Unfinished::begin(&place).expect("a free place");
        write(&unfinished.path().join("file"), b"text").expect("written");
        drop(unfinished);
        assert_eq!(std::fs::read_dir(directory.path()).expect("read").count(), 0);

        let unfinished = Unfinished::begin(&place).expect("a free place");
        let sum = write(&unfinished.path().join("file"), b"text").expect("written");
        unfinished.finish().expect("moved");
        assert_eq!(super::sum(&place.join("file")).expect("read"), sum);
        assert_eq!(sum.sha256, sha256(b"text"));
        let refused = Unfinished::begin(&place).err().expect("refused").to_string();
        assert!(refused.contains("is there already"), "{refused}");
    }
}
