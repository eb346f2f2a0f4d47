//! Control messages: what a backend says to the proxy (CTL-1 to CTL-54).

use bytes::Bytes;

use crate::ground::Span;
use crate::json::{Flaw, Json, Misfit, Object, base64, choice, string, strings, text, whole};
use crate::publish::WsType;

/// One control message.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Control {
    /// The client shall get what is published on a channel (CTL-10).
    Subscribe {
        /// The channel, without the route's prefix; not empty.
        channel: String,
        /// Filter names in order, known or not.
        filters: Vec<String>,
    },
    /// No longer (CTL-13).
    Unsubscribe {
        /// The channel, without the route's prefix; not empty.
        channel: String,
    },
    /// A value for filters (CTL-15).
    SetMeta {
        /// Its name; not empty.
        name: String,
        /// The value; `None` removes it.
        value: Option<String>,
    },
    /// Names a session for a service that does not exist here; without effect (CTL-16).
    Session,
    /// What to send to a quiet client; `None`: nothing (CTL-40).
    KeepAlive(Option<Heartbeat>),
    /// A message to be sent later (CTL-50).
    SendDelayed {
        /// The message.
        message: Message,
        /// After how long; `None`: what is usual (NUM-14).
        delay: Option<Span>,
    },
    /// Sends the delayed message now (CTL-50).
    FlushDelayed,
    /// The backend leaves, the client stays (CTL-30).
    Detach,
}

/// A message or control frame for the client.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Message {
    /// What frame it becomes.
    pub kind: WsType,
    /// The payload.
    pub payload: Bytes,
}

/// What is sent to the client again and again.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Heartbeat {
    /// The message.
    pub message: Message,
    /// When it is sent.
    pub mode: HeartbeatMode,
    /// How long to wait; `None`: what is usual (NUM-13).
    pub timeout: Option<Span>,
}

/// When a heartbeat is sent.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum HeartbeatMode {
    /// When nothing was sent to the client for the timeout.
    Idle,
    /// Every timeout.
    Interval,
}

/// Bytes that a ping or pong holds (RFC 6455 5.5).
const CONTROL_MAX: usize = 125;

impl Control {
    /// Reads the JSON after `c:`.
    pub fn parse(json: &[u8]) -> Result<Self, Misfit> {
        let mut object = Object::parse(json)?;
        let read = object.need("type", |name| choice(name, &READERS))?;
        read(&mut object)
    }
}

type Reader = fn(&mut Object) -> Result<Control, Misfit>;

const READERS: [(&str, Reader); 8] = [
    ("subscribe", subscribe),
    ("unsubscribe", unsubscribe),
    ("set-meta", set_meta),
    ("session", session),
    ("keep-alive", keep_alive),
    ("send-delayed", send_delayed),
    ("flush-delayed", |_| Ok(Control::FlushDelayed)),
    ("detach", |_| Ok(Control::Detach)),
];

fn subscribe(object: &mut Object) -> Result<Control, Misfit> {
    Ok(Control::Subscribe {
        channel: object.need("channel", name)?,
        filters: object.take("filters", strings)?.unwrap_or_default(),
    })
}

fn unsubscribe(object: &mut Object) -> Result<Control, Misfit> {
    Ok(Control::Unsubscribe { channel: object.need("channel", name)? })
}

fn set_meta(object: &mut Object) -> Result<Control, Misfit> {
    Ok(Control::SetMeta { name: object.need("name", name)?, value: object.take("value", string)? })
}

fn session(object: &mut Object) -> Result<Control, Misfit> {
    object.take("id", string)?;
    Ok(Control::Session)
}

fn keep_alive(object: &mut Object) -> Result<Control, Misfit> {
    let Some(message) = message(object)? else { return Ok(Control::KeepAlive(None)) };
    let mode = object.take("mode", string)?;
    let mode = match mode.as_deref() {
        Some("interval") => HeartbeatMode::Interval,
        _ => HeartbeatMode::Idle,
    };
    let timeout = timeout(object)?;
    Ok(Control::KeepAlive(Some(Heartbeat { message, mode, timeout })))
}

