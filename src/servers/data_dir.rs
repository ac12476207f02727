//! The data directory: made private, and owned by one `andon up` at a time.

use std::fs::{File, OpenOptions};
use std::io::{Read as _, Seek as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use nix::fcntl::{Flock, FlockArg};

use super::installation::{self, Installation};
use super::{ServersError, child};

/// Held by the process that owns the directory.
const LOCK: &str = "lock";
/// There while a backup is being restored; names what it makes outside of the directory.
const RESTORING: &str = "restoring";
/// What stands in it before such a name.
const OUTSIDE: &str = "outside: ";

/// A data directory that this process holds.
#[derive(Debug)]
pub struct DataDir {
    path: PathBuf,
    _lock: Flock<File>,
}

impl DataDir {
    /// Makes the directory if needed and holds it until dropped, or until the process ends however it ends.
    ///
    /// # Errors
    /// It cannot be made or written, or another `andon up` holds it.
    pub fn hold(path: &Path) -> Result<Self, ServersError> {
        let data = Self::make_and_hold(path)?;
        if data.path.join(RESTORING).exists() {
            return Err(ServersError::HalfRestored { path: data.path.clone() });
        }
        Ok(data)
    }

    fn make_and_hold(path: &Path) -> Result<Self, ServersError> {
        let failed = |error| ServersError::file(path, error);
        // Root's Postgres runs as somebody else, who must get through to its own directory.
        let mode = if nix::unistd::geteuid().is_root() { 0o711 } else { 0o700 };
        std::fs::DirBuilder::new().recursive(true).mode(mode).create(path).map_err(failed)?;
        // Leftovers are recognised by this path, so it must be the same whatever it was called.
        let path = path.canonicalize().map_err(failed)?;
        let lock = lock(&path)?;
        Ok(Self { path, _lock: lock })
    }

    /// Holds an empty directory for a backup to be restored into. Until [`Self::restored`] no other start takes it. What
    /// an earlier restore left that was broken off is removed.
    ///
    /// # Errors
    /// It is not empty, or cannot be made, or another process holds it.
    pub fn hold_for_restore(path: &Path) -> Result<Self, ServersError> {
        let not_empty = || ServersError::NotEmpty { path: path.to_owned() };
        let half = path.join(RESTORING);
        if !half.exists() && has_entries(path, None)? {
            return Err(not_empty());
        }
        let data = Self::make_and_hold(path)?;
        if let Ok(told) = std::fs::read_to_string(&half) {
            super::kill_leftovers(&data.path);
            for outside in told.lines().filter_map(|line| line.strip_prefix(OUTSIDE)) {
                remove(Path::new(outside));
            }
            data.empty_but(&[LOCK]);
        }
        if has_entries(&data.path, Some(LOCK))? {
            return Err(not_empty());
        }
        data.is_being_restored("")?;
        Ok(data)
    }

    fn is_being_restored(&self, more: &str) -> Result<(), ServersError> {
        let told = format!("A backup is being restored into this directory.\n{more}");
        let half = self.path.join(RESTORING);
        std::fs::write(&half, told).map_err(|error| ServersError::file(&half, error))
    }

    /// Remembers that the restore is about to make this directory, which was not there or empty: broken off, the next one
    /// removes it, too.
    ///
    /// # Errors
    /// The data directory cannot be written.
    pub fn restores_outside(&self, directory: &Path) -> Result<(), ServersError> {
        if directory.starts_with(&self.path) {
            return Ok(());
        }
        self.is_being_restored(&format!("{OUTSIDE}{}\n", directory.display()))
    }

    /// The restore is whole: `andon up` may take it.
    ///
    /// # Errors
    /// The directory cannot be written.
    pub fn restored(&self) -> Result<(), ServersError> {
        let half = self.path.join(RESTORING);
        std::fs::remove_file(&half).map_err(|error| ServersError::file(&half, error))
    }

    /// Removes what a failed restore has put here.
    pub fn empty(&self) {
        self.empty_but(&[]);
        // It stays where it was there before, empty.
        let _in_use = std::fs::remove_dir(&self.path);
    }

    fn empty_but(&self, kept: &[&str]) {
        let Ok(entries) = std::fs::read_dir(&self.path) else { return };
        for path in entries.filter_map(|entry| Some(entry.ok()?.path())) {
            if path.file_name().is_some_and(|name| kept.iter().any(|kept| name == *kept)) {
                continue;
            }
            remove(&path);
        }
    }

    /// Its absolute path without symbolic links.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// A directory inside, for its owner alone.
    ///
    /// # Errors
    /// It cannot be made.
    pub fn private(&self, name: &str) -> Result<PathBuf, ServersError> {
        let path = self.path.join(name);
        std::fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(&path)
            .map_err(|error| ServersError::file(&path, error))?;
        Ok(path)
    }

    /// Where the generated secrets are.
    pub fn installation_file(&self) -> PathBuf {
        installation::file(&self.path)
    }

    /// The installation's secrets and limits, generated at the first call.
    ///
    /// # Errors
    /// The file cannot be read or written, or is damaged.
    pub fn installation(&self) -> Result<Installation, ServersError> {
        let path = self.installation_file();
        match Installation::read(&path) {
            Err(ServersError::File { error, .. }) if error.kind() == std::io::ErrorKind::NotFound => {
                let installation = Installation::generate(free_bytes(&self.path)?);
                write_once(&path, &text(&path, &installation)?)?;
                Ok(installation)
            }
            Ok(mut installation) => {
                if installation.complete() {
                    write_private(&path, &text(&path, &installation)?)?;
                }
                Ok(installation)
            }
            other => other,
        }
    }
}

fn remove(path: &Path) {
    let removed = if path.is_dir() { std::fs::remove_dir_all(path) } else { std::fs::remove_file(path) };
    match removed {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            tracing::warn!(%error, "{} cannot be removed", path.display());
        }
        _ => {}
    }
}

