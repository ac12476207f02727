//! A connection without a library between: for clients that do what none should.

use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpSocket, TcpStream};
use tokio::time::timeout;

/// How long it waits for what must come.
const PATIENCE: Duration = Duration::from_secs(60);
const CLOSE: u8 = 0x88;

/// One connection.
pub struct RawSocket {
    stream: TcpStream,
    received: Vec<u8>,
}

impl RawSocket {
    /// To `address` (host and port); with a small receive buffer for those who do not read.
    pub async fn connect(address: &str, receive_buffer: Option<u32>) -> Self {
        let socket = TcpSocket::new_v4().expect("a socket");
        if let Some(bytes) = receive_buffer {
            socket.set_recv_buffer_size(bytes).expect("set");
        }
        let stream = socket.connect(address.parse().expect("an address")).await.expect("it listens");
        Self { stream, received: Vec::new() }
    }

    /// Asks for a WebSocket, and reads the head of the answer.
    pub async fn handshake(&mut self, path: &str, token: &str) -> String {
        self.send(handshake(path, token).as_bytes()).await;
        self.head().await
    }

    /// Sends bytes; whoever hung up already has had enough.
    pub async fn send(&mut self, bytes: &[u8]) {
        let _had_enough = self.stream.write_all(bytes).await;
    }

    /// The head of the answer.
    pub async fn head(&mut self) -> String {
        loop {
            if let Some(end) = find(&self.received, b"\r\n\r\n") {
                let head: Vec<u8> = self.received.drain(..end + 4).collect();
                return String::from_utf8_lossy(&head).into_owned();
            }
            assert!(self.read().await, "it hung up before an answer");
        }
    }

    /// Reads more; whether there was something.
    async fn read(&mut self) -> bool {
        let read = timeout(PATIENCE, self.stream.read_buf(&mut self.received)).await.expect("something comes");
        matches!(read, Ok(1..))
    }

    /// Reads until this was said; what follows it stays. None when the other side hung up before.
    pub async fn until(&mut self, said: &str) -> Option<String> {
        loop {
            if let Some(at) = find(&self.received, said.as_bytes()) {
                let read: Vec<u8> = self.received.drain(..at + said.len()).collect();
                return Some(String::from_utf8_lossy(&read).into_owned());
            }
            if !self.read().await {
                return None;
            }
        }
    }

    /// Reads frames until the one that ends it: its code. None when the other side hung up without a word.
    pub async fn close_code(&mut self) -> Option<u16> {
        loop {
            while let Some((first, payload)) = self.frame() {
                if first == CLOSE {
                    return Some(u16::from_be_bytes([*payload.first()?, *payload.get(1)?]));
                }
            }
            if !self.read().await {
                return None;
            }
        }
    }

    fn frame(&mut self) -> Option<(u8, Vec<u8>)> {
        let (first, second) = (*self.received.first()?, *self.received.get(1)?);
        let (head, length) = match second {
            126 => (4, usize::from(u16::from_be_bytes(self.received.get(2..4)?.try_into().ok()?))),
            127 => (10, usize::try_from(u64::from_be_bytes(self.received.get(2..10)?.try_into().ok()?)).ok()?),
            length => (2, usize::from(length)),
        };
        self.received.get(..head + length)?;
        let frame: Vec<u8> = self.received.drain(..head + length).collect();
        Some((first, frame[head..].to_vec()))
    }
}

/// A handshake.
pub fn handshake(path: &str, token: &str) -> String {
    format!(
        "GET {path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    )
}

/// A frame as a client sends it, with an empty mask.
pub fn client_frame(first: u8, payload: &[u8]) -> Vec<u8> {
    let head = match payload.len() {
        short @ ..=125 => vec![first, 0x80 | short as u8],
        middle @ ..=65_535 => [&[first, 0xfe][..], &(middle as u16).to_be_bytes()].concat(),
        long => [&[first, 0xff][..], &(long as u64).to_be_bytes()].concat(),
    };
    [&head[..], &[0; 4], payload].concat()
}

fn find(text: &[u8], wanted: &[u8]) -> Option<usize> {
    text.windows(wanted.len()).position(|window| window == wanted)
}
