//! The data directory: made private, and owned by one `andon up` at a time.

use std::fs::{File, OpenOptions};
use std::io::{Read as _, Seek as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use nix::fcntl::{Flock, FlockArg};

use super::installation::{self, Installation};
use super::{ServersError, child};

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
        let failed = |error| ServersError::file(path, error);
        // Root's Postgres runs as somebody else, who must get through to its own directory.
        let mode = if nix::unistd::geteuid().is_root() { 0o711 } else { 0o700 };
        std::fs::DirBuilder::new().recursive(true).mode(mode).create(path).map_err(failed)?;
        // Leftovers are recognised by this path, so it must be the same whatever it was called.
        let path = path.canonicalize().map_err(failed)?;
        let lock = lock(&path)?;
        Ok(Self { path, _lock: lock })
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

/// Bytes that may still be written on the file system of `path`.
fn free_bytes(path: &Path) -> Result<u64, ServersError> {
    let stat = nix::sys::statvfs::statvfs(path).map_err(|error| ServersError::file(path, error.into()))?;
    Ok(stat.blocks_available().saturating_mul(stat.fragment_size()))
}

/// The lock is the kernel's: it is gone with the process that held it, so none is ever stale.
fn lock(data_dir: &Path) -> Result<Flock<File>, ServersError> {
    let path = data_dir.join("lock");
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
    fn a_held_directory_is_refused_and_says_by_whom() {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let _held = DataDir::hold(directory.path()).expect("nobody holds it");
        let error = DataDir::hold(directory.path()).expect_err("it is held");
        assert!(error.to_string().contains(&std::process::id().to_string()), "{error}");
    }
}