fn text(path: &Path, installation: &Installation) -> Result<String, ServersError> {
    installation.to_file().map_err(|error| ServersError::Damaged { path: path.to_owned(), message: error.to_string() })
}

/// Writes a private file whole or not at all, in the place of what is there.
///
/// # Errors
/// It cannot be written.
pub fn write_private(path: &Path, text: &str) -> Result<(), ServersError> {
    let fresh = fresh_beside(path, text)?;
    std::fs::rename(&fresh, path).map_err(|error| ServersError::file(path, error))
}

/// The same, but what is there stays.
///
/// # Errors
/// It cannot be written.
pub fn write_once(path: &Path, text: &str) -> Result<(), ServersError> {
    let fresh = fresh_beside(path, text)?;
    let linked = std::fs::hard_link(&fresh, path);
    std::fs::remove_file(&fresh).map_err(|error| ServersError::file(&fresh, error))?;
    match linked {
        Err(error) if error.kind() != std::io::ErrorKind::AlreadyExists => Err(ServersError::file(path, error)),
        _ => Ok(()),
    }
}

fn fresh_beside(path: &Path, text: &str) -> Result<PathBuf, ServersError> {
    let fresh = path.with_extension(format!("{}.new", std::process::id()));
    child::private_file(&fresh)
        .and_then(|mut file| file.write_all(text.as_bytes()).and_then(|()| file.sync_all()))
        .map_err(|error| ServersError::file(&fresh, error))?;
    Ok(fresh)
}

/// Whether anything but `but` is in there; a directory that is not there has nothing.
fn has_entries(path: &Path, but: Option<&str>) -> Result<bool, ServersError> {
    let entries = match std::fs::read_dir(path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(false),
        entries => entries.map_err(|error| ServersError::file(path, error))?,
    };
    Ok(entries.filter_map(Result::ok).any(|entry| but.is_none_or(|but| entry.file_name() != *but)))
}

/// Bytes that may still be written on the file system of `path`.
///
/// # Errors
/// The file system cannot be asked.
pub fn free_bytes(path: &Path) -> Result<u64, ServersError> {
    let stat = nix::sys::statvfs::statvfs(path).map_err(|error| ServersError::file(path, error.into()))?;
    Ok(stat.blocks_available().saturating_mul(stat.fragment_size()))
}

