//! What is generated once for an installation and kept in its data directory: secrets, and limits taken from the disk.

use std::path::{Path, PathBuf};

use rand::RngCore as _;
use serde::{Deserialize, Serialize};

use super::ServersError;
use super::data_dir::write_once;

/// Bytes of a generated secret; 256 bits, printed as 64 hexadecimal digits.
const SECRET_BYTES: usize = 32;
/// Bytes of a generated password that a person types: 80 bits, 16 letters of the alphabet below.
const TYPED_LETTERS: usize = 16;
/// Letters and digits that are not mistaken for each other; 32 of them, so that a byte chooses evenly.
const TYPED_ALPHABET: &[u8; 32] = b"abcdefghjkmnpqrstuvwxyz23456789x";

/// What is generated once for an installation and kept.
#[derive(Clone, Serialize, Deserialize)]
pub struct Installation {
    /// Password of the private Postgres' owner.
    pub postgres_password: String,
    /// Password of the first account.
    pub admin_password: String,
    /// What the private nats-server may store, in bytes. Taken once: with a later, smaller one, the server would
    /// refuse the streams that it has.
    pub nats_max_file_store: u64,
    /// The size of the log in bytes, where the configuration does not say. Taken once as well.
    pub log_max_bytes: u64,
    /// The passwords of the users of the private nats-server.
    pub nats_passwords: NatsPasswords,
}

/// One for each user.
#[derive(Clone, Serialize, Deserialize)]
pub struct NatsPasswords {
    /// Publishes events and claims.
    pub engine: String,
    /// Asks owners, writes the directory.
    pub gateway: String,
    /// Reads, and cuts the streams.
    pub persistence: String,
    /// Makes streams and consumers.
    pub operator: String,
    /// Reads events and the directory, from outside. Generated later where an older version made the file.
    #[serde(default)]
    pub integrator: String,
    /// The server's own account.
    pub system: String,
}

/// Where a data directory keeps its generated secrets.
pub fn file(data_dir: &Path) -> PathBuf {
    data_dir.join("installation.toml")
}

impl Installation {
    /// Reads the file.
    ///
    /// # Errors
    /// It cannot be read, or is damaged.
    pub fn read(path: &Path) -> Result<Self, ServersError> {
        let text = std::fs::read_to_string(path).map_err(|error| ServersError::file(path, error))?;
        toml::from_str(&text)
            .map_err(|error| ServersError::Damaged { path: path.to_owned(), message: error.message().to_owned() })
    }

    /// Generates everything; `free_bytes` is what the disk has to give now.
    pub fn generate(free_bytes: u64) -> Self {
        Self {
            postgres_password: secret(),
            admin_password: typed_password(),
            nats_max_file_store: free_bytes / 10 * 9,
            log_max_bytes: free_bytes / 10 * 8,
            nats_passwords: NatsPasswords {
                engine: secret(),
                gateway: secret(),
                persistence: secret(),
                operator: secret(),
                integrator: secret(),
                system: secret(),
            },
        }
    }

    /// Generates what the version that wrote the file did not know yet; whether there was anything.
    pub fn complete(&mut self) -> bool {
        let missing = self.nats_passwords.integrator.is_empty();
        if missing {
            self.nats_passwords.integrator = secret();
        }
        missing
    }

    /// The text of the file.
    ///
    /// # Errors
    /// None that a value of this type has.
    pub fn to_file(&self) -> Result<String, toml::ser::Error> {
        let values = toml::to_string(self)?;
        Ok(format!("# Generated at the first start. Whoever reads this file can do everything.\n{values}"))
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

fn secret() -> String {
    let mut bytes = [0; SECRET_BYTES];
    rand::rng().fill_bytes(&mut bytes);
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A password for a person: 80 bits in letters that are not mistaken for each other.
pub fn typed_password() -> String {
    let mut bytes = [0; TYPED_LETTERS];
    rand::rng().fill_bytes(&mut bytes);
    let letter = |byte: &u8| char::from(TYPED_ALPHABET[usize::from(*byte) % TYPED_ALPHABET.len()]);
    bytes.iter().map(letter).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn typed_passwords_have_no_letters_that_look_alike() {
        let password = typed_password();
        assert_eq!(password.len(), TYPED_LETTERS);
        assert!(!password.contains(['0', 'o', '1', 'l', 'i']), "{password}");
        assert_ne!(password, typed_password());
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
