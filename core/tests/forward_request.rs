//! What an origin gets of a request (FWD-21 to FWD-45, SIG-1 to SIG-23).

use core::net::IpAddr;

use bytes::Bytes;
use holdfast_core::forward::{
    Policy, RequestUrl, Rewrite, client_address, is_trusted, loops, rewrite_request,
};
use holdfast_core::grip::{FEATURES, Key, sign, verify};
use holdfast_core::ground::UnixTime;
use holdfast_core::message::{Fields, RequestHead, Version};
use holdfast_core::route::{Route, parse_line};
use http::Method;

const NOW: UnixTime = UnixTime(1_790_000_000);

/// What a rewrite starts from; tests change what matters to them.
struct Case {
    policy: Policy,
    route: Route,
    method: Method,
    target: Bytes,
    fields: Fields,
    peer: Option<IpAddr>,
    secure: bool,
    trusted: bool,
}

fn case(line: &str, fields: &[(&'static str, &'static str)]) -> Case {
    let route = parse_line(line, &mut |path| Err(path.to_owned()), &mut Vec::new());
    Case {
        policy: Policy::default(),
        route: route.expect("a good line").expect("a route"),
        method: Method::GET,
        target: Bytes::from_static(b"/"),
        fields: fields.iter().copied().chain([("Host", "Client.com:80")]).collect(),
        peer: "192.0.2.1".parse().ok(),
        secure: false,
        trusted: false,
    }
}

impl Case {
    fn head(&self) -> RequestHead {
        RequestHead {
            method: self.method.clone(),
            target: self.target.clone(),
            version: Version::Http11,
            fields: self.fields.clone(),
        }
    }

    fn send(&self) -> RequestHead {
        let head = self.head();
        let url = RequestUrl::of(&head, self.secure).expect("a url");
        let by = Rewrite {
            policy: &self.policy,
            route: &self.route,
            target: &self.route.targets[0],
            url: &url,
            peer: self.peer,
            trusted: self.trusted,
            signed: true,
            wall: NOW,
        };
        rewrite_request(&head, by)
    }

    /// The fields as the origin gets them, without those that nearly every request has.
    fn sent(&self) -> Vec<(String, String)> {
        let usual = ["Host", "Accept-Encoding", "Grip-Feature"];
        let text = |bytes: &Bytes| String::from_utf8_lossy(bytes).into_owned();
        let fields = self.send().fields;
        let unusual = fields.iter().filter(|field| !usual.iter().any(|name| field.is(name)));
        unusual.map(|field| (text(&field.name), text(&field.value))).collect()
    }

    fn value(&self, name: &str) -> Option<String> {
        let values = self.send().fields;
        let mut values = values.all(name);
        let value = values.next().map(|value| String::from_utf8_lossy(value).into_owned());
        assert_eq!(values.next(), None, "{name} is there once");
        value
    }
}

fn assert_sent(case: &Case, expected: &[(&str, &str)]) {
    let sent = case.sent();
    let sent: Vec<_> = sent.iter().map(|(name, value)| (&name[..], &value[..])).collect();
    assert_eq!(sent, expected);
}

fn key(secret: &str) -> Key {
    Key::parse(secret).expect("a key").expect("a key")
}

#[test]
fn fwd_4_45_a_plain_request_changes_little() {
    let case = case("* o:1", &[("x-A", "1"), ("Cookie", "c"), ("X-a", "2")]);
    assert_sent(&case, &[("x-A", "1"), ("Cookie", "c"), ("X-a", "2")]);
    let sent = case.send();
    let names: Vec<_> = sent.fields.iter().map(|field| &field.name[..]).collect();
    let expected = ["Host", "x-A", "Cookie", "X-a", "Accept-Encoding", "Grip-Feature"];
    assert_eq!(names, expected.map(str::as_bytes), "and nothing else is added");
    assert_eq!((sent.method, &sent.target[..]), (Method::GET, &b"/"[..]));
}

