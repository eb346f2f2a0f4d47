//! Rules of WebSockets, broken.

use bytes::Bytes;
use holdfast_core::engine::{
    Action, CallBody, CallRequest, Event, SocketAction, SocketEvent, SocketFrame,
};
use holdfast_core::ground::CallId;
use holdfast_core::ws::Kind;

use crate::sabotage::Sabotage;
use crate::talk::{self, Order, Said, TalkId, Word, read_events, write_events};

/// What an engine that breaks `rule` hears of an event, if anything.
pub(super) fn hears(rule: Sabotage, event: Event) -> Option<Event> {
    match event {
        Event::CallData { call, data, end } => {
            let data = match read_events(&data) {
                Ok(events) => deafen(rule, events).into(),
                Err(_) => data,
            };
            Some(Event::CallData { call, data, end })
        }
        Event::Socket { event: SocketEvent::OriginFrame(ref frame), .. } => match whole(frame) {
            Some(word) if is_missed(rule, &word) => None,
            _ => Some(event),
        },
        event => Some(event),
    }
}

/// The same body, without what is missed.
fn deafen(rule: Sabotage, mut events: Vec<talk::Event>) -> Vec<u8> {
    let missed =
        |event: &talk::Event| matches!(event, talk::Event::Word(word) if is_missed(rule, word));
    events.retain(|event| !missed(event));
    write_events(&events)
}

fn is_missed(rule: Sabotage, word: &Word) -> bool {
    let said = Said::of(word.clone(), true);
    match rule {
        Sabotage::ForgetSubscription => matches!(said, Said::Order(Order::Subscribe(_))),
        Sabotage::IgnoreUnsubscribe => matches!(said, Said::Order(Order::Unsubscribe(_))),
        Sabotage::LoseDelayed => matches!(said, Said::Order(Order::SendDelayed(..))),
        Sabotage::LoseWord => matches!(said, Said::ToClient(Word::Text(_) | Word::Binary(_))),
        _ => false,
    }
}

fn whole(frame: &SocketFrame) -> Option<Word> {
    let SocketFrame::Data { kind, first: true, last: true, payload } = frame else { return None };
    Some(match kind {
        Kind::Text => Word::Text(payload.to_vec()),
        Kind::Binary => Word::Binary(payload.to_vec()),
    })
}

/// Does what comes of an action, or gives it back.
pub(super) fn says(rule: Sabotage, action: Action, list: &mut Vec<Action>) -> Option<Action> {
    match action {
        Action::Call { call, request } if TalkId::of(&request.head.target).is_some() => {
            calls(rule, call, *request, list);
            None
        }
        Action::Socket { conn, action: SocketAction::Send(SocketFrame::Close(close)) } => {
            let send = |frame| Action::Socket { conn, action: SocketAction::Send(frame) };
            if rule != Sabotage::SwallowClose {
                list.push(send(SocketFrame::Close(close)));
            }
            if rule == Sabotage::TalkOn {
                let payload = Bytes::from_static(b"i0.0.\n");
                list.push(send(SocketFrame::Data {
                    kind: Kind::Text,
                    first: true,
                    last: true,
                    payload,
                }));
            }
            None
        }
        action => Some(action),
    }
}

/// A request with other events than it should have.
fn calls(rule: Sabotage, call: CallId, mut request: CallRequest, list: &mut Vec<Action>) {
    let CallBody::Bytes(body) = &request.body else { return };
    let mut events = read_events(body).unwrap_or_default();
    let parts = events.contains(&talk::Event::Disconnect);
    match rule {
        Sabotage::DoubleEvent => events.extend(events.last().cloned().filter(is_word)),
        Sabotage::LoseEvent if events.first().is_some_and(is_word) => {
            events.remove(0);
        }
        Sabotage::ReorderEvents => events.reverse(),
        Sabotage::NoDisconnect if parts => events.clear(),
        _ => {}
    }
    request.body = CallBody::Bytes(write_events(&events).into());
    let request = Box::new(request);
    if rule == Sabotage::DisconnectTwice && parts {
        let call = CallId { slot: call.slot, generation: u32::MAX - call.generation };
        list.push(Action::Call { call, request: request.clone() });
    }
    list.push(Action::Call { call, request });
}

fn is_word(event: &talk::Event) -> bool {
    matches!(event, talk::Event::Word(_))
}
