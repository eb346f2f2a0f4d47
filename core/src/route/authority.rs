//! `host[:port]`, as it stands in a `Host` field.

use core::net::Ipv6Addr;

/// A host with or without a port.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Authority<'a> {
    /// A name or IPv4 address, or an IPv6 address without its brackets.
    pub host: &'a str,
    /// The port, if one is given.
    pub port: Option<u16>,
}

impl<'a> Authority<'a> {
    /// Reads `host`, `host:port`, `[ipv6]` or `[ipv6]:port`.
    ///
    /// A name has letters, digits, `-`, `.`, `_` and `~` only. The standard would let more pass, which no
    /// host of today is called, but which a careless reader might take for a path, a list or a user name
    /// (FWD-11).
    pub fn parse(text: &'a str) -> Option<Self> {
        let (host, rest) = match text.strip_prefix('[') {
            Some(text) => text.split_once(']').filter(|(host, _)| is_ipv6(host))?,
            None => {
                let (host, rest) = text.split_at(text.find(':').unwrap_or(text.len()));
                is_name(host).then_some((host, rest))?
            }
        };
        Some(Self { host, port: port(rest)? })
    }
}

/// The longest name that the domain name system has.
const NAME_BYTES_MAX: usize = 255;

fn is_name(text: &str) -> bool {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    (1..=NAME_BYTES_MAX).contains(&text.len()) && text.bytes().all(fits)
}

fn is_ipv6(text: &str) -> bool {
    text.parse::<Ipv6Addr>().is_ok()
}

/// Reads what stands after a host: nothing, or a colon with digits or nothing (RFC 3986 3.2.3).
fn port(text: &str) -> Option<Option<u16>> {
    let Some(digits) = text.strip_prefix(':') else {
        return text.is_empty().then_some(None);
    };
    if digits.is_empty() {
        return Some(None);
    }
    digits.bytes().all(|byte| byte.is_ascii_digit()).then(|| digits.parse().ok().map(Some))?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_with_and_without_port() {
        let cases = [
            ("a.example", "a.example", None),
            ("My_Service-1:8080", "My_Service-1", Some(8080)),
            ("127.0.0.1:", "127.0.0.1", None),
            ("[::1]", "::1", None),
            ("[fe80::1]:443", "fe80::1", Some(443)),
        ];
        for (text, host, port) in cases {
            assert_eq!(Authority::parse(text), Some(Authority { host, port }), "{text}");
        }
    }

    #[test]
    fn fwd_11_nothing_else_is_a_host() {
        let bad = [
            "",
            ":80",
            "a:b",
            "a:65536",
            "a:+1",
            "a:80:80",
            "a/b",
            "a?b",
            "a#b",
            "a@b",
            "a b",
            "a,b",
            "a%2fb",
            "é",
            "::1",
            "[::1",
            "[]",
            "[a]",
            "[::1]x",
            "[::1%25eth0]",
            "a\\b",
            "a\tb",
        ];
        for text in bad {
            assert_eq!(Authority::parse(text), None, "{text}");
        }
        assert_eq!(Authority::parse(&"a".repeat(256)), None);
    }
}
