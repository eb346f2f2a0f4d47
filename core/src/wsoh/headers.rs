//! The header fields of WebSocket-over-HTTP (WOH-1, WOH-2, WOH-12, WOH-13, WOH-30 to WOH-37).

use bytes::Bytes;
use http::{Method, StatusCode};
use thiserror::Error;

use super::ConnectionId;
use crate::ground::Span;
use crate::message::{Field, Fields, RequestHead, ResponseHead, Version, decimal};

/// The media type of events.
pub const MEDIA_TYPE: &str = "application/websocket-events";

const SET_META: &str = "Set-Meta-";
const META: &str = "Meta-";
/// Whatever the route is like: the proxy itself reads the answers.
const ENCODING: &str = "Accept-Encoding";
const EXTENSIONS: &str = "Sec-WebSocket-Extensions";
const INTERVAL: &str = "Keep-Alive-Interval";
const ACCEPTED: &str = "Content-Bytes-Accepted";
const REPLAYED: &str = "Content-Bytes-Replayed";

/// What a session says in every request, beside what the client said in its upgrade.
#[derive(Clone, Copy, Debug)]
pub struct Offer<'a> {
    /// The connection.
    pub id: ConnectionId,
    /// Whether the backend may speak GRIP.
    pub grip: bool,
    /// What the backend wants to be told again.
    pub meta: &'a Meta,
    /// How many bytes of content at the beginning of the body were offered before (WOH-34).
    pub replayed: u64,
}

/// The head of a request to a backend, made of the client's upgrade as rewritten for that backend. What may
/// not come from a client is taken out first (WOH-2).
pub fn request_head(upgrade: RequestHead, offer: &Fields) -> RequestHead {
    let mut fields = upgrade.fields;
    fields.retain(|field| !is_ours(field));
    for field in offer {
        fields.push(field.name.clone(), field.value.clone());
    }
    RequestHead { method: Method::POST, target: upgrade.target, version: Version::Http11, fields }
}

fn is_ours(field: &Field) -> bool {
    const OURS: [&str; 8] = [
        "Upgrade",
        "Accept",
        ENCODING,
        "Content-Type",
        "Content-Length",
        "Connection-Id",
        EXTENSIONS,
        REPLAYED,
    ];
    OURS.iter().any(|name| field.is(name)) || field.begins(META)
}

impl Offer<'_> {
    /// The fields that say this.
    pub fn fields(&self) -> Fields {
        let mut fields = Fields::with_capacity(self.meta.0.len() + 6);
        let mut put = |name: &'static str, value: Bytes| fields.push(name, value);
        put("Connection-Id", self.id.to_bytes());
        put("Content-Type", Bytes::from_static(MEDIA_TYPE.as_bytes()));
        put("Accept", Bytes::from_static(MEDIA_TYPE.as_bytes()));
        put(ENCODING, Bytes::from_static(b"identity"));
        if self.grip {
            put(EXTENSIONS, Bytes::from_static(b"grip"));
        }
        if self.replayed > 0 {
            put(REPLAYED, self.replayed.to_string().into());
        }
        for field in &self.meta.0 {
            fields.push(field.name.clone(), field.value.clone());
        }
        fields
    }
}

/// What the backend wants to be told again with every request: `Meta-` fields (WOH-30).
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Meta(Fields);

/// A session's meta is larger than the limit (WOH-31).
#[derive(Clone, Copy, PartialEq, Eq, Debug, Error)]
#[error("meta of more than {0} bytes")]
pub struct MetaFull(pub usize);

impl Meta {
    /// Takes over what a response sets: an empty value deletes. All together may have `max` bytes.
    pub fn update(&mut self, response: &Fields, max: usize) -> Result<(), MetaFull> {
        for field in response.iter().filter(|field| field.begins(SET_META)) {
            let name = field.name.get(SET_META.len()..).unwrap_or_default();
            if name.is_empty() {
                continue;
            }
            // Copies, so that a small value does not keep a large head alive.
            let name = Bytes::from([META.as_bytes(), name].concat());
            self.0.retain(|kept| !kept.name.eq_ignore_ascii_case(&name));
            if !field.value.is_empty() {
                self.0.push(name, Bytes::copy_from_slice(&field.value));
            }
        }
        match self.size() > max {
            true => Err(MetaFull(max)),
            false => Ok(()),
        }
    }

