//! The suite's client: sends any bytes and tells exactly what came back.

use std::time::Duration;

use tokio::time::{Instant, timeout};

use super::{
    body::{Body, Framing},
    head::Head,
    message::Request,
    wire::{Read, Wire},
};
use crate::case::{Outcome, ensure, wrong};

/// A client's connection to the proxy.
pub(crate) struct Client {
    wire: Wire,
    patience: Duration,
    asked_for_head: bool,
    body: Body,
    content: Vec<u8>,
}

/// A complete response.
#[derive(Debug)]
pub(crate) struct Answer {
    /// Its head.
    pub(crate) head: Head,
    /// Its body, without framing.
    pub(crate) body: Vec<u8>,
    /// How the end of the body was told.
    pub(crate) framing: Framing,
    /// How it ended.
    pub(crate) end: End,
}

/// How a response ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// As its framing says.
    Clean,
    /// The connection ended or broke before that.
    Cut,
}

impl Client {
    /// Connects to an address.
    pub(crate) async fn connect(address: &str, patience: Duration) -> Outcome<Self> {
        let wire = Wire::connect(address).await?;
        let body = Body::new(Framing::Empty);
        Ok(Self { wire, patience, asked_for_head: false, body, content: Vec::new() })
    }

    /// Waits this much longer than usual for each thing.
    pub(crate) fn patient(self, patience: Duration) -> Self {
        Self { patience, ..self }
    }

    /// Sends a request.
    pub(crate) async fn send(&mut self, request: &Request) -> Outcome {
        self.asked_for_head = request.method == "HEAD";
        self.raw(&request.bytes()).await
    }

    /// Sends bytes.
    pub(crate) async fn raw(&mut self, bytes: &[u8]) -> Outcome {
        Ok(self.wire.write(bytes).await?)
    }

    /// Sends no more, but still listens.
    pub(crate) async fn finish_writing(&mut self) -> Outcome {
        Ok(self.wire.finish_writing().await?)
    }

    /// Breaks the connection.
    pub(crate) fn reset(self) -> Outcome {
        Ok(self.wire.reset()?)
    }

    /// Waits for the head of the next response, interim ones included.
    pub(crate) async fn head(&mut self) -> Outcome<Head> {
        let head = self.wire.head(self.patience).await?;
        ensure(head.word(0).starts_with("HTTP/1."), format_args!("{head} is no status line"))?;
        self.body = Body::new(Framing::of_response(&head, self.asked_for_head)?);
        self.content.clear();
        Ok(head)
    }

    /// Waits for a complete response.
    pub(crate) async fn answer(&mut self) -> Outcome<Answer> {
        let head = self.head().await?;
        let (body, end) = self.rest().await?;
        Ok(Answer { head, body, framing: self.body.framing, end })
    }

    /// Waits until this much of the body is there, and nothing else.
    pub(crate) async fn content(&mut self, expected: &str) -> Outcome {
        let until = Instant::now() + self.patience;
        loop {
            self.body.take(&mut self.wire.buffer, &mut self.content)?;
            if self.content.starts_with(expected.as_bytes()) {
                self.content.drain(..expected.len());
                return Ok(());
            }
            let told = || {
                let got = String::from_utf8_lossy(&self.content);
                format!("the body should go on with {expected:.200?}, goes on with {got:.200?}")
            };
            if self.body.is_done() || !expected.as_bytes().starts_with(&self.content) {
                return wrong(told());
            }
            let left = until.saturating_duration_since(Instant::now());
            match timeout(left, self.wire.read()).await {
                Ok(Read::More) => {}
                Ok(end) => return wrong(format_args!("{}, then {end:?}", told())),
                Err(_) => return wrong(format_args!("{}, and no more in time", told())),
            }
        }
    }

    /// Reads the body to its end.
    pub(crate) async fn rest(&mut self) -> Outcome<(Vec<u8>, End)> {
        loop {
            self.body.take(&mut self.wire.buffer, &mut self.content)?;
            if self.body.is_done() {
                return Ok((std::mem::take(&mut self.content), End::Clean));
            }
            match self.wire.read_within(self.patience).await? {
                Read::More => {}
                Read::Closed if self.body.may_end_now() => {
                    return Ok((std::mem::take(&mut self.content), End::Clean));
                }
                Read::Closed | Read::Reset => {
                    return Ok((std::mem::take(&mut self.content), End::Cut));
                }
            }
        }
    }

