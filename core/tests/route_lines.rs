//! What lines of a routes file mean (ROUTE-1 to ROUTE-43).

use std::sync::Arc;

use holdfast_core::grip::Key;
use holdfast_core::message::Field;
use holdfast_core::route::{
    Connect, JsonpMode, JsonpRules, LineError, Loaded, Proto, Route, Target, Warning, parse_line,
    parse_routes,
};
use http::Method;

fn load(text: &str) -> Loaded {
    parse_routes(text, &mut |path| Err(format!("no file {path}")))
}

/// The route of a line that must load without a warning.
fn route(line: &str) -> Route {
    let (route, warnings) = warned(line);
    assert_eq!(warnings, [], "{line}");
    route
}

fn warned(line: &str) -> (Route, Vec<Warning>) {
    let mut warnings = Vec::new();
    let route = parse_line(line, &mut |_| Ok("00ff".to_owned()), &mut warnings);
    (route.expect("the line loads").expect("the line is a route"), warnings)
}

fn error(line: &str) -> LineError {
    let result = parse_line(line, &mut |_| Err("gone".to_owned()), &mut Vec::new());
    result.expect_err(line)
}

fn tcp(host: &str, port: u16) -> Target {
    Target::from(Connect::Tcp { host: host.to_owned(), port })
}

fn bad(property: &str, value: &str) -> LineError {
    LineError::Value { property: property.to_owned(), value: value.to_owned() }
}

#[test]
fn route_1_lines_end_in_lf_or_crlf_and_may_be_blank() {
    let loaded = load("\n# nothing\r\n   \r\na b:1\r\n* c:2\n");
    assert_eq!(
        (loaded.table.len(), &loaded.errors[..], &loaded.warnings[..]),
        (2, &[][..], &[][..])
    );
}

#[test]
fn route_6_7_faulty_lines_are_skipped_with_their_numbers() {
    let loaded = load("a b:1\na,,b c:1\n\n* \"c:2\nd e:3\n");
    assert_eq!(loaded.errors, [(2, LineError::EmptyProperty), (4, LineError::Quote)]);
    assert_eq!(loaded.table.len(), 2);
}

#[test]
fn route_8_a_condition_alone_is_an_error() {
    assert_eq!(error("a,id=x"), LineError::NoTarget);
}

#[test]
fn route_9_unknown_properties_load_with_a_warning() {
    let unknown = |name: &str| Warning::UnknownProperty(name.to_owned());
    let (_, warnings) = warned("*,colour=red localhost:1,weight=3");
    assert_eq!(warnings, [unknown("colour"), unknown("weight")]);
    let (_, warnings) = warned("*,over_http localhost:1,debug");
    assert_eq!(warnings, [unknown("over_http"), unknown("debug")], "options of the other side");
}

#[test]
fn route_10_flags_are_on_unless_they_say_no() {
    assert!(route("*,debug a:1").debug);
    assert!(route("*,debug=true a:1").debug);
    for no in ["false", "no", "0", "off"] {
        let (route, warnings) = warned(&format!("*,debug={no} a:1"));
        assert!(!route.debug, "{no}");
        assert_eq!(warnings, [Warning::FlagOff("debug".to_owned())]);
    }
}

#[test]
fn route_11_the_last_of_a_property_wins_but_header_and_sub_repeat() {
    let route =
        route("*,prefix=a,prefix=b,header=A:1,header=A:2 a:1,sub=x,sub=,sub=y,host=h,host=i");
    assert_eq!(route.prefix, "b");
    let field = |value: &'static str| Field { name: "A".into(), value: value.into() };
    assert_eq!(route.set_headers, [field("1"), field("2")]);
    assert_eq!(route.targets[0].subs, ["x", "y"]);
    assert_eq!(route.targets[0].host.as_deref(), Some("i"));
}

#[test]
fn route_20_23_hosts_are_folded_and_a_star_is_any() {
    assert_eq!(route("* a:1").host, None);
    assert_eq!(route("WWW.Example.COM a:1").host.as_deref(), Some("www.example.com"));
    assert_eq!(route("[::1] a:1").host.as_deref(), Some("::1"));
    assert_eq!(route("::1 a:1").host.as_deref(), Some("::1"));
    assert_eq!(route(",id=x a:1").host.as_deref(), Some(""));
}

