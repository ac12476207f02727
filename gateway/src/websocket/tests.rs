//! Messages in any portions, against the common library and against clients that mean harm.

use futures::{SinkExt, StreamExt};
use proptest::{collection::vec, prelude::*};
use tokio::io::{AsyncReadExt, DuplexStream, duplex};
use tokio_tungstenite::{
    WebSocketStream,
    tungstenite::{Message, protocol::Role},
};

use super::*;

const MESSAGE_MAX: usize = 1_000;

/// A frame as a client sends it.
fn client(first: u8, payload: &[u8]) -> Vec<u8> {
    const MASK: [u8; 4] = [7, 0, 255, 42];
    let mut frame = match payload.len() {
        short @ ..=125 => vec![first, 0x80 | short as u8],
        long => [&[first, 0xfe][..], &(long as u16).to_be_bytes()].concat(),
    };
    frame.extend(MASK);
    let mut masked = payload.to_vec();
    frame::unmask(&mut masked, MASK, 0);
    frame.extend(masked);
    frame
}

fn read_all(parts: &[&[u8]]) -> (Vec<Received>, Option<Violation>, usize) {
    let mut reader = Reader::new(MESSAGE_MAX);
    let mut all = Vec::new();
    for part in parts {
        reader.put(part);
        loop {
            match reader.take() {
                Ok(Some(received)) => all.push(received),
                Ok(None) => break,
                Err(violation) => return (all, Some(violation), reader.held()),
            }
        }
    }
    (all, None, reader.held())
}

#[test]
fn messages_are_the_same_however_their_bytes_are_portioned() {
    // given texts, fragments with a ping between them, bytes, and an end
    let bytes = [
        client(0x81, b"one"),
        client(0x01, "שלום".as_bytes()),
        client(0x89, b"there?"),
        client(0x00, &[b'x'; 300]),
        client(0x80, b"!"),
        client(0x82, b"\xff"),
        client(0x8a, b""),
        client(0x81, b""),
        client(0x88, &frame::close_payload(1000, "done")),
    ]
    .concat();
    let long = format!("שלום{}!", "x".repeat(300));
    let expected = [
        Received::Text("one".to_owned()),
        Received::Ping(b"there?".to_vec()),
        Received::Text(long),
        Received::Binary,
        Received::Pong,
        Received::Text(String::new()),
        Received::Close,
    ];
    for cut in 0..=bytes.len() {
        // when they come in two portions
        let (received, violation, held) = read_all(&[&bytes[..cut], &bytes[cut..]]);
        // then nothing is different, and nothing is held
        assert_eq!((&received[..], violation, held), (&expected[..], None, 0), "cut at {cut}");
    }
    let single: Vec<_> = bytes.chunks(1).collect();
    assert_eq!(read_all(&single).0, expected);
}

#[test]
fn what_no_client_may_send_is_known_by_its_code() {
    let large = vec![b'x'; MESSAGE_MAX + 1];
    let cases: [(&str, Vec<u8>, u16); 15] = [
        ("unmasked", vec![0x81, 1, b'x'], 1002),
        ("reserved bit", client(0xc1, b"x"), 1002),
        ("unknown opcode", client(0x83, b"x"), 1002),
        ("unknown control", client(0x8b, b"x"), 1002),
        ("fragmented ping", client(0x09, b"x"), 1002),
        ("huge ping", client(0x89, &[0; 126]), 1002),
        ("continuation of nothing", client(0x80, b"x"), 1002),
        ("text inside a text", [client(0x01, b"x"), client(0x81, b"y")].concat(), 1002),
        ("close with half a code", client(0x88, &[3]), 1002),
        ("close with a code that does not travel", client(0x88, &frame::close_payload(1006, "")), 1002),
        ("close with a code of nobody", client(0x88, &frame::close_payload(999, "")), 1002),
        ("close with a reason that is no text", client(0x88, b"\x03\xe8\xff"), 1002),
        ("no UTF-8", client(0x81, b"\xc3\x28"), 1007),
        ("too large", client(0x81, &large), 1009),
        ("too large in pieces", [client(0x01, &large[..600]), client(0x00, &large[..600])].concat(), 1009),
    ];
    for (what, bytes, code) in cases {
        let (received, violation, _) = read_all(&[&bytes]);
        assert_eq!((received.len(), violation.map(Violation::code)), (0, Some(code)), "{what}");
    }
    // A length of 2^63 is refused by its head alone.
    let (_, violation, held) = read_all(&[b"\x81\xff\xff\xff\xff\xff\xff\xff\xff\xff\0\0\0\0"]);
    assert_eq!(violation, Some(Violation::TooLarge));
    assert!(held <= 64);
}

