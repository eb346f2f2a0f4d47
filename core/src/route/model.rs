//! What a line of a routes file says.

use core::fmt;
use std::sync::Arc;

use super::JsonpRules;
use crate::grip::Key;
use crate::message::Field;

/// One line of a routes file.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Route {
    /// The exact host, lower case; `None` for `*`. An empty one is met by no request: such a route is
    /// found only by its id (ROUTE-31).
    pub host: Option<String>,
    /// `id`.
    pub id: Option<String>,
    /// `proto`.
    pub proto: Option<Proto>,
    /// `ssl`.
    pub secure: Option<bool>,
    /// `path_beg`; empty matches all.
    pub path_beg: String,
    /// `prefix` of channel names.
    pub prefix: String,
    /// `sig_iss`.
    pub sig_iss: Option<String>,
    /// `sig_key`.
    pub sig_key: Option<Key>,
    /// `as_host`.
    pub as_host: Option<String>,
    /// `path_rem`, in bytes.
    pub path_rem: usize,
    /// `replace_beg`; overrides `path_rem`.
    pub replace_beg: Option<String>,
    /// `header`, in order; an empty value only removes.
    pub set_headers: Vec<Field>,
    /// `orig_headers`.
    pub orig_headers: bool,
    /// `debug`.
    pub debug: bool,
    /// `no_grip`.
    pub no_grip: bool,
    /// `aco`: scripts of other origins may read the answers.
    pub cross_origin: bool,
    /// `jsonp_cb` and the others; they mean something only with `aco`.
    pub jsonp: JsonpRules,
    /// Where requests go, in the order of trying.
    pub targets: Vec<Arc<Target>>,
}

/// The kind of request a route is for.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Proto {
    /// Plain HTTP.
    Http,
    /// WebSocket upgrades.
    Ws,
}

/// One place to send requests to.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Target {
    /// How to reach it.
    pub connect: Connect,
    /// `host`: replaces the request host for this target.
    pub host: Option<String>,
    /// `untrusted`: addresses of the deny list are refused (see [`is_denied`](super::is_denied)).
    pub untrusted: bool,
    /// `sub`: channels that every hold on this target is subscribed to, unprefixed (CHAN-8).
    pub subs: Vec<String>,
    /// `over_http`.
    pub over_http: bool,
    /// `one_event`.
    pub one_event: bool,
}

/// How to reach a target.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub enum Connect {
    /// A TCP origin: name or address (an IPv6 address without brackets), and port.
    Tcp {
        /// Name or address.
        host: String,
        /// Port.
        port: u16,
    },
    /// The built-in test origin (ROUTE-70).
    Test,
}

impl From<Connect> for Target {
    /// A target without options.
    fn from(connect: Connect) -> Self {
        Self {
            connect,
            host: None,
            untrusted: false,
            subs: Vec::new(),
            over_http: false,
            one_event: false,
        }
    }
}

/// As error texts name a target (FWD-91).
impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.connect {
            Connect::Tcp { host, port } if host.contains(':') => write!(f, "[{host}]:{port}"),
            Connect::Tcp { host, port } => write!(f, "{host}:{port}"),
            Connect::Test => f.write_str("test"),
        }
    }
}
