//! What is changed in a request on its way to the origin (FWD-21 to FWD-45, SIG-1 to SIG-23).

use core::net::IpAddr;

use bytes::Bytes;

use super::hop::{Named, is_hop};
use super::url::{path, without_default_port};
use super::{Policy, RequestUrl, xff};
use crate::grip::{FEATURES, sign};
use crate::ground::{Span, UnixTime};
use crate::message::{Field, Fields, RequestHead};
use crate::route::{Route, Target};

/// Everything a rewrite depends on.
#[derive(Clone, Copy, Debug)]
pub struct Rewrite<'a> {
    /// The policy.
    pub policy: &'a Policy,
    /// The route.
    pub route: &'a Route,
    /// The target.
    pub target: &'a Target,
    /// The URL as the client asked for it.
    pub url: &'a RequestUrl,
    /// The client's address, if it has one.
    pub peer: Option<IpAddr>,
    /// Whether the client is trusted (SIG-20).
    pub trusted: bool,
    /// Whether the request may be signed: not if it goes to somebody else than the route's targets (NEXT-5).
    pub signed: bool,
    /// Wall-clock time, for the signature.
    pub wall: UnixTime,
}

/// The request as the target gets it.
///
/// The rules work on what the client sent, overlaid with the route's headers (FWD-24). What is kept of that
/// is copied once, in order; then comes what the proxy adds.
pub fn rewrite_request(head: &RequestHead, by: Rewrite<'_>) -> RequestHead {
    let mut fields = Fields::with_capacity(head.fields.len() + by.route.set_headers.len() + ROOM);
    put(&mut fields, "Host", by.host());
    let named = Named::by(&head.fields);
    for field in by.unset(&head.fields).filter(|field| !named.has(field)).chain(by.set()) {
        if by.keeps(field) {
            fields.push(field.name.clone(), field.value.clone());
        }
    }
    if by.route.orig_headers && !by.trusted {
        by.mark(&head.fields, &mut fields);
    }
    by.say_encoding(&mut fields);
    by.say_cdn(&head.fields, &mut fields);
    by.say_grip(&mut fields);
    by.say_proto(&mut fields);
    if let Some(value) = by.policy.xff_for(by.trusted).value(&head.fields, by.peer) {
        put(&mut fields, xff::NAME, value);
    }
    RequestHead { method: head.method.clone(), target: by.path(), version: head.version, fields }
}

/// How many fields the proxy adds at most, the marked ones aside.
const ROOM: usize = 8;

/// How long a signature is good (SIG-1).
const SIG_LIFE: Span = Span::from_secs(3600);

/// What the names of marked fields begin with (FWD-33).
const MARK: &str = "eb9bf0f5-";

impl<'a> Rewrite<'a> {
    /// What `Host` says: the target's word before the route's before the client's (FWD-15, FWD-21).
    fn host(&self) -> Bytes {
        let asked = self.target.host.as_ref().or(self.route.as_host.as_ref());
        let authority = match asked {
            Some(host) => without_default_port(host, self.url.secure),
            None => &self.url.authority,
        };
        Bytes::copy_from_slice(authority.as_bytes())
    }

    /// The path with its query after `path_rem` or `replace_beg` (FWD-22, ROUTE-35).
    fn path(&self) -> Bytes {
        let whole = &self.url.path_and_query;
        let (front, cut) = self.replacement(path(whole));
        if front.is_empty() && cut == 0 {
            return whole.clone();
        }
        let rest = whole.slice(cut..);
        match front.first().or(rest.first()) {
            Some(b'/') if front.is_empty() => rest,
            Some(b'/') => [front, &rest].concat().into(),
            // Without its first slash a target would be none.
            _ => [b"/", front, &rest].concat().into(),
        }
    }

    /// What the path gets in front, and how many bytes it loses there.
    fn replacement(&self, path: &[u8]) -> (&'a [u8], usize) {
        let Route { path_beg, path_rem, replace_beg, .. } = self.route;
        match replace_beg {
            _ if path == b"*" => (b"", 0),
            None => (b"", path.len().min(*path_rem)),
            Some(front) if path.starts_with(path_beg.as_bytes()) => {
                (front.as_bytes(), path_beg.len())
            }
            Some(_) => (b"", 0),
        }
    }

