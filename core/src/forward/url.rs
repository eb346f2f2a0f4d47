//! Which URL a request is for (FWD-10 to FWD-15).

use bytes::Bytes;
use http::{Method, StatusCode};
use thiserror::Error;

use crate::message::{RequestHead, Version};
use crate::route::Authority;

/// The effective URL of a request.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RequestUrl {
    /// Whether the scheme is https.
    pub secure: bool,
    /// `host` or `host:port` for the `Host` field, lower case, default port left out (FWD-15).
    pub authority: Box<str>,
    /// The path with its query, beginning with `/`; or `*`. Byte for byte what the client sent, for matching
    /// and for forwarding alike (FWD-13).
    pub path_and_query: Bytes,
}

/// Why a request's target or `Host` is refused.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Error)]
pub enum UrlError {
    /// There is no `Host`, and the version demands one (FWD-12).
    #[error("Host header missing.")]
    NoHost,
    /// There is more than one `Host` (FWD-12).
    #[error("More than one Host header.")]
    ManyHosts,
    /// A `Host`, or the authority of the target, is not `host[:port]` (FWD-11, FWD-12).
    #[error("Bad Host header.")]
    BadHost,
    /// The target is no path, no http URL and no `*` of an OPTIONS request (FWD-11).
    #[error("Bad request target.")]
    BadTarget,
    /// The target has a fragment (FWD-14).
    #[error("Fragment in request target.")]
    Fragment,
    /// The path climbs above the root (FWD-13).
    #[error("Path leads above the root.")]
    AboveRoot,
    /// CONNECT asks for a tunnel (FWD-11).
    #[error("CONNECT is not supported.")]
    Connect,
}

impl RequestUrl {
    /// Works out the URL. `secure` is whether the request came over TLS, or so it is declared.
    pub fn of(head: &RequestHead, secure: bool) -> Result<Self, UrlError> {
        if head.method == Method::CONNECT {
            return Err(UrlError::Connect);
        }
        let host = host_field(head)?;
        let target = Target::parse(head)?;
        let authority = match target.authority {
            Some(authority) => good(authority)?,
            None => host,
        };
        if climbs(path(&target.path_and_query)) {
            return Err(UrlError::AboveRoot);
        }
        Ok(Self {
            secure,
            authority: without_default_port(authority, secure).to_ascii_lowercase().into(),
            path_and_query: target.path_and_query,
        })
    }

    /// The URL that `reference` names on a page at this URL (RFC 3986 5.2; NEXT-3). A fragment names a place
    /// on the page and is left out.
    pub fn resolve(&self, reference: &str) -> Result<Self, UrlError> {
        let reference = in_ascii(reference.split('#').next().unwrap_or_default())?;
        let (secure, rest) = match scheme(&reference) {
            Some((scheme, rest)) if scheme.eq_ignore_ascii_case("https") => (true, rest),
            Some((scheme, rest)) if scheme.eq_ignore_ascii_case("http") => (false, rest),
            Some(_) => return Err(UrlError::BadTarget),
            None => (self.secure, &*reference),
        };
        let Some(rest) = rest.strip_prefix("//") else {
            let path_and_query = self.resolve_path(rest)?;
            return Ok(Self { path_and_query, ..self.clone() });
        };
        let (authority, rest) = rest.split_at(rest.find(['/', '?']).unwrap_or(rest.len()));
        let authority = without_default_port(good(authority)?, secure).to_ascii_lowercase();
        let path_and_query = absolute_path(rest);
        Ok(Self { secure, authority: authority.into(), path_and_query })
    }

    /// Whether scheme, host and port are the same.
    pub fn is_same_origin(&self, other: &Self) -> bool {
        (self.secure, &self.authority) == (other.secure, &other.authority)
    }

    /// The host without port; an IPv6 address without brackets.
    pub fn host(&self) -> &str {
        let (end, text) = match self.authority.strip_prefix('[') {
            Some(text) => (']', text),
            None => (':', &*self.authority),
        };
        text.split_once(end).map_or(text, |(host, _)| host)
    }

    /// The port: as said, or the one that the scheme implies.
    pub fn port(&self) -> u16 {
        let said = Authority::parse(&self.authority).and_then(|authority| authority.port);
        said.unwrap_or(if self.secure { 443 } else { 80 })
    }

    fn resolve_path(&self, reference: &str) -> Result<Bytes, UrlError> {
        let base = core::str::from_utf8(self.path()).map_err(|_| UrlError::BadTarget)?;
        Ok(match reference.as_bytes() {
            [] => self.path_and_query.clone(),
            [b'/', ..] => absolute_path(reference),
            [b'?', ..] => absolute_path(&format!("{base}{reference}")),
            _ => {
                let folder = base.rfind('/').map_or("/", |end| &base[..=end]);
                absolute_path(&format!("{folder}{reference}"))
            }
        })
    }

    /// The path without the query.
    pub fn path(&self) -> &[u8] {
        path(&self.path_and_query)
    }
}

impl UrlError {
    /// The status that tells the client.
    pub fn status(self) -> StatusCode {
        match self {
            Self::Connect => StatusCode::NOT_IMPLEMENTED,
            _ => StatusCode::BAD_REQUEST,
        }
    }
}