#[test]
fn fwd_15_21_45_the_host_is_the_targets_the_routes_or_the_clients() {
    let host = |line: &str| case(line, &[]).value("Host").expect("a host");
    assert_eq!(host("* o:1"), "client.com");
    assert_eq!(host("*,as_host=route.com:81 o:1"), "route.com:81");
    assert_eq!(host("*,as_host=route.com:80 o:1"), "route.com");
    assert_eq!(host("*,as_host=route.com o:1,host=target.com"), "target.com");
}

#[test]
fn fwd_22_route_35_path_rem_and_replace_beg() {
    let sent = |line: &str, target: &'static str| {
        let target = Bytes::from_static(target.as_bytes());
        String::from_utf8(Case { target, ..case(line, &[]) }.send().target.into()).expect("text")
    };
    let cases = [
        ("* o:1", "/a?b=/c", "/a?b=/c"),
        ("*,path_beg=/rep,replace_beg=/new/ o:1", "/rep/abc", "/new//abc"),
        ("*,path_beg=/rep,replace_beg=/new/ o:1", "/rep", "/new/"),
        ("*,path_beg=/rep,replace_beg=/new/ o:1", "/rep?q", "/new/?q"),
        ("*,path_beg=/rep,replace_beg=new o:1", "/rep/a", "/new/a"),
        ("*,path_beg=/rep,replace_beg= o:1", "/rep/a", "/a"),
        ("*,path_beg=/rep,replace_beg= o:1", "/rep?q", "/?q"),
        ("*,path_beg=/rep,replace_beg=/x o:1", "/other", "/other"),
        ("*,replace_beg=/x,path_rem=3 o:1", "/abc", "/x/abc"),
        ("*,path_rem=2 o:1", "/a/b/a?a", "/b/a?a"),
        ("*,path_rem=3 o:1", "/a/b", "/b"),
        ("*,path_rem=2 o:1", "/a", "/"),
        ("*,path_rem=9 o:1", "/a?q=/long/enough", "/?q=/long/enough"),
    ];
    for (line, target, expected) in cases {
        assert_eq!(sent(line, target), expected, "{line}: {target}");
    }
    let about_the_server =
        Case { method: Method::OPTIONS, ..case("*,path_rem=1,replace_beg=/x o:1", &[]) };
    let sent = Case { target: "*".into(), ..about_the_server }.send();
    assert_eq!(sent.target, "*");
}

#[test]
fn fwd_24_the_routes_headers_replace_or_remove() {
    let line = "*,header=Cookie:,\"header=X-A: 1\",\"header=X-B: 2\",\"header=x-b: 3\" o:1";
    let case = case(line, &[("cookie", "c"), ("x-a", "x"), ("X-C", "4"), ("X-a", "y")]);
    assert_sent(&case, &[("X-C", "4"), ("X-A", "1"), ("x-b", "3")]);
}

#[test]
fn fwd_24_the_routes_headers_cannot_set_what_the_proxy_says() {
    let names = [
        "Connection",
        "Upgrade",
        "TE",
        "Transfer-Encoding",
        "Content-Length",
        "Host",
        "Grip-Sig",
        "Accept-Encoding",
        "X-Forwarded-For",
        "eb9bf0f5-X",
    ];
    for name in names {
        let case = case(&format!("*,\"header={name}: evil\" o:1"), &[]);
        assert!(case.send().fields.iter().all(|field| field.value != "evil"), "{name}");
    }
}

#[test]
fn fwd_24_the_client_cannot_have_the_routes_headers_removed() {
    let case = case("*,\"header=X-A: 1\" o:1", &[("Connection", "x-a")]);
    assert_sent(&case, &[("X-A", "1")]);
}

