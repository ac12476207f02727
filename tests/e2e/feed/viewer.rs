//! A viewer on each of the transports: the same frames, whatever carries them; after a cut it comes back by itself.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use futures::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::{Message, client::IntoClientRequest};

use super::table::Table;

/// How long a test waits for what should take moments.
const PATIENCE: Duration = Duration::from_secs(60);
/// Pause before it connects again.
const AGAIN: Duration = Duration::from_millis(50);
/// A connection on which nothing comes for longer than two pings is dead.
const SILENCE: Duration = Duration::from_secs(35);

/// What carries the frames.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transport {
    /// A WebSocket.
    Socket,
    /// Server-sent events.
    Events,
    /// Long-polls.
    Polls,
}

enum Connection {
    Socket(Box<WebSocketStream<TcpStream>>),
    Events { response: reqwest::Response, text: Vec<u8> },
    Polls(VecDeque<Value>),
}

/// A viewer.
pub struct Viewer {
    transport: Transport,
    /// Host and port.
    pub address: String,
    token: String,
    query: String,
    connection: Option<Connection>,
    /// What it holds.
    pub table: Table,
    /// The last close code of a WebSocket.
    pub closed: Option<u16>,
    /// How often it was greeted, for those who watch it from outside.
    pub hellos: Arc<AtomicUsize>,
    http: reqwest::Client,
    /// How long it waits for what it is to see.
    pub patience: Duration,
}

impl Viewer {
    /// One that will connect to `address` (host and port) when it is first asked.
    pub fn new(transport: Transport, address: &str, token: &str, query: &str) -> Self {
        Self {
            transport,
            address: address.to_owned(),
            token: token.to_owned(),
            query: query.to_owned(),
            connection: None,
            table: Table::default(),
            closed: None,
            hellos: Arc::default(),
            http: reqwest::Client::builder().no_proxy().pool_max_idle_per_host(0).build().expect("a client"),
            patience: PATIENCE,
        }
    }

    /// What carries its frames.
    pub const fn transport(&self) -> Transport {
        self.transport
    }

    /// Hangs up without a word.
    pub fn cut(&mut self) {
        self.connection = None;
    }

    /// Wants to see something else from the next connection on.
    pub fn asks(&mut self, query: &str) {
        query.clone_into(&mut self.query);
        self.cut();
    }

    /// Says something on its WebSocket.
    pub async fn say(&mut self, said: &Value) {
        let Some(Connection::Socket(socket)) = &mut self.connection else { panic!("no WebSocket") };
        socket.send(Message::text(said.to_string())).await.expect("sent");
    }

    fn path(&self) -> String {
        let after = match &self.table.cursor {
            Some(cursor) if self.transport != Transport::Events => format!("&after={cursor}"),
            _ => String::new(),
        };
        let wait = if self.transport == Transport::Polls { "&wait=20" } else { "" };
        format!("/api/admin/feed?{}{after}{wait}", self.query)
    }

    async fn connect(&mut self) -> Option<Connection> {
        self.table.connects();
        let url = format!("http://{}{}", self.address, self.path());
        match self.transport {
            Transport::Socket => {
                let stream = TcpStream::connect(&self.address).await.ok()?;
                let mut request = url.replace("http://", "ws://").into_client_request().expect("an address");
                let headers = request.headers_mut();
                headers.insert("authorization", format!("Bearer {}", self.token).parse().expect("a header"));
                headers.insert("sec-websocket-protocol", "andon.feed.v1".parse().expect("a header"));
                let (socket, response) = tokio_tungstenite::client_async(request, stream).await.ok()?;
                assert_eq!(response.headers()["sec-websocket-protocol"], "andon.feed.v1");
                Some(Connection::Socket(Box::new(socket)))
            }
            Transport::Events => {
                let mut request = self.http.get(url).bearer_auth(&self.token).header("accept", "text/event-stream");
                if let Some(cursor) = &self.table.cursor {
                    request = request.header("last-event-id", cursor);
                }
                let response = request.send().await.ok().filter(|response| response.status().is_success())?;
                let header = |name: &str| response.headers()[name].to_str().expect("text").to_owned();
                assert_eq!(header("content-type"), "text/event-stream");
                assert_eq!(header("cache-control"), "no-cache, no-transform");
                assert_eq!(header("x-accel-buffering"), "no");
                Some(Connection::Events { response, text: Vec::new() })
            }
            Transport::Polls => {
                let answer = self.http.get(url).bearer_auth(&self.token).send().await.ok()?;
                let body: Value = answer.error_for_status().ok()?.json().await.ok()?;
                let frames = body["frames"].as_array().expect("frames").clone();
                let cursors = frames.iter().filter(|frame| frame["type"] != "fresh");
                let last = cursors.filter_map(|frame| frame["cursor"].as_str()).next_back();
                assert_eq!(last, body["cursor"].as_str());
                Some(Connection::Polls(frames.into()))
            }
        }
    }