proptest! {
    #[test]
    fn no_bytes_make_it_panic_or_hold_more_than_a_message(portions in vec(vec(any::<u8>(), 0..400), 0..40)) {
        let parts: Vec<_> = portions.iter().map(Vec::as_slice).collect();
        let (_, _, held) = read_all(&parts);
        prop_assert!(held <= 4 * (MESSAGE_MAX + READ_BYTES), "{held}");
    }

    #[test]
    fn frames_with_any_head_are_read_alike_in_one_portion_and_in_many(
        frames in vec((any::<u8>(), vec(any::<u8>(), 0..300)), 0..12),
        portion in 1..50_usize,
    ) {
        let bytes: Vec<u8> = frames.iter().flat_map(|(first, payload)| client(*first, payload)).collect();
        let (whole, violation, _) = read_all(&[&bytes]);
        let parts: Vec<_> = bytes.chunks(portion).collect();
        let (portioned, again, _) = read_all(&parts);
        prop_assert_eq!((whole, violation), (portioned, again));
    }
}

async fn pair() -> (WebSocket<DuplexStream>, WebSocketStream<DuplexStream>) {
    let (server, client) = duplex(64 * 1_024);
    (WebSocket::new(server, MESSAGE_MAX), WebSocketStream::from_raw_socket(client, Role::Client, None).await)
}

#[tokio::test]
async fn the_common_library_understands_it_and_is_understood() {
    let (mut server, mut client) = pair().await;
    for length in [0, 1, 125, 126, 127, 65_535, 65_536, 200_000] {
        let text = "x".repeat(length);
        let (sent, received) = tokio::join!(server.send(&text), client.next());
        sent.unwrap();
        assert!(received.unwrap().unwrap() == Message::text(text), "{length}");
    }
    for length in [0, 125, 126, 1_000] {
        client.send(Message::text("y".repeat(length))).await.unwrap();
        assert_eq!(server.recv().await.unwrap(), Said::Text("y".repeat(length)));
    }
    client.send(Message::Ping(b"still there?".as_slice().into())).await.unwrap();
    assert_eq!(server.recv().await.unwrap(), Said::Sign);
    assert_eq!(client.next().await.unwrap().unwrap(), Message::Pong(b"still there?".as_slice().into()));
    client.send(Message::text("z".repeat(MESSAGE_MAX + 1))).await.unwrap();
    let Err(Ended::Violated(violation)) = server.recv().await else { panic!("it is too large") };
    let (close, ()) = tokio::join!(client.next(), server.close(violation.code(), "too large"));
    let Message::Close(Some(close)) = close.unwrap().unwrap() else { panic!("a close") };
    assert_eq!((u16::from(close.code), close.reason.as_str()), (1009, "too large"));
}

#[tokio::test]
async fn a_flood_of_pings_that_nobody_reads_the_answers_of_holds_two_at_most() {
    // given a client that does not read, on a line that takes 64 bytes
    let (server, mut line) = duplex(64);
    let mut socket = WebSocket::new(server, MESSAGE_MAX);
    let flood = tokio::spawn(async move {
        for number in 0..2_000_u32 {
            line.write_all(&client(0x89, &[number as u8; 100])).await.unwrap();
        }
        line
    });
    // when it pings on and on
    for _ in 0..2_000 {
        assert_eq!(socket.recv().await.unwrap(), Said::Sign);
    }
    // then no more than one answer on its way and the newest are held
    assert!(socket.pong.len() <= 127 && socket.next_pong.as_ref().is_none_or(|pong| pong.len() <= 127));
    let mut line = flood.await.unwrap();
    let mut answers = vec![0; 64];
    line.read_exact(&mut answers).await.unwrap();
    assert_eq!(answers[..2], [0x8a, 100]);
}

#[test]
fn one_at_rest_is_small() {
    assert!(size_of::<WebSocket>() <= 256, "{} bytes", size_of::<WebSocket>());
}
