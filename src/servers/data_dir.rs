//! The data directory: made private, owned by one `andon up` at a time, and the secrets generated in it.

use std::fs::{File, OpenOptions};
use std::io::{Read as _, Seek as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use nix::fcntl::{Flock, FlockArg};
use rand::RngCore as _;
use serde::{Deserialize, Serialize};

use super::ServersError;

/// Bytes of a generated secret; 256 bits, printed as 64 hexadecimal digits.
const SECRET_BYTES: usize = 32;
/// Bytes of a generated password that a person types: 80 bits, 16 letters of the alphabet below.
const TYPED_LETTERS: usize = 16;
/// Letters and digits that are not mistaken for each other; 32 of them, so that a byte chooses evenly.
const TYPED_ALPHABET: &[u8; 32] = b"abcdefghjkmnpqrstuvwxyz23456789x";

/// A data directory that this process holds.
#[derive(Debug)]
pub struct DataDir {
    path: PathBuf,
    _lock: Flock<File>,
}

/// What is generated once for an installation and kept.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Installation {
    /// Password of each role on the private nats-server.
    pub nats_password: String,
    /// Password of the private Postgres' owner.
    pub postgres_password: String,
    /// Password of the first account.
    pub admin_password: String,
    /// What the private nats-server may store, in bytes. Taken once: with a later, smaller one, the server would
    /// refuse the streams that it has.
    pub nats_max_file_store: u64,
    /// The size of the log in bytes, where the configuration does not say. Taken once as well.
    pub log_max_bytes: u64,
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

    /// The installation's secrets and limits, generated at the first call.
    ///
    /// # Errors
    /// The file cannot be read or written, or is damaged.
    pub fn installation(&self) -> Result<Installation, ServersError> {
        let path = self.path.join("installation.toml");
        match std::fs::read_to_string(&path) {
            Ok(text) => toml::from_str(&text)
                .map_err(|error| ServersError::Damaged { path, message: error.message().to_owned() }),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                let installation = Installation::generate(free_bytes(&self.path)?);
                write_once(&path, &installation.to_file())?;
                Ok(installation)
            }
            Err(error) => Err(ServersError::file(&path, error)),
        }
    }
}

impl Installation {
    fn generate(free_bytes: u64) -> Self {
        Self {
            nats_password: secret(),
            postgres_password: secret(),
            admin_password: typed_password(),
            nats_max_file_store: free_bytes / 10 * 9,
            log_max_bytes: free_bytes / 10 * 8,
        }
    }

    fn to_file(&self) -> String {
        format!(
            "# Generated at the first start. Whoever reads this file can do everything.\n\
             nats_password = \"{}\"\npostgres_password = \"{}\"\nadmin_password = \"{}\"\n\
             nats_max_file_store = {}\nlog_max_bytes = {}\n",
            self.nats_password,
            self.postgres_password,
            self.admin_password,
            self.nats_max_file_store,
            self.log_max_bytes,
        )
    }
}

/// Reads the key that signs tokens, or generates it where it was not named by the configuration.
///
/// # Errors
/// The file cannot be read or written.
pub fn token_key(named: Option<&Path>, data_dir: &Path) -> Result<Vec<u8>, ServersError> {
    let path = named.map_or_else(|| data_dir.join("token.key"), Path::to_owned);
    let read = || std::fs::read_to_string(&path);
    let text = match read() {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound && named.is_none() => {
            std::fs::create_dir_all(data_dir).map_err(|error| ServersError::file(data_dir, error))?;
            write_once(&path, &secret())?;
            read()
        }
        other => other,
    }
    .map_err(|error| ServersError::file(&path, error))?;
    let key = text.trim().as_bytes().to_vec();
    if key.len() < SECRET_BYTES {
        return Err(ServersError::Damaged {
            path,
            message: format!("the key has fewer than {SECRET_BYTES} characters"),
        });
    }
    Ok(key)
}

/// Writes a private file whole or not at all, and never over one that is there.
fn write_once(path: &Path, text: &str) -> Result<(), ServersError> {
    let failed = |error| ServersError::file(path, error);
    let fresh = path.with_extension(format!("{}.new", std::process::id()));
    let mut file = super::child::private_file(&fresh).map_err(failed)?;
    file.write_all(text.as_bytes()).and_then(|()| file.sync_all()).map_err(failed)?;
    let linked = std::fs::hard_link(&fresh, path);
    std::fs::remove_file(&fresh).map_err(failed)?;
    match linked {
        Err(error) if error.kind() != std::io::ErrorKind::AlreadyExists => Err(failed(error)),
        _ => Ok(()),
    }
}

fn secret() -> String {
    let mut bytes = [0; SECRET_BYTES];
    rand::rng().fill_bytes(&mut bytes);
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn typed_password() -> String {
    let mut bytes = [0; TYPED_LETTERS];
    rand::rng().fill_bytes(&mut bytes);
    let letter = |byte: &u8| char::from(TYPED_ALPHABET[usize::from(*byte) % TYPED_ALPHABET.len()]);
    bytes.iter().map(letter).collect()
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
        assert_eq!(first.nats_password, second.nats_password);
        assert_eq!(first.log_max_bytes, second.log_max_bytes);
        let file = data.path().join("installation.toml");
        let mode = std::fs::metadata(file).expect("it is there").permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }

    #[test]
    fn a_held_directory_is_refused_and_says_by_whom() {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let _held = DataDir::hold(directory.path()).expect("nobody holds it");
        let error = DataDir::hold(directory.path()).expect_err("it is held");
        assert!(error.to_string().contains(&std::process::id().to_string()), "{error}");
    }

    #[test]
    fn a_short_token_key_is_refused() {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let file = directory.path().join("key");
        std::fs::write(&file, "short").expect("written");
        assert!(token_key(Some(&file), directory.path()).is_err());
        let generated = token_key(None, directory.path()).expect("generated");
        assert_eq!(token_key(None, directory.path()).expect("read back"), generated);
    }
}
