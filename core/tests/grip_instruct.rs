//! Whole instructs: what a backend's response comes to, and why it is refused.

use bytes::Bytes;
use holdfast_core::grip::{
    Hold, Instruct, InstructError, KeepAliveMode, is_instruct, is_json, parse_head, parse_whole,
};
use holdfast_core::ground::{Limits, Span};
use holdfast_core::message::ResponseHead;
use http::StatusCode;

const JSON: (&str, &str) = ("Content-Type", "application/grip-instruct");

#[test]
fn act_1_what_is_an_instruct() {
    let cases: [(&str, &str, bool, bool); 9] = [
        ("Grip-Hold", "response", true, false),
        ("gRIP-anything", "", true, false),
        ("Grip", "x", false, false),
        ("X-Grip-Hold", "stream", false, false),
        ("Content-Type", "application/grip-instruct", true, true),
        ("content-type", "Application/GRIP-Instruct ; charset=utf-8", true, true),
        ("Content-Type", "application/grip-instruct-2", false, false),
        ("Content-Type", "text/plain; application/grip-instruct", false, false),
        ("Content-Type", "text/plain", false, false),
    ];
    for (name, value, by_any, by_json) in cases {
        let head = head(&[(name, value)]);
        assert_eq!((is_instruct(&head), is_json(&head)), (by_any, by_json), "{name}: {value}");
    }
}

#[test]
fn hold_1_and_noh_1_modes() {
    let hold = |value| Ok(by_headers(&[("Grip-Hold", value)])?.hold);
    assert_eq!(hold("response"), Ok(Some(Hold::Response { timeout: None })));
    assert_eq!(hold("stream"), Ok(Some(Hold::Stream { keep_alive: None })));
    for value in ["Stream", "maybe", "", "response, stream", "\"stream\""] {
        let refused: Result<Option<Hold>, _> = hold(value);
        assert_eq!(refused.map_err(text), Err("Grip-Hold: neither response nor stream".into()));
    }
    let none = by_headers(&[("Grip-Channel", "a")]).expect("no hold is fine");
    assert_eq!((none.hold, names(&none.channels)), (None, vec!["a".to_owned()]));
}

#[test]
fn time_1_hold_timeout() {
    let timeout = |value| match by_headers(&[("Grip-Hold", "response"), ("Grip-Timeout", value)]) {
        Ok(Instruct { hold: Some(Hold::Response { timeout }), .. }) => {
            Ok(timeout.map(Span::as_secs))
        }
        Ok(other) => panic!("a response hold, not {other:?}"),
        Err(why) => Err(why.to_string()),
    };
    for (value, secs) in [("0", 5), ("4", 5), ("5", 5), (" +60 ", 60)] {
        assert_eq!(timeout(value), Ok(Some(secs)), "{value}");
    }
    for value in ["", "-1", "10.5", "0x10", "ten", "5, 6"] {
        let why = Err("Grip-Timeout: not a decimal number of 0 or more".to_owned());
        assert_eq!(timeout(value), why, "{value}");
    }
}

#[test]
fn parm_5_the_first_of_a_single_header_counts() {
    let headers = [
        ("Grip-Hold", "stream"),
        ("Grip-Keep-Alive", "a, b; timeout=9; timeout=8"),
        ("Grip-Keep-Alive", "c"),
    ];
    let hold = by_headers(&headers).expect("an instruct").hold;
    let Some(Hold::Stream { keep_alive: Some(keep_alive) }) = hold else {
        panic!("a stream hold with keep-alive, not {hold:?}");
    };
    assert_eq!((&keep_alive.data[..], keep_alive.timeout.as_secs()), (&b"a, b"[..], 9));
}