#[test]
fn route_21_31_conditions_that_no_request_meets_are_warned_about() {
    for host in ["*.example.com", "example.com:80", "a/b"] {
        let (_, warnings) = warned(&format!("{host} a:1"));
        assert_eq!(warnings, [Warning::StrangeHost(host.to_owned())]);
    }
    assert_eq!(warned("path_beg=/x a:1").1, [Warning::Unreachable]);
}

#[test]
fn route_25_condition_values() {
    let route = route("*,proto=ws,ssl=no,path_beg=/x a:1");
    assert_eq!(
        (route.proto, route.secure, &route.path_beg[..]),
        (Some(Proto::Ws), Some(false), "/x")
    );
    assert_eq!(error("*,proto=https a:1"), bad("proto", "https"));
    assert_eq!(error("*,proto a:1"), bad("proto", ""));
    assert_eq!(error("*,ssl=true a:1"), bad("ssl", "true"));
    assert_eq!(error("*,path_beg= a:1"), bad("path_beg", ""));
}

#[test]
fn options_of_a_condition() {
    let line = r#"a,id=i,prefix=p-,sig_iss=me,sig_key=base64:AP8=,as_host=b:8,path_rem=3,replace_beg=/y,
        orig_headers,no_grip,header="X-A:  b c " t:1"#;
    let route = route(&line.replace("\n        ", ""));
    let expected = Route {
        host: Some("a".to_owned()),
        id: Some("i".to_owned()),
        prefix: "p-".to_owned(),
        sig_iss: Some("me".to_owned()),
        sig_key: Key::parse("base64:AP8=").expect("a key"),
        as_host: Some("b:8".to_owned()),
        path_rem: 3,
        replace_beg: Some("/y".to_owned()),
        orig_headers: true,
        no_grip: true,
        set_headers: vec![Field { name: "X-A".into(), value: "b c".into() }],
        targets: vec![Arc::new(tcp("t", 1))],
        ..Route::default()
    };
    assert_eq!(route, expected);
}

#[test]
fn path_rem_that_is_no_number_is_zero_with_a_warning() {
    let (route, warnings) = warned("*,path_rem=x a:1");
    assert_eq!(route.path_rem, 0);
    let (property, value) = ("path_rem".to_owned(), "x".to_owned());
    assert_eq!(warnings, [Warning::NotANumber { property, value }]);
}

#[test]
fn texts_that_would_break_a_request_are_refused() {
    for header in ["X-A", ": v", "X A: v", "X-A: b\u{1}c", "X-A: b\rc"] {
        let line = format!("*,\"header={header}\" a:1");
        assert_eq!(error(&line), LineError::Header(header.to_owned()), "{header:?}");
    }
    for path in ["/a b", "/a?b", "/a\u{e9}", "/a#b"] {
        assert_eq!(error(&format!("*,\"replace_beg={path}\" a:1")), bad("replace_beg", path));
    }
    for host in ["a/b", "a b", "a:b", "u@a"] {
        assert_eq!(error(&format!("*,\"as_host={host}\" a:1")), bad("as_host", host));
        assert_eq!(error(&format!("* a:1,\"host={host}\"")), bad("host", host));
    }
}

#[test]
fn sig_3_4_5_keys_come_from_the_spec_or_from_a_file_and_must_be_good() {
    let from_file = Key::from_file(b"00ff").expect("a key");
    assert_eq!(route("*,sig_key=file:k.hex a:1").sig_key, Some(from_file));
    assert_eq!(route("*,sig_key=secret a:1").sig_key, Key::parse("secret").expect("a key"));
    assert_eq!(route("*,sig_key= a:1").sig_key, None);
    let (path, why) = ("k.hex".to_owned(), "gone".to_owned());
    assert_eq!(error("*,sig_key=file:k.hex a:1"), LineError::KeyFile { path, why });
    assert!(matches!(error("*,sig_key=base64:% a:1"), LineError::Key(_)));
}

#[test]
fn route_40_targets() {
    let route = route("* a.example:80 127.0.0.1:65535 [2001:db8::1]:8000 test");
    let expected = [
        tcp("a.example", 80),
        tcp("127.0.0.1", 65535),
        tcp("2001:db8::1", 8000),
        Connect::Test.into(),
    ];
    assert_eq!(route.targets.iter().map(|target| (**target).clone()).collect::<Vec<_>>(), expected);
    let bad = [
        "a", "a:", "a:0", "a:65536", "a:http", "a:b:80", ":80", "::1:80", "[::1]", "[x]:80", "\"\"",
    ];
    for text in bad {
        assert_eq!(
            error(&format!("* {text} b:1")),
            LineError::Target(text.replace('"', "")),
            "{text}"
        );
    }
}