#[test]
fn fwd_33_marked_copies_show_the_originals() {
    let fields = [("X-A", "1"), ("Connection", "close"), ("EB9BF0F5-X-C", "m"), ("Cookie", "c")];
    let mut case = case("*,orig_headers,\"header=X-R: 2\" o:1", &fields);
    case.policy.orig_headers_need_mark = vec!["cookie".to_owned()];
    let marked = [
        ("eb9bf0f5-X-A", "1"),
        ("eb9bf0f5-Connection", "close"),
        ("EB9BF0F5-X-C", "m"),
        ("eb9bf0f5-Host", "Client.com:80"),
        ("eb9bf0f5-X-R", "2"),
    ];
    let own = [("X-A", "1"), ("Cookie", "c"), ("X-R", "2")];
    assert_sent(&case, &[&own[..], &marked[..]].concat());
}

#[test]
fn fwd_33_sig_23_who_may_mark() {
    let fields = [("eb9bf0f5-A", "1"), ("B", "2")];
    let trusted = |line| Case { trusted: true, ..case(line, &fields) };
    assert_sent(&case("* o:1", &fields), &[("B", "2")]);
    assert_sent(&trusted("* o:1"), &[("B", "2")]);
    assert_sent(&trusted("*,orig_headers o:1"), &[("eb9bf0f5-A", "1"), ("B", "2")]);
}

#[test]
fn fwd_34_35_hop_by_hop_fields_stay_here() {
    let fields = [
        ("connection", "x-mine, Keep-Alive"),
        ("Keep-Alive", "5"),
        ("Transfer-Encoding", "chunked"),
        ("Expect", "100-continue"),
        ("TE", "trailers"),
        ("Trailer", "x"),
        ("Upgrade", "h2c"),
        ("Proxy-Connection", "close"),
        ("Proxy-Authorization", "secret"),
        ("X-Mine", "1"),
        ("X-Yours", "2"),
    ];
    assert_sent(&case("* o:1", &fields), &[("X-Yours", "2")]);
}

#[test]
fn fwd_36_37_codings_of_the_body_stay_and_of_the_answer_are_identity() {
    let fields = [("Accept-Encoding", "gzip"), ("Content-Encoding", "br")];
    let grip = case("* o:1", &fields);
    assert_eq!(grip.value("Accept-Encoding").as_deref(), Some("identity"));
    assert_eq!(grip.value("Content-Encoding").as_deref(), Some("br"));
    let no_grip = case("*,no_grip o:1", &fields);
    assert_eq!(no_grip.value("Accept-Encoding").as_deref(), Some("gzip"));
    assert_eq!(case("*,no_grip o:1", &[]).value("Accept-Encoding"), None);
}

#[test]
fn fwd_38_cdn_loop_is_folded_and_extended() {
    let fields = [("CDN-Loop", "a"), ("X", "1"), ("cdn-loop", "b; p=1,c")];
    assert_sent(&case("* o:1", &fields), &fields);
    let mut case = case("* o:1", &fields);
    case.policy.cdn_loop = "us".to_owned();
    assert_sent(&case, &[("X", "1"), ("CDN-Loop", "a, b; p=1, c, us")]);
}

#[test]
fn fwd_38_a_loop_is_seen() {
    let loops_with = |ours: &str, theirs| {
        let policy = Policy { cdn_loop: ours.to_owned(), ..Policy::default() };
        loops(&case("* o:1", &[("CDN-Loop", theirs)]).head(), &policy)
    };
    assert!(loops_with("us", "a, US;x=1"));
    assert!(loops_with("us; v=1", "us"));
    assert!(!loops_with("us", "usa, a;us"));
    assert!(!loops_with("", "us"));
}

#[test]
fn fwd_39_40_only_the_proxy_speaks_grip() {
    let fields = [("Grip-Sig", "x"), ("grip-feature", "x"), ("Grip-Last", "x"), ("X", "1")];
    let mut case = case("* o:1", &fields);
    assert_sent(&case, &[("X", "1")]);
    assert_eq!(case.value("Grip-Feature").as_deref(), Some(FEATURES));
    case.route.no_grip = true;
    assert_sent(&case, &[("X", "1")]);
    assert_eq!(case.value("Grip-Feature"), None);
}