#[test]
fn chan_1_to_5_channels() {
    let read = |values: &[&str]| {
        let headers: Vec<_> = values.iter().map(|value| ("Grip-Channel", *value)).collect();
        let channels = by_headers(&headers).map_err(text)?.channels;
        let show = |c: &holdfast_core::grip::ChannelRef| {
            format!("{}|{}|{}", c.name, c.prev_id.as_deref().unwrap_or("-"), c.filters.join("+"))
        };
        Ok::<_, String>(channels.iter().map(show).collect::<Vec<_>>())
    };
    let cases: [(&[&str], &[&str]); 10] = [
        (&[""], &[]),
        (&["a, b", "c"], &["a|-|", "b|-|", "c|-|"]),
        (&["my room; prev-id=7; filter=x; filter=y"], &["my room|7|x+y"]),
        (&["a; Prev-ID=\"x,\\\"y\"; FILTER=unknown"], &["a|x,\"y|unknown"]),
        (&["\"a,b\""], &["\"a,b\"|-|"]),
        (&["caf\u{e9}; prev-id=\u{e9}"], &["caf\u{e9}|\u{e9}|"]),
        (&["a; prev-id"], &["a||"]),
        (&["; prev-id=1"], &["|1|"]),
        (&["a; prev-id=1; filter=x, b, a; prev-id=2"], &["a|2|", "b|-|"]),
        (&["a; filter=1; filter=2; filter=3; filter=4; filter=5"], &["a|-|1+2+3+4+5"]),
    ];
    for (values, expected) in cases {
        let expected = expected.iter().map(|&channel| channel.to_owned()).collect();
        assert_eq!(read(values), Ok(expected), "{values:?}");
    }
    let six = "a; filter=1; filter=2; filter=3; filter=4; filter=5; filter=6";
    for (value, why) in [
        (six, "Grip-Channel: more than 5 filters on one channel"),
        ("a, \"b", "Grip-Channel: a quote does not close"),
        ("a; prev-id=\"1\"2", "Grip-Channel: text after a closing quote"),
    ] {
        assert_eq!(read(&[value]), Err(why.to_owned()), "{value}");
    }
}

#[test]
fn chan_2_and_meta_1_what_is_no_utf8_is_latin1() {
    let mut head = ResponseHead::new(StatusCode::OK);
    head.fields.push(&b"Grip-Channel"[..], &b"caf\xe9; prev-id=\xe9"[..]);
    head.fields.push(&b"Grip-Channel"[..], "caf\u{e9}s".as_bytes());
    head.fields.push(&b"Grip-Set-Meta"[..], &b"user=\"\xc9va\""[..]);
    let instruct = parse_head(&head, &Limits::default()).expect("as such libraries write it");
    assert_eq!(names(&instruct.channels), ["caf\u{e9}", "caf\u{e9}s"]);
    assert_eq!(instruct.channels[0].prev_id.as_deref(), Some("\u{e9}"));
    assert_eq!(instruct.meta, [("user".to_owned(), "\u{c9}va".to_owned())]);
}

#[test]
fn meta_1_pairs() {
    let cases: [(&[&str], &str); 6] = [
        (&[""], ""),
        (&["user=bob, id_format=\"n:%(a)s, x\""], "user=bob|id_format=n:%(a)s, x"),
        (&["a=b; user=bob"], "a=b"),
        (&["flag"], "flag="),
        (&["a=1", "b=2", "a=3"], "a=3|b=2"),
        (&["User=b=c"], "User=b=c"),
    ];
    for (values, expected) in cases {
        let headers: Vec<_> = values.iter().map(|value| ("Grip-Set-Meta", *value)).collect();
        let meta = by_headers(&headers).expect("every case is well-formed").meta;
        let shown: Vec<String> =
            meta.iter().map(|(name, value)| format!("{name}={value}")).collect();
        assert_eq!(shown.join("|"), expected, "{values:?}");
    }
}

