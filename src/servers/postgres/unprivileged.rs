//! Who runs Postgres. It refuses to run as root, so root has it run by an unprivileged user, who must be able to
//! reach the binaries and the data; where the checkout is closed to others (a home directory, say), both are placed
//! under `/var/lib/andon` instead.

use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, chown};
use std::path::{Path, PathBuf};

use nix::unistd::{User, geteuid};
use tokio::process::Command;
use uuid::Uuid;

use super::super::{DataDir, ServersError};

/// Who is asked first: a user made for Andon, then the one that every Linux has.
const CANDIDATES: [&str; 2] = ["andon", "nobody"];
/// Where root keeps what the user must reach.
const REACHABLE: &str = "/var/lib/andon";
/// The cluster's part of the data directory.
pub const DIRECTORY: &str = "postgres";

/// Who runs Postgres.
#[derive(Debug, Clone)]
pub enum Owner {
    /// Whoever runs andon.
    Same,
    /// Another user, because andon is run by root.
    Other {
        /// The user.
        uid: u32,
        /// Its group.
        gid: u32,
        /// Its name.
        name: &'static str,
    },
}

impl Owner {
    /// Chooses.
    ///
    /// # Errors
    /// Andon is run by root, and there is no unprivileged user.
    pub fn find() -> Result<Self, ServersError> {
        if !geteuid().is_root() {
            return Ok(Self::Same);
        }
        for name in CANDIDATES {
            if let Ok(Some(user)) = User::from_name(name)
                && !user.uid.is_root()
            {
                return Ok(Self::Other { uid: user.uid.as_raw(), gid: user.gid.as_raw(), name });
            }
        }
        Err(ServersError::Start {
            name: "Postgres",
            message: "it refuses to run as root, and there is no user `andon` or `nobody` to run it: \
                      create one, or start andon as another user"
                .into(),
        })
    }

    /// The user's and group's ids, where they are not the process' own.
    pub fn ids(&self) -> Option<(u32, u32)> {
        match self {
            Self::Same => None,
            Self::Other { uid, gid, .. } => Some((*uid, *gid)),
        }
    }

    /// Has `command` run by this user, who loses root's groups as well.
    pub fn run_as(&self, command: &mut Command) {
        if let Some((uid, gid)) = self.ids() {
            command.uid(uid).gid(gid);
        }
    }

    /// The directory of the cluster, made and given to this user.
    ///
    /// # Errors
    /// It cannot be made.
    pub fn place_data(&self, data: &DataDir) -> Result<PathBuf, ServersError> {
        let Some((uid, gid)) = self.ids() else {
            return data.private(DIRECTORY);
        };
        let directory = if self.reaches(data.path()) { data.path().join(DIRECTORY) } else { placed(data.path()) };
        make_reachable(directory.parent().unwrap_or(&directory))?;
        let made = std::fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(&directory)
            .and_then(|()| chown(&directory, Some(uid), Some(gid)));
        made.map_err(|error| ServersError::file(&directory, error))?;
        if !directory.starts_with(data.path()) {
            tracing::info!(
                directory = %directory.display(),
                "the data directory is closed to the user who runs Postgres; its data is here"
            );
        }
        Ok(directory)
    }

    /// The directory of binaries that this user can run: `binaries`, or a copy of them.
    ///
    /// # Errors
    /// They cannot be reached and cannot be copied.
    pub fn place_binaries(&self, binaries: PathBuf) -> Result<PathBuf, ServersError> {
        let Self::Other { name, .. } = self else {
            return Ok(binaries);
        };
        if self.reaches(&binaries) {
            return Ok(binaries);
        }
        let unreachable = || ServersError::Start {
            name: "Postgres",
            message: format!(
                "the user {name}, who has to run it instead of root, cannot reach {}: \
                 name a directory that others can read with ANDON_PG_BIN, or start andon as another user",
                binaries.display()
            ),
        };
        // Only our own tools are known to work from elsewhere: they find their libraries relative to themselves.
        let tools = binaries.ancestors().nth(3).ok_or_else(unreachable)?;
        let stamp = std::fs::read_to_string(tools.join("installed-from")).map_err(|_| unreachable())?;
        let copy = Path::new(REACHABLE).join(format!("tools-{}", id_of(Path::new(&stamp))));
        if !copy.exists() {
            tracing::info!(
                from = %tools.display(), to = %copy.display(),
                "the checkout is closed to the user who runs Postgres; copying its binaries"
            );
            make_reachable(Path::new(REACHABLE))?;
            copy_whole(tools, &copy).map_err(|error| ServersError::file(&copy, error))?;
        }
        let inner = binaries.strip_prefix(tools).map_err(|_| unreachable())?;
        Ok(copy.join(inner))
    }

