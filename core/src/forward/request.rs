//! What the configuration says about requests, and what it makes of who sent one.

use core::net::IpAddr;

use super::XffRule;
use crate::grip::{Key, verify};
use crate::ground::UnixTime;
use crate::message::RequestHead;

/// The parts of the configuration that shape forwarded requests.
#[derive(Clone, Debug, Default)]
pub struct Policy {
    /// `sig_iss`.
    pub sig_iss: String,
    /// `sig_key`.
    pub sig_key: Option<Key>,
    /// `upstream_key`.
    pub upstream_key: Option<Key>,
    /// `accept_x_forwarded_protocol`.
    pub accept_x_forwarded_protocol: bool,
    /// `set_x_forwarded_protocol` is `proto-only` or `true`: `X-Forwarded-Proto` is set.
    pub set_x_forwarded_proto: bool,
    /// `set_x_forwarded_protocol` is `true`: the older `X-Forwarded-Protocol` is set as well.
    pub set_x_forwarded_protocol: bool,
    /// `x_forwarded_for`.
    pub xff: XffRule,
    /// `x_forwarded_for_trusted`.
    pub xff_trusted: XffRule,
    /// `orig_headers_need_mark`.
    pub orig_headers_need_mark: Vec<String>,
    /// `accept_pushpin_route`.
    pub accept_pushpin_route: bool,
    /// `cdn_loop`; empty: untouched.
    pub cdn_loop: String,
    /// Where links of a backend may lead beyond the route they came by (`link_hosts`).
    pub link_hosts: LinkHosts,
    /// `auto_cross_origin`: on every route, scripts of other origins may read the answers.
    pub auto_cross_origin: bool,
    /// The origins whose scripts may (`cross_origin_allow`); all if there is none.
    pub cross_origin_allow: Vec<String>,
    /// Whether pings of WebSocket clients go to WebSocket-over-HTTP backends instead of being answered
    /// (`pass_pings`, WS-24).
    pub pass_pings: bool,
    /// `debug`.
    pub debug: bool,
}

/// Hosts that next and gone links, and filters, may name (NEXT-5).
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub enum LinkHosts {
    /// All.
    #[default]
    Any,
    /// These, lower case and without port.
    Only(Vec<String>),
}

impl LinkHosts {
    /// Whether links may lead to `host`, which is lower case.
    pub fn allow(&self, host: &str) -> bool {
        match self {
            Self::Any => true,
            Self::Only(hosts) => hosts.iter().any(|known| known == host),
        }
    }
}

impl Policy {
    /// Whether the client's fields say that it came over TLS, and may say so (FWD-42).
    pub fn declares_tls(&self, head: &RequestHead) -> bool {
        let said = || {
            let fields = &head.fields;
            fields.first("X-Forwarded-Proto").or_else(|| fields.first("X-Forwarded-Protocol"))
        };
        self.accept_x_forwarded_protocol
            && said().is_some_and(|said| matches!(&said[..], b"https" | b"wss"))
    }

    pub(super) fn xff_for(&self, trusted: bool) -> XffRule {
        if trusted { self.xff_trusted } else { self.xff }
    }
}

/// Whether the client is itself a GRIP proxy that may speak for its clients: its `Grip-Sig` is signed with the
/// upstream key (SIG-20).
pub fn is_trusted(head: &RequestHead, policy: &Policy, now: UnixTime) -> bool {
    policy.upstream_key.as_ref().is_some_and(|key| {
        head.fields.first("Grip-Sig").is_some_and(|token| verify(token, key, now))
    })
}

/// Whether the request has been here before: its `CDN-Loop` has our entry, whatever parameters follow the
/// name (FWD-38).
pub fn loops(head: &RequestHead, policy: &Policy) -> bool {
    let id = |entry: &[u8]| {
        let end = entry.iter().position(|&byte| byte == b';').unwrap_or(entry.len());
        entry[..end].trim_ascii().to_ascii_lowercase()
    };
    !policy.cdn_loop.is_empty() && {
        let ours = id(policy.cdn_loop.as_bytes());
        head.fields.tokens("CDN-Loop").any(|entry| id(entry) == ours)
    }
}

/// Who the client is, for logs and statistics (FWD-44).
pub fn client_address(
    head: &RequestHead,
    policy: &Policy,
    trusted: bool,
    peer: Option<IpAddr>,
) -> Option<IpAddr> {
    policy.xff_for(trusted).client(&head.fields, peer)
}
