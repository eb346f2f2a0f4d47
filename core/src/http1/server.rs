//! Our side of a client connection.

use http::Method;

use super::body::{Decoder, Encoder, Piece, Sending};
use super::framing::{self, Framing};
use super::{Received, RequestError, head};
use crate::ground::Limits;
use crate::message::{BodySize, RequestHead, ResponseHead, Version};

/// The state of one client connection: which part of which request is awaited, and how the response under
/// way is framed. A few dozen bytes; holds no data.
///
/// ```text
///   request:   head ──▶ body ──▶ complete ──┐
///                └────────────────▲         ├──▶ next_request ──▶ a new Server
///   response:  idle ──▶ body ──▶ whole ─────┘
///                         └────▶ short ──▶ close
/// ```
#[derive(Debug)]
pub struct Server {
    reading: Reading,
    sending: Encoder,
    version: Version,
    is_head: bool,
    keeps: bool,
}

const _: () = assert!(size_of::<Server>() <= 64, "one for each connection");

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Reading {
    Head,
    Body(Decoder),
    Complete,
}

/// What arrived from the client.
#[derive(Debug, PartialEq, Eq)]
pub enum ServerEvent<'a> {
    /// A request begins. With [`BodySize::Empty`] it is also complete: no `End` follows.
    Head {
        /// The request.
        head: RequestHead,
        /// What body follows.
        body: BodySize,
        /// The client waits for `100 Continue` before it sends the body (FWD-53): send [`Server::CONTINUE`]
        /// when the body is wanted.
        expects_continue: bool,
    },
    /// Body bytes, decoded.
    Data(&'a [u8]),
    /// The body is complete.
    End,
}

impl Default for Server {
    fn default() -> Self {
        Self::new()
    }
}

impl Server {
    /// The interim response that asks for the body.
    pub const CONTINUE: &'static [u8] = b"HTTP/1.1 100 Continue\r\n\r\n";

    /// A connection on which nothing has happened.
    pub fn new() -> Self {
        Self {
            reading: Reading::Head,
            sending: Encoder::Idle,
            version: Version::Http11,
            is_head: false,
            keeps: true,
        }
    }