fn send_delayed(object: &mut Object) -> Result<Control, Misfit> {
    let empty = Message { kind: WsType::Text, payload: Bytes::new() };
    let message = message(object)?.unwrap_or(empty);
    Ok(Control::SendDelayed { message, delay: timeout(object)? })
}

/// The message that `content`, `content-bin` and `message-type` describe (CTL-43, CTL-44); `None` if there is
/// neither content nor a type that needs none.
fn message(object: &mut Object) -> Result<Option<Message>, Misfit> {
    let kind = object.take("message-type", |value| choice(value, &KINDS))?;
    let binary = object.take("content-bin", base64)?;
    let text = object.take("content", text)?;
    let usual = if binary.is_some() { WsType::Binary } else { WsType::Text };
    let kind = kind.unwrap_or(usual);
    let is_control = matches!(kind, WsType::Ping | WsType::Pong);
    let payload = binary.or(text).or(is_control.then(Bytes::new));
    if is_control && payload.as_ref().is_some_and(|payload| payload.len() > CONTROL_MAX) {
        return Err(Flaw::TooManyBytes(CONTROL_MAX).into());
    }
    Ok(payload.map(|payload| Message { kind, payload }))
}

const KINDS: [(&str, WsType); 4] = [
    ("text", WsType::Text),
    ("binary", WsType::Binary),
    ("ping", WsType::Ping),
    ("pong", WsType::Pong),
];

fn name(value: Json<'_>) -> Result<String, Misfit> {
    match string(value)? {
        empty if empty.is_empty() => Err(Flaw::Missing.into()),
        name => Ok(name),
    }
}

