//! A process that a test started: waited for, signalled by its id, killed on drop.

use std::io::{BufRead as _, BufReader};
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, ExitStatus};
use std::sync::mpsc;

pub use nix::sys::signal::Signal;
use nix::unistd::Pid;

use super::wait::{until, until_some};

/// A running `andon`.
pub struct Process {
    child: Child,
    lines: mpsc::Receiver<String>,
    log: PathBuf,
}

impl Process {
    /// Takes over a child whose stdout is piped and whose stderr goes to `log`.
    pub fn new(mut child: Child, log: PathBuf) -> Self {
        let stdout = child.stdout.take().expect("stdout is piped");
        let (sender, lines) = mpsc::channel();
        std::thread::spawn(move || {
            for line in BufReader::new(stdout).lines().map_while(Result::ok) {
                if sender.send(line).is_err() {
                    return;
                }
            }
        });
        Self { child, lines, log }
    }

    /// Its id.
    pub fn pid(&self) -> i32 {
        i32::try_from(self.child.id()).expect("a process id")
    }

    /// The next line on its stdout, if there is one already.
    pub fn line(&self) -> Option<String> {
        self.lines.try_recv().ok()
    }

    /// Waits for the line `ready URL` and returns the URL.
    pub async fn ready(&mut self) -> String {
        until_some("it is ready", async || {
            if let Some(status) = self.child.try_wait().expect("it can be waited for") {
                panic!("andon ended with {status} instead of becoming ready");
            }
            self.line()?.strip_prefix("ready ").map(str::to_owned)
        })
        .await
    }

    /// Sends a signal to this process alone.
    pub fn signal(&self, signal: Signal) {
        send(self.pid(), signal);
    }

    /// Whether it has ended.
    pub fn has_ended(&mut self) -> bool {
        self.child.try_wait().expect("it can be waited for").is_some()
    }

    /// Waits until it has ended.
    pub async fn ended(&mut self) -> ExitStatus {
        until_some("it has ended", async || self.child.try_wait().expect("it can be waited for")).await
    }

    /// `kill -9`, and waits until it is gone. Its servers stay.
    pub async fn kill(&mut self) {
        self.signal(Signal::SIGKILL);
        self.ended().await;
    }

    /// SIGTERM, and waits until it has ended.
    pub async fn terminate(&mut self) -> ExitStatus {
        self.signal(Signal::SIGTERM);
        self.ended().await
    }

    /// What it has logged so far.
    pub fn log(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap_or_default()
    }

    /// Waits until its log holds `text`.
    pub async fn logged(&self, text: &str) {
        until(&format!("{text:?} is logged"), async || self.log().contains(text)).await;
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if matches!(self.child.try_wait(), Ok(None)) {
            send(self.pid(), Signal::SIGKILL);
            let _ended = self.child.wait();
        }
        if std::thread::panicking() {
            eprintln!("--- {}\n{}", self.log.display(), self.log());
        }
    }
}

/// Sends a signal to one process; one that is gone does not mind.
pub fn send(pid: i32, signal: Signal) {
    let _gone_already = nix::sys::signal::kill(Pid::from_raw(pid), signal);
}

/// Every process whose program is called `program` and which has a path below `directory` among its arguments.
pub fn with_argument_below(program: &str, directory: &Path) -> Vec<i32> {
    let called_so = |words: &[Vec<u8>]| {
        let path = words.first().map(Vec::as_slice).unwrap_or_default();
        path.rsplit(|byte| *byte == b'/').next() == Some(program.as_bytes())
    };
    processes(|pid| {
        let words = arguments(pid);
        called_so(&words) && names(&words, directory)
    })
}

/// This process and those it has started, it first: stopped in this order, none slips away.
pub fn with_children(parent: i32) -> Vec<i32> {
    let is_child = |pid: i32| {
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        // The name stands in parentheses and may hold anything; state and parent follow it.
        let parent_of = stat.rsplit_once(')').and_then(|(_, rest)| rest.split_whitespace().nth(1)?.parse().ok());
        parent_of == Some(parent)
    };
    std::iter::once(parent).chain(processes(is_child)).collect()
}

/// Every process that works in `directory` or has a path below it among its arguments.
pub fn at_home_in(directory: &Path) -> Vec<i32> {
    processes(|pid| {
        let works_in = std::fs::read_link(format!("/proc/{pid}/cwd"));
        works_in.is_ok_and(|path| path.starts_with(directory)) || names(&arguments(pid), directory)
    })
}

fn processes(fits: impl Fn(i32) -> bool) -> Vec<i32> {
    let entries = std::fs::read_dir("/proc").expect("Linux");
    let ids = entries.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok());
    ids.filter(|pid| fits(*pid)).collect()
}

fn arguments(pid: i32) -> Vec<Vec<u8>> {
    let line = std::fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
    line.split(|byte| *byte == 0).map(<[u8]>::to_vec).collect()
}

fn names(words: &[Vec<u8>], directory: &Path) -> bool {
    words.iter().skip(1).any(|word| word.starts_with(directory.as_os_str().as_bytes()))
}
