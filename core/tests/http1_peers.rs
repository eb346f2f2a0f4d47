//! What we write is read as it was meant: by ourselves, by hyper's client and by hyper's server, one
//! exchange after the other on the same connection.

use std::convert::Infallible;
use std::future::Future;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use holdfast_core::ground::Limits;
use holdfast_core::http1::{Client, ClientEvent, Received, Server, ServerEvent};
use holdfast_core::message::{BodySize, Fields, RequestHead, ResponseHead, Version};
use http::{HeaderMap, Method, Request, Response, StatusCode};
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::ext::ReasonPhrase;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use proptest::collection::vec;
use proptest::prelude::{Just, Strategy, any, prop_assert_eq, prop_oneof, proptest};
use proptest::sample::select;
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};

/// More than a whole exchange ever takes.
const PATIENCE: Duration = Duration::from_secs(20);

proptest! {
    #[test]
    fn what_a_client_prints_a_server_parses(asked in vec(ask(), 1..4), answers in vec(answer(), 4)) {
        let (mut client, mut server) = (Client::new(), Server::new());
        for (asked, answered) in asked.iter().zip(&answers) {
            let mut up = Vec::new();
            asked.print(&mut client, &mut up);
            let (read, rest) = Ask::parse(&mut server, &up).expect("whole");
            prop_assert_eq!((&read, rest), (asked, 0));
            let mut down = Vec::new();
            answered.print(&mut server, &mut down);
            let (read, rest) = Answer::parse(&mut client, &down).expect("whole");
            prop_assert_eq!((&read, rest), (&answered.as_read(asked), 0));
            prop_assert_eq!(client.is_reusable(), server.next_request());
        }
    }

    #[test]
    fn hypers_client_reads_our_answers(exchanges in vec((ask(), answer()), 1..5)) {
        run(hypers_client_asks(exchanges));
    }

    #[test]
    fn hypers_server_reads_our_requests(exchanges in vec((ask(), answer()), 1..5)) {
        run(hypers_server_answers(exchanges));
    }
}

/// Answers hyper's client with our server, as long as the connection lasts.
async fn hypers_client_asks(exchanges: Vec<(Ask, Answer)>) {
    let (near, mut far) = duplex(256);
    let handshake = hyper::client::conn::http1::handshake(TokioIo::new(near)).await;
    let (mut sender, connection) = handshake.expect("nothing has happened yet");
    let connection = tokio::spawn(connection);
    let mut wire = Wire { server: Server::new(), kept: Vec::new() };
    for (asked, answered) in exchanges {
        sender.ready().await.expect("the connection is kept");
        let asking = async {
            let response = sender.send_request(asked.to_hyper()).await.expect("an answer");
            let (parts, body) = response.into_parts();
            let body = body.collect().await.expect("a whole body").to_bytes();
            assert_eq!(parts.status, answered.status);
            if let Some(reason) = parts.extensions.get::<ReasonPhrase>() {
                assert_eq!(reason.as_bytes(), answered.reason);
            }
            assert_eq!(fields_of(&parts.headers), sorted(&answered.fields));
            assert_eq!(body, answered.body_for(&asked.method));
        };
        let (read, ()) = tokio::join!(wire.serve(&mut far, &answered), asking);
        assert_eq!(read.method, asked.method);
        assert_eq!(read.target, asked.target);
        assert_eq!(sorted(&read.fields), sorted(&asked.fields));
        assert_eq!(read.body, asked.body);
        if !wire.server.next_request() {
            drop(far);
            break;
        }
    }
    drop(sender);
    let _ = connection.await.expect("hyper does not panic");
}

