//! strace on a running process: what it asks of the kernel, and what the kernel is made to refuse.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use super::process::{Signal, send};
use super::wait::until;

/// strace, attached to all threads of a process and to what it starts.
pub struct Trace {
    strace: Child,
    output: PathBuf,
}

impl Trace {
    /// Attaches it to `pid` with these arguments; what it sees goes to a file in `directory`.
    pub async fn attach(pid: i32, directory: &Path, arguments: &[&str]) -> Self {
        let output = directory.join(format!("trace-{pid}.log"));
        let strace = Command::new("strace")
            .args(["-f", "-qq", "-y"])
            .args(arguments)
            .arg("-o")
            .arg(&output)
            .args(["-p", &pid.to_string()])
            .stdin(Stdio::null())
            .spawn()
            .expect("./test installs strace");
        let mut trace = Self { strace, output };
        let own = trace.strace.id().to_string();
        until("strace is attached", async || {
            if trace.strace.try_wait().expect("a child").is_some() {
                // Either it may not, or what it traced has ended already, for what was done to it.
                assert!(!trace.seen().is_empty(), "strace may not trace here");
                return true;
            }
            let threads = threads(pid);
            !threads.is_empty() && threads.iter().all(|thread| tracer(pid, thread).as_deref() == Some(&own))
        })
        .await;
        trace
    }

    /// What it has seen so far.
    pub fn seen(&self) -> String {
        std::fs::read_to_string(&self.output).unwrap_or_default()
    }

    /// Detaches it; what it has seen, a line a call.
    pub fn end(mut self) -> String {
        self.detach();
        std::fs::read_to_string(&self.output).expect("strace has written")
    }

    fn detach(&mut self) {
        if matches!(self.strace.try_wait(), Ok(None)) {
            send(i32::try_from(self.strace.id()).expect("a process id"), Signal::SIGINT);
            let _ended = self.strace.wait();
        }
    }
}

impl Drop for Trace {
    fn drop(&mut self) {
        self.detach();
    }
}

fn threads(pid: i32) -> Vec<String> {
    let entries = std::fs::read_dir(format!("/proc/{pid}/task")).expect("it runs");
    entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok()).collect()
}

/// Who traces a thread.
fn tracer(pid: i32, thread: &str) -> Option<String> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/task/{thread}/status")).ok()?;
    status.lines().find_map(|line| Some(line.strip_prefix("TracerPid:")?.trim().to_owned()))
}
