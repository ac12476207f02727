//! Bytes from anywhere: a reader answers with an error, never with a panic, nor by taking the memory they claim.

use proptest::prelude::*;

use crate::catalogue;

/// Reads the bytes as every type of message.
fn read_as_all(bytes: &[u8]) {
    for example in catalogue::all() {
        let _ = (example.rewrite)(bytes);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    #[test]
    fn random_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        read_as_all(&bytes);
    }

    #[test]
    fn damaged_messages_never_panic(
        pick in any::<prop::sample::Index>(),
        place in any::<prop::sample::Index>(),
        byte in any::<u8>(),
        keep in any::<prop::sample::Index>(),
    ) {
        let all = catalogue::all();
        let example = pick.get(&all);
        let mut damaged = example.bytes.clone();
        damaged[place.index(example.bytes.len())] = byte;
        let _ = (example.rewrite)(&damaged);
        let cut = &example.bytes[..keep.index(example.bytes.len())];
        prop_assert!((example.rewrite)(cut).is_err(), "a message that was cut off is no message");
    }
}

#[test]
fn lengths_that_are_not_there_take_no_memory_and_depth_takes_no_stack() {
    let huge: [&[u8]; 5] = [
        &[0xc6, 0xff, 0xff, 0xff, 0xff],
        &[0xdb, 0xff, 0xff, 0xff, 0xff],
        &[0xdd, 0xff, 0xff, 0xff, 0xff],
        &[0xdf, 0xff, 0xff, 0xff, 0xff],
        &[0xc9, 0xff, 0xff, 0xff, 0xff, 0x01],
    ];
    let deep = [vec![0x91_u8; 200_000], [0x81, 0xa1, b'x'].repeat(100_000)];
    let hostile = huge.iter().map(|bytes| bytes.to_vec()).chain(deep);
    for bytes in hostile {
        read_as_all(&bytes);
        for example in catalogue::all() {
            assert!((example.rewrite)(&bytes).is_err(), "{}", example.name);
            // The same as the value of a field that is not known.
            let Some(entries @ 0x80..=0x8e) = example.bytes.first().copied() else { continue };
            let mut message = vec![entries + 1];
            message.extend_from_slice(&example.bytes[1..]);
            message.extend_from_slice(&[0xa2, b'z', b'z']);
            message.extend_from_slice(&bytes);
            assert!((example.rewrite)(&message).is_err(), "{}", example.name);
        }
    }
}