    /// The next frame; none when the connection cannot be made, or has ended.
    async fn frame(&mut self) -> Option<Value> {
        if self.connection.is_none() {
            self.connection = self.connect().await;
        }
        let frame = match self.connection.as_mut()? {
            Connection::Polls(frames) => frames.pop_front(),
            Connection::Socket(socket) => match socket.next().await {
                Some(Ok(Message::Text(text))) => Some(serde_json::from_str(&text).expect("JSON")),
                Some(Ok(Message::Close(close))) => {
                    self.closed = close.map(|close| close.code.into());
                    None
                }
                other => panic_unless_ended(other),
            },
            Connection::Events { response, text } => event(response, text).await,
        };
        match &frame {
            None => self.connection = None,
            Some(frame) if frame["type"] == "ping" && self.transport == Transport::Socket => {
                let pong = json!({ "type": "pong" });
                if let Some(Connection::Socket(socket)) = &mut self.connection {
                    let _gone = socket.send(Message::text(pong.to_string())).await;
                }
            }
            Some(_) => {}
        }
        frame
    }

    /// Takes the next frame, or finds the connection ended.
    pub async fn step(&mut self) -> bool {
        let frame = timeout(SILENCE, self.frame()).await;
        match frame {
            Ok(Some(frame)) => {
                self.table.take(&frame);
                self.hellos.store(self.table.count("hello"), Ordering::Relaxed);
                true
            }
            Ok(None) => false,
            Err(_) => {
                self.cut();
                false
            }
        }
    }

    /// Follows, coming back after every cut, until its table is as wanted.
    pub async fn until(&mut self, what: &str, wanted: impl Fn(&Table) -> bool) {
        let deadline = Instant::now() + self.patience;
        while !wanted(&self.table) {
            let left = deadline.saturating_duration_since(Instant::now());
            match timeout(left, self.step()).await {
                Ok(true) => {}
                // Nobody is there: again, at a measured pace.
                Ok(false) => tokio::time::sleep(AGAIN).await,
                Err(_) => panic!("{:?}: waited in vain until {what}: {:?}", self.transport, self.table),
            }
        }
    }
}

fn panic_unless_ended(said: Option<Result<Message, tokio_tungstenite::tungstenite::Error>>) -> Option<Value> {
    match said {
        None | Some(Err(_)) => None,
        Some(Ok(other)) => panic!("not a frame: {other}"),
    }
}

/// The next event of a stream: its type must be its JSON's, and its id its cursor.
async fn event(response: &mut reqwest::Response, text: &mut Vec<u8>) -> Option<Value> {
    loop {
        if let Some(end) = text.windows(2).position(|pair| pair == b"\n\n") {
            let event: Vec<u8> = text.drain(..end + 2).collect();
            return Some(read_event(std::str::from_utf8(&event).expect("UTF-8")));
        }
        text.extend_from_slice(&response.chunk().await.ok()??);
    }
}

fn read_event(text: &str) -> Value {
    let field = |name: &str| text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "));
    let frame: Value = serde_json::from_str(field("data").expect("data")).expect("JSON");
    assert_eq!(field("event"), frame["type"].as_str());
    if frame["type"] != "fresh" {
        assert_eq!(field("id"), frame["cursor"].as_str());
    }
    assert!(frame["type"] != "hello" || field("retry") == Some("2000"));
    frame
}