/// Asks hyper's server with our client, as long as the connection lasts.
async fn hypers_server_answers(exchanges: Vec<(Ask, Answer)>) {
    let (mut near, far) = duplex(256);
    let answers: Vec<_> = exchanges.iter().rev().map(|(_, answered)| answered.clone()).collect();
    let answers = Arc::new(Mutex::new((answers, Vec::new())));
    let shared = answers.clone();
    let service = service_fn(move |request: Request<Incoming>| {
        let shared = shared.clone();
        async move {
            let (parts, body) = request.into_parts();
            let body = body.collect().await.expect("a whole body").to_bytes();
            let mut shared = shared.lock().expect("one at a time");
            shared.1.push((parts, body));
            let answered = shared.0.pop().expect("one for each request");
            Ok::<_, Infallible>(answered.to_hyper())
        }
    });
    let serving = tokio::spawn(
        hyper::server::conn::http1::Builder::new()
            .auto_date_header(false)
            .serve_connection(TokioIo::new(far), service),
    );
    let mut client = Client::new();
    for (asked, answered) in exchanges {
        let mut up = Vec::new();
        asked.print(&mut client, &mut up);
        let (mut read, mut write) = tokio::io::split(&mut near);
        let (sent, answer) = tokio::join!(write.write_all(&up), hear(&mut client, &mut read));
        sent.expect("it is open");
        let (parts, body) = answers.lock().expect("one at a time").1.pop().expect("was asked");
        assert_eq!(parts.method, asked.method);
        assert_eq!(parts.uri.to_string().as_bytes(), asked.target);
        assert_eq!(fields_of(&parts.headers), sorted(&asked.fields));
        assert_eq!(body, asked.body);
        assert_eq!(answer.status, answered.status);
        assert_eq!(sorted(&answer.fields), sorted(&answered.fields));
        assert_eq!(answer.body, answered.body_for(&asked.method));
        assert!(client.is_reusable());
    }
    drop(near);
    let _ = serving.await.expect("hyper does not panic");
}

/// Our side of a connection with its unread bytes.
struct Wire {
    server: Server,
    kept: Vec<u8>,
}

impl Wire {
    /// Reads one request and answers it.
    async fn serve(&mut self, stream: &mut DuplexStream, answered: &Answer) -> Ask {
        let mut read = None;
        loop {
            let got = Ask::take(&mut self.server, &mut self.kept, &mut read);
            if got.is_some() {
                break;
            }
            let count = stream.read_buf(&mut self.kept).await.expect("it is open");
            assert!(count > 0, "a request comes whole");
        }
        let mut out = Vec::new();
        answered.print(&mut self.server, &mut out);
        stream.write_all(&out).await.expect("it is open");
        read.expect("complete")
    }
}

async fn hear(client: &mut Client, stream: &mut (impl AsyncReadExt + Unpin)) -> Answer {
    let (mut kept, mut read) = (Vec::new(), None);
    while Answer::take(client, &mut kept, &mut read).is_none() {
        let count = stream.read_buf(&mut kept).await.expect("it is open");
        assert!(count > 0, "an answer comes whole");
    }
    assert_eq!(kept, b"");
    read.expect("complete")
}

/// How a body is handed over.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Size {
    Known,
    Unknown,
}

#[derive(Clone, PartialEq, Eq, Debug)]
struct Ask {
    method: Method,
    target: Bytes,
    fields: Fields,
    body: Vec<u8>,
    size: Size,
}

#[derive(Clone, PartialEq, Eq, Debug)]
struct Answer {
    status: StatusCode,
    reason: Bytes,
    fields: Fields,
    body: Vec<u8>,
    size: Size,
}

impl Ask {
    fn print(&self, client: &mut Client, out: &mut Vec<u8>) {
        let head = RequestHead {
            method: self.method.clone(),
            target: self.target.clone(),
            version: Version::Http11,
            fields: self.fields.clone(),
        };
        client.request(&head, announced(self.size, &self.body), out);
        for piece in self.body.chunks(7) {
            client.send(piece, out);
        }
        client.finish(out);
    }

    /// The first request in `input`, and how much is behind it.
    fn parse(server: &mut Server, input: &[u8]) -> Option<(Self, usize)> {
        let (mut kept, mut read) = (input.to_vec(), None);
        Self::take(server, &mut kept, &mut read)?;
        Some((read?, kept.len()))
    }