/// The lock is the kernel's: it is gone with the process that held it, so none is ever stale.
fn lock(data_dir: &Path) -> Result<Flock<File>, ServersError> {
    let path = data_dir.join(LOCK);
    let failed = |error| ServersError::file(&path, error);
    let file = OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .open(&path)
        .map_err(failed)?;
    match Flock::lock(file, FlockArg::LockExclusiveNonblock) {
        Ok(mut lock) => {
            lock.set_len(0).map_err(failed)?;
            lock.rewind().map_err(failed)?;
            write!(lock, "{}", std::process::id()).map_err(failed)?;
            Ok(lock)
        }
        Err((mut file, nix::errno::Errno::EWOULDBLOCK)) => {
            let mut holder = String::new();
            let _unknown_holder = file.read_to_string(&mut holder);
            Err(ServersError::Held { path: data_dir.to_owned(), holder })
        }
        Err((_, error)) => Err(failed(error.into())),
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn what_was_generated_is_kept_and_private() {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let data = DataDir::hold(&directory.path().join("data")).expect("nobody holds it");
        let first = data.installation().expect("generated");
        let second = data.installation().expect("read back");
        assert_eq!(first.nats_passwords.engine, second.nats_passwords.engine);
        assert_ne!(first.nats_passwords.engine, first.nats_passwords.gateway);
        assert_eq!(first.log_max_bytes, second.log_max_bytes);
        let file = data.installation_file();
        let mode = std::fs::metadata(file).expect("it is there").permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }

    #[test]
    fn a_file_of_an_older_version_gets_what_it_lacks_once() {
        // given a file without the integrators' password
        let directory = tempfile::tempdir().expect("a temporary directory");
        let data = DataDir::hold(&directory.path().join("data")).expect("nobody holds it");
        let first = data.installation().expect("generated");
        let file = data.installation_file();
        let text = std::fs::read_to_string(&file).expect("it is there");
        let older: String =
            text.lines().filter(|line| !line.starts_with("integrator")).map(|line| format!("{line}\n")).collect();
        std::fs::write(&file, older).expect("written");
        // when it is read twice
        let read = [data.installation().expect("completed"), data.installation().expect("read back")];
        // then the password was made once, and nothing else changed
        let [second, third] = read.map(|installation| installation.nats_passwords);
        assert_eq!(second.integrator.len(), 64);
        assert_eq!(second.integrator, third.integrator);
        assert_eq!(first.nats_passwords.engine, second.engine);
    }

    #[test]
    fn a_half_restored_directory_is_taken_by_another_restore_alone() {
        // given a restore that was broken off
        let directory = tempfile::tempdir().expect("a temporary directory");
        let path = directory.path().join("data");
        let half = DataDir::hold_for_restore(&path).expect("it is empty");
        std::fs::write(half.path().join("part"), "x").expect("written");
        drop(half);
        // when somebody starts there, then it is refused
        let refused = DataDir::hold(&path).expect_err("half of a restore").to_string();
        assert!(refused.contains("half of a restored backup"), "{refused}");
        // when it is restored again, then it begins anew and is whole
        let anew = DataDir::hold_for_restore(&path).expect("its own leftovers");
        assert!(!anew.path().join("part").exists());
        std::fs::write(anew.path().join("part"), "y").expect("written");
        anew.restored().expect("whole");
        drop(anew);
        DataDir::hold(&path).expect("whole");
        // and no other backup is put there
        let refused = DataDir::hold_for_restore(&path).expect_err("not empty").to_string();
        assert!(refused.contains("is not empty"), "{refused}");
        assert_eq!(std::fs::read_to_string(path.join("part")).expect("untouched"), "y");
    }

    #[test]
    fn what_a_broken_off_restore_made_elsewhere_is_removed_by_the_next_and_nothing_else_is() {
        // given two restores that were broken off, of which one had begun to make a directory elsewhere
        let directory = tempfile::tempdir().expect("a temporary directory");
        let places = ["begun", "not-begun"].map(|name| directory.path().join(name));
        let elsewhere = places.each_ref().map(|path| path.with_extension("elsewhere"));
        for (path, outside) in places.iter().zip(&elsewhere) {
            let half = DataDir::hold_for_restore(path).expect("it is empty");
            std::fs::create_dir(outside).expect("made");
            if path.ends_with("begun") {
                half.restores_outside(outside).expect("remembered");
            }
        }
        // when they are begun anew
        for path in &places {
            DataDir::hold_for_restore(path).expect("its own leftovers");
        }
        // then
        assert_eq!(elsewhere.map(|path| path.exists()), [false, true]);
    }

    #[test]
    fn a_held_directory_is_refused_and_says_by_whom() {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let _held = DataDir::hold(directory.path()).expect("nobody holds it");
        let error = DataDir::hold(directory.path()).expect_err("it is held");
        assert!(error.to_string().contains(&std::process::id().to_string()), "{error}");
    }
}
