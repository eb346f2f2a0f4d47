//! Where to publish, as a `GRIP_URL` says it (CLI-5).

use std::time::{SystemTime, UNIX_EPOCH};

use holdfast_core::grip::{Key, sign};
use holdfast_core::ground::{Span, UnixTime};
use http::Uri;

use super::Failure;

/// How long a token is good.
const TOKEN_LIFE: Span = Span::from_secs(3600);

/// A publish API.
#[derive(Debug)]
pub(super) struct Place {
    pub(super) host: String,
    pub(super) port: u16,
    /// The resource to post to.
    pub(super) path: String,
    authority: String,
    iss: String,
    key: Option<Key>,
}

impl Place {
    pub(super) fn parse(url: &str) -> Result<Self, Failure> {
        let bad = |reason: String| Failure::Url { url: url.to_owned(), reason };
        let scheme = url.split_once("://").map(|(scheme, _)| scheme.to_ascii_lowercase());
        match scheme.as_deref() {
            Some("http") => {}
            Some("https") => return Err(Failure::Https),
            _ => return Err(Failure::NotHttp(url.to_owned())),
        }
        let uri: Uri = url.parse().map_err(|error| bad(format!("{error}")))?;
        let authority = uri.authority().ok_or_else(|| bad("no host".to_owned()))?;
        if authority.as_str().contains('@') {
            return Err(Failure::OpenAuth);
        }
        let value = |name| parameter(uri.query().unwrap_or_default(), name);
        let key = value("key").unwrap_or_default();
        Ok(Self {
            host: authority.host().trim_matches(['[', ']']).to_owned(),
            port: authority.port_u16().unwrap_or(80),
            path: format!("{}/publish/", uri.path().trim_end_matches('/')),
            authority: authority.to_string(),
            iss: value("iss").unwrap_or_default(),
            key: Key::parse(&key).map_err(|error| bad(error.to_string()))?,
        })
    }

    /// Host and port as the URL has them.
    pub(super) fn authority(&self) -> &str {
        &self.authority
    }

    /// A token that says who publishes, if there is a key.
    pub(super) fn token(&self) -> Option<String> {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
        Some(sign(self.key.as_ref()?, &self.iss, UnixTime(now) + TOKEN_LIFE))
    }
}

/// A parameter of a query, with what is encoded in it decoded. A plus is a plus: keys have some.
fn parameter(query: &str, name: &str) -> Option<String> {
    let pairs = query.split('&').filter_map(|pair| pair.split_once('='));
    let mut values = pairs.filter(|(key, _)| *key == name).map(|(_, value)| value);
    values.next().map(|value| String::from_utf8_lossy(&decoded(value.as_bytes())).into_owned())
}

fn decoded(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((&first, after)) = rest.split_first() {
        let digits = after.get(..2).and_then(|digits| std::str::from_utf8(digits).ok());
        let byte = digits.and_then(|digits| u8::from_str_radix(digits, 16).ok());
        match (first, byte) {
            (b'%', Some(byte)) => {
                out.push(byte);
                rest = after.get(2..).unwrap_or_default();
            }
            _ => {
                out.push(first);
                rest = after;
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use holdfast_core::grip::verify;

    use super::*;

    #[test]
    fn cli_5_urls_are_parsed() {
        for (url, host, port, path) in [
            ("http://localhost:5561", "localhost", 5561, "/publish/"),
            ("http://localhost:5561/", "localhost", 5561, "/publish/"),
            ("HTTP://a/base//?iss=x", "a", 80, "/base/publish/"),
            ("http://[::1]:5561/x", "::1", 5561, "/x/publish/"),
        ] {
            let place = Place::parse(url).expect(url);
            assert_eq!((&place.host[..], place.port, &place.path[..]), (host, port, path), "{url}");
            assert!(place.token().is_none(), "{url}");
        }
    }

    #[test]
    fn cli_5_a_key_signs_a_token() {
        let url = "http://a?verify-key=no&iss=me&key=base64:aGkrK%2B%3D%3D";
        assert!(matches!(Place::parse(url), Err(Failure::Url { .. })), "padding in the middle");
        let place = Place::parse("http://a?verify-key=no&iss=me&key=base64:aGk%3D").expect("good");
        let key = Key::parse("hi").expect("any text").expect("a key");
        let token = place.token().expect("there is a key");
        assert!(verify(token.as_bytes(), &key, UnixTime(1_700_000_000)));
        assert_eq!(place.iss, "me");
        assert_eq!(parameter("a=%2&b=1%2B+", "a").as_deref(), Some("%2"));
        assert_eq!(parameter("a=%2&b=1%2B+", "b").as_deref(), Some("1++"));
    }

    #[test]
    fn cli_4_cli_6_places_that_cannot_be_published_to() {
        for (url, why) in [
            ("https://a", "https is not supported yet"),
            (
                "tcp://127.0.0.1:5560",
                "\"tcp://127.0.0.1:5560\" is no http URL; ZeroMQ is not supported",
            ),
            ("localhost:5561", "\"localhost:5561\" is no http URL; ZeroMQ is not supported"),
            ("http://u:p@a", "authentication needs https"),
        ] {
            assert_eq!(
                Place::parse(url).map(|_| ()).map_err(|failure| failure.to_string()),
                Err(why.to_owned())
            );
        }
    }
}
