//! The counter over a WebSocket: the proxy keeps the browser's connection and brings what it says in short
//! requests, a list of events each, to be answered with events.

use bytes::{Bytes, BytesMut};
use holdfast_core::wsoh::{EventsError, WsEvent, decode, encode};

use super::counter::CHANNEL;

/// Where WebSockets ask.
pub(super) const SOCKET_PATH: &str = "/counter/socket/";

/// What a browser says to raise the counter. To anything else it is told the value.
const ADD: &[u8] = b"add";
const EVENTS: usize = 1000;

/// The events that answer those of a request. `raise` raises the counter, of which everyone hears by a publish;
/// `value` is what it is now, as the browser gets it.
pub(super) fn answer(
    events: Bytes,
    mut raise: impl FnMut(),
    value: impl Fn() -> String,
) -> Result<Bytes, EventsError> {
    let mut said = Vec::new();
    for event in decode(events, EVENTS)? {
        match event {
            // The proxy does what begins "c:", and what begins "m:" is for the browser.
            WsEvent::Open => said.extend([WsEvent::Open, WsEvent::Text(subscribe().into())]),
            WsEvent::Text(text) if text == ADD => raise(),
            WsEvent::Text(_) => said.push(WsEvent::Text(format!("m:{}", value()).into())),
            close @ WsEvent::Close(_) => said.push(close),
            _ => {}
        }
    }
    let mut body = BytesMut::new();
    encode(&said, &mut body);
    Ok(body.freeze())
}

fn subscribe() -> String {
    format!(r#"c:{{"type": "subscribe", "channel": "{CHANNEL}"}}"#)
}
