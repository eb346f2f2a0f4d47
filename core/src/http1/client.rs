//! Our side of an origin connection.

use http::{Method, StatusCode};

use super::body::{Decoder, Encoder, Piece};
use super::framing::{self, Framing};
use super::{Received, ResponseError, head};
use crate::ground::Limits;
use crate::message::{BodySize, RequestHead, ResponseHead};

/// Interim responses that are swallowed before an answer.
const INTERIM_MAX: u8 = 16;

/// The state of one origin connection. A few dozen bytes; holds no data.
#[derive(Debug)]
pub struct Client {
    sending: Encoder,
    reading: Reading,
    interim: u8,
    is_head: bool,
    keeps: bool,
}

const _: () = assert!(size_of::<Client>() <= 64, "one for each connection");

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Reading {
    /// No request is under way.
    Idle,
    Head,
    /// The head of the answer to an upgrade, which 101 is one of.
    Switch,
    Body(Decoder),
    Complete,
}

/// What arrived from the origin.
#[derive(Debug, PartialEq, Eq)]
pub enum ClientEvent<'a> {
    /// The final response begins; interim ones are swallowed (FWD-69).
    Head {
        /// The response. Framing fields are taken out.
        head: ResponseHead,
        /// The size of the body as announced. For a `HEAD` request this is what a `GET` would have.
        body: BodySize,
        /// No body follows: the response is complete, and no `End` will tell.
        complete: bool,
    },
    /// Body bytes, decoded.
    Data(&'a [u8]),
    /// The body is complete.
    End,
}

impl Default for Client {
    fn default() -> Self {
        Self::new()
    }
}

impl Client {
    /// A connection on which nothing has happened.
    pub fn new() -> Self {
        Self {
            sending: Encoder::Idle,
            reading: Reading::Idle,
            interim: 0,
            is_head: false,
            keeps: true,
        }
    }

    /// Appends the head of a request. Framing fields in `head` are dropped and computed from `body`
    /// (FWD-55, FWD-56): `Known` gives `Content-Length`, `Unknown` chunked, `Empty` nothing for GET, HEAD and
    /// OPTIONS and `Content-Length: 0` for others. Always HTTP/1.1.
    pub fn request(&mut self, head: &RequestHead, body: BodySize, out: &mut Vec<u8>) {
        let framing = match body {
            BodySize::Known(length) => Framing::Length(length),
            BodySize::Unknown => Framing::Chunked,
            BodySize::Empty
                if [Method::GET, Method::HEAD, Method::OPTIONS].contains(&head.method) =>
            {
                Framing::Unsaid
            }
            BodySize::Empty => Framing::Length(0),
        };
        self.sending = match framing {
            Framing::Unsaid | Framing::Length(0) => Encoder::Nothing,
            Framing::Length(length) => Encoder::Length(length),
            Framing::Chunked => Encoder::Chunked,
        };
        self.reading = Reading::Head;
        self.write_head(head, out);
        framing::write(framing, out);
        out.extend_from_slice(b"\r\n");
    }

    /// Appends the head of a request without body that asks for another protocol. If the answer is 101, it is
    /// complete, and whatever follows is not HTTP.
    pub fn upgrade(&mut self, head: &RequestHead, out: &mut Vec<u8>) {
        self.sending = Encoder::Nothing;
        self.reading = Reading::Switch;
        self.write_head(head, out);
        framing::write_field(b"Connection", b"Upgrade", out);
        out.extend_from_slice(b"\r\n");
    }

    /// Appends request body bytes as their framing wants them; what is beyond the length is dropped.
    pub fn send(&mut self, data: &[u8], out: &mut Vec<u8>) -> usize {
        self.sending.send(data, out)
    }

    /// Ends the request body.
    pub fn finish(&mut self, out: &mut Vec<u8>) {
        self.sending.finish(out);
    }