#[test]
fn sig_23_a_trusted_client_speaks_grip_itself() {
    let fields = [("Grip-Sig", "x"), ("Grip-Last", "y")];
    let mut case = Case { trusted: true, ..case("* o:1", &fields) };
    case.policy.sig_iss = "pushpin".to_owned();
    case.policy.sig_key = Some(key("global"));
    assert_sent(&case, &fields);
    assert_eq!(case.value("Grip-Feature"), None);
}

#[test]
fn sig_1_6_7_requests_are_signed_for_an_hour() {
    let signed = |line: &str, iss: &str, secret: &str| {
        let mut case = case(line, &[]);
        case.policy.sig_iss = iss.to_owned();
        case.policy.sig_key = Key::parse(secret).expect("a key");
        case.value("Grip-Sig")
    };
    let token = |secret, iss| Some(sign(&key(secret), iss, UnixTime(NOW.0 + 3600)));
    assert_eq!(signed("* o:1", "me", "global"), token("global", "me"));
    assert_eq!(signed("*,sig_key=own o:1", "me", "global"), token("own", "me"));
    assert_eq!(signed("*,sig_iss=you o:1", "me", "global"), token("global", "you"));
    assert_eq!(signed("*,sig_iss=you,sig_key=own o:1", "", ""), token("own", "you"));
    assert_eq!(signed("* o:1", "", "global"), None);
    assert_eq!(signed("* o:1", "me", ""), None);
    assert_eq!(signed("*,no_grip o:1", "me", "global"), None);
    let sent = signed("* o:1", "me", "global").expect("a token");
    assert!(verify(sent.as_bytes(), &key("global"), NOW));
}

#[test]
fn sig_20_21_22_who_is_trusted() {
    let policy = Policy { upstream_key: Some(key("up")), ..Policy::default() };
    let trusted = |token: String, policy: &Policy| {
        let mut head = case("* o:1", &[]).head();
        head.fields.push("grip-sig", token);
        is_trusted(&head, policy, NOW)
    };
    let token = |secret, exp| sign(&key(secret), "whoever", UnixTime(exp));
    assert!(trusted(token("up", NOW.0 + 1), &policy));
    assert!(!trusted(token("up", NOW.0 + 1), &Policy::default()), "no upstream key");
    assert!(!trusted(token("up", NOW.0), &policy), "expired");
    assert!(!trusted(token("other", NOW.0 + 1), &policy));
    assert!(!trusted("nonsense".to_owned(), &policy));
    assert!(!is_trusted(&case("* o:1", &[]).head(), &policy, NOW));
}

#[test]
fn fwd_42_what_the_client_says_about_tls() {
    let policy = Policy { accept_x_forwarded_protocol: true, ..Policy::default() };
    let says = |fields: &[(&'static str, &'static str)], policy: &Policy| {
        policy.declares_tls(&case("* o:1", fields).head())
    };
    assert!(says(&[("x-forwarded-proto", "https")], &policy));
    assert!(says(&[("X-Forwarded-Protocol", "wss")], &policy));
    assert!(!says(&[("X-Forwarded-Proto", "HTTPS")], &policy));
    let both = [("X-Forwarded-Protocol", "https"), ("X-Forwarded-Proto", "http")];
    assert!(!says(&both, &policy), "the newer name counts");
    assert!(!says(&[("X-Forwarded-Proto", "https")], &Policy::default()));
}

#[test]
fn fwd_42_what_the_origin_hears_about_tls() {
    let fields = [("X-Forwarded-Proto", "a"), ("x-forwarded-protocol", "b")];
    let sent = |secure, accept, proto, protocol| {
        let mut case = Case { secure, ..case("* o:1", &fields) };
        case.policy.accept_x_forwarded_protocol = accept;
        case.policy.set_x_forwarded_proto = proto;
        case.policy.set_x_forwarded_protocol = protocol;
        case.sent()
    };
    let pairs = |pairs: &[(&str, &str)]| -> Vec<(String, String)> {
        pairs.iter().map(|&(name, value)| (name.to_owned(), value.to_owned())).collect()
    };
    let new = ("X-Forwarded-Proto", "https");
    let old = ("X-Forwarded-Protocol", "https");
    assert_eq!(sent(true, false, false, false), pairs(&fields));
    assert_eq!(sent(true, true, false, false), pairs(&[]));
    assert_eq!(sent(true, false, true, false), pairs(&[new]));
    assert_eq!(sent(true, false, true, true), pairs(&[new, old]));
    assert_eq!(sent(false, true, true, true), pairs(&[]));
}

