//! What a client sends, from bytes in any portions to messages. No I/O. Between two messages it holds nothing.

use super::frame::{self, CONTROL_MAX_BYTES, Head, Opcode, Violation};

/// Something whole.
#[derive(Debug, PartialEq, Eq)]
pub enum Received {
    /// A text.
    Text(String),
    /// Bytes.
    Binary,
    /// A ping.
    Ping(Vec<u8>),
    /// A pong.
    Pong,
    /// The end.
    Close,
}

/// See the module.
#[derive(Debug)]
pub struct Reader {
    message_max: usize,
    /// Bytes that are not a whole frame yet: less than a frame of `message_max`, and what was read with its end.
    bytes: Vec<u8>,
    /// The fragments of a message so far, and whether it is text.
    message: Option<(bool, Vec<u8>)>,
}

impl Reader {
    /// Takes messages of so many bytes at most.
    pub const fn new(message_max: usize) -> Self {
        Self { message_max, bytes: Vec::new(), message: None }
    }

    /// Takes what was read.
    pub fn put(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }

    /// The next whole thing; none while there is none.
    ///
    /// # Errors
    /// The client does not keep to the protocol: nothing after it counts.
    pub fn take(&mut self) -> Result<Option<Received>, Violation> {
        loop {
            let Some((head, at)) = Head::parse(&self.bytes)? else { return Ok(None) };
            let length = self.allowed(&head)?;
            if self.bytes.len() < at + length {
                return Ok(None);
            }
            let mut payload = self.bytes[at..at + length].to_vec();
            frame::unmask(&mut payload, head.mask, 0);
            self.forget(at + length);
            if let Some(received) = self.frame(&head, payload)? {
                return Ok(Some(received));
            }
        }
    }

    /// Says no as soon as the head says what would come.
    fn allowed(&self, head: &Head) -> Result<usize, Violation> {
        let held = self.message.as_ref().map_or(0, |(_, message)| message.len());
        let room = if head.opcode.is_control() { CONTROL_MAX_BYTES } else { self.message_max.saturating_sub(held) };
        usize::try_from(head.length).ok().filter(|length| *length <= room).ok_or(Violation::TooLarge)
    }

    fn forget(&mut self, count: usize) {
        if count == self.bytes.len() {
            // Its memory, too.
            self.bytes = Vec::new();
        } else {
            self.bytes.drain(..count);
        }
    }

    fn frame(&mut self, head: &Head, payload: Vec<u8>) -> Result<Option<Received>, Violation> {
        let (is_text, message) = match (head.opcode, self.message.take()) {
            (Opcode::Close, _) => {
                return if frame::is_close(&payload) { Ok(Some(Received::Close)) } else { Err(Violation::Protocol) };
            }
            (Opcode::Ping, message) => {
                self.message = message;
                return Ok(Some(Received::Ping(payload)));
            }
            (Opcode::Pong, message) => {
                self.message = message;
                return Ok(Some(Received::Pong));
            }
            (Opcode::Text | Opcode::Binary, None) => (head.opcode == Opcode::Text, payload),
            (Opcode::Continuation, Some((is_text, mut message))) => {
                message.extend_from_slice(&payload);
                (is_text, message)
            }
            (Opcode::Text | Opcode::Binary, Some(_)) | (Opcode::Continuation, None) => return Err(Violation::Protocol),
        };
        if !head.fin {
            self.message = Some((is_text, message));
            return Ok(None);
        }
        if !is_text {
            return Ok(Some(Received::Binary));
        }
        String::from_utf8(message).map(|text| Some(Received::Text(text))).map_err(|_| Violation::NotText)
    }
}

#[cfg(test)]
impl Reader {
    /// Memory that it holds.
    pub fn held(&self) -> usize {
        self.bytes.capacity() + self.message.as_ref().map_or(0, |(_, message)| message.capacity())
    }
}