/// A URL whose other characters are percent-encoded (RFC 3987 3.1).
fn in_ascii(url: &str) -> Result<String, UrlError> {
    let mut out = String::with_capacity(url.len());
    for byte in url.bytes() {
        match byte {
            _ if byte.is_ascii_graphic() => out.push(byte.into()),
            0x80.. => out.push_str(&format!("%{byte:02X}")),
            _ => return Err(UrlError::BadTarget),
        }
    }
    Ok(out)
}

/// The scheme of an absolute URL, and what follows its colon.
fn scheme(reference: &str) -> Option<(&str, &str)> {
    let (scheme, rest) = reference.split_once(':')?;
    let name = |byte: u8| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte);
    let valid = scheme.starts_with(|first: char| first.is_ascii_alphabetic());
    (valid && scheme.bytes().all(name)).then_some((scheme, rest))
}

/// A path with its query, its dot segments taken out (RFC 3986 5.2.4).
fn absolute_path(path_and_query: &str) -> Bytes {
    let end = path_and_query.find('?').unwrap_or(path_and_query.len());
    let (path, query) = path_and_query.split_at(end);
    let mut names: Vec<&str> = Vec::new();
    let mut last = "";
    for name in path.split('/').skip(1) {
        last = name;
        match dots(name.as_bytes()) {
            Some(1) => {}
            Some(2) => {
                names.pop();
            }
            _ => names.push(name),
        }
    }
    // `/a/.` and `/a/b/..` are the folder `/a/`.
    if matches!(dots(last.as_bytes()), Some(1 | 2)) {
        names.push("");
    }
    format!("/{}{query}", names.join("/")).into()
}

/// `authority` without the port that the scheme implies (FWD-15).
pub(super) fn without_default_port(authority: &str, secure: bool) -> &str {
    let default = if secure { ":443" } else { ":80" };
    authority.strip_suffix(default).or(authority.strip_suffix(':')).unwrap_or(authority)
}

/// The one `Host` there must be; with HTTP/1.0 there may be none (FWD-12).
fn host_field(head: &RequestHead) -> Result<&str, UrlError> {
    let mut hosts = head.fields.all("Host");
    let host = match (hosts.next(), head.version) {
        (Some(host), _) => text(host)?,
        (None, Version::Http10) => "localhost",
        (None, Version::Http11) => return Err(UrlError::NoHost),
    };
    if hosts.next().is_some() {
        return Err(UrlError::ManyHosts);
    }
    good(host)
}

fn text(host: &[u8]) -> Result<&str, UrlError> {
    core::str::from_utf8(host).map_err(|_| UrlError::BadHost)
}

/// An authority, if it is one.
fn good(text: &str) -> Result<&str, UrlError> {
    Authority::parse(text).map(|_| text).ok_or(UrlError::BadHost)
}

/// A request target, taken apart.
struct Target<'a> {
    /// That of an absolute form; it wins over `Host` (FWD-11).
    authority: Option<&'a str>,
    path_and_query: Bytes,
}

impl<'a> Target<'a> {
    fn parse(head: &'a RequestHead) -> Result<Self, UrlError> {
        let target = &head.target;
        if target.contains(&b'#') {
            return Err(UrlError::Fragment);
        }
        if !target.iter().all(u8::is_ascii_graphic) {
            return Err(UrlError::BadTarget);
        }
        if target.starts_with(b"/") || (&target[..] == b"*" && head.method == Method::OPTIONS) {
            return Ok(Self { authority: None, path_and_query: target.clone() });
        }
        Self::absolute(head).ok_or(UrlError::BadTarget)
    }

    /// `http://authority[/path][?query]`. The scheme is the client's word and says nothing about how the
    /// request came.
    fn absolute(head: &'a RequestHead) -> Option<Self> {
        let text = core::str::from_utf8(&head.target).ok()?;
        let (scheme, rest) = text.split_once("://")?;
        if !["http", "https"].iter().any(|known| scheme.eq_ignore_ascii_case(known)) {
            return None;
        }
        let (authority, rest) = rest.split_at(rest.find(['/', '?']).unwrap_or(rest.len()));
        let path_and_query = match rest.as_bytes() {
            [] if head.method == Method::OPTIONS => Bytes::from_static(b"*"),
            [] => Bytes::from_static(b"/"),
            [b'/', ..] => head.target.slice_ref(rest.as_bytes()),
            query => [b"/", query].concat().into(),
        };
        Some(Self { authority: Some(authority), path_and_query })
    }
}

/// What stands before the query.
pub(super) fn path(path_and_query: &[u8]) -> &[u8] {
    let end = path_and_query.iter().position(|&byte| byte == b'?');
    &path_and_query[..end.unwrap_or(path_and_query.len())]
}

/// Whether a path has more `..` than names before them, for any origin: one that takes `\` for `/`,
/// decodes dots, or folds empty names (FWD-13).
fn climbs(path: &[u8]) -> bool {
    let mut depth = 0_usize;
    for name in path.split(|byte| b"/\\".contains(byte)) {
        match dots(name) {
            Some(0 | 1) => {}
            Some(2) => match depth.checked_sub(1) {
                Some(less) => depth = less,
                None => return true,
            },
            _ => depth += 1,
        }
    }
    false
}

/// How many dots a name consists of, plain or as `%2e`; `None` if there is something else in it.
fn dots(mut name: &[u8]) -> Option<usize> {
    let mut count = 0;
    while !name.is_empty() {
        name = match name {
            [b'.', rest @ ..] | [b'%', b'2', b'e' | b'E', rest @ ..] => rest,
            _ => return None,
        };
        count += 1;
    }
    Some(count)
}