    /// Reads from `input`. After `End` (or a `Head` without body) it consumes nothing until the response is
    /// finished and [`Self::next_request`] was called: a pipelined request waits (FWD-81).
    ///
    /// While a head is incomplete nothing is consumed. Within a body everything is, even half of a chunk's
    /// size: the state remembers what it was, and the caller keeps nothing. Without input it may still give
    /// `End`; so call it until there is no event.
    ///
    /// # Errors
    /// What the client did wrong. The connection cannot be read any further; answer and close.
    pub fn receive<'a>(
        &mut self,
        input: &'a [u8],
        limits: &Limits,
    ) -> Result<Received<ServerEvent<'a>>, RequestError> {
        match &mut self.reading {
            Reading::Complete => Ok(Received { consumed: 0, event: None }),
            Reading::Head => self.receive_head(input, limits),
            Reading::Body(decoder) => {
                let (consumed, piece) = decoder.decode(input)?;
                let event = match piece {
                    Piece::More => None,
                    Piece::Data(data) => Some(ServerEvent::Data(data)),
                    Piece::End => {
                        self.reading = Reading::Complete;
                        Some(ServerEvent::End)
                    }
                };
                Ok(Received { consumed, event })
            }
        }
    }

    /// Appends the head of the response. Framing fields in `head` are dropped and computed anew: length if
    /// known, else chunked for HTTP/1.1, else until close (FWD-65). Without a body where HTTP says so:
    /// `HEAD` (the origin's length is announced if `body` is `Known`), 204, 304.
    pub fn respond(&mut self, head: &ResponseHead, body: BodySize, out: &mut Vec<u8>) {
        let bodiless = head.is_bodiless();
        let framing = match body {
            _ if bodiless => Framing::Unsaid,
            BodySize::Empty if self.is_head => Framing::Unsaid,
            BodySize::Empty => Framing::Length(0),
            BodySize::Known(length) => Framing::Length(length),
            BodySize::Unknown if self.version == Version::Http11 => Framing::Chunked,
            BodySize::Unknown => Framing::Unsaid,
        };
        self.sending = match framing {
            _ if bodiless || self.is_head => Encoder::Nothing,
            Framing::Length(length) => Encoder::Length(length),
            Framing::Chunked => Encoder::Chunked,
            Framing::Unsaid => Encoder::Close,
        };
        // A request that is not read to its end leaves the connection at an unknown place (FWD-58).
        self.keeps &= self.sending != Encoder::Close && self.reading == Reading::Complete;
        self.write_status(head, out);
        framing::write_fields(&head.fields, out);
        framing::write(framing, out);
        match (self.keeps, self.version) {
            (false, _) => framing::write_field(b"Connection", b"close", out),
            (true, Version::Http10) => framing::write_field(b"Connection", b"keep-alive", out),
            (true, Version::Http11) => {}
        }
        out.extend_from_slice(b"\r\n");
    }

    /// Appends the head of a 101. What follows on the connection, either way, is not HTTP.
    pub fn switch(&mut self, head: &ResponseHead, out: &mut Vec<u8>) {
        self.keeps = false;
        self.sending = Encoder::Whole;
        self.write_status(head, out);
        framing::write_fields(&head.fields, out);
        framing::write_field(b"Connection", b"Upgrade", out);
        out.extend_from_slice(b"\r\n");
    }

    /// Appends body bytes as the response's framing wants them. Bytes beyond a known length, and all bytes
    /// of a response without body, are dropped. Returns how many were taken.
    pub fn send(&mut self, data: &[u8], out: &mut Vec<u8>) -> usize {
        self.sending.send(data, out)
    }

    /// The part of `data` to write as it is, counted as sent; `None` if the framing needs [`Self::send`]. Saves
    /// a copy of every byte of a large body.
    pub fn pass<'a>(&mut self, data: &'a [u8]) -> Option<&'a [u8]> {
        self.sending.pass(data)
    }

    /// How the body of the response under way is framed, for callers that render one piece of data once
    /// for many connections.
    pub fn sending(&self) -> Sending {
        self.sending.sending()
    }

    /// Ends the body, appending the last chunk if there is one.
    pub fn finish(&mut self, out: &mut Vec<u8>) {
        self.sending.finish(out);
    }

    /// After the response: whether the connection may carry another request. False when either side said
    /// close, the body has no other end, the announced length was not reached, or the request body was not
    /// read to its end.
    pub fn next_request(&mut self) -> bool {
        let is_over = self.sending == Encoder::Whole && self.reading == Reading::Complete;
        let next = self.keeps && is_over;
        if next {
            *self = Self::new();
        }
        next
    }

    /// No further request after this one: the response's head will say `Connection: close`.
    pub fn close_after(&mut self) {
        self.keeps = false;
    }

    fn receive_head<'a>(
        &mut self,
        input: &'a [u8],
        limits: &Limits,
    ) -> Result<Received<ServerEvent<'a>>, RequestError> {
        let Some(head::Read { head, version, said, len }) = head::request(input, limits)? else {
            return Ok(Received { consumed: 0, event: None });
        };
        let (reading, body) = match said.of_request(version)? {
            Framing::Unsaid => (Reading::Complete, BodySize::Empty),
            Framing::Length(0) => (Reading::Complete, BodySize::Known(0)),
            Framing::Length(len) => (Reading::Body(Decoder::Length(len)), BodySize::Known(len)),
            Framing::Chunked => (Reading::Body(Decoder::CHUNKED), BodySize::Unknown),
        };
        self.reading = reading;
        self.version = version;
        self.is_head = head.method == Method::HEAD;
        self.keeps &= said.persists(version);
        let expects_continue =
            said.expects_continue && reading != Reading::Complete && version == Version::Http11;
        let event = ServerEvent::Head { head, body, expects_continue };
        Ok(Received { consumed: len, event: Some(event) })
    }

    fn write_status(&self, head: &ResponseHead, out: &mut Vec<u8>) {
        out.extend_from_slice(match self.version {
            Version::Http10 => b"HTTP/1.0 ",
            Version::Http11 => b"HTTP/1.1 ",
        });
        out.extend_from_slice(head.status.as_str().as_bytes());
        out.push(b' ');
        out.extend_from_slice(&head.reason);
        out.extend_from_slice(b"\r\n");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::StatusCode;

    #[test]
    fn fwd_81_a_pipelined_request_waits() {
        let mut server = Server::new();
        let input = b"POST /1 HTTP/1.1\r\nContent-Length: 3\r\n\r\nabcGET /2 HTTP/1.1\r\n\r\n";
        let (events, rest) = run(&mut server, input);
        assert_eq!(events, ["head /1 Known(3)", "data abc", "end"]);
        assert_eq!(run(&mut server, rest), (vec![], rest));
        assert!(!server.next_request(), "not answered yet");
        assert!(answer(&mut server, BodySize::Known(0), b"").starts_with("HTTP/1.1 200 OK\r\n"));
        assert!(server.next_request());
        assert_eq!(run(&mut server, rest), (vec!["head /2 Empty".to_owned()], &b""[..]));
    }

    #[test]
    fn fwd_82_an_announced_empty_body_is_complete() {
        let mut server = Server::new();
        let (events, _) = run(&mut server, b"POST / HTTP/1.1\r\nContent-Length: 0\r\n\r\n");
        assert_eq!(events, ["head / Known(0)"]);
        assert_eq!(answer(&mut server, BodySize::Known(2), b"ok"), ok("Content-Length: 2", "ok"));
        assert!(server.next_request());
    }

    #[test]
    fn ws_9_nothing_of_http_follows_a_101() {
        let mut server = Server::new();
        let (_, frames) = run(&mut server, b"GET / HTTP/1.1\r\nUpgrade: x\r\n\r\nframes");
        let mut head = ResponseHead::new(StatusCode::SWITCHING_PROTOCOLS);
        head.fields = [("Upgrade", "x"), ("connection", "x")].into_iter().collect();
        let mut out = Vec::new();
        server.switch(&head, &mut out);
        let expected =
            "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\n";
        assert_eq!(String::from_utf8(out.clone()).expect("text"), expected);
        assert_eq!(run(&mut server, frames), (vec![], frames));
        server.finish(&mut out);
        assert_eq!(out.len(), expected.len());
        assert!(!server.next_request());
    }

    #[test]
    fn bytes_that_pass_as_they_are_count_towards_the_length() {
        let mut server = Server::new();
        run(&mut server, b"GET / HTTP/1.1\r\n\r\n");
        let mut out = Vec::new();
        server.respond(&ResponseHead::new(StatusCode::OK), BodySize::Known(5), &mut out);
        assert_eq!(server.pass(b"abc"), Some(&b"abc"[..]));
        assert_eq!(server.pass(b"defg"), Some(&b"de"[..]), "no more than announced");
        server.finish(&mut out);
        assert!(server.next_request());
        run(&mut server, b"GET / HTTP/1.1\r\n\r\n");
        server.respond(&ResponseHead::new(StatusCode::OK), BodySize::Unknown, &mut out);
        assert_eq!(server.pass(b"abc"), None, "chunks need framing");
    }

    #[test]
    fn fwd_53_continue_is_for_http_11_with_a_body() {
        let cases = [
            ("POST / HTTP/1.1\r\nExpect: 100-Continue\r\nContent-Length: 1\r\n\r\n", true),
            ("POST / HTTP/1.1\r\nExpect: 100-continue\r\nTransfer-Encoding: chunked\r\n\r\n", true),
            ("POST / HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 0\r\n\r\n", false),
            ("POST / HTTP/1.1\r\nExpect: 100-continue\r\n\r\n", false),
            ("POST / HTTP/1.0\r\nExpect: 100-continue\r\nContent-Length: 1\r\n\r\n", false),
            ("POST / HTTP/1.1\r\nExpect: 200-ok\r\nContent-Length: 1\r\n\r\n", false),
        ];
        for (input, expected) in cases {
            let received = Server::new().receive(input.as_bytes(), &Limits::default());
            let Ok(Received { event: Some(ServerEvent::Head { expects_continue, .. }), .. }) =
                received
            else {
                panic!("{input:?}: {received:?}");
            };
            assert_eq!(expects_continue, expected, "{input:?}");
        }
    }

    #[test]
    fn framing_fields_are_the_wires_own() {
        let input =
            b"GET / HTTP/1.1\r\nContent-Length: 0\r\nA: b\r\nConnection: x\r\nTE: y\r\n\r\n";
        let received = Server::new().receive(input, &Limits::default()).expect("good");
        let Some(ServerEvent::Head { head, .. }) = received.event else { panic!("no head") };
        let names: Vec<_> = head.fields.iter().map(|field| &field.name[..]).collect();
        assert_eq!(names, [&b"A"[..], b"Connection", b"TE"]);

        let mut server = asked("GET / HTTP/1.1\r\n\r\n");
        let mut head = ResponseHead::new(StatusCode::OK);
        for name in ["content-length", "Transfer-Encoding", "connection", "Keep-Alive", "Kept"] {
            head.fields.push(name, "9");
        }
        let mut out = Vec::new();
        server.respond(&head, BodySize::Known(1), &mut out);
        assert_eq!(out, b"HTTP/1.1 200 OK\r\nKept: 9\r\nContent-Length: 1\r\n\r\n");
    }

    #[test]
    fn fwd_65_fwd_66_fwd_67_framing_by_version() {
        const HTTP10: &str = "GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n";
        let chunked = "5\r\nhello\r\n0\r\n\r\n";
        let mut server = asked("GET / HTTP/1.1\r\n\r\n");
        let sent = answer(&mut server, BodySize::Unknown, b"hello");
        assert_eq!(sent, ok("Transfer-Encoding: chunked", chunked));
        assert!(server.next_request());

        let mut server = asked(HTTP10);
        let sent = answer(&mut server, BodySize::Known(5), b"hello");
        let expected = ok("Content-Length: 5\r\nConnection: keep-alive", "hello");
        assert_eq!(sent, expected.replace("1.1", "1.0"));
        assert!(server.next_request());

        let mut server = asked(HTTP10);
        let sent = answer(&mut server, BodySize::Unknown, b"hello");
        assert_eq!(sent, ok("Connection: close", "hello").replace("1.1", "1.0"));
        assert!(!server.next_request());
    }

    #[test]
    fn fwd_80_close_is_said_and_done() {
        for input in [
            "GET / HTTP/1.1\r\nConnection: Close\r\n\r\n",
            "GET / HTTP/1.0\r\n\r\n",
            "GET / HTTP/1.0\r\nConnection: keep-alive, close\r\n\r\n",
        ] {
            let mut server = asked(input);
            let sent = answer(&mut server, BodySize::Known(0), b"");
            assert!(sent.ends_with("\r\nConnection: close\r\n\r\n"), "{sent}");
            assert!(!server.next_request());
        }
        let mut server = Server::new();
        server.close_after();
        run(&mut server, b"GET / HTTP/1.1\r\n\r\n");
        assert_eq!(
            answer(&mut server, BodySize::Empty, b""),
            ok("Content-Length: 0\r\nConnection: close", "")
        );
        assert!(!server.next_request());
    }

    #[test]
    fn fwd_68_no_body_where_none_belongs() {
        let mut server = asked("HEAD / HTTP/1.1\r\n\r\n");
        assert_eq!(answer(&mut server, BodySize::Known(5), b"hello"), ok("Content-Length: 5", ""));
        assert!(server.next_request());
        let mut server = asked("HEAD / HTTP/1.1\r\n\r\n");
        let sent = answer(&mut server, BodySize::Unknown, b"hello");
        assert_eq!(sent, ok("Transfer-Encoding: chunked", ""));
        let mut server = asked("HEAD / HTTP/1.1\r\n\r\n");
        assert_eq!(answer(&mut server, BodySize::Empty, b""), "HTTP/1.1 200 OK\r\n\r\n");

        for (status, size) in [(204, BodySize::Unknown), (304, BodySize::Known(5))] {
            let mut server = asked("GET / HTTP/1.1\r\n\r\n");
            let head = ResponseHead::new(StatusCode::from_u16(status).expect("a status"));
            let mut out = Vec::new();
            server.respond(&head, size, &mut out);
            assert_eq!(server.sending(), Sending::Nothing);
            assert_eq!(server.send(b"hello", &mut out), 0);
            server.finish(&mut out);
            let text = String::from_utf8(out).expect("ASCII");
            assert_eq!(text.split_once("\r\n").map(|(_, rest)| rest), Some("\r\n"), "{text}");
            assert!(server.next_request());
        }
    }

    #[test]
    fn fwd_71_a_short_response_ends_the_connection() {
        let mut server = asked("GET / HTTP/1.1\r\n\r\n");
        assert_eq!(
            answer(&mut server, BodySize::Known(5), b"hell"),
            ok("Content-Length: 5", "hell")
        );
        let mut out = Vec::new();
        server.finish(&mut out);
        assert!(!server.next_request() && out.is_empty());
    }

    #[test]
    fn fwd_58_an_unread_request_ends_the_connection() {
        let mut server = asked("POST / HTTP/1.1\r\nContent-Length: 3\r\n\r\nab");
        let sent = answer(&mut server, BodySize::Known(0), b"");
        assert_eq!(sent, ok("Content-Length: 0\r\nConnection: close", ""));
        run(&mut server, b"c");
        assert!(!server.next_request(), "the response has said close");
    }

    #[test]
    fn lim_31_a_refusal_is_http_11_and_closes() {
        for (input, status) in [
            ("G@T", 400),
            ("GET / HTTP/1.1\r\nContent-Length: x\r\n\r\n", 400),
            ("GET / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n", 400),
            ("GET / HTTP/1.1\r\nTransfer-Encoding: gzip\r\n\r\n", 501),
            ("GET / HTTP/3.0", 505),
            ("GET /very/long/indeed", 414),
            ("G / HTTP/1.1\r\nA: b\r\n", 431),
        ] {
            let mut server = Server::new();
            let limits = Limits { head_bytes: input.len(), ..Limits::default() };
            let error = server.receive(input.as_bytes(), &limits).expect_err(input);
            assert_eq!(error.status().as_u16(), status, "{input:?}");
            let sent = answer(&mut server, BodySize::Known(0), b"");
            assert_eq!(sent, ok("Content-Length: 0\r\nConnection: close", ""));
            assert!(!server.next_request());
        }
    }

    fn asked(input: &str) -> Server {
        let mut server = Server::new();
        run(&mut server, input.as_bytes());
        server
    }

    fn run<'a>(server: &mut Server, mut input: &'a [u8]) -> (Vec<String>, &'a [u8]) {
        let mut events = Vec::new();
        loop {
            let received = server.receive(input, &Limits::default()).expect("good");
            input = &input[received.consumed..];
            events.push(match received.event {
                None => return (events, input),
                Some(ServerEvent::Head { head, body, .. }) => {
                    format!("head {} {body:?}", String::from_utf8_lossy(&head.target))
                }
                Some(ServerEvent::Data(data)) => format!("data {}", String::from_utf8_lossy(data)),
                Some(ServerEvent::End) => "end".to_owned(),
            });
        }
    }

    fn answer(server: &mut Server, size: BodySize, body: &[u8]) -> String {
        let mut out = Vec::new();
        server.respond(&ResponseHead::new(StatusCode::OK), size, &mut out);
        server.send(body, &mut out);
        server.finish(&mut out);
        String::from_utf8(out).expect("ASCII")
    }

    fn ok(fields: &str, body: &str) -> String {
        format!("HTTP/1.1 200 OK\r\n{fields}\r\n\r\n{body}")
    }
}