    /// Whether this user can enter `path` and everything above it.
    fn reaches(&self, path: &Path) -> bool {
        let Ok(path) = path.canonicalize() else {
            return false;
        };
        path.ancestors().all(|dir| dir.metadata().is_ok_and(|metadata| self.enters(&metadata)))
    }

    fn enters(&self, metadata: &std::fs::Metadata) -> bool {
        let Some((uid, gid)) = self.ids() else {
            return true;
        };
        let needed = if metadata.uid() == uid {
            0o100
        } else if metadata.gid() == gid {
            0o010
        } else {
            0o001
        };
        metadata.mode() & needed != 0
    }
}

/// Where root places the cluster of a data directory that is closed to others.
pub fn placed(data_dir: &Path) -> PathBuf {
    Path::new(REACHABLE).join(id_of(data_dir)).join(DIRECTORY)
}

/// A name for a path that is the same at every start.
fn id_of(path: &Path) -> String {
    Uuid::new_v5(&Uuid::NAMESPACE_URL, path.as_os_str().as_encoded_bytes()).to_string()
}

/// Makes a directory that everybody can pass through and nobody else can list.
fn make_reachable(path: &Path) -> Result<(), ServersError> {
    std::fs::DirBuilder::new().recursive(true).mode(0o711).create(path).map_err(|error| ServersError::file(path, error))
}

/// Copies a directory with its modes, under another name until it is whole.
fn copy_whole(from: &Path, to: &Path) -> std::io::Result<()> {
    let fresh = to.with_extension(format!("{}.new", std::process::id()));
    copy_tree(from, &fresh)?;
    match std::fs::rename(&fresh, to) {
        // Another andon copied the same meanwhile.
        Err(_) if to.exists() => std::fs::remove_dir_all(&fresh),
        renamed => renamed,
    }
}

fn copy_tree(from: &Path, to: &Path) -> std::io::Result<()> {
    std::fs::DirBuilder::new().recursive(true).mode(0o755).create(to)?;
    for entry in std::fs::read_dir(from)? {
        let entry = entry?;
        let (source, target) = (entry.path(), to.join(entry.file_name()));
        let kind = entry.file_type()?;
        if kind.is_dir() {
            copy_tree(&source, &target)?;
        } else if kind.is_symlink() {
            std::os::unix::fs::symlink(std::fs::read_link(&source)?, &target)?;
        } else {
            std::fs::copy(&source, &target)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    const STRANGER: Owner = Owner::Other { uid: 4_000_000, gid: 4_000_000, name: "stranger" };

    #[test]
    fn a_closed_parent_is_noticed() {
        // given a directory below one that only its owner may enter
        let parent = tempfile::tempdir().expect("a temporary directory");
        let inner = parent.path().join("inner");
        std::fs::create_dir(&inner).expect("made");
        let set = |path: &Path, mode| {
            let mode = std::fs::Permissions::from_mode(mode);
            std::fs::set_permissions(path, mode).expect("changed");
        };
        set(&inner, 0o755);
        set(parent.path(), 0o700);
        assert!(!STRANGER.reaches(&inner));

        // when others may pass through
        set(parent.path(), 0o711);

        // then
        assert!(STRANGER.reaches(&inner));
        assert!(Owner::Same.reaches(&inner));
    }

    #[test]
    fn a_copy_keeps_modes_and_links() {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let from = directory.path().join("from");
        std::fs::create_dir_all(from.join("bin")).expect("made");
        std::fs::write(from.join("bin/tool"), "x").expect("written");
        let mode = std::fs::Permissions::from_mode(0o755);
        std::fs::set_permissions(from.join("bin/tool"), mode).expect("changed");
        std::os::unix::fs::symlink("tool", from.join("bin/link")).expect("linked");

        let to = directory.path().join("to");
        copy_whole(&from, &to).expect("copied");

        let metadata = std::fs::metadata(to.join("bin/link")).expect("the link resolves");
        assert_eq!(metadata.mode() & 0o777, 0o755);
    }
}