    fn size(&self) -> usize {
        self.0.iter().map(|field| field.name.len() + field.value.len()).sum()
    }
}

/// Whether a response is a success, so that its body is a list of events (WOH-12). Once a session is open, 204
/// is one too, without events.
pub fn is_success(head: &ResponseHead, open: bool) -> bool {
    match head.status {
        StatusCode::OK => head.fields.first("Content-Type").is_some_and(|value| {
            let end = value.iter().position(|&byte| byte == b';').unwrap_or(value.len());
            let (media_type, _) = value.split_at(end);
            media_type.trim_ascii().eq_ignore_ascii_case(MEDIA_TYPE.as_bytes())
        }),
        StatusCode::NO_CONTENT => open,
        _ => false,
    }
}

/// What a response says of requests without events.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Interval {
    /// As before.
    Unchanged,
    /// No more of them.
    Off,
    /// One whenever there was nothing to say for so long.
    Every(Span),
}

/// Reads `Keep-Alive-Interval`; it is at least `min` (WOH-37, NUM-8).
pub fn interval(response: &Fields, min: Span) -> Interval {
    match response.first(INTERVAL).map(|value| decimal(value)) {
        None => Interval::Unchanged,
        Some(None | Some(0)) => Interval::Off,
        Some(Some(seconds)) => Interval::Every(Span::from_secs(seconds).max(min)),
    }
}

/// Reads `Content-Bytes-Accepted`; `None`: all (WOH-32).
pub fn accepted_bytes(response: &Fields) -> Option<u64> {
    decimal(response.first(ACCEPTED)?)
}

