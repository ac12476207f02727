//! Frames of RFC 6455, section 5: their heads, read from a client and written to one.

/// Largest payload of a control frame.
pub const CONTROL_MAX_BYTES: usize = 125;
/// Largest head of a frame from a server: two bytes and a length of eight.
const HEAD_MAX_BYTES: usize = 10;
const MASK_BYTES: usize = 4;
const FIN: u8 = 0x80;
const RESERVED: u8 = 0x70;
const MASKED: u8 = 0x80;
const LENGTH: u8 = 0x7f;
const LENGTH_OF_TWO: u8 = 126;
const LENGTH_OF_EIGHT: u8 = 127;

/// What a frame is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Opcode {
    /// Goes on with the message before.
    Continuation = 0,
    /// Begins a text.
    Text = 1,
    /// Begins bytes.
    Binary = 2,
    /// Ends the connection.
    Close = 8,
    /// Asks for a pong.
    Ping = 9,
    /// Answers a ping.
    Pong = 10,
}

impl Opcode {
    const fn of(byte: u8) -> Option<Self> {
        Some(match byte & 0x0f {
            0 => Self::Continuation,
            1 => Self::Text,
            2 => Self::Binary,
            8 => Self::Close,
            9 => Self::Ping,
            10 => Self::Pong,
            _ => return None,
        })
    }

    /// Whether it may stand between the fragments of a message.
    #[must_use]
    pub const fn is_control(self) -> bool {
        self as u8 >= 8
    }
}

/// A client does not keep to the protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Violation {
    /// Something that no client may send.
    #[error("this is no frame of a client")]
    Protocol,
    /// Text that is none.
    #[error("a text is not UTF-8")]
    NotText,
    /// More than is taken.
    #[error("a message is too large")]
    TooLarge,
}

impl Violation {
    /// The close code that says so (RFC 6455, section 7.4.1).
    #[must_use]
    pub const fn code(self) -> u16 {
        match self {
            Self::Protocol => 1002,
            Self::NotText => 1007,
            Self::TooLarge => 1009,
        }
    }
}

/// The head of a frame from a client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Head {
    /// It is the last of its message.
    pub fin: bool,
    /// What it is.
    pub opcode: Opcode,
    /// Bytes that follow the head.
    pub length: u64,
    /// What they are masked with.
    pub mask: [u8; MASK_BYTES],
}

impl Head {
    /// Reads one, and says how many bytes it has; none while it is not complete.
    ///
    /// # Errors
    /// No client may send it.
    pub fn parse(bytes: &[u8]) -> Result<Option<(Self, usize)>, Violation> {
        let (Some(&first), Some(&second)) = (bytes.first(), bytes.get(1)) else { return Ok(None) };
        let opcode = Opcode::of(first).filter(|_| first & RESERVED == 0).ok_or(Violation::Protocol)?;
        // A client masks every frame.
        if second & MASKED == 0 {
            return Err(Violation::Protocol);
        }
        let fin = first & FIN != 0;
        if opcode.is_control() && (!fin || usize::from(second & LENGTH) > CONTROL_MAX_BYTES) {
            return Err(Violation::Protocol);
        }
        let (length, at) = match second & LENGTH {
            LENGTH_OF_TWO => (bytes.get(2..4).map(number), 4),
            LENGTH_OF_EIGHT => (bytes.get(2..10).map(number), 10),
            length => (Some(u64::from(length)), 2),
        };
        let (Some(length), Some(mask)) = (length, bytes.get(at..at + MASK_BYTES)) else { return Ok(None) };
        let mask = [mask[0], mask[1], mask[2], mask[3]];
        Ok(Some((Self { fin, opcode, length, mask }, at + MASK_BYTES)))
    }

    /// The head of a text of so many bytes from a server: bytes, of which so many count.
    #[must_use]
    pub fn of_text(length: usize) -> ([u8; HEAD_MAX_BYTES], usize) {
        let mut head = [0; HEAD_MAX_BYTES];
        head[0] = FIN | Opcode::Text as u8;
        let size = if let Ok(short) = u8::try_from(length)
            && usize::from(short) <= CONTROL_MAX_BYTES
        {
            head[1] = short;
            2
        } else if let Ok(length) = u16::try_from(length) {
            head[1] = LENGTH_OF_TWO;
            head[2..4].copy_from_slice(&length.to_be_bytes());
            4
        } else {
            head[1] = LENGTH_OF_EIGHT;
            head[2..10].copy_from_slice(&(length as u64).to_be_bytes());
            10
        };
        (head, size)
    }
}

fn number(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0, |number, byte| number << 8 | u64::from(*byte))
}

/// Takes the mask off the bytes that begin `offset` bytes after the head.
pub fn unmask(bytes: &mut [u8], mask: [u8; MASK_BYTES], offset: usize) {
    for (index, byte) in bytes.iter_mut().enumerate() {
        *byte ^= mask[(offset + index) % MASK_BYTES];
    }
}

/// A whole control frame from a server; what is too long for one is cut.
#[must_use]
pub fn control(opcode: Opcode, payload: &[u8]) -> Vec<u8> {
    let payload = &payload[..payload.len().min(CONTROL_MAX_BYTES)];
    // At most 125, and so in one byte.
    let mut frame = vec![FIN | opcode as u8, payload.len() as u8];
    frame.extend_from_slice(payload);
    frame
}

/// What a close frame says.
#[must_use]
pub fn close_payload(code: u16, reason: &str) -> Vec<u8> {
    [&code.to_be_bytes(), reason.as_bytes()].concat()
}

/// Whether a client may close like this: without a word, or with a code that may travel and a reason that is text
/// (section 7.4).
#[must_use]
pub fn is_close(payload: &[u8]) -> bool {
    match payload {
        [] => true,
        [high, low, reason @ ..] => {
            let code = u16::from_be_bytes([*high, *low]);
            matches!(code, 1000..=1003 | 1007..=1014 | 3000..=4999) && std::str::from_utf8(reason).is_ok()
        }
        [_] => false,
    }
}