#[test]
fn act_8_and_hold_2_and_expo_1_what_the_client_sees() {
    let base = [
        ("X-A", "1"),
        ("Grip-Other", "x"),
        ("Connection", "close"),
        ("Keep-Alive", "5"),
        ("Transfer-Encoding", "chunked"),
        ("Content-Length", "5"),
        ("Content-Encoding", "gzip"),
        ("x-a", "2"),
        ("X-B", "3"),
    ];
    let with = |extra: &[(&str, &str)]| {
        let headers = [&base[..], extra].concat();
        let whole = parse_whole(&head(&headers), Bytes::from("hello"), &Limits::default());
        let response = whole.expect("every case is an instruct").response;
        assert_eq!(&response.body[..], b"hello");
        (status_line(&response.head), field_lines(&response.head))
    };
    let all = "X-A=1 Content-Encoding=gzip x-a=2 X-B=3";
    assert_eq!(with(&[]), ("200 OK".into(), all.into()));
    assert_eq!(with(&[("Grip-Status", "404 No Way")]), ("404 No Way".into(), all.into()));
    assert_eq!(with(&[("Grip-Status", "")]).0, "200 OK");
    let (_, exposed) = with(&[("Grip-Expose-Headers", "x-A, "), ("grip-expose-headers", "none")]);
    assert_eq!(exposed, "X-A=1 x-a=2");
    assert_eq!(with(&[("Grip-Expose-Headers", "")]).1, all, "an empty list is none");
}

#[test]
fn act_3_the_status_of_a_json_instruct() {
    let mut not_ok = head(&[JSON]);
    not_ok.status = StatusCode::ACCEPTED;
    let refused = parse_whole(&not_ok, Bytes::from("{}"), &Limits::default());
    assert_eq!(refused, Err(InstructError::BodyStatus(202)));
    let mut by_header = head(&[("Grip-Hold", "stream")]);
    by_header.status = StatusCode::NOT_FOUND;
    assert!(parse_whole(&by_header, Bytes::new(), &Limits::default()).is_ok());
}

#[test]
fn act_7_every_header_error_shows_without_the_body() {
    let bad = [
        ("Grip-Hold", "x"),
        ("Grip-Channel", "\""),
        ("Grip-Timeout", "x"),
        ("Grip-Keep-Alive", ";timeout=5"),
        ("Grip-Set-Meta", "a=\""),
        ("Grip-Link", "x"),
        ("Grip-Status", "99"),
    ];
    for (name, value) in bad {
        for hold in ["response", "stream"] {
            let headers = [(name, value), ("Grip-Hold", hold)];
            let why = by_headers(&headers).expect_err("every case is bad").to_string();
            assert!(why.starts_with(&format!("{name}: ")) && !why.contains('\n'), "{why}");
        }
        let json =
            parse_whole(&head(&[(name, value), JSON]), Bytes::from("{}"), &Limits::default());
        assert!(matches!(json, Err(InstructError::Header { header, .. }) if header == name));
    }
}

#[test]
fn ins_1_a_full_json_instruct() {
    let body = r#"{ "hold": { "mode": "stream", "timeout": 60,
        "channels": [ { "name": "a", "prev-id": "7", "filters": ["skip-self"] }, { "name": "" } ],
        "keep-alive": { "content": "\n", "timeout": 20 },
        "meta": { "user": "bob" } },
        "response": { "code": "201", "reason": "Yo", "headers": { "Content-Type": "text/plain",
            "content-length": "9", "Grip-Hold": "x", "Connection": "close" },
            "body-bin": "aGVsbG8=", "body": "not this" }, "more": [] }"#;
    let instruct = by_json(&[("X-Gone", "1")], body).expect("a full instruct");
    let Some(Hold::Stream { keep_alive: Some(keep_alive) }) = &instruct.hold else {
        panic!("a stream hold with keep-alive, not {:?}", instruct.hold);
    };
    assert_eq!(&keep_alive.data[..], b"\n");
    assert_eq!((keep_alive.mode, keep_alive.timeout.as_secs()), (KeepAliveMode::Idle, 20));
    assert_eq!(names(&instruct.channels), ["a", ""]);
    assert_eq!(instruct.channels[0].prev_id.as_deref(), Some("7"));
    assert_eq!(instruct.channels[0].filters, ["skip-self"]);
    assert_eq!(instruct.meta, owned(&[("user", "bob")]));
    assert_eq!(status_line(&instruct.response.head), "201 Yo");
    assert_eq!(field_lines(&instruct.response.head), "Content-Type=text/plain");
    assert_eq!(&instruct.response.body[..], b"hello");
}

