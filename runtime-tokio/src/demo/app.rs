//! Paths and methods, the page, and what the page is told about the rest.

use std::cell::RefCell;
use std::time::Instant;

use bytes::Bytes;
use holdfast_core::wsoh::MEDIA_TYPE;
use http::header::{
    ALLOW, CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, SEC_WEBSOCKET_EXTENSIONS,
};
use http::request::Parts;
use http::{HeaderMap, HeaderValue, Method, Response, StatusCode};
use serde_json::Value;
use tokio::sync::mpsc;

use super::counter::{CHANNEL, Counter, EVENTS_PATH, VALUE_PATH};
use super::journal::Journal;
use super::socket::{self, SOCKET_PATH};

const PAGE: &str = include_str!("page.html");
const PAGE_POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; \
    connect-src 'self'; img-src data:";
const LOG_PATH: &str = "/demo/log";

/// Everything the demo backend knows.
#[derive(Debug)]
pub(super) struct App {
    counter: RefCell<Counter>,
    /// What the page shows; the publisher writes into it too.
    pub(super) journal: RefCell<Journal>,
    outbox: mpsc::Sender<Value>,
}

impl App {
    /// A counter at zero whose items go to `outbox`.
    pub(super) fn new(outbox: mpsc::Sender<Value>) -> Self {
        Self { counter: RefCell::default(), journal: RefCell::default(), outbox }
    }

    /// The answer to a request.
    pub(super) fn answer(&self, request: &Parts, body: &Bytes) -> Response<Bytes> {
        match request.uri.path() {
            "/" => reads_only(request, page),
            LOG_PATH => reads_only(request, || self.log(request)),
            VALUE_PATH | EVENTS_PATH | SOCKET_PATH => {
                let began = Instant::now();
                let response = match request.uri.path() {
                    SOCKET_PATH => self.socket(request, body),
                    _ => self.counter(request),
                };
                self.journal.borrow_mut().exchange(request, body, &response, began.elapsed());
                response
            }
            _ => plain(StatusCode::NOT_FOUND, "There is nothing here.\n"),
        }
    }

    fn counter(&self, request: &Parts) -> Response<Bytes> {
        let counts = request.uri.path() == VALUE_PATH;
        match (&request.method, counts) {
            (&Method::GET, true) => self.counter.borrow().read(query(request, "last")),
            (&Method::GET, false) => self.counter.borrow().follow(last_id(&request.headers)),
            (&Method::HEAD, true) => self.counter.borrow().read(None),
            (&Method::POST, true) => self.raise(),
            (_, true) => not_allowed("GET, HEAD, POST"),
            (_, false) => not_allowed("GET"),
        }
    }

    fn socket(&self, request: &Parts, events: &Bytes) -> Response<Bytes> {
        if request.method != Method::POST {
            return not_allowed("POST");
        }
        if request.headers.get(CONTENT_TYPE).is_none_or(|kind| kind != MEDIA_TYPE) {
            return plain(StatusCode::UNSUPPORTED_MEDIA_TYPE, "Only WebSocket events come here.\n");
        }
        let raise = || drop(self.raise());
        match socket::answer(events.clone(), raise, || self.counter.borrow().json()) {
            Ok(events) => {
                let mut response = Response::new(events);
                let headers = response.headers_mut();
                headers.insert(CONTENT_TYPE, HeaderValue::from_static(MEDIA_TYPE));
                headers.insert(SEC_WEBSOCKET_EXTENSIONS, HeaderValue::from_static("grip"));
                response
            }
            Err(_) => plain(StatusCode::BAD_REQUEST, "These are no events.\n"),
        }
    }

    fn raise(&self) -> Response<Bytes> {
        let (response, item) = self.counter.borrow_mut().raise();
        if let Err(lost) = self.outbox.try_send(item) {
            let why = "not sent: too many publishes wait for the proxy";
            tracing::warn!("publish {why}");
            self.journal.borrow_mut().publish(lost.into_inner(), &Err(why.into()));
        }
        response
    }

    fn log(&self, request: &Parts) -> Response<Bytes> {
        let after = query(request, "after").and_then(|after| after.parse().ok()).unwrap_or(0);
        let mut response = Response::new(Bytes::from(self.journal.borrow().since(after)));
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        response
    }
}

fn reads_only(request: &Parts, answer: impl FnOnce() -> Response<Bytes>) -> Response<Bytes> {
    if matches!(request.method, Method::GET | Method::HEAD) {
        answer()
    } else {
        not_allowed("GET, HEAD")
    }
}

fn page() -> Response<Bytes> {
    let mut response = Response::new(Bytes::from_static(PAGE.as_bytes()));
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
    headers.insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static(PAGE_POLICY));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

fn not_allowed(allow: &'static str) -> Response<Bytes> {
    let mut response = plain(StatusCode::METHOD_NOT_ALLOWED, "This method does nothing here.\n");
    response.headers_mut().insert(ALLOW, HeaderValue::from_static(allow));
    response
}

fn plain(status: StatusCode, text: &'static str) -> Response<Bytes> {
    let mut response = Response::new(Bytes::from_static(text.as_bytes()));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/plain"));
    response
}

/// A query parameter, as written.
fn query<'a>(request: &'a Parts, name: &str) -> Option<&'a str> {
    let pairs = request.uri.query()?.split('&').filter_map(|pair| pair.split_once('='));
    pairs.filter(|(key, _)| *key == name).map(|(_, value)| value).next_back()
}

/// What the proxy says it sent last to a stream it holds: `Grip-Last: counter; last-id=7`.
fn last_id(headers: &HeaderMap) -> Option<&str> {
    headers.get_all("grip-last").iter().filter_map(|value| value.to_str().ok()).find_map(|value| {
        let (channel, parameters) = value.split_once(';')?;
        let last_id = parameters.split(';').find_map(|p| p.trim().strip_prefix("last-id="))?;
        (channel.trim() == CHANNEL).then_some(last_id)
    })
}