    /// Reads from `input`. Nothing is consumed beyond the end of the response, and nothing of an incomplete
    /// head. Within a body everything is, even half of a chunk's size: the state remembers what it was, and
    /// the caller keeps nothing. Without input it may still give `End`; so call it until there is no event.
    ///
    /// # Errors
    /// What the origin did wrong. The connection is of no further use.
    pub fn receive<'a>(
        &mut self,
        input: &'a [u8],
        limits: &Limits,
    ) -> Result<Received<ClientEvent<'a>>, ResponseError> {
        match &mut self.reading {
            Reading::Idle | Reading::Complete => {
                self.keeps &= input.is_empty();
                Ok(Received { consumed: 0, event: None })
            }
            Reading::Head | Reading::Switch => self.receive_head(input, limits),
            Reading::Body(decoder) => {
                let (consumed, piece) = decoder.decode(input)?;
                let event = match piece {
                    Piece::More => None,
                    Piece::Data(data) => Some(ClientEvent::Data(data)),
                    Piece::End => {
                        self.complete();
                        Some(ClientEvent::End)
                    }
                };
                Ok(Received { consumed, event })
            }
        }
    }

    /// The origin closed its side. `Ok` if that ends a body, or nothing more was to come.
    ///
    /// # Errors
    /// [`ResponseError::Truncated`] if the response is cut short (FWD-71).
    pub fn closed(&mut self) -> Result<(), ResponseError> {
        self.keeps = false;
        match self.reading {
            Reading::Idle | Reading::Complete => Ok(()),
            Reading::Body(Decoder::Close | Decoder::Length(0)) => {
                self.reading = Reading::Complete;
                Ok(())
            }
            Reading::Head | Reading::Switch | Reading::Body(_) => Err(ResponseError::Truncated),
        }
    }

    /// Whether the exchange is complete on both sides and the connection may carry another (FWD-69). Bytes
    /// that came beyond the response make it false; the caller checks its own unconsumed input too.
    pub fn is_reusable(&self) -> bool {
        self.keeps && matches!(self.reading, Reading::Complete | Reading::Idle)
    }

    /// An origin that answers before it has read the request need not ever read it.
    fn complete(&mut self) {
        self.keeps &= matches!(self.sending, Encoder::Nothing | Encoder::Whole);
        self.reading = Reading::Complete;
    }

    /// Appends the request line and the fields, all but those of the wire.
    fn write_head(&mut self, head: &RequestHead, out: &mut Vec<u8>) {
        self.interim = 0;
        self.is_head = head.method == Method::HEAD;
        out.extend_from_slice(head.method.as_str().as_bytes());
        out.push(b' ');
        out.extend_from_slice(&head.target);
        out.extend_from_slice(b" HTTP/1.1\r\n");
        framing::write_fields(&head.fields, out);
    }

    fn receive_head<'a>(
        &mut self,
        input: &'a [u8],
        limits: &Limits,
    ) -> Result<Received<ClientEvent<'a>>, ResponseError> {
        let (mut consumed, mut rest) = (0, input);
        while let Some(read) = head::response(rest, limits)? {
            consumed += read.len;
            rest = input.get(consumed..).unwrap_or_default();
            let switches = read.head.status == StatusCode::SWITCHING_PROTOCOLS;
            let wanted = switches && self.reading == Reading::Switch;
            if wanted || !read.head.status.is_informational() {
                let event = Some(self.begin(read)?);
                return Ok(Received { consumed, event });
            }
            self.interim += 1;
            if switches || self.interim > INTERIM_MAX {
                return Err(ResponseError::Interim);
            }
        }
        Ok(Received { consumed, event: None })
    }

    fn begin<'a>(
        &mut self,
        read: head::Read<ResponseHead>,
    ) -> Result<ClientEvent<'a>, ResponseError> {
        let head::Read { head, version, said, .. } = read;
        let framing = said.of_response()?;
        self.keeps &= said.persists(version) && !head.status.is_informational();
        let bodiless = self.is_head || head.is_bodiless();
        let (decoder, body) = match framing {
            Framing::Length(length) => (Decoder::Length(length), BodySize::Known(length)),
            Framing::Chunked => (Decoder::CHUNKED, BodySize::Unknown),
            // Without a body nothing is announced, and nothing is to be announced to the client.
            Framing::Unsaid if bodiless => (Decoder::Close, BodySize::Empty),
            Framing::Unsaid => (Decoder::Close, BodySize::Unknown),
        };
        let complete = bodiless || framing == Framing::Length(0);
        match complete {
            true => self.complete(),
            false => self.reading = Reading::Body(decoder),
        }
        Ok(ClientEvent::Head { head, body, complete })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::{Fields, Version};

    const CHUNKED: &[u8] =
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n";

    #[test]
    fn fwd_55_fwd_56_requests_are_framed_by_their_body() {
        let cases = [
            (Method::GET, BodySize::Empty, ""),
            (Method::HEAD, BodySize::Empty, ""),
            (Method::OPTIONS, BodySize::Empty, ""),
            (Method::POST, BodySize::Empty, "Content-Length: 0\r\n"),
            (Method::DELETE, BodySize::Empty, "Content-Length: 0\r\n"),
            (Method::GET, BodySize::Known(0), "Content-Length: 0\r\n"),
            (Method::GET, BodySize::Known(3), "Content-Length: 3\r\n"),
            (Method::POST, BodySize::Unknown, "Transfer-Encoding: chunked\r\n"),
        ];
        for (method, body, expected) in cases {
            let (_, out) = ask(method.clone(), body);
            assert_eq!(
                out,
                format!("{method} /x HTTP/1.1\r\nHost: h\r\n{expected}\r\n").into_bytes()
            );
        }
    }

    #[test]
    fn fwd_69_interim_responses_are_swallowed() {
        let (mut client, _) = ask(Method::GET, BodySize::Empty);
        let interim = b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n";
        let (events, rest) = run(&mut client, &[interim, CHUNKED].concat());
        assert_eq!(events, ["200 Unknown", "abc", "end"]);
        assert_eq!(rest, 0);
        assert!(client.is_reusable());

        let (mut client, _) = ask(Method::GET, BodySize::Empty);
        let many = b"HTTP/1.1 102 Processing\r\n\r\n".repeat(INTERIM_MAX.into());
        assert_eq!(client.receive(&many, &Limits::default()).map(|it| it.consumed), Ok(many.len()));
        let one = &many[..many.len() / usize::from(INTERIM_MAX)];
        assert_eq!(client.receive(one, &Limits::default()), Err(ResponseError::Interim));

        let (mut client, _) = ask(Method::GET, BodySize::Empty);
        for _ in 0..2 {
            let events = run(&mut client, &[&many, CHUNKED].concat()).0;
            assert_eq!(events.len(), 3, "each request has its own");
            client.request(&head(Method::GET), BodySize::Empty, &mut Vec::new());
        }

        let (mut client, _) = ask(Method::GET, BodySize::Empty);
        let switch = b"HTTP/1.1 101 Switching Protocols\r\n\r\n";
        assert_eq!(client.receive(switch, &Limits::default()), Err(ResponseError::Interim));
    }

    #[test]
    fn ws_9_101_is_the_answer_to_an_upgrade() {
        let mut out = Vec::new();
        let upgrading = || {
            let mut client = Client::new();
            client.upgrade(&head(Method::GET), &mut Vec::new());
            client
        };
        Client::new().upgrade(&head(Method::GET), &mut out);
        assert_eq!(out, b"GET /x HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\n\r\n");
        let switch = b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 101 Switching Protocols\r\n\r\nframes";
        let mut client = upgrading();
        assert_eq!(run(&mut client, switch), (vec!["101 Empty complete".to_owned()], 6));
        assert!(!client.is_reusable());
        let mut client = upgrading();
        assert_eq!(run(&mut client, CHUNKED).0, ["200 Unknown", "abc", "end"]);
        assert!(client.is_reusable(), "refused, and HTTP goes on");
    }

    #[test]
    fn fwd_69_surplus_bytes_spoil_the_connection() {
        for surplus in ["x", "\r\n", "HTTP/1.1 200 OK\r\n\r\n"] {
            let (mut client, _) = ask(Method::GET, BodySize::Empty);
            let (events, rest) = run(&mut client, &[CHUNKED, surplus.as_bytes()].concat());
            assert_eq!((events.len(), rest), (3, surplus.len()));
            assert!(!client.is_reusable());
        }
        let mut idle = Client::new();
        assert!(idle.is_reusable());
        assert_eq!(run(&mut idle, b"x"), (vec![], 1));
        assert!(!idle.is_reusable());
    }

    #[test]
    fn fwd_68_responses_without_a_body() {
        let cases = [
            (Method::HEAD, "200 OK\r\nContent-Length: 5", "200 Known(5) complete"),
            (Method::HEAD, "200 OK\r\nTransfer-Encoding: chunked", "200 Unknown complete"),
            (Method::HEAD, "200 OK", "200 Empty complete"),
            (Method::GET, "204 No Content", "204 Empty complete"),
            (Method::GET, "304 Not Modified\r\nContent-Length: 5", "304 Known(5) complete"),
            (Method::GET, "200 OK\r\nContent-Length: 0", "200 Known(0) complete"),
        ];
        for (method, head, expected) in cases {
            let (mut client, _) = ask(method, BodySize::Empty);
            let input = format!("HTTP/1.1 {head}\r\n\r\n");
            assert_eq!(
                run(&mut client, input.as_bytes()),
                (vec![expected.to_owned()], 0),
                "{head}"
            );
            assert!(client.is_reusable());
        }
    }

    #[test]
    fn fwd_71_truncation_is_seen() {
        let cases = [
            "",
            "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n",
            "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nabcd",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n",
            "HTTP/1.1 100 Continue\r\n\r\n",
        ];
        for input in cases {
            let (mut client, _) = ask(Method::GET, BodySize::Empty);
            run(&mut client, input.as_bytes());
            assert_eq!(client.closed(), Err(ResponseError::Truncated), "{input:?}");
            assert!(!client.is_reusable());
        }
    }

    #[test]
    fn fwd_71_a_close_can_be_the_end() {
        let (mut client, _) = ask(Method::GET, BodySize::Empty);
        let (events, _) = run(&mut client, b"HTTP/1.1 200 OK\r\n\r\nabc");
        assert_eq!(events, ["200 Unknown", "abc"]);
        assert_eq!(client.closed(), Ok(()));
        assert!(!client.is_reusable());
        assert_eq!(Client::new().closed(), Ok(()));
    }

    #[test]
    fn fwd_69_persistence_of_origins() {
        let cases = [
            ("HTTP/1.1 200 OK\r\nContent-Length: 0", true),
            ("HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: Close", false),
            ("HTTP/1.0 200 OK\r\nContent-Length: 0", false),
            ("HTTP/1.0 200 OK\r\nContent-Length: 0\r\nConnection: keep-alive", true),
            ("HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\nConnection: keep-alive", false),
        ];
        for (head, expected) in cases {
            let (mut client, _) = ask(Method::GET, BodySize::Empty);
            run(&mut client, format!("{head}\r\n\r\n").as_bytes());
            run(&mut client, if head.contains("chunked") { b"0\r\n\r\n" } else { b"" });
            assert_eq!(client.is_reusable(), expected, "{head}");
        }
    }

    #[test]
    fn fwd_58_an_early_answer_spoils_the_connection() {
        let (mut client, mut out) = ask(Method::POST, BodySize::Known(3));
        client.send(b"ab", &mut out);
        assert_eq!(run(&mut client, CHUNKED).0.len(), 3);
        assert!(!client.is_reusable());
        client.send(b"c", &mut out);
        client.finish(&mut out);
        assert!(!client.is_reusable(), "who answers early may never read the rest");
    }

    #[test]
    fn a_connection_carries_one_exchange_after_another() {
        let (mut client, mut out) = ask(Method::POST, BodySize::Unknown);
        client.send(b"ab", &mut out);
        client.finish(&mut out);
        assert!(out.ends_with(b"\r\n\r\n2\r\nab\r\n0\r\n\r\n"));
        assert!(!client.is_reusable(), "the answer is outstanding");
        run(&mut client, CHUNKED);
        assert!(client.is_reusable());
        client.request(&head(Method::HEAD), BodySize::Empty, &mut out);
        assert!(!client.is_reusable());
        let (events, _) = run(&mut client, b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n");
        assert_eq!(events, ["200 Known(9) complete"]);
        assert!(client.is_reusable());
    }

    fn ask(method: Method, body: BodySize) -> (Client, Vec<u8>) {
        let (mut client, mut out) = (Client::new(), Vec::new());
        client.request(&head(method), body, &mut out);
        (client, out)
    }

    fn head(method: Method) -> RequestHead {
        const FIELDS: [(&str, &str); 5] = [
            ("Content-Length", "9"),
            ("Host", "h"),
            ("Transfer-Encoding", "gzip"),
            ("Connection", "close"),
            ("keep-alive", "9"),
        ];
        let fields: Fields = FIELDS.into_iter().collect();
        RequestHead { method, target: "/x".into(), version: Version::Http10, fields }
    }

    /// What was seen, and how much was left.
    fn run(client: &mut Client, mut input: &[u8]) -> (Vec<String>, usize) {
        let mut events = Vec::new();
        loop {
            let received = client.receive(input, &Limits::default()).expect("good");
            input = &input[received.consumed..];
            events.push(match received.event {
                None => return (events, input.len()),
                Some(ClientEvent::Head { head, body, complete }) => {
                    let complete = if complete { " complete" } else { "" };
                    format!("{} {body:?}{complete}", head.status.as_str())
                }
                Some(ClientEvent::Data(data)) => String::from_utf8_lossy(data).into_owned(),
                Some(ClientEvent::End) => "end".to_owned(),
            });
        }
    }
}
