//! A server as a child process: started, recognised, ended.
//!
//! A killed `andon up` leaves its children behind. They are recognised by what they run and by the path of this
//! installation among their arguments, both read from `/proc`, never by a stored process id alone: ids are reused.

use std::ffi::OsStr;
use std::fs::{File, OpenOptions};
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use nix::errno::Errno;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tokio::process::{Child, Command};
use tokio::time::Instant;

use super::ServersError;

/// How often it is looked whether a process has ended.
const POLL_INTERVAL: Duration = Duration::from_millis(20);

/// Starts `command` in a process group of its own, so that Ctrl-C in the terminal reaches `andon` alone and children
/// end in order. Both outputs go to `output`, begun anew.
///
/// # Errors
/// The file or the process cannot be created.
pub fn spawn(mut command: Command, output: &Path) -> Result<Child, ServersError> {
    let file = private_file(output).map_err(|error| ServersError::file(output, error))?;
    let copy = file.try_clone().map_err(|error| ServersError::file(output, error))?;
    command.process_group(0).stdin(Stdio::null()).stdout(file).stderr(copy);
    let program = command.as_std().get_program().to_owned();
    command.spawn().map_err(|error| ServersError::file(Path::new(&program), error))
}

/// Creates or empties a file that only its owner can read.
///
/// # Errors
/// The file cannot be created.
pub fn private_file(path: &Path) -> std::io::Result<File> {
    OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path)
}

/// Every running process whose program is called `program` and which has `argument` among its arguments.
pub fn find(program: &str, argument: &Path) -> Vec<Pid> {
    let Ok(entries) = std::fs::read_dir("/proc") else {
        return Vec::new();
    };
    entries
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
        .map(Pid::from_raw)
        .filter(|pid| is(*pid, program, argument))
        .collect()
}

/// Whether `pid` is still that process. One that has ended but was not waited for has no command line any more.
fn is(pid: Pid, program: &str, argument: &Path) -> bool {
    let line = std::fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
    let mut words = line.split(|byte| *byte == 0);
    let first = words.next().map(|word| Path::new(OsStr::from_bytes(word)));
    first.and_then(Path::file_name) == Some(OsStr::new(program))
        && words.any(|word| word == argument.as_os_str().as_bytes())
}

/// Ends processes that a killed `andon up` left: `gently`, and when that takes longer than `patience`, by force.
/// Returns how many there were.
pub async fn end_leftovers(program: &str, argument: &Path, gently: Signal, patience: Duration) -> usize {
    let leftovers = find(program, argument);
    for pid in &leftovers {
        tracing::info!(%pid, program, "taking down a server that an earlier run left");
        end(*pid, program, argument, gently, patience).await;
    }
    leftovers.len()
}

/// Ends one process and waits until it is gone. Before each signal the process is recognised anew.
pub async fn end(pid: Pid, program: &str, argument: &Path, gently: Signal, patience: Duration) {
    for signal in [gently, Signal::SIGKILL] {
        if !is(pid, program, argument) || kill(pid, signal) == Err(Errno::ESRCH) {
            return;
        }
        let deadline = Instant::now() + patience;
        while is(pid, program, argument) {
            if Instant::now() > deadline {
                tracing::warn!(%pid, program, %signal, "still running");
                break;
            }
            tokio::time::sleep(POLL_INTERVAL).await;
        }
    }
}

/// The last lines of a server's output, for an error message.
pub fn last_lines(path: &Path) -> String {
    /// As many as fit on a screen beside the message itself.
    const LINES: usize = 8;
    let bytes = std::fs::read(path).unwrap_or_default();
    let text = String::from_utf8_lossy(&bytes);
    let lines: Vec<_> = text.lines().rev().take(LINES).collect();
    lines.into_iter().rev().collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn only_the_process_with_our_path_is_ended() {
        // given two processes of the same program, one with our path among its arguments
        let directory = tempfile::tempdir().expect("a temporary directory");
        let ours = directory.path().join("ours");
        let spawn = |argument: &Path| {
            Command::new("tail")
                .args(["-f", "/dev/null"])
                .arg(argument)
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .kill_on_drop(true)
                .spawn()
                .expect("tail starts")
        };
        let mut mine = spawn(&ours);
        let mut foreign = spawn(&directory.path().join("foreign"));

        // when
        let reaped = tokio::spawn(async move { mine.wait().await });
        let deadline = Instant::now() + Duration::from_secs(5);
        while find("tail", &ours).is_empty() && Instant::now() < deadline {
            tokio::time::sleep(POLL_INTERVAL).await;
        }
        let ended = end_leftovers("tail", &ours, Signal::SIGTERM, Duration::from_secs(5)).await;

        // then
        assert_eq!(ended, 1);
        reaped.await.expect("no panic").expect("it was waited for");
        assert!(foreign.try_wait().expect("it can be asked").is_none());
    }
}
