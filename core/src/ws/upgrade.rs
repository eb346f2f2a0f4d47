//! A client's handshake, judged and answered (RFC 6455 sections 4.1 and 4.2).

use bytes::Bytes;
use http::{Method, StatusCode};

use super::{extensions, key};
use crate::message::{BodySize, Fields, RequestHead, Response, ResponseHead, Version};

/// Whether a request asks for a WebSocket.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Upgrade {
    /// No: it is a request like others.
    None,
    /// Yes, and it may have one.
    Valid(Accept),
    /// It does, in a way that nobody can grant. Give this answer and close (WS-2).
    Invalid(Response),
}

/// What a client's key asks for; with it the upgrade is granted when the backend has agreed.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Accept([u8; 20]);

impl Upgrade {
    /// Judges a request (WS-1 to WS-4).
    pub fn of(head: &RequestHead, body: BodySize) -> Self {
        if !head.fields.has_token("Upgrade", "websocket") {
            return Self::None;
        }
        match judge(head, body) {
            Ok(accept) => Self::Valid(accept),
            Err(problem) => Self::Invalid(problem.answer()),
        }
    }
}

impl Accept {
    /// The 101 for the client: what the backend said beside the handshake, and our side of that (WS-9).
    /// `extension` is what of the backend's extensions is passed down (NAT-10).
    pub fn grant(&self, backend: &Fields, extension: Option<Bytes>) -> ResponseHead {
        let mut head = ResponseHead::new(StatusCode::SWITCHING_PROTOCOLS);
        head.fields = backend.clone();
        remove_handshake(&mut head.fields);
        put(&mut head.fields, "Upgrade", "websocket");
        put(&mut head.fields, "Connection", "Upgrade");
        head.fields.push(ACCEPT.as_bytes(), key::spelled(self.0));
        if let Some(extension) = extension {
            head.fields.push(EXTENSIONS.as_bytes(), extension);
        }
        head
    }
}

/// Takes out of a backend's answer what is between the backend and us alone, accepted or not (WS-9, WS-10).
pub fn remove_handshake(fields: &mut Fields) {
    const OURS: [&str; 4] = ["Upgrade", "Connection", ACCEPT, EXTENSIONS];
    fields.retain(|field| !OURS.iter().any(|name| field.is(name)));
}

pub(super) const KEY: &str = "Sec-WebSocket-Key";
pub(super) const ACCEPT: &str = "Sec-WebSocket-Accept";
pub(super) const VERSION: &str = "Sec-WebSocket-Version";
pub(super) const EXTENSIONS: &str = "Sec-WebSocket-Extensions";

/// The one version there is.
pub(super) const VERSION_13: &str = "13";

pub(super) fn put(fields: &mut Fields, name: &'static str, value: &'static str) {
    fields.push(name.as_bytes(), value.as_bytes());
}

/// What is wrong with an upgrade.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Problem {
    Method,
    HttpVersion,
    Body,
    Connection,
    NoVersion,
    Version,
    Key,
    Extensions,
}

fn judge(head: &RequestHead, body: BodySize) -> Result<Accept, Problem> {
    let fields = &head.fields;
    let require = |holds: bool, problem: Problem| if holds { Ok(()) } else { Err(problem) };
    require(head.method == Method::GET, Problem::Method)?;
    require(head.version == Version::Http11, Problem::HttpVersion)?;
    require(matches!(body, BodySize::Empty | BodySize::Known(0)), Problem::Body)?;
    require(fields.has_token("Connection", "upgrade"), Problem::Connection)?;
    require(fields.has(VERSION), Problem::NoVersion)?;
    require(fields.all(VERSION).all(|it| it == VERSION_13), Problem::Version)?;
    require(extensions::are_valid(fields), Problem::Extensions)?;
    let mut keys = fields.all(KEY);
    match (keys.next(), keys.next()) {
        (Some(key), None) if key::is_key(key) => Ok(Accept(key::digest(key))),
        _ => Err(Problem::Key),
    }
}

impl Problem {
    fn answer(self) -> Response {
        let status = match self {
            Self::Version => StatusCode::UPGRADE_REQUIRED,
            _ => StatusCode::BAD_REQUEST,
        };
        let text = format!("Invalid WebSocket upgrade: {}.", self.text());
        let mut response = Response::text(status, &text);
        if self == Self::Version {
            put(&mut response.head.fields, "Upgrade", "websocket");
            put(&mut response.head.fields, VERSION, VERSION_13);
        }
        response
    }

