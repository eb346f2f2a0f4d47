//! Events that are printed are read back as they were, and a message is sorted the same in whatever pieces
//! it comes.

use bytes::{Bytes, BytesMut};
use holdfast_core::ws::Kind;
use holdfast_core::wsoh::{ControlTooLong, Piece, Sorted, Sorter, WsEvent, decode, encode};
use proptest::collection::vec;
use proptest::prelude::{Just, Strategy, any, prop_assert_eq, prop_oneof, proptest};
use proptest::{option, sample};

/// Bytes of a control message in these tests.
const MAX: usize = 12;

proptest! {
    #[test]
    fn woh_3_events(events in vec(event(), 0..9)) {
        let mut body = BytesMut::new();
        encode(&events, &mut body);
        prop_assert_eq!(decode(body.freeze(), 9), Ok(events));
    }

    #[test]
    fn woh_17_what_is_read_at_all_means_the_same_when_printed(body in soup()) {
        if let Ok(mut events) = decode(body.into(), 99) {
            events.retain(|event| *event != WsEvent::Other);
            let mut again = BytesMut::new();
            encode(&events, &mut again);
            prop_assert_eq!(decode(again.freeze(), 99), Ok(events));
        }
    }

    #[test]
    fn nat_8_pieces_are_sorted_as_the_whole(
        prefix in sample::select(vec!["", "m:", "c", "c:", "c:m", "long prefix"]),
        kind in prop_oneof![Just(Kind::Text), Just(Kind::Binary)],
        messages in vec((message(), vec(any::<sample::Index>(), 0..5)), 1..4),
    ) {
        let mut whole = Sorter::new(prefix.into());
        let mut apart = Sorter::new(prefix.into());
        for (payload, cuts) in messages {
            let expected = whole.sort_whole(kind, payload.clone(), MAX);
            let found = in_pieces(&mut apart, kind, &payload, &cuts);
            prop_assert_eq!(&found, &expected);
            if expected.is_err() {
                break;
            }
        }
    }
}

/// Sorts a message in pieces and joins what comes out.
fn in_pieces(
    sorter: &mut Sorter,
    kind: Kind,
    payload: &Bytes,
    cuts: &[sample::Index],
) -> Result<Sorted, ControlTooLong> {
    let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut.index(payload.len() + 1)).collect();
    cuts.sort_unstable();
    let mut begin = 0;
    let mut out = Vec::new();
    for (at, end) in cuts.iter().copied().chain([payload.len()]).enumerate() {
        let (first, last) = (at == 0, at == cuts.len());
        let piece = Piece { kind, first, payload: payload.slice(begin..end), last };
        match sorter.sort(piece, MAX)? {
            Sorted::Nothing => {}
            sorted => out.push(sorted),
        }
        begin = end;
    }
    Ok(join(kind, out))
}

fn join(kind: Kind, sorted: Vec<Sorted>) -> Sorted {
    let [Sorted::Data(_), ..] = &sorted[..] else {
        assert_eq!(sorted.len(), 1, "a control message and a discarded one are told once");
        return sorted.into_iter().next().expect("there is one");
    };
    let mut payload = Vec::new();
    let count = sorted.len();
    for (at, sorted) in sorted.into_iter().enumerate() {
        let Sorted::Data(piece) = sorted else { panic!("data all along") };
        assert_eq!((piece.kind, piece.first, piece.last), (kind, at == 0, at + 1 == count));
        payload.extend_from_slice(&piece.payload);
    }
    Sorted::Data(Piece { kind, first: true, payload: payload.into(), last: true })
}

fn event() -> impl Strategy<Value = WsEvent> {
    let close = option::of((any::<u16>(), content(123)));
    prop_oneof![
        Just(WsEvent::Open),
        content(400).prop_map(WsEvent::Text),
        content(400).prop_map(WsEvent::Binary),
        content(125).prop_map(WsEvent::Ping),
        content(125).prop_map(WsEvent::Pong),
        close.prop_map(WsEvent::Close),
        Just(WsEvent::Disconnect),
    ]
}

fn content(max: usize) -> impl Strategy<Value = Bytes> {
    vec(any::<u8>(), 0..=max).prop_map(Bytes::from)
}

/// Text that is nearly a body.
fn soup() -> impl Strategy<Value = Vec<u8>> {
    const WORDS: [&str; 14] =
        ["OPEN", "TEXT", "PING", "CLOSE", "X", " ", "0", "1", "A", "-1", "\r\n", "\r", "\n", "\0"];
    vec(sample::select(&WORDS[..]), 0..20).prop_map(|words| words.concat().into_bytes())
}

/// Text that is nearly a prefixed message.
fn message() -> impl Strategy<Value = Bytes> {
    const WORDS: [&str; 9] = ["c", ":", "m", "m:", "c:", "long prefix", "long", "{}", ""];
    vec(sample::select(&WORDS[..]), 0..5).prop_map(|words| words.concat().into())
}
