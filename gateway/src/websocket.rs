//! WebSockets (RFC 6455) for many connections that mostly wait: one at rest holds no buffer at all, and what is sent
//! goes to the socket without being copied.
//!
//! The common library keeps a read buffer and, for good, a write buffer as large as the largest frame ever sent: 70 KB
//! for a viewer that once got a snapshot. Only what a server of text needs is here: no extensions, no client.

pub mod frame;
mod handshake;
mod reader;

use std::{
    future::poll_fn,
    io::{self, IoSlice},
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};

use hyper::upgrade::Upgraded;
use hyper_util::rt::TokioIo;
use tokio::{
    io::{AsyncRead, AsyncWrite, AsyncWriteExt, ReadBuf},
    time::timeout,
};

use frame::{Head, Opcode, Violation};
pub use handshake::Upgrade;
use reader::{Reader, Received};

/// Read at once, into the stack.
const READ_BYTES: usize = 2 * 1_024;
/// Time for the farewell: of the last frame, and for the client to close.
const FAREWELL_WITHIN: Duration = Duration::from_secs(1);
/// What a client that is being sent away may still have had on its way: read and thrown away, so that the farewell is
/// not lost to a reset.
const FAREWELL_MAX_BYTES: usize = 1_024 * 1_024;

/// What a client said.
#[derive(Debug, PartialEq, Eq)]
pub enum Said {
    /// Text.
    Text(String),
    /// Bytes, of which nothing is kept.
    Binary,
    /// A ping, which is answered, or a pong.
    Sign,
    /// Goodbye.
    Close,
}

/// Why nothing more comes.
#[derive(Debug, thiserror::Error)]
pub enum Ended {
    /// The connection is gone.
    #[error("the connection ended")]
    Gone,
    /// The client does not keep to the protocol.
    #[error(transparent)]
    Violated(#[from] Violation),
}

/// One WebSocket, on the server's side.
pub struct WebSocket<S = TokioIo<Upgraded>> {
    stream: S,
    reader: Reader,
    /// The answer to the newest ping, and how much of it has been sent.
    pong: Vec<u8>,
    sent: usize,
    /// The newest ping came while an answer was on its way.
    next_pong: Option<Vec<u8>>,
    /// TLS may still hold a part of the answer.
    unflushed: bool,
}

impl<S: AsyncRead + AsyncWrite + Unpin> WebSocket<S> {
    /// On a connection after its handshake, taking messages of so many bytes at most.
    pub fn new(stream: S, message_max: usize) -> Self {
        Self { stream, reader: Reader::new(message_max), pong: Vec::new(), sent: 0, next_pong: None, unflushed: false }
    }

    /// What the client says next. Nothing is lost when it is not awaited to the end.
    ///
    /// # Errors
    /// See [`Ended`]; nothing more comes.
    pub async fn recv(&mut self) -> Result<Said, Ended> {
        poll_fn(|context| self.poll_recv(context)).await
    }

    fn poll_recv(&mut self, context: &mut Context<'_>) -> Poll<Result<Said, Ended>> {
        // A pong that does not go out must not keep anybody from being heard.
        if let Poll::Ready(Err(_)) = self.poll_pong(context) {
            return Poll::Ready(Err(Ended::Gone));
        }
        loop {
            match self.reader.take()? {
                Some(Received::Text(text)) => return Poll::Ready(Ok(Said::Text(text))),
                Some(Received::Binary) => return Poll::Ready(Ok(Said::Binary)),
                Some(Received::Pong) => return Poll::Ready(Ok(Said::Sign)),
                Some(Received::Close) => return Poll::Ready(Ok(Said::Close)),
                Some(Received::Ping(payload)) => {
                    self.answer(&payload);
                    if let Poll::Ready(Err(_)) = self.poll_pong(context) {
                        return Poll::Ready(Err(Ended::Gone));
                    }
                    return Poll::Ready(Ok(Said::Sign));
                }
                None => {}
            }
            let mut bytes = [0; READ_BYTES];
            let mut buffer = ReadBuf::new(&mut bytes);
            if ready!(Pin::new(&mut self.stream).poll_read(context, &mut buffer)).is_err() || buffer.filled().is_empty()
            {
                return Poll::Ready(Err(Ended::Gone));
            }
            self.reader.put(buffer.filled());
        }
    }

    /// The newest ping is the one that is answered, as the protocol allows: so nothing piles up.
    fn answer(&mut self, payload: &[u8]) {
        let pong = frame::control(Opcode::Pong, payload);
        if self.pong.is_empty() { self.pong = pong } else { self.next_pong = Some(pong) }
    }

    fn poll_pong(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        while !self.pong.is_empty() {
            match ready!(Pin::new(&mut self.stream).poll_write(context, &self.pong[self.sent..]))? {
                0 => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                written => self.sent += written,
            }
            if self.sent == self.pong.len() {
                (self.pong, self.sent) = (self.next_pong.take().unwrap_or_default(), 0);
                self.unflushed = true;
            }
        }
        if self.unflushed {
            ready!(Pin::new(&mut self.stream).poll_flush(context))?;
            self.unflushed = false;
        }
        Poll::Ready(Ok(()))
    }

    /// Sends text; awaited to the end, or nothing more can be sent.
    ///
    /// # Errors
    /// The connection is gone.
    pub async fn send(&mut self, text: &str) -> io::Result<()> {
        poll_fn(|context| self.poll_pong(context)).await?;
        let (bytes, length) = Head::of_text(text.len());
        let (head, text) = (&bytes[..length], text.as_bytes());
        let mut sent = 0;
        while sent < length + text.len() {
            let rest = [
                IoSlice::new(head.get(sent..).unwrap_or_default()),
                IoSlice::new(&text[sent.saturating_sub(length)..]),
            ];
            let rest = if sent < length { &rest[..] } else { &rest[1..] };
            match poll_fn(|context| Pin::new(&mut self.stream).poll_write_vectored(context, rest)).await? {
                0 => return Err(io::ErrorKind::WriteZero.into()),
                written => sent += written,
            }
        }
        self.stream.flush().await
    }

    /// Says goodbye with a code, and waits a little for the client to have read it.
    pub async fn close(mut self, code: u16, reason: &str) {
        let farewell = async {
            poll_fn(|context| self.poll_pong(context)).await?;
            let close = frame::control(Opcode::Close, &frame::close_payload(code, reason));
            self.stream.write_all(&close).await?;
            self.stream.flush().await?;
            self.discard().await
        };
        let _ = timeout(FAREWELL_WITHIN, farewell).await;
    }

    /// Reads what the client had on its way, until it closes.
    async fn discard(&mut self) -> io::Result<()> {
        let mut left = FAREWELL_MAX_BYTES;
        poll_fn(|context| {
            while left > 0 {
                let mut bytes = [0; READ_BYTES];
                let mut buffer = ReadBuf::new(&mut bytes);
                ready!(Pin::new(&mut self.stream).poll_read(context, &mut buffer))?;
                match buffer.filled().len() {
                    0 => break,
                    read => left = left.saturating_sub(read),
                }
            }
            Poll::Ready(Ok(()))
        })
        .await
    }
}

#[cfg(test)]
#[path = "websocket/tests.rs"]
mod tests;