#[test]
fn fwd_43_x_forwarded_for() {
    let sent = |rule: &str, peer: Option<&str>, fields: &[(&'static str, &'static str)]| {
        let mut case = case("* o:1", fields);
        case.policy.xff = rule.parse().expect(rule);
        case.peer = peer.map(|peer| peer.parse().expect("an address"));
        case.value("X-Forwarded-For")
    };
    let both = [("X-Forwarded-For", "a, b"), ("x-forwarded-for", " ,c")];
    let me = Some("192.0.2.1");
    assert_eq!(sent("", me, &both).as_deref(), Some("a, b, c"));
    assert_eq!(sent("", me, &[]), None);
    assert_eq!(sent("append", me, &both).as_deref(), Some("a, b, c, 192.0.2.1"));
    assert_eq!(sent("append", None, &both).as_deref(), Some("a, b, c"), "a unix socket");
    assert_eq!(sent("append", Some("::ffff:192.0.2.1"), &[]), me.map(str::to_owned));
    assert_eq!(sent("append", Some("2001:db8::1"), &[]).as_deref(), Some("2001:db8::1"));
    assert_eq!(sent("truncate:0", me, &both), None);
    assert_eq!(sent("truncate:2", me, &both).as_deref(), Some("b, c"));
    assert_eq!(sent("truncate:9", me, &both).as_deref(), Some("a, b, c"));
    assert_eq!(sent("truncate:1, append", me, &both).as_deref(), Some("c, 192.0.2.1"));
}

#[test]
fn fwd_43_trusted_clients_have_a_rule_of_their_own() {
    let mut case = case("* o:1", &[("X-Forwarded-For", "a")]);
    case.policy.xff = "truncate:0,append".parse().expect("a rule");
    assert_eq!(case.value("X-Forwarded-For").as_deref(), Some("192.0.2.1"));
    case.trusted = true;
    assert_eq!(case.value("X-Forwarded-For").as_deref(), Some("a"));
}

#[test]
fn fwd_43_bad_rules_are_refused() {
    use holdfast_core::forward::{XffRule, XffRuleError};
    for rule in ["truncate", "truncate:", "truncate:x", "truncate:-1", "prepend", "append:1"] {
        assert_eq!(rule.parse::<XffRule>(), Err(XffRuleError(rule.to_owned())));
    }
}

#[test]
fn fwd_44_the_logical_client_is_not_forged_by_default() {
    let client = |rule: &str, value: &'static str| {
        let case = case("* o:1", &[("X-Forwarded-For", value)]);
        let policy = Policy { xff: rule.parse().expect(rule), ..Policy::default() };
        client_address(&case.head(), &policy, false, case.peer).expect("an address").to_string()
    };
    assert_eq!(client("", "198.51.100.7"), "192.0.2.1");
    assert_eq!(client("truncate:0,append", "198.51.100.7"), "192.0.2.1");
    assert_eq!(client("truncate:1", "203.0.113.9, 198.51.100.7"), "198.51.100.7");
    assert_eq!(client("append", "unknown"), "192.0.2.1");
}

#[test]
fn route_60_pushpin_route_is_for_the_proxy_if_it_listens() {
    let mut case = case("* o:1", &[("Pushpin-Route", "id")]);
    assert_sent(&case, &[("Pushpin-Route", "id")]);
    case.policy.accept_pushpin_route = true;
    assert_sent(&case, &[]);
}
