//! Serving publishers over HTTP (CTRL-1 to CTRL-13).

use std::convert::Infallible;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use holdfast_core::publish::{Item, parse_items};
use http::header::{
    ACCEPT, ALLOW, CONNECTION, CONTENT_LENGTH, CONTENT_TYPE, HeaderName, HeaderValue,
    TRANSFER_ENCODING,
};
use http::{Method, Request, Response, StatusCode};
use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use hyper::body::{Body, Incoming};
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, mpsc};
use tokio::task::JoinSet;

use super::accept::{Form, wanted};
use crate::net::tune;

/// The least that the HTTP library can do with.
const LEAST_HEAD: usize = 8192;
/// How long to wait when the system gives no connection.
const RETRY: Duration = Duration::from_millis(100);
const TURN_AWAY_TIME: Duration = Duration::from_secs(2);
/// Publishers being turned away at once; those beyond get no answer.
const TURNED_AWAY: usize = 32;

const FULL_HOUSE: &[u8] = b"HTTP/1.1 503 Service Unavailable\r\nContent-Type: text/plain\r\n\
    Content-Length: 21\r\nConnection: close\r\n\r\nToo many publishers.\n";

/// The bounds of the API.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bounds {
    /// Bytes of a request's head.
    pub(crate) max_headers: usize,
    /// Bytes of a request's body.
    pub(crate) max_body: usize,
    /// Connections at once.
    pub(crate) connections: usize,
    /// How long a publisher may take for a head or a body, or stay idle (CTRL-14).
    pub(crate) patience: Duration,
}

/// Serves publishers; what they publish goes into `intake`, and they wait while it is full.
pub(crate) async fn serve(listener: TcpListener, bounds: Bounds, intake: mpsc::Sender<Vec<Item>>) {
    let room = Arc::new(Semaphore::new(bounds.connections));
    let porch = Arc::new(Semaphore::new(TURNED_AWAY));
    let api = Api { bounds, intake };
    let mut publishers = JoinSet::new();
    loop {
        let accepted = tokio::select! {
            biased;
            Some(_) = publishers.join_next() => continue,
            accepted = listener.accept() => accepted,
        };
        let stream = match accepted {
            Ok((stream, _)) => stream,
            Err(error) => {
                tracing::warn!("cannot accept a publisher: {error}");
                tokio::time::sleep(RETRY).await;
                continue;
            }
        };
        tune(&stream);
        if let Ok(place) = room.clone().try_acquire_owned() {
            let api = api.clone();
            publishers.spawn_local(async move {
                api.converse(stream).await;
                drop(place);
            });
            continue;
        }
        tracing::warn!("publisher refused: {} are connected", bounds.connections);
        if let Ok(place) = porch.clone().try_acquire_owned() {
            publishers.spawn_local(async move {
                let _ = tokio::time::timeout(TURN_AWAY_TIME, turn_away(stream)).await;
                drop(place);
            });
        }
    }
}

/// Says why, and waits until the publisher has read it.
async fn turn_away(mut stream: TcpStream) -> io::Result<()> {
    stream.write_all(FULL_HOUSE).await?;
    stream.shutdown().await?;
    let mut unread = [0; 1024];
    while stream.read(&mut unread).await? > 0 {}
    Ok(())
}

#[derive(Clone)]
struct Api {
    bounds: Bounds,
    intake: mpsc::Sender<Vec<Item>>,
}

/// What a publisher asks for.
enum Resource {
    Root,
    Publish,
    Recover,
}

/// An answer, before it is known in which form it is wanted.
struct Said {
    status: StatusCode,
    line: String,
    persist: Persist,
}

/// Whether the connection can go on.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Persist {
    Keep,
    /// The rest of the body is still to come, and nobody wants it.
    Close,
}

impl Api {
    async fn converse(self, stream: TcpStream) {
        let service =
            service_fn(|request| async { Ok::<_, Infallible>(self.answer(request).await) });
        let served = hyper::server::conn::http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(self.bounds.patience)
            .max_buf_size(self.bounds.max_headers.max(LEAST_HEAD))
            .serve_connection(TokioIo::new(stream), service)
            .await;
        if let Err(error) = served {
            tracing::debug!("publisher's connection ended: {error}");
        }
    }

