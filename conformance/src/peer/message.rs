//! Messages that the suite sends: requests of a client and replies of an origin.

use std::fmt;

/// A request in the making.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    /// The method.
    pub(crate) method: String,
    target: String,
    version: &'static str,
    host: Option<String>,
    fields: Vec<String>,
    body: Vec<u8>,
}

impl Request {
    /// An HTTP/1.1 request without a body.
    pub(crate) fn new(method: &str, target: &str, host: &str) -> Self {
        Self {
            method: method.to_owned(),
            target: target.to_owned(),
            version: "HTTP/1.1",
            host: Some(host.to_owned()),
            fields: Vec::new(),
            body: Vec::new(),
        }
    }

    /// Adds a header line.
    pub(crate) fn with(mut self, line: impl Into<String>) -> Self {
        self.fields.push(line.into());
        self
    }

    /// Names another host.
    pub(crate) fn host(self, host: &str) -> Self {
        Self { host: Some(host.to_owned()), ..self }
    }

    /// Leaves the host out.
    pub(crate) fn hostless(self) -> Self {
        Self { host: None, ..self }
    }

    /// Speaks HTTP/1.0.
    pub(crate) fn http10(self) -> Self {
        Self { version: "HTTP/1.0", ..self }
    }

    /// Adds a query or a further path to the target.
    pub(crate) fn at(mut self, more: &str) -> Self {
        self.target.push_str(more);
        self
    }

    /// Adds a body and its length.
    pub(crate) fn body(mut self, body: impl AsRef<[u8]>) -> Self {
        self.body = body.as_ref().to_vec();
        let length = format!("Content-Length: {}", self.body.len());
        self.with(length)
    }

    /// Adds bytes behind the head, as they are.
    pub(crate) fn raw_body(mut self, body: impl AsRef<[u8]>) -> Self {
        self.body = body.as_ref().to_vec();
        self
    }

    /// Adds a body in chunks.
    pub(crate) fn chunked(self, parts: &[&str]) -> Self {
        self.with("Transfer-Encoding: chunked").raw_body(chunks(parts))
    }

    /// The request as it goes out.
    pub(crate) fn bytes(&self) -> Vec<u8> {
        let mut out = format!("{} {} {}\r\n", self.method, self.target, self.version).into_bytes();
        if let Some(host) = &self.host {
            out.extend(format!("Host: {host}\r\n").into_bytes());
        }
        for field in &self.fields {
            // Byte for character, as heads are read, so that a case can send any byte.
            out.extend(field.chars().map(|c| u8::try_from(c).unwrap_or(b'?')));
            out.extend(b"\r\n");
        }
        out.extend(b"\r\n");
        out.extend(&self.body);
        out
    }
}

/// A reply in the making.
#[derive(Clone, Debug)]
pub(crate) struct Reply {
    status: String,
    fields: Vec<String>,
    body: Vec<u8>,
}

/// A reply with this status (code and reason), and no body yet.
pub(crate) fn reply(status: &str) -> Reply {
    Reply { status: status.to_owned(), fields: Vec::new(), body: Vec::new() }
}

/// A plain 200 with this body.
pub(crate) fn ok(body: impl AsRef<[u8]>) -> Reply {
    reply("200 OK").body(body)
}

impl Reply {
    /// Adds a header line.
    pub(crate) fn with(mut self, line: impl Into<String>) -> Self {
        self.fields.push(line.into());
        self
    }

    /// Sets the body; its length is added when the reply goes out.
    pub(crate) fn body(self, body: impl AsRef<[u8]>) -> Self {
        Self { body: body.as_ref().to_vec(), ..self }
    }

    /// The reply as it goes out, in the form of a list of parts for chunks.
    pub(crate) fn in_chunks(self, parts: &[&str]) -> Vec<u8> {
        let mut out = self.head(&["Transfer-Encoding: chunked"]);
        out.extend(chunks(parts));
        out
    }

    /// The reply without any length: its end is the end of the connection.
    pub(crate) fn until_close(self) -> Vec<u8> {
        let mut out = self.head(&["Connection: close"]);
        out.extend(&self.body);
        out
    }

    fn head(&self, last: &[&str]) -> Vec<u8> {
        let mut out = format!("HTTP/1.1 {}\r\n", self.status).into_bytes();
        for field in self.fields.iter().map(|field| &**field).chain(last.iter().copied()) {
            out.extend(field.bytes());
            out.extend(b"\r\n");
        }
        out.extend(b"\r\n");
        out
    }
}

impl fmt::Display for Reply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} with {:.200?}", self.fields, String::from_utf8_lossy(&self.body))
    }
}

impl From<Reply> for Vec<u8> {
    fn from(reply: Reply) -> Self {
        let mut out = match &*reply.status {
            // Such a reply has no length to tell.
            "204 No Content" => reply.head(&[]),
            _ => reply.head(&[&format!("Content-Length: {}", reply.body.len())]),
        };
        out.extend(&reply.body);
        out
    }
}

/// Chunks with these contents, and the last one.
pub(crate) fn chunks(parts: &[&str]) -> Vec<u8> {
    let mut out: String =
        parts.iter().map(|part| format!("{:x}\r\n{part}\r\n", part.len())).collect();
    out.push_str("0\r\n\r\n");
    out.into_bytes()
}