    /// What the client sent and the route does not set (FWD-24).
    fn unset<'f>(&self, fields: &'f Fields) -> impl Iterator<Item = &'f Field> + use<'f, 'a> {
        let set = &self.route.set_headers;
        fields.iter().filter(move |field| !set.iter().any(|by| same_name(by, field)))
    }

    /// What the route sets: of one name, the last, unless it is empty (FWD-24).
    fn set(&self) -> impl Iterator<Item = &'a Field> + use<'a> {
        let set = &self.route.set_headers;
        let last = move |at: usize, field| !set[at + 1..].iter().any(|by| same_name(by, field));
        let chosen = set.iter().enumerate().filter(move |&(at, field)| last(at, field));
        chosen.map(|(_, field)| field).filter(|field| !field.value.is_empty())
    }

    /// Whether a field reaches the origin as it is.
    fn keeps(&self, field: &Field) -> bool {
        !is_hop(field)
            && !REPLACED.iter().any(|name| field.is(name))
            && (self.trusted || !field.begins("Grip-"))
            && (self.route.no_grip || !field.is("Accept-Encoding"))
            && ((self.trusted && self.route.orig_headers) || !field.begins(MARK))
            && (self.policy.cdn_loop.is_empty() || !field.is("CDN-Loop"))
            && !(self.policy.accept_pushpin_route && field.is("Pushpin-Route"))
            && !(self.minds_proto() && PROTO_FIELDS.iter().any(|name| field.is(name)))
    }

    /// Appends a marked copy of every header, so that the origin sees what there was (FWD-33).
    fn mark(&self, received: &Fields, fields: &mut Fields) {
        let need_mark = &self.policy.orig_headers_need_mark;
        for field in self.unset(received).chain(self.set()) {
            if field.begins(MARK) {
                fields.push(field.name.clone(), field.value.clone());
            } else if !need_mark.iter().any(|name| field.is(name)) {
                fields.push([MARK.as_bytes(), &field.name].concat(), field.value.clone());
            }
        }
    }

    /// Instructions must be readable, so nothing may be compressed (FWD-37).
    fn say_encoding(&self, fields: &mut Fields) {
        if !self.route.no_grip {
            put(fields, "Accept-Encoding", Bytes::from_static(b"identity"));
        }
    }

    /// Appends our entry to those of the proxies before (FWD-38).
    fn say_cdn(&self, received: &Fields, fields: &mut Fields) {
        let ours = &self.policy.cdn_loop;
        if !ours.is_empty() {
            let entries = received.tokens("CDN-Loop").chain([ours.as_bytes()]);
            put(fields, "CDN-Loop", entries.collect::<Vec<_>>().join(&b", "[..]).into());
        }
    }

    /// Tells the origin that a GRIP proxy asks, and proves it (FWD-40, SIG-1, SIG-6, SIG-7).
    fn say_grip(&self, fields: &mut Fields) {
        if self.trusted || self.route.no_grip {
            return;
        }
        let key = self.route.sig_key.as_ref().or(self.policy.sig_key.as_ref());
        let iss = self.route.sig_iss.as_ref().unwrap_or(&self.policy.sig_iss);
        if let Some(key) = key.filter(|_| self.signed && !iss.is_empty()) {
            put(fields, "Grip-Sig", sign(key, iss, self.wall + SIG_LIFE).into());
        }
        put(fields, "Grip-Feature", Bytes::from_static(FEATURES.as_bytes()));
    }

    /// Says how the request came, if it came over TLS (FWD-42).
    fn say_proto(&self, fields: &mut Fields) {
        let [proto, protocol] = PROTO_FIELDS;
        let says = [
            (self.policy.set_x_forwarded_proto || self.policy.set_x_forwarded_protocol, proto),
            (self.policy.set_x_forwarded_protocol, protocol),
        ];
        for (_, name) in says.into_iter().filter(|&(says, _)| says && self.url.secure) {
            put(fields, name, Bytes::from_static(b"https"));
        }
    }

    /// Whether what the client says about TLS is ours to judge or to say.
    fn minds_proto(&self) -> bool {
        self.policy.accept_x_forwarded_protocol
            || self.policy.set_x_forwarded_proto
            || self.policy.set_x_forwarded_protocol
    }
}

const PROTO_FIELDS: [&str; 2] = ["X-Forwarded-Proto", "X-Forwarded-Protocol"];

/// What is for the proxy alone (FWD-34, FWD-35), or what it says anew (FWD-43, FWD-45).
const REPLACED: [&str; 5] = ["Host", "Content-Length", "Expect", "Proxy-Authorization", xff::NAME];

fn same_name(a: &Field, b: &Field) -> bool {
    a.name.eq_ignore_ascii_case(&b.name)
}

fn put(fields: &mut Fields, name: &'static str, value: Bytes) {
    fields.push(Bytes::from_static(name.as_bytes()), value);
}