    const fn text(self) -> &'static str {
        match self {
            Self::Method => "not a GET",
            Self::HttpVersion => "needs HTTP/1.1",
            Self::Body => "has a body",
            Self::Connection => "no upgrade in Connection",
            Self::NoVersion => "no Sec-WebSocket-Version",
            Self::Version => "only version 13 is known",
            Self::Key => "Sec-WebSocket-Key is not 16 bytes in base64",
            Self::Extensions => "malformed Sec-WebSocket-Extensions",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ws_1_an_upgrade_is_granted() {
        for body in [BodySize::Empty, BodySize::Known(0)] {
            let Upgrade::Valid(accept) = Upgrade::of(&request(&[]), body) else {
                panic!("refused with {body:?}");
            };
            assert_eq!(key::spelled(accept.0), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
        }
    }

    #[test]
    fn ws_1_ws_4_upgrade_is_a_list_of_protocols() {
        for value in ["WebSocket", "h2c, websocket", "websocket,h2c"] {
            let upgrade = Upgrade::of(&request(&[("Upgrade", value)]), BodySize::Empty);
            assert!(matches!(upgrade, Upgrade::Valid(_)), "{value}");
        }
        for value in ["", "h2c", "websockets", "websocket/13"] {
            let upgrade = Upgrade::of(&request(&[("Upgrade", value)]), BodySize::Empty);
            assert_eq!(upgrade, Upgrade::None, "{value}");
        }
    }

    #[test]
    fn ws_2_ws_3_bad_upgrades_get_400() {
        let cases = [
            ("Connection", "keep-alive"),
            ("Connection", ""),
            (VERSION, ""),
            (KEY, ""),
            (KEY, "abc"),
            (EXTENSIONS, "a b"),
        ];
        for (name, value) in cases {
            let bad = request(&[(name, value)]);
            assert_eq!(refusal(&bad, BodySize::Empty).head.status, 400, "{name}: {value}");
        }
        let mut twice = request(&[]);
        twice.fields.push(KEY.as_bytes(), &b"dGhlIHNhbXBsZSBub25jZQ=="[..]);
        let post = RequestHead { method: Method::POST, ..request(&[]) };
        let old = RequestHead { version: Version::Http10, ..request(&[]) };
        for bad in [twice, post, old] {
            assert_eq!(refusal(&bad, BodySize::Empty).head.status, 400, "{bad:?}");
        }
        for body in [BodySize::Known(1), BodySize::Unknown] {
            assert_eq!(refusal(&request(&[]), body).head.status, 400, "{body:?}");
        }
        let refusal = refusal(&request(&[(KEY, "abc")]), BodySize::Empty);
        assert_eq!(refusal.head.fields.first("Content-Type").expect("a type"), "text/plain");
        assert!(refusal.body.ends_with(b"\n"));
    }

    #[test]
    fn ws_2_another_version_gets_426_with_ours() {
        for version in ["8", "14", "13, 8", "x"] {
            let refusal = refusal(&request(&[(VERSION, version)]), BodySize::Empty);
            assert_eq!(refusal.head.status, 426, "{version}");
            assert_eq!(refusal.head.fields.first(VERSION).expect("a version"), "13");
        }
        let mut two = request(&[]);
        two.fields.push(VERSION.as_bytes(), &b"8"[..]);
        assert_eq!(refusal(&two, BodySize::Empty).head.status, 426);
    }

    #[test]
    fn ws_9_the_backend_and_the_proxy_share_the_101() {
        let backend: Fields = [
            ("upgrade", "websocket"),
            ("Sec-WebSocket-Protocol", "chat"),
            ("connection", "upgrade"),
            ("sec-websocket-accept", "x"),
            ("Set-Cookie", "a=b"),
            ("sec-websocket-extensions", "grip"),
        ]
        .into_iter()
        .collect();
        let Upgrade::Valid(accept) = Upgrade::of(&request(&[]), BodySize::Empty) else {
            panic!("refused");
        };
        let head = accept.grant(&backend, None);
        let expected: Fields = [
            ("Sec-WebSocket-Protocol", "chat"),
            ("Set-Cookie", "a=b"),
            ("Upgrade", "websocket"),
            ("Connection", "Upgrade"),
            ("Sec-WebSocket-Accept", "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="),
        ]
        .into_iter()
        .collect();
        assert_eq!((head.status.as_u16(), head.fields), (101, expected));

        let head = accept.grant(&backend, Some(Bytes::from_static(b"grip")));
        assert_eq!(head.fields.all(EXTENSIONS).collect::<Vec<_>>(), ["grip"], "NAT-10");
    }

    /// A good upgrade, but that these fields are others, or missing if they are empty.
    fn request(changes: &[(&'static str, &'static str)]) -> RequestHead {
        let good = [
            ("Host", "h"),
            ("Upgrade", "websocket"),
            ("Connection", "keep-alive, Upgrade"),
            (VERSION, VERSION_13),
            (KEY, "dGhlIHNhbXBsZSBub25jZQ=="),
            (EXTENSIONS, "permessage-deflate; client_max_window_bits"),
        ];
        let mut fields: Fields = good.into_iter().collect();
        for (name, value) in changes {
            match value.is_empty() {
                true => fields.remove(name),
                false => fields.set(name, *value),
            }
        }
        RequestHead { method: Method::GET, target: "/".into(), version: Version::Http11, fields }
    }

    fn refusal(head: &RequestHead, body: BodySize) -> Response {
        match Upgrade::of(head, body) {
            Upgrade::Invalid(response) => response,
            upgrade => panic!("{upgrade:?} of {head:?}"),
        }
    }
}
