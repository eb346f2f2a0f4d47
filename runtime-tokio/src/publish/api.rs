//! What publishers may ask, and what they are answered.

use std::io;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use holdfast_core::grip::{Key, verify};
use holdfast_core::ground::Limits;
use holdfast_core::http1::RequestError;
use holdfast_core::hub::HubEvent;
use holdfast_core::message::BodySize;
use holdfast_core::publish::parse_items;
use http::{Method, StatusCode, Uri};
use tokio::sync::mpsc;

use super::accept::{Form, wanted};
use super::said::Said;
use super::wire::{Asked, Fault, Wire};
use crate::ambient::wall;
use crate::hub::Book;
use crate::net::TcpStream;

/// Items of one request that has a receipt.
const RECEIPT_ITEMS: usize = 1000;

/// On which terms publishers are served.
#[derive(Clone, Debug)]
pub(crate) struct Terms {
    /// Bytes of a request's head.
    pub(crate) max_headers: usize,
    /// Bytes of a request's body.
    pub(crate) max_body: usize,
    /// Connections at once.
    pub(crate) connections: usize,
    /// How long a publisher may take for a head or a body, or stay idle (CTRL-14).
    pub(crate) patience: Duration,
    /// How long an answer waits for the holds that its items reach.
    pub(crate) receipt_wait: Duration,
    /// The key that signs the publishers' tokens; without one there is no check (CTRL-6).
    pub(crate) key: Option<Key>,
}

/// The API.
#[derive(Clone)]
pub(crate) struct Api {
    pub(crate) terms: Arc<Terms>,
    /// What is published goes in here; publishers wait while it is full.
    pub(crate) intake: mpsc::Sender<HubEvent>,
    pub(crate) book: Rc<Book>,
}

/// What a publisher asks for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Resource {
    Root,
    Publish { receipt: bool },
    Recover,
}

impl Api {
    /// Serves one publisher. Returns its connection if it has not been read to the end.
    pub(super) async fn converse(&self, stream: TcpStream) -> io::Result<Option<TcpStream>> {
        let limits = Limits { head_bytes: self.terms.max_headers, ..Limits::default() };
        let mut wire = Wire::new(stream, limits, self.terms.patience);
        loop {
            let (form, said) = match wire.ask().await {
                Ok(Some(asked)) => {
                    let form = wanted(asked.head.fields.all("Accept").map(|value| &value[..]));
                    match self.answer(&mut wire, &asked, form).await {
                        Ok(said) => (form.unwrap_or(Form::Text), said),
                        Err(fault) => (form.unwrap_or(Form::Text), self.fault(fault)?),
                    }
                }
                Ok(None) => return Ok(None),
                Err(fault) => (Form::Text, self.fault(fault)?),
            };
            if said.is_last {
                wire.close_after();
            }
            let (head, body) = said.in_form(form);
            if !wire.answer(&head, &body).await? {
                return Ok(Some(wire.into_stream()));
            }
        }
    }

    async fn answer(
        &self,
        wire: &mut Wire,
        asked: &Asked,
        form: Option<Form>,
    ) -> Result<Said, Fault> {
        let resource = match self.admit(asked, form) {
            Ok(resource) => resource,
            // A publisher that waits for a word learns that its body is not wanted.
            Err(said) if asked.expects_continue => return Ok(said.ending()),
            Err(said) if said.is_last => return Ok(said),
            Err(said) => {
                wire.body(asked, self.terms.max_body).await?;
                return Ok(said);
            }
        };
        let body = wire.body(asked, self.terms.max_body).await?;
        Ok(match resource {
            Resource::Root => Said::new(StatusCode::OK, "Holdfast publish API"),
            Resource::Publish { receipt } => self.publish(&body, receipt).await,
            Resource::Recover => self.hand_in(HubEvent::Recover, "Updated").await,
        })
    }