    async fn answer(&self, request: Request<Incoming>) -> Response<Full<Bytes>> {
        let accept = request.headers().get_all(ACCEPT).iter().map(HeaderValue::as_bytes);
        let Some(form) = wanted(accept) else {
            let line = "Not Acceptable. Supported: text/plain, application/json.";
            return Said::new(StatusCode::NOT_ACCEPTABLE, line).in_form(Form::Text);
        };
        if head_bytes(&request) > self.bounds.max_headers {
            let line = format!("Header size exceeds {} bytes", self.bounds.max_headers);
            return Said::last(StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE, line).in_form(form);
        }
        let Some(resource) = Resource::named(request.uri().path()) else {
            return Said::new(StatusCode::NOT_FOUND, "Not Found").in_form(form);
        };
        let post = request.method() == Method::POST;
        match resource {
            Resource::Root => Said::new(StatusCode::OK, "Holdfast publish API").in_form(form),
            Resource::Publish | Resource::Recover if !post => {
                let mut response =
                    Said::new(StatusCode::METHOD_NOT_ALLOWED, "Method Not Allowed").in_form(form);
                response.headers_mut().insert(ALLOW, HeaderValue::from_static("POST"));
                response
            }
            _ if post && !says_length(&request) => {
                let line = "Must provide Content-Length header.";
                Said::last(StatusCode::LENGTH_REQUIRED, line).in_form(form)
            }
            Resource::Publish => self.publish(request.into_body()).await.in_form(form),
            // No hold depends on what is remembered of a channel, so there is nothing to forget.
            Resource::Recover => Said::new(StatusCode::OK, "Updated").in_form(form),
        }
    }

    async fn publish(&self, body: Incoming) -> Said {
        let body = match self.read(body).await {
            Ok(body) => body,
            Err(said) => return said,
        };
        let items = match parse_items(&body) {
            Ok(items) => items,
            Err(error) => {
                tracing::debug!("publish refused: {error}");
                return Said::new(StatusCode::BAD_REQUEST, error.to_string());
            }
        };
        match self.intake.send(items).await {
            Ok(()) => Said::new(StatusCode::OK, "Published"),
            Err(_) => Said::new(StatusCode::SERVICE_UNAVAILABLE, "Shutting down"),
        }
    }

    async fn read(&self, body: Incoming) -> Result<Bytes, Said> {
        let line = format!("Body size exceeds {} bytes", self.bounds.max_body);
        if body.size_hint().lower() > self.bounds.max_body as u64 {
            return Err(Said::last(StatusCode::PAYLOAD_TOO_LARGE, line));
        }
        let whole = Limited::new(body, self.bounds.max_body).collect();
        match tokio::time::timeout(self.bounds.patience, whole).await {
            Ok(Ok(whole)) => Ok(whole.to_bytes()),
            Ok(Err(error)) if error.is::<LengthLimitError>() => {
                Err(Said::last(StatusCode::PAYLOAD_TOO_LARGE, line))
            }
            Ok(Err(error)) => {
                Err(Said::last(StatusCode::BAD_REQUEST, format!("Failed to read body: {error}")))
            }
            Err(_) => Err(Said::last(StatusCode::REQUEST_TIMEOUT, "Body came too slowly")),
        }
    }
}

/// The size of a head, about as it was sent: the library's own bound is coarser.
fn head_bytes<B>(request: &Request<B>) -> usize {
    let path = request.uri().path_and_query().map_or(0, |path| path.as_str().len());
    let line = request.method().as_str().len() + path + "  HTTP/1.1\r\n".len();
    let field = |(name, value): (&HeaderName, &HeaderValue)| name.as_str().len() + value.len() + 4;
    line + request.headers().iter().map(field).sum::<usize>() + 2
}

fn says_length<B>(request: &Request<B>) -> bool {
    request.headers().contains_key(CONTENT_LENGTH)
        || request.headers().contains_key(TRANSFER_ENCODING)
}

impl Resource {
    fn named(path: &str) -> Option<Self> {
        match path.strip_suffix('/').unwrap_or(path) {
            "" => Some(Self::Root),
            "/publish" => Some(Self::Publish),
            "/recover" => Some(Self::Recover),
            _ => None,
        }
    }
}

impl Said {
    fn new(status: StatusCode, line: impl Into<String>) -> Self {
        Self { status, line: line.into(), persist: Persist::Keep }
    }

    fn last(status: StatusCode, line: impl Into<String>) -> Self {
        Self { persist: Persist::Close, ..Self::new(status, line) }
    }

    fn in_form(self, form: Form) -> Response<Full<Bytes>> {
        let (kind, body) = match form {
            Form::Text => ("text/plain", format!("{}\n", self.line)),
            Form::Json => {
                let key = if self.status.is_success() { "message" } else { "error" };
                ("application/json", format!("{}\n", serde_json::json!({ key: self.line })))
            }
        };
        let mut response = Response::new(Full::from(body));
        *response.status_mut() = self.status;
        response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(kind));
        if self.persist == Persist::Close {
            response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
        }
        response
    }
}