    /// Takes what it can from `kept`; something once it is complete.
    fn take(server: &mut Server, kept: &mut Vec<u8>, read: &mut Option<Self>) -> Option<()> {
        loop {
            let Received { consumed, event } =
                server.receive(kept, &Limits::default()).expect("good");
            let complete = match (event, read.as_mut()) {
                (Some(ServerEvent::Head { head, body, .. }), _) => {
                    let RequestHead { method, target, fields, .. } = head;
                    let size = size_of_body(body);
                    *read = Some(Self { method, target, fields, body: vec![], size });
                    matches!(body, BodySize::Empty | BodySize::Known(0))
                }
                (Some(ServerEvent::Data(data)), Some(read)) => {
                    read.body.extend_from_slice(data);
                    false
                }
                (event, _) => {
                    if event.is_none() && consumed == 0 {
                        return None;
                    }
                    event.is_some()
                }
            };
            kept.drain(..consumed);
            if complete {
                return Some(());
            }
        }
    }

    fn to_hyper(&self) -> Request<BoxBody<Bytes, Infallible>> {
        let target = std::str::from_utf8(&self.target).expect("ASCII");
        let mut request = Request::builder().method(self.method.clone()).uri(target);
        for field in &self.fields {
            request = request.header(&field.name[..], &field.value[..]);
        }
        request.body(body(&self.body, self.size)).expect("good")
    }
}

impl Answer {
    fn print(&self, server: &mut Server, out: &mut Vec<u8>) {
        let head = ResponseHead {
            status: self.status,
            reason: self.reason.clone(),
            fields: self.fields.clone(),
        };
        server.respond(&head, announced(self.size, &self.body), out);
        for piece in self.body.chunks(7) {
            server.send(piece, out);
        }
        server.finish(out);
    }

    fn parse(client: &mut Client, input: &[u8]) -> Option<(Self, usize)> {
        let (mut kept, mut read) = (input.to_vec(), None);
        Self::take(client, &mut kept, &mut read)?;
        Some((read?, kept.len()))
    }

    /// Takes what it can from `kept`; something once it is complete.
    fn take(client: &mut Client, kept: &mut Vec<u8>, read: &mut Option<Self>) -> Option<()> {
        loop {
            let Received { consumed, event } =
                client.receive(kept, &Limits::default()).expect("good");
            let complete = match (event, read.as_mut()) {
                (Some(ClientEvent::Head { head, body, complete }), _) => {
                    let ResponseHead { status, reason, fields } = head;
                    let size = size_of_body(body);
                    *read = Some(Self { status, reason, fields, body: vec![], size });
                    complete
                }
                (Some(ClientEvent::Data(data)), Some(read)) => {
                    read.body.extend_from_slice(data);
                    false
                }
                (event, _) => {
                    if event.is_none() && consumed == 0 {
                        return None;
                    }
                    event.is_some()
                }
            };
            kept.drain(..consumed);
            if complete {
                return Some(());
            }
        }
    }

    /// How the answer to `asked` is read again.
    fn as_read(&self, asked: &Ask) -> Self {
        let bodiless = matches!(self.status.as_u16(), 204 | 304);
        let size = if bodiless { Size::Known } else { self.size };
        Self { body: self.body_for(&asked.method).to_vec(), size, ..self.clone() }
    }

    fn body_for(&self, method: &Method) -> &[u8] {
        match self.status.as_u16() {
            204 | 304 => b"",
            _ if method == Method::HEAD => b"",
            _ => &self.body,
        }
    }

    fn to_hyper(&self) -> Response<BoxBody<Bytes, Infallible>> {
        let mut response = Response::builder().status(self.status);
        for field in &self.fields {
            response = response.header(&field.name[..], &field.value[..]);
        }
        response.body(body(&self.body, self.size)).expect("good")
    }
}