    /// What is asked for, if it may be.
    fn admit(&self, asked: &Asked, form: Option<Form>) -> Result<Resource, Said> {
        if form.is_none() {
            let line = "Not Acceptable. Supported: text/plain, application/json.";
            return Err(Said::new(StatusCode::NOT_ACCEPTABLE, line));
        }
        let resource = Resource::named(&asked.head.target);
        let resource = resource.ok_or_else(|| Said::new(StatusCode::NOT_FOUND, "Not Found"))?;
        if resource == Resource::Root {
            return Ok(resource);
        }
        if asked.head.method != Method::POST {
            let said = Said::new(StatusCode::METHOD_NOT_ALLOWED, "Method Not Allowed");
            return Err(said.with("Allow", "POST"));
        }
        if asked.body == BodySize::Empty {
            let line = "Must provide Content-Length header.";
            return Err(Said::last(StatusCode::LENGTH_REQUIRED, line));
        }
        if !self.trusts(asked) {
            let said = Said::new(StatusCode::UNAUTHORIZED, "Unauthorized");
            return Err(said.with("WWW-Authenticate", "Bearer"));
        }
        Ok(resource)
    }

    /// Whether the publisher has a token, where one is needed (CTRL-6).
    fn trusts(&self, asked: &Asked) -> bool {
        let Some(key) = &self.terms.key else { return true };
        let said = asked.head.fields.first("Authorization");
        let Some((scheme, token)) = said.and_then(|said| said.split_at_checked(BEARER.len()))
        else {
            return false;
        };
        scheme.eq_ignore_ascii_case(BEARER) && verify(token.trim_ascii(), key, wall())
    }

    async fn publish(&self, body: &[u8], receipt: bool) -> Said {
        let mut items = match parse_items(body) {
            Ok(items) => items,
            Err(error) => {
                tracing::debug!("publish refused: {error}");
                return Said::refused(&error);
            }
        };
        if !receipt {
            return self.hand_in(HubEvent::Publish { items }, "Published").await;
        }
        if items.len() > RECEIPT_ITEMS {
            let line = format!("A receipt is for at most {RECEIPT_ITEMS} items");
            return Said::new(StatusCode::BAD_REQUEST, line);
        }
        let receipt = self.book.open(&mut items);
        let said = self.hand_in(HubEvent::Publish { items }, "Published").await;
        match said.status {
            StatusCode::OK => Said::receipt(receipt.read(self.terms.receipt_wait).await),
            _ => said,
        }
    }

    async fn hand_in(&self, event: HubEvent, line: &'static str) -> Said {
        match self.intake.send(event).await {
            Ok(()) => Said::new(StatusCode::OK, line),
            Err(_) => Said::last(StatusCode::SERVICE_UNAVAILABLE, "Shutting down"),
        }
    }

    /// The last answer to a publisher that has done something wrong (CTRL-12).
    fn fault(&self, fault: Fault) -> io::Result<Said> {
        Ok(match fault {
            Fault::Io(error) => return Err(error),
            Fault::Closed => return Err(io::ErrorKind::UnexpectedEof.into()),
            Fault::Wrong(RequestError::HeadTooLarge) => {
                let line = format!("Header size exceeds {} bytes", self.terms.max_headers);
                Said::last(StatusCode::BAD_REQUEST, line)
            }
            Fault::Wrong(error) => Said::last(error.status(), error.to_string()),
            Fault::TooLarge => {
                let line = format!("Body size exceeds {} bytes", self.terms.max_body);
                Said::last(StatusCode::PAYLOAD_TOO_LARGE, line)
            }
            Fault::Slow => Said::last(StatusCode::REQUEST_TIMEOUT, "The request came too slowly"),
        })
    }
}

const BEARER: &[u8] = b"Bearer ";

impl Resource {
    fn named(target: &[u8]) -> Option<Self> {
        let uri = Uri::try_from(target).ok()?;
        let path = uri.path();
        match path.strip_suffix('/').unwrap_or(path) {
            "" => Some(Self::Root),
            "/publish" => {
                let query = uri.query().unwrap_or_default();
                Some(Self::Publish { receipt: query.split('&').any(|word| word == "receipt=1") })
            }
            "/recover" => Some(Self::Recover),
            _ => None,
        }
    }
}
