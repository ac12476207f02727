//! A server process that ends when its test does, however that ends: a shell waits on a pipe from the test, and ends the
//! server when the pipe closes.

use std::{
    path::Path,
    process::{Child, Command, Stdio},
};

/// Runs the server (the arguments after the first two), waits for the pipe to close, ends it with the signal in `$1`,
/// and removes the directory in `$2`, if any.
const SCRIPT: &str = r#"
trap '' INT
exec 2>/dev/null
signal=$1; directory=$2; shift 2
"$@" >/dev/null 2>&1 &
server=$!
cat >/dev/null
kill -s CONT $server 2>/dev/null
kill -s "$signal" $server 2>/dev/null
wait $server
[ -z "$directory" ] || rm -rf "$directory"
"#;

/// A server process.
pub struct Guarded {
    shell: Child,
}

impl Guarded {
    /// Starts a server that ends by this signal; with it goes `directory`.
    pub fn spawn(signal: &str, directory: Option<&Path>, server: &[String]) -> Self {
        let shell = Command::new("sh")
            .args(["-c", SCRIPT, "guard", signal])
            .arg(directory.unwrap_or(Path::new("")))
            .args(server)
            .stdin(Stdio::piped())
            .spawn()
            .expect("sh starts");
        Self { shell }
    }
}

impl Drop for Guarded {
    fn drop(&mut self) {
        drop(self.shell.stdin.take());
        let _ended = self.shell.wait();
    }
}

/// Sends a signal to a process by its id.
pub fn signal(name: &str, pid: &str) {
    let done = Command::new("kill").args(["-s", name, pid]).status().expect("kill starts");
    assert!(done.success(), "process {pid} is not there for SIG{name}");
}

/// Where the pinned servers are.
pub fn tools() -> std::path::PathBuf {
    let tools = Path::new(env!("CARGO_MANIFEST_DIR")).join("../.andon/tools");
    tools.canonicalize().expect(".andon/tools is missing: run .ci/tools")
}