#[test]
fn fwd_91_targets_print_as_they_are_written() {
    for text in ["a:80", "[2001:db8::1]:8000", "test"] {
        assert_eq!(route(&format!("* {text}")).targets[0].to_string(), text);
    }
}

#[test]
fn route_41_target_options() {
    let route = route("* a:1,host=b:2,untrusted,over_http,one_event,sub=c b:2");
    let expected = Target {
        host: Some("b:2".to_owned()),
        untrusted: true,
        subs: vec!["c".to_owned()],
        over_http: true,
        one_event: true,
        ..tcp("a", 1)
    };
    assert_eq!(*route.targets[0], expected);
    assert_eq!(*route.targets[1], tcp("b", 2), "ROUTE-36: options are the target's own");
}

#[test]
fn what_is_not_built_is_refused_aloud() {
    let lines = [
        "*,sockjs=/s a:1",
        "*,sockjs_as_path=/s a:1",
        "* a:1,ssl",
        "* a:1,client_cert=c",
        "* a:1,client_key=k",
        "* zhttp/tcp://127.0.0.1:1",
        "* zhttpreq/x",
    ];
    for line in lines {
        assert!(error(line).to_string().ends_with("is not supported yet"), "{line}");
    }
    assert_eq!(warned("* a:1,ssl=no").1, [Warning::FlagOff("ssl".to_owned())]);
}

#[test]
fn what_has_no_effect_yet_loads_with_a_warning() {
    for option in ["session", "log_level=1"] {
        let name = option.split('=').next().expect("a name").to_owned();
        assert_eq!(warned(&format!("*,{option} a:1")).1, [Warning::NoEffect(name)]);
    }
    assert_eq!(warned("*,jsonp_x a:1").1, [Warning::UnknownProperty("jsonp_x".to_owned())]);
}

#[test]
fn cors_20_the_rules_of_jsonp() {
    let route = warned("*,aco,jsonp_cb=c,jsonp_body=b,jsonp_defcb=d,jsonp_mode=basic a:1").0;
    let rules = JsonpRules {
        callback: "c".to_owned(),
        body: Some("b".to_owned()),
        default_callback: Some("d".to_owned()),
        mode: JsonpMode::Basic,
        default_method: None,
    };
    assert_eq!((route.cross_origin, &route.jsonp), (true, &rules));
    assert_eq!(route.jsonp.method(), Method::POST);
    let route = warned("*,jsonp_cb=,jsonp_body=,jsonp_defcb=,jsonp_defmethod= a:1").0;
    assert_eq!((route.cross_origin, &route.jsonp), (false, &JsonpRules::default()));
    assert_eq!(route.jsonp.method(), Method::GET);
    assert_eq!(warned("*,jsonp_defmethod=PUT a:1").0.jsonp.method(), Method::PUT);
    for (name, value) in [("jsonp_mode", "x"), ("jsonp_defmethod", "A B")] {
        assert_eq!(error(&format!("*,{name}=\"{value}\" a:1")), bad(name, value));
    }
}

#[test]
fn route_29_a_duplicate_condition_is_dropped_with_a_warning() {
    let loaded = load("a,path_beg=/x,id=1 b:1\na,path_beg=/y b:2\nA,id=2,path_beg=/x b:3\n");
    assert_eq!(loaded.warnings, [(3, Warning::DuplicateCondition)]);
    assert_eq!(loaded.table.len(), 2, "ROUTE-53: accepted lines");
    assert!(loaded.table.by_id("1").is_some());
    assert!(loaded.table.by_id("2").is_none(), "a dropped line leaves no id behind");
}

#[test]
fn route_30_31_32_routes_by_id() {
    let loaded = load(",id=one b:1\nc,id=two d:2\n,id=same e:3\nf,id=same g:4\nh,id=same i:5\n");
    let target = |id| loaded.table.by_id(id).map(|route| route.targets[0].to_string());
    assert_eq!(target("one").as_deref(), Some("b:1"));
    assert_eq!(target("two").as_deref(), Some("d:2"));
    assert_eq!(target("same"), None, "whoever shares an id");
    assert_eq!(target("none"), None);
    let shared = || Warning::SharedId("same".to_owned());
    assert_eq!(loaded.warnings, [(4, shared()), (5, shared())]);
    assert_eq!(loaded.table.len(), 5);
}
