//! HTTP/1.1 as cheaply as it can be spoken: requests prepared as bytes, answers of which only the status and the length
//! of the body are read. What the load generator spends, the two cores cannot spend on what is measured.

use std::io;
use std::net::SocketAddr;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// The largest answer; those of the measured routes have a few hundred bytes.
const ANSWER_MAX_BYTES: usize = 64 * 1_024;

/// A request, ready to be sent to any server.
#[derive(Debug, Clone)]
pub struct Prepared(Box<[u8]>);

impl Prepared {
    /// A POST of this JSON.
    pub fn post(path: &str, token: Option<&str>, json: &str) -> Self {
        let login = token.map(|token| format!("Authorization: Bearer {token}\r\n")).unwrap_or_default();
        let text = format!(
            "POST {path} HTTP/1.1\r\nHost: andon\r\n{login}Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{json}",
            json.len()
        );
        Self(text.into_bytes().into())
    }

    /// A POST of this JSON with an `Idempotency-Key`: repeated, it takes effect once.
    pub fn command(path: &str, token: &str, key: &str, json: &str) -> Self {
        let text = format!(
            "POST {path} HTTP/1.1\r\nHost: andon\r\nAuthorization: Bearer {token}\r\nIdempotency-Key: {key}\r\n\
             Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{json}",
            json.len()
        );
        Self(text.into_bytes().into())
    }

    /// A GET without a login.
    pub fn get(path: &str) -> Self {
        Self(format!("GET {path} HTTP/1.1\r\nHost: andon\r\n\r\n").into_bytes().into())
    }
}

/// An answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Answer<'a> {
    /// The HTTP status.
    pub status: u16,
    /// The body.
    pub body: &'a [u8],
}

impl Answer<'_> {
    /// Whether it did what was asked.
    pub fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// What it said, for people.
    pub fn told(&self) -> String {
        let body: String = String::from_utf8_lossy(self.body).chars().take(300).collect();
        format!("{} {body}", self.status)
    }
}

/// A connection that is kept alive.
#[derive(Debug)]
pub struct Connection {
    stream: TcpStream,
    received: Vec<u8>,
}

impl Connection {
    /// Connects.
    ///
    /// # Errors
    /// Nobody listens there.
    pub async fn open(address: SocketAddr) -> io::Result<Self> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        Ok(Self { stream, received: Vec::with_capacity(4_096) })
    }

    /// Sends a request and waits for its answer.
    ///
    /// # Errors
    /// The connection ends, or what comes is no answer.
    pub async fn exchange(&mut self, request: &Prepared) -> io::Result<Answer<'_>> {
        self.stream.write_all(&request.0).await?;
        self.received.clear();
        loop {
            if self.stream.read_buf(&mut self.received).await? == 0 {
                return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "the connection ended"));
            }
            if let Some(end) = complete(&self.received)? {
                return Ok(Answer { status: end.status, body: &self.received[end.head..] });
            }
        }
    }
}

/// A complete answer: its status, and where its head ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Complete {
    status: u16,
    head: usize,
}

/// Whether the bytes are a whole answer.
///
/// # Errors
/// They are not the beginning of one, or it is longer than what is measured ever answers.
fn complete(bytes: &[u8]) -> io::Result<Option<Complete>> {
    let garbled = |why| Err(io::Error::new(io::ErrorKind::InvalidData, why));
    let Some(head) = bytes.windows(4).position(|four| four == b"\r\n\r\n").map(|at| at + 4) else {
        return if bytes.len() > ANSWER_MAX_BYTES { garbled("a head without end") } else { Ok(None) };
    };
    let Some(status) = status(bytes) else { return garbled("no HTTP/1.1 answer") };
    let Some(length) = content_length(&bytes[..head]) else { return garbled("an answer without Content-Length") };
    if length > ANSWER_MAX_BYTES || bytes.len() > head + length {
        return garbled("an answer of another length than said");
    }
    Ok((bytes.len() == head + length).then_some(Complete { status, head }))
}

fn status(bytes: &[u8]) -> Option<u16> {
    let rest = bytes.strip_prefix(b"HTTP/1.1 ")?;
    let digits = rest.get(..3).filter(|digits| digits.iter().all(u8::is_ascii_digit))?;
    str::from_utf8(digits).ok()?.parse().ok()
}

fn content_length(head: &[u8]) -> Option<usize> {
    const NAME: &[u8] = b"content-length:";
    let mut lines = head.split(|byte| *byte == b'\n');
    let line = lines.find(|line| line.len() > NAME.len() && line[..NAME.len()].eq_ignore_ascii_case(NAME))?;
    str::from_utf8(&line[NAME.len()..]).ok()?.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const OK: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nContent-Length: 11\r\n\r\n{\"ok\":true}";

    #[test]
    fn an_answer_is_complete_with_its_last_byte() {
        for length in 0..OK.len() {
            assert_eq!(complete(&OK[..length]).expect("the beginning of an answer"), None, "{length}");
        }
        let head = OK.len() - 11;
        assert_eq!(complete(OK).expect("an answer"), Some(Complete { status: 200, head }));
    }

    #[test]
    fn what_is_no_answer_is_told_from_one_that_is_not_there_yet() {
        let longer = [OK, b"x"].concat();
        let endless = vec![b'a'; ANSWER_MAX_BYTES + 1];
        for bytes in [
            longer.as_slice(),
            &endless,
            b"HTTP/1.1 2x0 OK\r\nContent-Length: 0\r\n\r\n",
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
            b"HTTP/1.1 200 OK\r\nContent-Length: 99999999\r\n\r\n",
            b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
            b"SSH-2.0\r\n\r\n",
        ] {
            assert!(complete(bytes).is_err(), "{:?}", String::from_utf8_lossy(&bytes[..bytes.len().min(60)]));
        }
    }

    #[tokio::test]
    async fn requests_and_answers_take_turns_on_one_connection() {
        // given a server that answers each request in two pieces
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let served = tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.expect("a connection");
            let mut request = vec![0; 1_024];
            for _ in 0..2 {
                let length = stream.read(&mut request).await.expect("a request");
                assert!(request[..length].ends_with(b"\r\n\r\n{\"a\":1}"));
                stream.write_all(&OK[..20]).await.expect("written");
                stream.flush().await.expect("written");
                stream.write_all(&OK[20..]).await.expect("written");
            }
        });

        // when
        let mut connection = Connection::open(address).await.expect("connected");
        let request = Prepared::post("/x", Some("token"), "{\"a\":1}");
        for _ in 0..2 {
            let answer = connection.exchange(&request).await.expect("an answer");
            // then
            assert_eq!((answer.status, answer.body), (200, b"{\"ok\":true}".as_slice()));
        }
        served.await.expect("served");
        assert!(connection.exchange(&request).await.is_err(), "the server is gone");
    }
}
