//! Bytes mean the same however they arrive: in one piece, in two, or one by one.

use holdfast_core::ws::{Close, CloseCode, Role};
use proptest::collection::vec;
use proptest::prelude::{Just, Strategy, any, prop_assert_eq, prop_oneof, proptest};
use proptest::sample::select;

use crate::seen::{Said, Seen, read, write};

#[test]
fn every_split_of_what_was_said_is_what_was_said() {
    let said = [
        Said::Text("a small é€😀 text".into()),
        Said::Binary(vec![0xff; 130]),
        Said::Text(Vec::new()),
        Said::Ping(b"ping".to_vec()),
        Said::Binary(Vec::new()),
        Said::Pong(vec![7; 125]),
        Said::Close(Close { code: Some(CloseCode::NORMAL), reason: "é".repeat(61) }),
    ];
    for role in [Role::Server, Role::Client] {
        for size in [1, 3, 1000] {
            let bytes = write(role, &said, size, false);
            let expected = Seen { said: said.to_vec(), violation: None };
            for at in 0..=bytes.len() {
                let (one, two) = bytes.split_at(at);
                assert_eq!(read(role, &[one, two]), expected, "{role:?} {size} {at}");
            }
            assert_eq!(read(role, &bytes.chunks(1).collect::<Vec<_>>()), expected);
        }
    }
}

#[test]
fn lengths_of_every_form_survive() {
    for len in [124, 125, 126, 127, 0xfffe, 0xffff, 0x1_0000, 0x1_0001] {
        let said = vec![Said::Binary(vec![3; len])];
        for role in [Role::Server, Role::Client] {
            let bytes = write(role, &said, usize::MAX, false);
            let expected = Seen { said: said.clone(), violation: None };
            assert_eq!(read(role, &bytes.chunks(1000).collect::<Vec<_>>()), expected);
        }
    }
}

proptest! {
    #[test]
    fn what_was_said_is_read(
        role in role(),
        said in vec(said(), 0..6),
        size in 1..300usize,
        sizes in vec(1..60usize, 1..8),
    ) {
        let bytes = write(role, &said, size, false);
        let seen = read(role, &pieces(&bytes, &sizes));
        let end = said.iter().position(|said| matches!(said, Said::Close(_)));
        let expected = said[..end.map_or(said.len(), |end| end + 1)].to_vec();
        prop_assert_eq!(seen, Seen { said: expected, violation: None });
    }

    #[test]
    fn any_split_of_any_bytes_is_the_whole(
        role in role(),
        bytes in vec(any::<u8>(), 0..80),
        sizes in vec(1..20usize, 1..8),
    ) {
        prop_assert_eq!(read(role, &[&bytes]), read(role, &pieces(&bytes, &sizes)));
    }

    #[test]
    fn any_split_of_a_changed_byte_is_the_whole(
        role in role(),
        said in vec(said(), 1..6),
        size in 1..300usize,
        at in any::<proptest::sample::Index>(),
        byte in any::<u8>(),
        sizes in vec(1..60usize, 1..8),
    ) {
        let mut bytes = write(role, &said, size, true);
        let at = at.index(bytes.len());
        bytes[at] ^= byte;
        prop_assert_eq!(read(role, &[&bytes]), read(role, &pieces(&bytes, &sizes)));
    }
}

pub(crate) fn role() -> impl Strategy<Value = Role> {
    prop_oneof![Just(Role::Server), Just(Role::Client)]
}

pub(crate) fn said() -> impl Strategy<Value = Said> {
    let code = select(vec![1000, 1001, 1003, 1008, 1013, 3000, 4999]);
    let close = (code, ".{0,30}");
    prop_oneof![
        4 => ".{0,100}".prop_map(|text| Said::Text(text.into_bytes())),
        4 => vec(any::<u8>(), 0..400).prop_map(Said::Binary),
        2 => vec(any::<u8>(), 0..=125).prop_map(Said::Ping),
        2 => vec(any::<u8>(), 0..=125).prop_map(Said::Pong),
        1 => close.prop_map(|(code, reason)| Said::Close(Close { code: CloseCode::new(code), reason })),
        1 => Just(Said::Close(Close::default())),
    ]
}

fn pieces<'a>(mut bytes: &'a [u8], sizes: &[usize]) -> Vec<&'a [u8]> {
    let mut pieces = Vec::new();
    for size in sizes.iter().cycle() {
        let (piece, rest) = bytes.split_at((*size).min(bytes.len()));
        pieces.push(piece);
        bytes = rest;
        if bytes.is_empty() {
            break;
        }
    }
    pieces
}
