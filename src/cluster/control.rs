//! What a person tells a running cluster, typed at its prompt or sent by `andon cluster kill engine-2` through a socket in
//! the data directory.

use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::Duration;

use anyhow::Context as _;
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::{mpsc, oneshot};

/// A line longer than this is none of ours.
const LINE_MAX: u64 = 256;
/// Requests that wait while one is done.
const QUEUE: usize = 16;
/// What is slower than this is cut.
const DELAY_MAX: Duration = Duration::from_secs(60);
/// What the last line of a good answer is, and how a bad one begins.
const DONE: &str = "ok";
const REFUSED: &str = "error: ";

/// What is asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Order {
    /// How everything is.
    Status,
    /// Kill a process (SIGKILL).
    Kill(String),
    /// Suspend it (SIGSTOP).
    Stop(String),
    /// Let it go on (SIGCONT).
    Cont(String),
    /// Start it again.
    Start(String),
    /// Ask it to end (SIGTERM) and start it again.
    Restart(String),
    /// Cut its links; or the one with another.
    Cut(String, Option<String>),
    /// Slow them down by so much each way.
    Delay(String, Option<String>, Duration),
    /// Heal them of both.
    Heal(String, Option<String>),
}

impl FromStr for Order {
    type Err = &'static str;

    fn from_str(line: &str) -> Result<Self, Self::Err> {
        const USAGE: &str = "status | kill NAME | stop NAME | cont NAME | start NAME | restart NAME | cut NAME [NAME] | \
             delay NAME [NAME] MS | heal NAME [NAME]";
        let delay = |text: &str| text.parse().map(Duration::from_millis).ok().filter(|delay| *delay <= DELAY_MAX);
        let words: Vec<&str> = line.split_whitespace().collect();
        let own = |name: &str| name.to_owned();
        match words[..] {
            ["status"] => Ok(Self::Status),
            ["kill", name] => Ok(Self::Kill(own(name))),
            ["stop", name] => Ok(Self::Stop(own(name))),
            ["cont", name] => Ok(Self::Cont(own(name))),
            ["start", name] => Ok(Self::Start(own(name))),
            ["restart", name] => Ok(Self::Restart(own(name))),
            ["cut", name] => Ok(Self::Cut(own(name), None)),
            ["cut", name, other] => Ok(Self::Cut(own(name), Some(own(other)))),
            ["delay", name, by] => delay(by).map(|by| Self::Delay(own(name), None, by)).ok_or(USAGE),
            ["delay", name, other, by] => delay(by).map(|by| Self::Delay(own(name), Some(own(other)), by)).ok_or(USAGE),
            ["heal", name] => Ok(Self::Heal(own(name), None)),
            ["heal", name, other] => Ok(Self::Heal(own(name), Some(own(other)))),
            _ => Err(USAGE),
        }
    }
}

/// An order and where its answer goes: what to print, or why not.
pub struct Request {
    /// What is asked.
    pub order: Order,
    /// The answer.
    pub answer: oneshot::Sender<Result<String, String>>,
}

/// The socket of a data directory.
pub fn socket(data_dir: &Path) -> PathBuf {
    data_dir.join("cluster.sock")
}

/// Listens on the socket and at standard input; the socket is gone when this is dropped.
pub struct Desk {
    path: PathBuf,
    requests: mpsc::Receiver<Request>,
    tasks: Vec<tokio::task::JoinHandle<()>>,
}

impl Desk {
    /// Opens it.
    ///
    /// # Errors
    /// The socket cannot be made.
    pub fn open(data_dir: &Path) -> anyhow::Result<Self> {
        let path = socket(data_dir);
        // Left by one that was killed: the directory is held by this one alone.
        let _not_there = std::fs::remove_file(&path);
        let listener = UnixListener::bind(&path).with_context(|| format!("{} cannot be made", path.display()))?;
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600))?;
        let (sender, requests) = mpsc::channel(QUEUE);
        let tasks = vec![tokio::spawn(listen(listener, sender.clone())), tokio::spawn(prompt(sender))];
        Ok(Self { path, requests, tasks })
    }

    /// The next request. Cancel safe.
    pub async fn next(&mut self) -> Request {
        match self.requests.recv().await {
            Some(request) => request,
            // Both tasks have ended, which they do not.
            None => std::future::pending().await,
        }
    }
}

impl Drop for Desk {
    fn drop(&mut self) {
        self.tasks.iter().for_each(tokio::task::JoinHandle::abort);
        let _gone_already = std::fs::remove_file(&self.path);
    }
}

async fn listen(listener: UnixListener, requests: mpsc::Sender<Request>) {
    while let Ok((stream, _)) = listener.accept().await {
        let requests = requests.clone();
        tokio::spawn(async move {
            let _caller_is_gone = serve(stream, requests).await;
        });
    }
}