/// A number of seconds; 0 says as little as none.
fn timeout(object: &mut Object) -> Result<Option<Span>, Misfit> {
    let seconds = object.take("timeout", whole)?;
    Ok(seconds.filter(|seconds| *seconds > 0).map(Span::from_secs))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(json: &str) -> Result<Control, String> {
        Control::parse(json.as_bytes()).map_err(|misfit| misfit.to_string())
    }

    /// 0 seconds: it does not say.
    fn beat(kind: WsType, payload: &'static str, mode: HeartbeatMode, secs: u64) -> Control {
        let message = Message { kind, payload: payload.into() };
        let timeout = (secs > 0).then_some(Span::from_secs(secs));
        Control::KeepAlive(Some(Heartbeat { message, mode, timeout }))
    }

    #[test]
    fn ctl_1_members_that_nobody_knows_are_ignored() {
        let subscribe = |channel: &str, filters: &[&str]| Control::Subscribe {
            channel: channel.to_owned(),
            filters: filters.iter().map(|it| it.to_string()).collect(),
        };
        let meta = |value: Option<&str>| Control::SetMeta {
            name: "user".to_owned(),
            value: value.map(str::to_owned),
        };
        let cases = [
            (r#"{"type":"subscribe","channel":"a","x":1}"#, subscribe("a", &[])),
            (
                r#"{"type":"subscribe","channel":"a","filters":["f","g"]}"#,
                subscribe("a", &["f", "g"]),
            ),
            (
                r#"{"type":"unsubscribe","channel":"a"}"#,
                Control::Unsubscribe { channel: "a".to_owned() },
            ),
            (r#"{"type":"set-meta","name":"user","value":"u"}"#, meta(Some("u"))),
            (r#"{"type":"set-meta","name":"user"}"#, meta(None)),
            (r#"{"type":"session","id":"s"}"#, Control::Session),
            (r#"{"type":"session"}"#, Control::Session),
            (r#"{"type":"flush-delayed"}"#, Control::FlushDelayed),
            (r#"{"type":"detach"}"#, Control::Detach),
        ];
        for (json, expected) in cases {
            assert_eq!(parse(json), Ok(expected), "{json}");
        }
    }

    #[test]
    fn ctl_2_what_is_refused() {
        let cases = [
            ("", "not JSON"),
            ("[]", "not an object"),
            ("{}", "type: missing"),
            (r#"{"type":1}"#, "type: not a string"),
            (r#"{"type":"nothing"}"#, "type: not one of subscribe"),
            (r#"{"type":"subscribe"}"#, "channel: missing"),
            (r#"{"type":"subscribe","channel":""}"#, "channel: missing"),
            (r#"{"type":"subscribe","channel":1}"#, "channel: not a string"),
            (r#"{"type":"subscribe","channel":"a","filters":"f"}"#, "filters: not an array"),
            (r#"{"type":"subscribe","channel":"a","filters":[1]}"#, "filters[0]: not a string"),
            (r#"{"type":"unsubscribe"}"#, "channel: missing"),
            (r#"{"type":"set-meta","value":"x"}"#, "name: missing"),
            (r#"{"type":"set-meta","name":"x","value":1}"#, "value: not a string"),
            (r#"{"type":"session","id":1}"#, "id: not a string"),
        ];
        for (json, expected) in cases {
            let error = parse(json).expect_err("every case is one");
            assert!(error.starts_with(expected), "{json}: {error}");
        }
    }

    #[test]
    fn ctl_40_heartbeats() {
        use HeartbeatMode::{Idle, Interval};
        let cases = [
            (r#""content":"x""#, beat(WsType::Text, "x", Idle, 0)),
            (r#""content":"""#, beat(WsType::Text, "", Idle, 0)),
            (r#""content":"x","timeout":0"#, beat(WsType::Text, "x", Idle, 0)),
            (r#""content":"x","timeout":"7""#, beat(WsType::Text, "x", Idle, 7)),
            (
                r#""content":"x","timeout":7,"mode":"interval""#,
                beat(WsType::Text, "x", Interval, 7),
            ),
            (r#""content":"x","mode":"new""#, beat(WsType::Text, "x", Idle, 0)),
            (r#""content":"x","message-type":"ping""#, beat(WsType::Ping, "x", Idle, 0)),
        ];
        for (members, expected) in cases {
            assert_eq!(parse(&format!(r#"{{"type":"keep-alive",{members}}}"#)), Ok(expected));
        }
        for bad in [r#""timeout":-1"#, r#""message-type":"odd""#, r#""content-bin":"*""#] {
            assert!(parse(&format!(r#"{{"type":"keep-alive","content":"x",{bad}}}"#)).is_err());
        }
    }

    #[test]
    fn ctl_42_no_content_turns_heartbeats_off() {
        assert_eq!(parse(r#"{"type":"keep-alive","timeout":5}"#), Ok(Control::KeepAlive(None)));
    }

    #[test]
    fn ctl_43_a_ping_needs_no_content_and_has_a_limit() {
        let ping = beat(WsType::Ping, "", HeartbeatMode::Idle, 0);
        assert_eq!(parse(r#"{"type":"keep-alive","message-type":"ping"}"#), Ok(ping));
        let long = "x".repeat(126);
        let json = format!(r#"{{"type":"keep-alive","message-type":"ping","content":"{long}"}}"#);
        assert!(parse(&json).is_err());
    }

    #[test]
    fn ctl_44_base64_content_is_binary_unless_said_otherwise() {
        let binary = beat(WsType::Binary, "hi", HeartbeatMode::Idle, 0);
        assert_eq!(parse(r#"{"type":"keep-alive","content-bin":"aGk="}"#), Ok(binary));
        let text = beat(WsType::Text, "hi", HeartbeatMode::Idle, 0);
        let json = r#"{"type":"keep-alive","content-bin":"aGk=","message-type":"text"}"#;
        assert_eq!(parse(json), Ok(text));
    }

    #[test]
    fn ctl_50_delayed_messages() {
        let delayed = |kind, payload: &'static str, secs| Control::SendDelayed {
            message: Message { kind, payload: payload.into() },
            delay: (secs > 0).then_some(Span::from_secs(secs)),
        };
        let cases = [
            (r#"{"type":"send-delayed"}"#, delayed(WsType::Text, "", 0)),
            (r#"{"type":"send-delayed","content":"x","timeout":0}"#, delayed(WsType::Text, "x", 0)),
            (
                r#"{"type":"send-delayed","content-bin":"aGk","timeout":9}"#,
                delayed(WsType::Binary, "hi", 9),
            ),
        ];
        for (json, expected) in cases {
            assert_eq!(parse(json), Ok(expected), "{json}");
        }
    }
}
