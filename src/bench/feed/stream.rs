//! A viewer's connection as cheaply as it can be read: WebSocket frames without a library between, or the bytes of an
//! event stream.

use std::net::SocketAddr;

use anyhow::Context as _;
use bytes::{Buf as _, BytesMut};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpSocket, TcpStream};

/// Largest head of an answer.
const HEAD_MAX_BYTES: usize = 8 * 1_024;
/// Room for what is read at once.
const READ_BYTES: usize = 4 * 1_024;
/// A masked text frame with an empty mask: `{"type":"pong"}`.
const PONG: &[u8] = b"\x81\x8f\0\0\0\0{\"type\":\"pong\"}";
const CONTINUATION: u8 = 0;
const TEXT: u8 = 1;
const CLOSE: u8 = 8;

/// What carries the frames.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Carrier {
    /// A WebSocket.
    Socket,
    /// Server-sent events.
    Events,
}

/// Whom to ask for what.
#[derive(Debug, Clone)]
pub struct Target {
    /// Where.
    pub address: SocketAddr,
    /// What carries it.
    pub carrier: Carrier,
    /// The path with its query.
    pub path: String,
    /// A login, where one is needed.
    pub token: Option<String>,
}

impl Target {
    fn request(&self) -> String {
        let login = self.token.as_ref().map(|token| format!("Authorization: Bearer {token}\r\n")).unwrap_or_default();
        let wanted = match self.carrier {
            Carrier::Socket => {
                "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
                 Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
            }
            Carrier::Events => "Accept: text/event-stream\r\n",
        };
        format!("GET {} HTTP/1.1\r\nHost: andon\r\n{login}{wanted}\r\n", self.path)
    }
}

/// An open connection.
#[derive(Debug)]
pub struct Stream {
    stream: TcpStream,
    carrier: Carrier,
    received: BytesMut,
    /// The message whose last fragment has not come.
    message: BytesMut,
}

impl Stream {
    /// Connects; with a small receive buffer where one is given, in bytes.
    ///
    /// # Errors
    /// Nobody listens, or the answer is another one than expected.
    pub async fn open(target: &Target, receive_buffer: Option<u32>) -> anyhow::Result<Self> {
        let socket = TcpSocket::new_v4()?;
        if let Some(bytes) = receive_buffer {
            socket.set_recv_buffer_size(bytes)?;
        }
        let mut stream = socket.connect(target.address).await?;
        stream.set_nodelay(true)?;
        stream.write_all(target.request().as_bytes()).await?;
        let mut received = BytesMut::new();
        let end = loop {
            anyhow::ensure!(received.len() <= HEAD_MAX_BYTES, "an answer's head is too large");
            received.reserve(READ_BYTES);
            anyhow::ensure!(stream.read_buf(&mut received).await? > 0, "the connection ended before an answer");
            if let Some(at) = received.windows(4).position(|four| four == b"\r\n\r\n") {
                break at + 4;
            }
        };
        let expected: &[u8] = match target.carrier {
            Carrier::Socket => b"HTTP/1.1 101",
            Carrier::Events => b"HTTP/1.1 200",
        };
        let head = received.split_to(end);
        anyhow::ensure!(head.starts_with(expected), "unexpected: {}", String::from_utf8_lossy(&head));
        Ok(Self { stream, carrier: target.carrier, received, message: BytesMut::new() })
    }

    /// The next message; of an event stream whatever comes.
    ///
    /// # Errors
    /// The connection ends.
    pub async fn next(&mut self) -> anyhow::Result<BytesMut> {
        loop {
            if let Some(message) = self.take()? {
                return Ok(message);
            }
            self.received.reserve(READ_BYTES);
            anyhow::ensure!(self.stream.read_buf(&mut self.received).await? > 0, "a viewer's connection ended");
        }
    }

    fn take(&mut self) -> anyhow::Result<Option<BytesMut>> {
        if self.carrier == Carrier::Events {
            return Ok((!self.received.is_empty()).then(|| self.received.split()));
        }
        while let Some((first, payload)) = take_frame(&mut self.received) {
            match first & 0x0f {
                TEXT | CONTINUATION => self.message.unsplit(payload),
                CLOSE => anyhow::bail!("a viewer was sent away"),
                _ => continue,
            }
            if first & 0x80 != 0 {
                return Ok(Some(self.message.split()));
            }
        }
        Ok(None)
    }

    /// Says that it is there.
    ///
    /// # Errors
    /// The connection has ended.
    pub async fn pong(&mut self) -> anyhow::Result<()> {
        self.stream.write_all(PONG).await.context("a viewer cannot answer")
    }
}

/// The first byte of a frame from a server, and what it carries; none while it is not complete.
fn take_frame(received: &mut BytesMut) -> Option<(u8, BytesMut)> {
    let (first, second) = (*received.first()?, *received.get(1)?);
    let (head, length) = match second & 0x7f {
        126 => (4, usize::from(u16::from_be_bytes(received.get(2..4)?.try_into().ok()?))),
        127 => (10, usize::try_from(u64::from_be_bytes(received.get(2..10)?.try_into().ok()?)).ok()?),
        length => (2, usize::from(length)),
    };
    if received.len() < head + length {
        return None;
    }
    received.advance(head);
    Some((first, received.split_to(length)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_are_taken_when_they_are_complete() {
        let long = [b"\x81\x7e\x01\x00".as_slice(), &[b'x'; 256]].concat();
        let bytes = [b"\x81\x02hi".as_slice(), &long, b"\x01\x01a\x80\x01b", b"\x8a\x00"].concat();
        for cut in 0..bytes.len() {
            let mut received = BytesMut::new();
            let mut lengths = Vec::new();
            for part in [&bytes[..cut], &bytes[cut..]] {
                received.extend_from_slice(part);
                while let Some((_, payload)) = take_frame(&mut received) {
                    lengths.push(payload.len());
                }
            }
            assert_eq!(lengths, [2, 256, 1, 1, 0], "cut at {cut}");
        }
    }
}