async fn serve(stream: UnixStream, requests: mpsc::Sender<Request>) -> std::io::Result<()> {
    use tokio::io::AsyncReadExt as _;
    let (from, mut to) = stream.into_split();
    let mut line = String::new();
    BufReader::new(from.take(LINE_MAX)).read_line(&mut line).await?;
    let text = match ask(&line, &requests).await {
        Ok(text) => format!("{text}{DONE}\n"),
        Err(why) => format!("{REFUSED}{why}\n"),
    };
    to.write_all(text.as_bytes()).await
}

/// Lines typed at standard input, when it is there; its end is not the end of the cluster.
async fn prompt(requests: mpsc::Sender<Request>) {
    let (typed, mut lines) = mpsc::channel(QUEUE);
    // A thread of its own: a read of a terminal cannot be ended, and must keep nothing from ending.
    std::thread::spawn(move || {
        for line in std::io::stdin().lines().map_while(Result::ok) {
            if typed.blocking_send(line).is_err() {
                return;
            }
        }
    });
    while let Some(line) = lines.recv().await {
        if line.trim().is_empty() {
            continue;
        }
        match ask(&line, &requests).await {
            Ok(text) => crate::tool::say(text.trim_end()),
            Err(why) => crate::tool::say(why),
        }
    }
}

async fn ask(line: &str, requests: &mpsc::Sender<Request>) -> Result<String, String> {
    let order = line.parse().map_err(str::to_owned)?;
    let (answer, answered) = oneshot::channel();
    let ending = |_| "the cluster is ending".to_owned();
    requests.send(Request { order, answer }).await.map_err(|_| "the cluster is ending".to_owned())?;
    answered.await.map_err(ending)?
}

/// Sends an order to the cluster that runs in this data directory; what it says.
///
/// # Errors
/// None runs there, or it refuses.
pub async fn send(data_dir: &Path, line: &str) -> anyhow::Result<String> {
    use tokio::io::AsyncReadExt as _;
    let path = socket(data_dir);
    let stream = UnixStream::connect(&path).await;
    let mut stream = stream.with_context(|| {
        format!("no `andon cluster` runs in {}: start it, or name its directory with --data-dir", data_dir.display())
    })?;
    stream.write_all(format!("{line}\n").as_bytes()).await?;
    let mut text = String::new();
    stream.read_to_string(&mut text).await?;
    match (text.strip_prefix(REFUSED), text.strip_suffix(&format!("{DONE}\n"))) {
        (Some(why), _) => anyhow::bail!("{}", why.trim_end()),
        (None, Some(told)) => Ok(told.to_owned()),
        (None, None) => anyhow::bail!("the cluster ended before it answered"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn orders_are_what_is_typed() {
        assert_eq!(" kill  engine-2 ".parse(), Ok(Order::Kill("engine-2".into())));
        assert_eq!("cut gateway-1 nats-2".parse(), Ok(Order::Cut("gateway-1".into(), Some("nats-2".into()))));
        assert_eq!("heal gateway-1".parse(), Ok(Order::Heal("gateway-1".into(), None)));
        assert_eq!("delay nats-1 250".parse(), Ok(Order::Delay("nats-1".into(), None, Duration::from_millis(250))));
        let between = Order::Delay("nats-1".into(), Some("nats-2".into()), Duration::ZERO);
        assert_eq!("delay nats-1 nats-2 0".parse(), Ok(between));
        for line in
            ["delay nats-1", "delay nats-1 soon", "delay nats-1 60001", "", "kill", "kill a b", "explode engine-1"]
        {
            assert!(line.parse::<Order>().expect_err(line).starts_with("status | kill NAME"));
        }
    }

    #[tokio::test]
    async fn an_order_goes_through_the_socket_and_its_answer_comes_back() {
        let directory = tempfile::tempdir().expect("a directory");
        assert!(send(directory.path(), "status").await.is_err(), "none runs there");
        let mut desk = Desk::open(directory.path()).expect("a socket");
        let served = async {
            for answer in [Ok("a table\n".to_owned()), Err("no such process".to_owned())] {
                let request = desk.next().await;
                request.answer.send(answer).expect("somebody waits");
            }
        };
        let asked = async {
            assert_eq!(send(directory.path(), "status").await.expect("good"), "a table\n");
            let refused = send(directory.path(), "kill x").await.expect_err("refused").to_string();
            assert_eq!(refused, "no such process");
            let unknown = send(directory.path(), "explode").await.expect_err("refused").to_string();
            assert!(unknown.starts_with("status |"));
        };
        tokio::join!(served, asked);
        drop(desk);
        assert!(!socket(directory.path()).exists());
    }
}