#[test]
fn ins_3_headers_and_json_together() {
    let headers = [
        ("Grip-Hold", "stream"),
        ("Grip-Channel", "h; prev-id=1, x"),
        ("Grip-Timeout", "90"),
        ("Grip-Set-Meta", "user=alice, room=1"),
        ("Grip-Link", "</next>; rel=next"),
    ];
    let plain = by_json(&headers, "{}").expect("the headers hold");
    assert_eq!(plain.hold, Some(Hold::Stream { keep_alive: None }));
    assert_eq!(plain.links.next.map(|next| next.url).as_deref(), Some("/next"));

    let body = r#"{"hold": {"channels": [{"name": "j"}, {"name": "h", "prev-id": "2"}],
                            "meta": {"user": "bob"}}}"#;
    let both = by_json(&headers, body).expect("both hold");
    let timeout = Some(Span::from_secs(90));
    assert_eq!(both.hold, Some(Hold::Response { timeout }), "a mode left out is response");
    assert_eq!(names(&both.channels), ["h", "x", "j"]);
    assert_eq!(both.channels[0].prev_id.as_deref(), Some("2"));
    assert_eq!(both.meta, owned(&[("user", "bob"), ("room", "1")]));

    let body = r#"{"hold": {"channels": [], "mode": "response", "timeout": 2}}"#;
    let hold = by_json(&headers, body).expect("JSON overrides").hold;
    assert_eq!(hold, Some(Hold::Response { timeout: Some(Span::from_secs(5)) }));
}