/// Removes what a response says to the proxy and what belongs to the hop of the upgrade (WS-9, WOH-13). What
/// describes the body stays: it goes with the body or not at all.
pub fn remove_private(response: &mut Fields) {
    const PRIVATE: [&str; 7] = [
        "Upgrade",
        "Connection",
        "Sec-WebSocket-Accept",
        EXTENSIONS,
        "Content-Length",
        INTERVAL,
        ACCEPTED,
    ];
    response.retain(|field| !field.begins(SET_META) && !PRIVATE.iter().any(|name| field.is(name)));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn response(status: u16, fields: &[(&'static str, &'static str)]) -> ResponseHead {
        let status = StatusCode::from_u16(status).expect("a status");
        ResponseHead { fields: fields.iter().copied().collect(), ..ResponseHead::new(status) }
    }

    fn lines(fields: &Fields) -> Vec<String> {
        let line = |field: &Field| {
            let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
            format!("{}: {}", text(&field.name), text(&field.value))
        };
        fields.iter().map(line).collect()
    }

    #[test]
    fn woh_1_every_request_repeats_the_upgrade_and_woh_2_what_a_client_may_not_say() {
        let upgrade = RequestHead {
            method: Method::GET,
            target: "/ws?x=1".into(),
            version: Version::Http11,
            fields: Fields::from_iter([
                ("Host", "h"),
                ("cookie", "a=b"),
                ("accept", "*/*"),
                ("accept-encoding", "gzip"),
                ("Connection-Id", "mine"),
                ("content-length", "0"),
                ("Content-Type", "x/y"),
                ("Meta-User", "root"),
                ("meta-", ""),
                ("Sec-WebSocket-Extensions", "permessage-deflate"),
                ("Content-Bytes-Replayed", "9"),
                ("Sec-WebSocket-Key", "k"),
            ]),
        };
        let mut meta = Meta::default();
        let set = Fields::from_iter([("Set-Meta-User", "alice")]);
        meta.update(&set, 99).expect("it is small");
        let id = ConnectionId::from_random([0; 16]);
        let offer = Offer { id, grip: true, meta: &meta, replayed: 3 };
        let head = request_head(upgrade, &offer.fields());
        assert_eq!((head.method, &head.target[..]), (Method::POST, &b"/ws?x=1"[..]));
        let expected = [
            "Host: h",
            "cookie: a=b",
            "Sec-WebSocket-Key: k",
            "Connection-Id: 00000000-0000-4000-8000-000000000000",
            "Content-Type: application/websocket-events",
            "Accept: application/websocket-events",
            "Accept-Encoding: identity",
            "Sec-WebSocket-Extensions: grip",
            "Content-Bytes-Replayed: 3",
            "Meta-User: alice",
        ];
        assert_eq!(lines(&head.fields), expected);
        let quiet = Offer { grip: false, replayed: 0, ..offer }.fields();
        assert!(!quiet.has(EXTENSIONS) && !quiet.has(REPLAYED));
    }

    #[test]
    fn woh_12_success_is_200_with_events() {
        let cases = [
            (response(200, &[("Content-Type", "application/websocket-events")]), true),
            (response(200, &[("content-type", "Application/WebSocket-Events; a=b")]), true),
            (response(200, &[("Content-Type", "text/plain")]), false),
            (response(200, &[]), false),
            (response(201, &[("Content-Type", MEDIA_TYPE)]), false),
        ];
        for (head, expected) in cases {
            assert_eq!(is_success(&head, true), expected, "{head:?}");
        }
        assert!(is_success(&response(204, &[]), true));
        assert!(!is_success(&response(204, &[]), false));
    }

    #[test]
    fn woh_30_meta_is_replaced_and_deleted_by_name_in_any_case() {
        let mut meta = Meta::default();
        let mut set = |fields: &[(&'static str, &'static str)]| {
            meta.update(&fields.iter().copied().collect(), 99).expect("it is small");
            lines(&meta.0)
        };
        assert_eq!(set(&[("Set-Meta-A", "1"), ("X-B", "2")]), ["Meta-A: 1"]);
        assert_eq!(set(&[("set-meta-a", "3"), ("Set-Meta-B", "4")]), ["Meta-a: 3", "Meta-B: 4"]);
        assert_eq!(set(&[("Set-Meta-A", ""), ("Set-Meta-", "5")]), ["Meta-B: 4"]);
    }

    #[test]
    fn woh_31_meta_has_a_limit() {
        let mut meta = Meta::default();
        let mut set =
            |value: &'static str| meta.update(&Fields::from_iter([("Set-Meta-A", value)]), 10);
        assert_eq!(set("1234"), Ok(()));
        assert_eq!(set("12345"), Err(MetaFull(10)));
    }

    #[test]
    fn woh_37_intervals() {
        let cases = [
            ("30", Interval::Every(Span::from_secs(30))),
            ("1", Interval::Every(Span::from_secs(20))),
            ("0", Interval::Off),
            ("-5", Interval::Off),
            ("soon", Interval::Off),
        ];
        for (value, expected) in cases {
            let said = Fields::from_iter([(INTERVAL, value)]);
            assert_eq!(interval(&said, Span::from_secs(20)), expected, "{value}");
        }
        assert_eq!(interval(&Fields::new(), Span::ZERO), Interval::Unchanged);
    }

    #[test]
    fn woh_32_accepted_bytes() {
        for (value, expected) in [("7", Some(7)), ("-7", None), ("x", None), ("0", Some(0))] {
            assert_eq!(accepted_bytes(&Fields::from_iter([(ACCEPTED, value)])), expected);
        }
        assert_eq!(accepted_bytes(&Fields::new()), None);
    }

    #[test]
    fn woh_13_private_fields_are_hidden() {
        let mut fields = Fields::from_iter([
            ("Upgrade", "x"),
            ("connection", "x"),
            ("Sec-WebSocket-Accept", "x"),
            ("Sec-WebSocket-Extensions", "grip"),
            ("Sec-WebSocket-Protocol", "chat"),
            ("Content-Length", "1"),
            ("Keep-Alive-Interval", "1"),
            ("set-meta-a", "1"),
            ("Content-Bytes-Accepted", "1"),
            ("Content-Type", "text/plain"),
        ]);
        remove_private(&mut fields);
        assert_eq!(lines(&fields), ["Sec-WebSocket-Protocol: chat", "Content-Type: text/plain"]);
    }
}