    /// The connection, for another protocol to go on with, and how long to wait for each thing.
    pub(crate) fn into_parts(self) -> (Wire, Duration) {
        (self.wire, self.patience)
    }

    /// How the end of the current body is told.
    pub(crate) fn framing(&self) -> Framing {
        self.body.framing
    }

    /// Requires that nothing comes for a while, and that the connection stays open.
    pub(crate) async fn quiet(&mut self, span: Duration) -> Outcome {
        self.body.take(&mut self.wire.buffer, &mut self.content)?;
        let unused = [&self.content[..], &self.wire.buffer].concat();
        let shown = String::from_utf8_lossy(&unused);
        ensure(unused.is_empty(), format_args!("{shown:?} came where nothing should come"))?;
        match timeout(span, self.wire.read()).await {
            Err(_) => Ok(()),
            Ok(Read::More) => {
                let got = String::from_utf8_lossy(&self.wire.buffer);
                wrong(format_args!("{got:?} came where nothing should come"))
            }
            Ok(end) => wrong(format_args!("the connection ended ({end:?})")),
        }
    }

    /// Waits for the connection's end; no byte may come before it.
    pub(crate) async fn closed(&mut self) -> Outcome {
        match self.wire.read_within(self.patience).await? {
            Read::Closed | Read::Reset => Ok(()),
            Read::More => {
                let got = String::from_utf8_lossy(&self.wire.buffer);
                wrong(format_args!("{got:?} came where the connection should end"))
            }
        }
    }

    /// Reads until the connection ends and gives all that came, as text.
    pub(crate) async fn all(&mut self) -> Outcome<String> {
        while self.wire.read_within(self.patience).await? == Read::More {}
        Ok(String::from_utf8_lossy(&self.wire.buffer).into_owned())
    }
}

impl Answer {
    /// Requires this status code and a complete body.
    pub(crate) fn status(&self, code: u16) -> Outcome<&Self> {
        let told = format!("should be {code}, is {} with {:?}", self.head, self.text());
        ensure(self.head.word(1) == code.to_string(), told)?;
        ensure(self.end == End::Clean, format_args!("{} has a cut body", self.head))?;
        Ok(self)
    }

    /// Requires this reason phrase.
    pub(crate) fn reason(&self, reason: &str) -> Outcome<&Self> {
        let found = self.head.word(2);
        ensure(found == reason, format_args!("the reason should be {reason:?}, is {found:?}"))?;
        Ok(self)
    }

    /// Requires this body.
    pub(crate) fn says(&self, body: impl AsRef<[u8]>) -> Outcome<&Self> {
        let wanted = String::from_utf8_lossy(body.as_ref());
        let told = format!("the body should be {wanted:.200?}, is {:.200?}", self.text());
        ensure(self.body == body.as_ref(), told)?;
        Ok(self)
    }

    /// Requires one field of this name with this value.
    pub(crate) fn has(&self, name: &str, value: &str) -> Outcome<&Self> {
        self.head.has(name, value)?;
        Ok(self)
    }

    /// Requires that a field is absent.
    pub(crate) fn lacks(&self, name: &str) -> Outcome<&Self> {
        self.head.lacks(name)?;
        Ok(self)
    }

    /// Requires this framing.
    pub(crate) fn framed(&self, framing: Framing) -> Outcome<&Self> {
        let found = self.framing;
        ensure(found == framing, format_args!("framing should be {framing:?}, is {found:?}"))?;
        Ok(self)
    }

    /// Requires an error page: this status, plain text, one line.
    pub(crate) fn error(&self, code: u16) -> Outcome<&Self> {
        self.status(code)?;
        let kind = self.head.first("Content-Type").unwrap_or_default();
        ensure(kind.starts_with("text/plain"), format_args!("the error's type is {kind:?}"))?;
        let text = self.text();
        let lines = text.matches('\n').count();
        ensure(lines == 1 && text.ends_with('\n'), format_args!("{text:?} is not one line"))?;
        Ok(self)
    }

    /// The body as text.
    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// Nothing more to check.
    pub(crate) fn fine(&self) -> Outcome {
        Ok(())
    }
}
