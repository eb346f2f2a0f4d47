//! What WebSocket-over-HTTP backends, and backends that speak GRIP, send.

use bytes::{Bytes, BytesMut};
use holdfast_core::ws::Kind;
use holdfast_core::wsoh::{Control, Heartbeat, Piece, Sorted, Sorter, WsEvent, decode, encode};

/// Events, messages and bytes of a control message that are taken here.
const MAX: usize = 64;

/// The body of a response: what is read can be printed and read again.
pub fn events(data: &[u8]) {
    let body = Bytes::copy_from_slice(data);
    let mut events = match decode(body, MAX) {
        Ok(events) => events,
        Err(why) => return assert!(!why.to_string().contains(['\r', '\n'])),
    };
    assert!(events.len() <= MAX);
    for event in &events {
        if let WsEvent::Ping(payload) | WsEvent::Pong(payload) = event {
            assert!(payload.len() <= 125);
        }
    }
    events.retain(|event| *event != WsEvent::Other);
    let mut again = BytesMut::new();
    encode(&events, &mut again);
    assert_eq!(decode(again.freeze(), MAX), Ok(events));
}

/// The JSON of a control message.
pub fn control(data: &[u8]) {
    match Control::parse(data) {
        Ok(Control::Subscribe { channel, .. } | Control::Unsubscribe { channel }) => {
            assert!(!channel.is_empty());
        }
        Ok(Control::SetMeta { name, .. }) => assert!(!name.is_empty()),
        Ok(Control::KeepAlive(Some(Heartbeat { timeout: Some(span), .. }))) => {
            assert!(span.as_secs() >= 1);
        }
        Ok(Control::SendDelayed { delay: Some(span), .. }) => assert!(span.as_secs() >= 1),
        Ok(_) => {}
        Err(why) => assert!(!why.to_string().is_empty()),
    }
}

/// A prefix, a line; then messages, a line each, which `|` cuts into pieces: they are sorted as they are whole.
pub fn prefix(data: &[u8]) {
    let mut lines = data.split(|&byte| byte == b'\n');
    let prefix = Bytes::copy_from_slice(lines.next().unwrap_or_default());
    for kind in [Kind::Text, Kind::Binary] {
        let (mut whole, mut apart) = (Sorter::new(prefix.clone()), Sorter::new(prefix.clone()));
        for line in lines.clone() {
            let message: Vec<u8> = line.iter().copied().filter(|&byte| byte != b'|').collect();
            let expected = whole.sort_whole(kind, message.into(), MAX);
            let found = pieces(&mut apart, kind, line);
            match (expected, found) {
                (Ok(expected), Some(found)) => assert_eq!(content(&expected), found),
                (Err(_), None) => break,
                (expected, found) => panic!("whole {expected:?}, in pieces {found:?}"),
            }
        }
    }
}

/// Sorts a line piece by piece; what comes out, joined, or `None` after an error.
fn pieces(sorter: &mut Sorter, kind: Kind, line: &[u8]) -> Option<(char, Vec<u8>)> {
    let count = line.split(|&byte| byte == b'|').count();
    let mut found = None;
    for (at, piece) in line.split(|&byte| byte == b'|').enumerate() {
        let payload = Bytes::copy_from_slice(piece);
        let piece = Piece { kind, first: at == 0, payload, last: at + 1 == count };
        let sorted = sorter.sort(piece, MAX).ok()?;
        let (what, more) = content(&sorted);
        if what != '-' {
            let (known, sum) = found.get_or_insert((what, Vec::new()));
            assert_eq!(*known, what, "a message is for one of them");
            sum.extend_from_slice(&more);
        }
    }
    Some(found.unwrap_or(('-', Vec::new())))
}

fn content(sorted: &Sorted) -> (char, Vec<u8>) {
    match sorted {
        Sorted::Data(piece) => ('d', piece.payload.to_vec()),
        Sorted::Control(json) => ('c', json.to_vec()),
        Sorted::Discarded => ('x', Vec::new()),
        Sorted::Nothing => ('-', Vec::new()),
    }
}