fn announced(size: Size, body: &[u8]) -> BodySize {
    match size {
        Size::Known if body.is_empty() => BodySize::Empty,
        Size::Known => BodySize::Known(body.len() as u64),
        Size::Unknown => BodySize::Unknown,
    }
}

fn size_of_body(size: BodySize) -> Size {
    if size == BodySize::Unknown { Size::Unknown } else { Size::Known }
}

/// hyper sends a body of which it is not told the length in chunks.
fn body(bytes: &[u8], size: Size) -> BoxBody<Bytes, Infallible> {
    let full = Full::new(Bytes::copy_from_slice(bytes));
    match size {
        Size::Known => full.boxed(),
        Size::Unknown => full.with_trailers(std::future::ready(None)).boxed(),
    }
}

/// By name, as hyper gives them, and without those that belong to the wire.
fn sorted(fields: &Fields) -> Vec<(String, Vec<u8>)> {
    let mut sorted: Vec<_> = fields
        .iter()
        .map(|field| (String::from_utf8_lossy(&field.name).to_lowercase(), field.value.to_vec()))
        .collect();
    sorted.sort_by(|(one, _), (two, _)| one.cmp(two));
    sorted
}

fn fields_of(map: &HeaderMap) -> Vec<(String, Vec<u8>)> {
    const WIRE: [&str; 3] = ["content-length", "transfer-encoding", "connection"];
    let fields: Fields = map
        .iter()
        .filter(|(name, _)| !WIRE.contains(&name.as_str()))
        .map(|(name, value)| (name.as_str().to_owned(), value.as_bytes().to_vec()))
        .collect();
    sorted(&fields)
}

/// Two that wait for each other for ever are a failure too.
fn run(future: impl Future<Output = ()>) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build();
    runtime.expect("a runtime").block_on(async {
        tokio::time::timeout(PATIENCE, future).await.expect("it ends");
    });
}

fn ask() -> impl Strategy<Value = Ask> {
    let method = prop_oneof![
        select(vec![Method::GET, Method::HEAD, Method::POST, Method::OPTIONS, Method::DELETE]),
        "[A-Z]{1,8}-[!#$%&'*+.^_`|~0-9a-z]{1,4}"
            .prop_map(|token| Method::from_bytes(token.as_bytes()).expect("a token")),
    ];
    let target = "/[a-zA-Z0-9._~!$&'()*+,;=:@%/-]{0,20}(\\?[a-z0-9=&%/?:@-]{1,12})?";
    (method, target, fields(), content()).prop_map(|(method, target, fields, (body, size))| Ask {
        method,
        target: target.into(),
        fields,
        body,
        size,
    })
}

fn answer() -> impl Strategy<Value = Answer> {
    let status = prop_oneof![select(vec![200u16, 204, 304, 404]), 200..600u16, 600..1000u16];
    let status = status.prop_map(|code| StatusCode::from_u16(code).expect("a status"));
    let reason = prop_oneof![Just(String::new()), "[!-~]([ -~]{0,8}[!-~])?"];
    (status, reason, fields(), content()).prop_map(|(status, reason, fields, (body, size))| {
        Answer { status, reason: reason.into(), fields, body, size }
    })
}

fn fields() -> impl Strategy<Value = Fields> {
    let name = "[xX]-[a-zA-Z0-9!#$%&'*+.^_`|~-]{0,6}";
    let inner = prop_oneof![any::<u8>(), select(&b" \t,;:\""[..])];
    let value = vec(inner, 0..12).prop_map(|mut value| {
        value.retain(|&byte| byte == b'\t' || !byte.is_ascii_control());
        value.trim_ascii().to_vec()
    });
    vec((name, value), 0..6).prop_map(|fields| fields.into_iter().collect())
}

fn content() -> impl Strategy<Value = (Vec<u8>, Size)> {
    let bytes =
        prop_oneof![Just(0), Just(1), 0..600usize].prop_flat_map(|len| vec(any::<u8>(), len));
    (bytes, select(&[Size::Known, Size::Unknown][..]))
}