#[test]
fn ins_4_to_6_the_response_of_a_json_instruct() {
    let cases: [(&str, Option<&str>, &str, &str); 9] = [
        ("{}", None, "200 OK", ""),
        ("{}", Some("404 Nope"), "404 Nope", ""),
        (r#"{"response": {}}"#, None, "200 OK", ""),
        (r#"{"response": {"code": 404}}"#, None, "404 Not Found", ""),
        (r#"{"response": {"code": 201, "body": "x"}}"#, Some("404 Nope"), "201 Created", "x"),
        (r#"{"response": {"reason": "R"}}"#, Some("404 Nope"), "404 R", ""),
        (r#"{"response": {"code": 404, "reason": ""}}"#, None, "404 Not Found", ""),
        (r#"{"response": {"code": 299}}"#, None, "299 Undefined Reason", ""),
        (r#"{"response": {"code": 1, "code": 200.0, "body": "é"}}"#, None, "200 OK", "é"),
    ];
    for (body, status, line, content) in cases {
        let headers: Vec<_> = status.map(|status| ("Grip-Status", status)).into_iter().collect();
        let response = by_json(&headers, body).expect("every case is an instruct").response;
        assert_eq!(status_line(&response.head), line, "{body}");
        assert_eq!(response.body, content, "{body}");
        assert!(response.head.fields.is_empty(), "{body}");
    }
}

#[test]
fn ins_1_2_8_9_refused() {
    let cases = [
        ("", "not JSON: "),
        ("{} x", "not JSON: "),
        ("[]", "not an object"),
        (r#"{"hold": null}"#, "hold: not an object"),
        (r#"{"hold": {}}"#, "hold.channels: missing"),
        (r#"{"hold": {"channels": {}}}"#, "hold.channels: not an array"),
        (r#"{"hold": {"channels": ["a"]}}"#, "hold.channels[0]: not an object"),
        (r#"{"hold": {"channels": [{"name": "a"}, {}]}}"#, "hold.channels[1].name: missing"),
        (r#"{"hold": {"channels": [{"name": 1}]}}"#, "hold.channels[0].name: not a string"),
        (
            r#"{"hold": {"channels": [{"name": "a", "prev-id": null}]}}"#,
            "hold.channels[0].prev-id: not a string",
        ),
        (
            r#"{"hold": {"channels": [{"name": "a", "filters": [1]}]}}"#,
            "hold.channels[0].filters[0]: not a string",
        ),
        (
            r#"{"hold": {"channels": [{"name": "a", "filters": ["","","","","",""]}]}}"#,
            "hold.channels[0].filters: more than 5",
        ),
        (r#"{"hold": {"mode": "x", "channels": []}}"#, "hold.mode: not one of response, stream"),
        (r#"{"hold": {"mode": null, "channels": []}}"#, "hold.mode: not a string"),
        (r#"{"hold": {"timeout": null, "channels": []}}"#, "hold.timeout: not a number"),
        (r#"{"hold": {"timeout": "x", "channels": []}}"#, "hold.timeout: not a whole number"),
        (r#"{"hold": {"timeout": 5.5, "channels": []}}"#, "hold.timeout: not a whole number"),
        (r#"{"hold": {"meta": {"a": 1}, "channels": []}}"#, "hold.meta: not an object of strings"),
        (r#"{"hold": {"keep-alive": 1, "channels": []}}"#, "hold.keep-alive: not an object"),
        (r#"{"response": []}"#, "response: not an object"),
        (r#"{"response": {"code": 600}}"#, "response.code: not a status code"),
        (r#"{"response": {"code": 101}}"#, "response.code: not a status code"),
        (r#"{"response": {"code": "abc"}}"#, "response.code: not a whole number"),
        (r#"{"response": {"code": null}}"#, "response.code: not a number"),
        (r#"{"response": {"reason": "a\r\nb"}}"#, "response.reason: has a control character"),
        (r#"{"response": {"headers": {"a": "x\ny"}}}"#, "response.headers: has a control"),
        (r#"{"response": {"headers": {"a b": "x"}}}"#, "response.headers: not a header name"),
        (r#"{"response": {"headers": [["a"]]}}"#, "response.headers[0]: not a pair"),
        (r#"{"response": {"body": 1}}"#, "response.body: not a string"),
        (r#"{"response": {"body-bin": "*"}}"#, "response.body-bin: not base64"),
    ];
    for (body, expected) in cases {
        let why = by_json(&[], body).map_err(text).expect_err("every case is bad");
        let expected = format!("instruct body: {expected}");
        assert!(why.starts_with(&expected) && !why.contains('\n'), "{body}: {why}");
    }
    let not_utf8 =
        parse_whole(&head(&[JSON]), Bytes::from_static(b"{\"\xff\":1}"), &Limits::default());
    assert!(not_utf8.is_err());
}

fn by_headers(headers: &[(&str, &str)]) -> Result<Instruct, InstructError> {
    parse_head(&head(headers), &Limits::default())
}

fn by_json(headers: &[(&str, &str)], body: &str) -> Result<Instruct, InstructError> {
    let headers = [headers, &[JSON]].concat();
    parse_whole(&head(&headers), Bytes::from(body.to_owned()), &Limits::default())
}

fn head(headers: &[(&str, &str)]) -> ResponseHead {
    let fields = headers.iter().map(|(name, value)| (name.to_string(), value.to_string()));
    ResponseHead { fields: fields.collect(), ..ResponseHead::new(StatusCode::OK) }
}

fn text(why: InstructError) -> String {
    why.to_string()
}

fn names(channels: &[holdfast_core::grip::ChannelRef]) -> Vec<String> {
    channels.iter().map(|channel| channel.name.clone()).collect()
}

fn owned(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    pairs.iter().map(|(name, value)| (name.to_string(), value.to_string())).collect()
}

fn status_line(head: &ResponseHead) -> String {
    format!("{} {}", head.status.as_str(), head.reason.escape_ascii())
}

fn field_lines(head: &ResponseHead) -> String {
    let line = |field: &holdfast_core::message::Field| {
        format!("{}={}", field.name.escape_ascii(), field.value.escape_ascii())
    };
    head.fields.iter().map(line).collect::<Vec<_>>().join(" ")
}
