//! Published items: what JSON comes to, and why it is refused.

use bytes::Bytes;
use holdfast_core::publish::{
    Body, HttpResponse, Item, PublishError, ResponseFormat, StreamFormat, WsFormat, WsType,
    parse_items,
};
use serde_json::{Value, json};

#[test]
fn ctrl_1_and_5_the_envelope() {
    assert_eq!(parse_items(br#"{"items": [], "more": 1}"#), Ok(vec![]));
    for (body, expected) in [
        ("", "not JSON: "),
        ("x", "not JSON: "),
        ("{\"items\": []} x", "not JSON: "),
        ("[]", "not an object"),
        ("{}", "items: missing"),
        (r#"{"items": {}}"#, "items: not an array"),
        (r#"{"items": null}"#, "items: not an array"),
    ] {
        let why = parse_items(body.as_bytes()).expect_err("every case is bad").to_string();
        assert!(why.starts_with(expected) && !why.contains('\n'), "{body}: {why}");
    }
}

#[test]
fn ctrl_3_and_5_all_or_nothing_and_the_index() {
    let good = json!({"channel": "a", "http-stream": {"content": "x"}});
    let bad = json!({"channel": "a", "http-stream": {"content": 1}});
    let refused = parse(json!([good, good, bad, good])).expect_err("one of them is bad");
    assert!(matches!(refused, PublishError::Item { index: 2, .. }));
    assert_eq!(refused.to_string(), "items[2]: http-stream.content: not a string");
}

#[test]
fn pub_1_to_4_the_item() {
    let item = one(json!({
        "channel": "a", "id": "2", "prev-id": "1", "no-seq": true, "size": "12",
        "meta": {"sender": "bob"}, "sender": "ignored",
        "formats": {
            "http-response": {"body": "r"}, "http-stream": {"content": "s"},
            "ws-message": {"content": "w"}, "other": 1,
        },
        "http-stream": {"action": "ignored"},
    }))
    .expect("a full item");
    assert_eq!((item.channel.as_str(), item.no_seq, item.size), ("a", true, Some(12)));
    assert_eq!((item.id.as_deref(), item.prev_id.as_deref()), (Some("2"), Some("1")));
    assert_eq!(item.meta, [("sender".to_owned(), "bob".to_owned())]);
    assert!(item.response.is_some() && item.stream.is_some() && item.ws.is_some());

    let short = one(json!({"channel": "", "ws-message": {"content": "w"}})).expect("short form");
    assert!(short.response.is_none() && short.stream.is_none() && short.ws.is_some());
    let unknown = one(json!({"channel": "a", "formats": {"other": 1}})).expect("reaches nobody");
    assert_eq!(unknown, Item { channel: "a".to_owned(), ..Item::default() });
}

#[test]
fn pub_2_and_3_refused_items() {
    let cases = [
        (json!(1), "not an object"),
        (json!({"http-stream": {"content": "x"}}), "channel: missing"),
        (json!({"channel": 1}), "channel: not a string"),
        (json!({"channel": "a", "id": null}), "id: not a string"),
        (json!({"channel": "a", "id": 5}), "id: not a string"),
        (json!({"channel": "a", "prev-id": null}), "prev-id: not a string"),
        (json!({"channel": "a", "meta": null}), "meta: not an object of strings"),
        (json!({"channel": "a", "meta": {"a": 1}}), "meta: not an object of strings"),
        (json!({"channel": "a", "size": null}), "size: not a number"),
        (json!({"channel": "a", "size": -1}), "size: not a whole number of 0 or more"),
        (json!({"channel": "a", "size": "x"}), "size: not a whole number of 0 or more"),
        (json!({"channel": "a", "no-seq": "true"}), "no-seq: not true or false"),
        (json!({"channel": "a", "formats": null}), "formats: not an object"),
        (json!({"channel": "a"}), "needs one of http-response, http-stream, ws-message"),
        (
            json!({"channel": "a", "formats": {}, "http-stream": {"content": "x"}}),
            "formats: needs one of http-response, http-stream, ws-message",
        ),
        (
            json!({"channel": "a", "formats": {"http-stream": 1}}),
            "formats.http-stream: not an object",
        ),
    ];
    for (item, expected) in cases {
        assert_eq!(why(item.clone()), format!("items[0]: {expected}"), "{item}");
    }
}

#[test]
fn pub_6_actions() {
    let with = |action: Value| {
        // Content is only looked at for `send`.
        let format = json!({"action": action, "content": 1, "body": 1, "type": 1, "code": 1000});
        one(
            json!({"channel": "a", "http-response": format, "http-stream": format, "ws-message": format}),
        )
    };
    let hint = with(json!("hint")).expect("needs no content");
    let expected = (Some(ResponseFormat::Hint), Some(StreamFormat::Hint), Some(WsFormat::Hint));
    assert_eq!((hint.response, hint.stream, hint.ws), expected);
    let close = with(json!("close")).expect("needs no content");
    let ws_close = WsFormat::Close { code: 1000, reason: String::new() };
    let expected = (Some(ResponseFormat::Close), Some(StreamFormat::Close), Some(ws_close));
    assert_eq!((close.response, close.stream, close.ws), expected);
    let refresh = with(json!("refresh")).expect("needs no content");
    assert_eq!(refresh.ws, Some(WsFormat::Refresh));
    for action in [json!("Send"), json!(""), json!("drop")] {
        let why = with(action).expect_err("every case is bad").to_string();
        let expected = "items[0]: http-response.action: not one of send, hint, close, refresh";
        assert_eq!(why, expected);
    }
    let null = with(json!(null)).expect_err("null is no action").to_string();
    assert_eq!(null, "items[0]: http-response.action: not a string");
}

#[test]
fn hres_1_to_4_http_response() {
    let full = answer(json!({
        "code": "404", "reason": "Yo", "body": "hi", "content-filters": ["var-subst"],
        "headers": [["X-A", "1"], ["Grip-Hold", "x"], ["x-a", "2"], ["Content-Length", "7"],
                    ["Connection", "close"], ["Transfer-Encoding", "x"],
                    ["Grip-Expose-Headers", "X-A, b"], ["grip-expose-headers", "C"]],
    }))
    .expect("a full answer");
    assert_eq!((full.status.as_u16(), full.reason.as_deref()), (404, Some(&b"Yo"[..])));
    let fields: Vec<_> =
        full.fields.iter().map(|field| (&field.name[..], &field.value[..])).collect();
    assert_eq!(fields, [(&b"X-A"[..], &b"1"[..]), (b"x-a", b"2")]);
    assert_eq!(full.expose, Some(vec!["X-A".to_owned(), "b".to_owned(), "C".to_owned()]));
    assert_eq!(full.body, Body::Whole(Bytes::from("hi")));
    assert_eq!(full.content_filters, Some(vec!["var-subst".to_owned()]));

    let bare = answer(json!({"body": ""})).expect("a bare answer");
    assert_eq!((bare.status.as_u16(), bare.reason, bare.expose), (200, None, None));
    assert!(bare.fields.is_empty() && bare.content_filters.is_none());
}

#[test]
fn hres_bodies_in_their_order() {
    let body = |format| answer(format).map(|answer| answer.body).map_err(|why| why.to_string());
    let all = json!({"body-patch": 1, "body": 1, "body-bin": "aGk="});
    assert_eq!(body(all), Ok(Body::Whole(Bytes::from("hi"))));
    assert_eq!(body(json!({"body-patch": 1, "body": "b"})), Ok(Body::Whole(Bytes::from("b"))));
    // PATCH-5: operations are not checked here.
    assert_eq!(body(json!({"body-patch": [1]})), Ok(Body::Patch(json!([1]))));
    let cases = [
        (json!({}), ": needs one of body-bin, body, body-patch"),
        (json!({"body-patch": {}}), ".body-patch: not an array"),
        (json!({"body-bin": "a*"}), ".body-bin: not base64"),
        (json!({"body": null}), ".body: not a string"),
    ];
    for (format, expected) in cases {
        assert_eq!(body(format), Err(format!("items[0]: http-response{expected}")));
    }
}

#[test]
fn hres_4_and_6_refused_answers() {
    let cases = [
        (json!({"body": "", "code": 0}), ".code: not a status code from 200 to 599"),
        (json!({"body": "", "code": 101}), ".code: not a status code from 200 to 599"),
        (json!({"body": "", "code": 600}), ".code: not a status code from 200 to 599"),
        (json!({"body": "", "code": "x"}), ".code: not a whole number of 0 or more"),
        (json!({"body": "", "code": 200.5}), ".code: not a whole number of 0 or more"),
        (json!({"body": "", "code": null}), ".code: not a number"),
        (json!({"body": "", "reason": "a\r\nb"}), ".reason: has a control character"),
        (json!({"body": "", "reason": 1}), ".reason: not a string"),
        (json!({"body": "", "headers": {"a": "\n"}}), ".headers: has a control character"),
        (json!({"body": "", "headers": {"a\u{0}": ""}}), ".headers: not a header name"),
        (json!({"body": "", "content-filters": "x"}), ".content-filters: not an array"),
        (json!({"body": "", "content-filters": [1]}), ".content-filters[0]: not a string"),
    ];
    for (format, expected) in cases {
        let item = json!({"channel": "a", "http-response": format});
        assert_eq!(why(item), format!("items[0]: http-response{expected}"), "{format}");
    }
}

#[test]
fn pub_5_stream_content() {
    let content = |format: Value| match one(json!({"channel": "a", "http-stream": format})) {
        Ok(Item { stream: Some(StreamFormat::Send(content)), .. }) => Ok(content.data),
        Ok(other) => panic!("a stream send, not {other:?}"),
        Err(why) => Err(why.to_string()),
    };
    assert_eq!(content(json!({"content": ""})), Ok(Bytes::new()));
    assert_eq!(
        content(json!({"content": 1, "content-bin": "/wA="})),
        Ok(Bytes::from_static(b"\xff\0"))
    );
    let missing = "items[0]: http-stream: needs one of content-bin, content";
    assert_eq!(content(json!({})), Err(missing.to_owned()));
}

#[test]
fn wsm_1_messages() {
    let long = "x".repeat(126);
    let cases = [
        (json!({"content": "t"}), Ok((WsType::Text, "t"))),
        (json!({"content-bin": "aGk=", "content": 1}), Ok((WsType::Binary, "hi"))),
        (json!({"content-bin": "aGk=", "type": "text"}), Ok((WsType::Text, "hi"))),
        (json!({"content": "t", "type": "binary"}), Ok((WsType::Binary, "t"))),
        (json!({"type": "ping"}), Ok((WsType::Ping, ""))),
        (json!({"type": "pong", "content": "p"}), Ok((WsType::Pong, "p"))),
        (json!({"type": "text"}), Err(": needs one of content-bin, content")),
        (json!({}), Err(": needs one of content-bin, content")),
        (json!({"type": "x"}), Err(".type: not one of text, binary, ping, pong")),
        (json!({"type": "ping", "content": long}), Err(": longer than 125 bytes")),
    ];
    for (format, expected) in cases {
        let read = match one(json!({"channel": "a", "ws-message": format})) {
            Ok(Item { ws: Some(WsFormat::Send(message)), .. }) => {
                Ok((message.kind, message.content.data))
            }
            Ok(other) => panic!("a message, not {other:?}"),
            Err(why) => Err(why.to_string()),
        };
        let expected = expected
            .map(|(kind, data)| (kind, Bytes::from(data)))
            .map_err(|why| format!("items[0]: ws-message{why}"));
        assert_eq!(read, expected, "{format}");
    }
}

#[test]
fn wsm_1_and_ws_31_to_33_closes() {
    let close = |code: Value, reason: &str| {
        let format = json!({"action": "close", "code": code, "reason": reason});
        match one(json!({"channel": "a", "ws-message": format})) {
            Ok(Item { ws: Some(WsFormat::Close { code, reason }), .. }) => Ok((code, reason)),
            Ok(other) => panic!("a close, not {other:?}"),
            Err(why) => Err(why.to_string()),
        }
    };
    for (code, expected) in [
        (json!(1000), 1000),
        (json!(0), 1000),
        (json!(1005), 1000),
        (json!("4001"), 4001),
        (json!(1014), 1014),
        (json!(3000), 3000),
        (json!(4999), 4999),
    ] {
        assert_eq!(close(code, "bye"), Ok((expected, "bye".to_owned())));
    }
    for code in [1, 999, 1004, 1006, 1015, 1016, 2999, 5000, 70000] {
        let why = Err("items[0]: ws-message.code: not a code that a close frame may carry".into());
        assert_eq!(close(json!(code), ""), why, "{code}");
    }
    assert!(close(json!(-1), "").is_err());
    let (_, cut) = close(json!(1000), &"\u{e9}".repeat(100)).expect("a long reason is cut");
    assert_eq!(cut, "\u{e9}".repeat(61), "122 bytes: the next character does not fit in 123");
}

fn parse(items: Value) -> Result<Vec<Item>, PublishError> {
    parse_items(json!({ "items": items }).to_string().as_bytes())
}

fn one(item: Value) -> Result<Item, PublishError> {
    parse(json!([item])).map(|items| items.into_iter().next().expect("one item went in"))
}

fn why(item: Value) -> String {
    one(item).expect_err("every case is bad").to_string()
}

fn answer(format: Value) -> Result<HttpResponse, PublishError> {
    match one(json!({"channel": "a", "http-response": format}))?.response {
        Some(ResponseFormat::Send(answer)) => Ok(answer),
        other => panic!("an answer, not {other:?}"),
    }
}
