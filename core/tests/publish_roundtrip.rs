//! An item that is printed as JSON is read back as it was, whatever it is.

use base64::Engine as _;
use bytes::Bytes;
use holdfast_core::message::Fields;
use holdfast_core::publish::{
    Body, Content, HttpResponse, Item, ResponseFormat, StreamFormat, WsFormat, WsMessage, WsType,
    parse_items,
};
use http::StatusCode;
use proptest::collection::{btree_map, vec};
use proptest::option;
use proptest::prelude::{Just, Strategy, any, prop_assert_eq, prop_oneof, proptest};
use serde_json::{Value, json};

proptest! {
    #[test]
    fn pub_1_items(items in vec(item(), 0..4), short in any::<bool>()) {
        let printed: Vec<Value> = items.iter().map(|item| print(item, short)).collect();
        let body = json!({ "items": printed }).to_string();
        prop_assert_eq!(parse_items(body.as_bytes()), Ok(items));
    }
}

fn item() -> impl Strategy<Value = Item> {
    let identity = (any::<String>(), option::of(any::<String>()), option::of(any::<String>()));
    let meta = btree_map(any::<String>(), any::<String>(), 0..3);
    let extra = (any::<bool>(), meta, option::of(any::<u64>()));
    let formats = (option::of(response()), option::of(stream()), ws());
    (identity, extra, formats).prop_map(|(identity, extra, formats)| Item {
        receipt: None,
        channel: identity.0,
        id: identity.1,
        prev_id: identity.2,
        no_seq: extra.0,
        meta: extra.1.into_iter().collect(),
        size: extra.2,
        response: formats.0,
        stream: formats.1,
        ws: Some(formats.2),
    })
}

fn response() -> impl Strategy<Value = ResponseFormat> {
    let body = prop_oneof![
        bytes().prop_map(Body::Whole),
        any::<String>().prop_map(|path| Body::Patch(json!([{"op": "remove", "path": path}, 1.5]))),
    ];
    let status = (200_u16..600).prop_map(|code| StatusCode::from_u16(code).expect("in range"));
    let reason = option::of("[!-~]{1,9}".prop_map(Bytes::from));
    let fields = vec(("X-[a-zA-Z]{0,9}", "([!-~]([ -~\t]{0,9}[!-~])?)?"), 0..4);
    let expose = option::of(vec("[!#-+\\--~]{1,9}", 1..4));
    let send = (status, reason, fields, expose, body, filters()).prop_map(
        |(status, reason, fields, expose, body, content_filters)| {
            let fields: Fields = fields.into_iter().collect();
            ResponseFormat::Send(HttpResponse {
                status,
                reason,
                fields,
                expose,
                body,
                content_filters,
            })
        },
    );
    let (hint, close) = (Just(ResponseFormat::Hint), Just(ResponseFormat::Close));
    prop_oneof![send, hint, close, Just(ResponseFormat::Refresh)]
}

fn stream() -> impl Strategy<Value = StreamFormat> {
    let send = content(0..40).prop_map(StreamFormat::Send);
    let (hint, close) = (Just(StreamFormat::Hint), Just(StreamFormat::Close));
    prop_oneof![send, hint, close, Just(StreamFormat::Refresh)]
}

fn ws() -> impl Strategy<Value = WsFormat> {
    let kind = prop_oneof![
        Just(WsType::Text),
        Just(WsType::Binary),
        Just(WsType::Ping),
        Just(WsType::Pong)
    ];
    let message = (kind, content(0..125)).prop_map(|(kind, content)| WsMessage { kind, content });
    let code = prop_oneof![1000_u16..=1003, 1007_u16..=1014, 3000_u16..=4999];
    let close = (code, ".{0,30}").prop_map(|(code, reason)| WsFormat::Close { code, reason });
    prop_oneof![
        message.prop_map(WsFormat::Send),
        Just(WsFormat::Hint),
        close,
        Just(WsFormat::Refresh)
    ]
}

fn content(size: core::ops::Range<usize>) -> impl Strategy<Value = Content> {
    let data = vec(any::<u8>(), size).prop_map(Bytes::from);
    (data, filters()).prop_map(|(data, content_filters)| Content { data, content_filters })
}

fn bytes() -> impl Strategy<Value = Bytes> {
    vec(any::<u8>(), 0..40).prop_map(Bytes::from)
}

fn filters() -> impl Strategy<Value = Option<Vec<String>>> {
    option::of(vec(any::<String>(), 0..3))
}

fn print(item: &Item, short: bool) -> Value {
    let mut out = json!({"channel": item.channel, "no-seq": item.no_seq, "meta": {}});
    for (name, value) in &item.meta {
        out["meta"][name] = json!(value);
    }
    set(&mut out, "id", item.id.as_ref().map(|id| json!(id)));
    set(&mut out, "prev-id", item.prev_id.as_ref().map(|id| json!(id)));
    set(&mut out, "size", item.size.map(|size| json!(size)));
    let mut formats = json!({});
    set(&mut formats, "http-response", item.response.as_ref().map(print_response));
    set(&mut formats, "http-stream", item.stream.as_ref().map(print_stream));
    set(&mut formats, "ws-message", item.ws.as_ref().map(print_ws));
    match (short, formats) {
        (true, Value::Object(members)) => {
            out.as_object_mut().expect("an object, from above").extend(members);
        }
        (_, formats) => out["formats"] = formats,
    }
    out
}

fn print_response(format: &ResponseFormat) -> Value {
    let answer = match format {
        ResponseFormat::Send(answer) => answer,
        ResponseFormat::Hint => return json!({"action": "hint"}),
        ResponseFormat::Close => return json!({"action": "close"}),
        ResponseFormat::Refresh => return json!({"action": "refresh"}),
    };
    let text = |bytes: &Bytes| String::from_utf8(bytes.to_vec()).expect("made of text");
    let field = |field: &holdfast_core::message::Field| [text(&field.name), text(&field.value)];
    let mut headers: Vec<[String; 2]> = answer.fields.iter().map(field).collect();
    for name in answer.expose.iter().flatten() {
        headers.push(["Grip-Expose-Headers".to_owned(), name.clone()]);
    }
    let mut out = json!({"action": "send", "code": answer.status.as_u16(), "headers": headers});
    set(&mut out, "reason", answer.reason.as_ref().map(|reason| json!(text(reason))));
    set(&mut out, "content-filters", answer.content_filters.as_ref().map(|names| json!(names)));
    match &answer.body {
        Body::Whole(data) => out["body-bin"] = json!(base64(data)),
        Body::Patch(patch) => out["body-patch"] = patch.clone(),
    }
    out
}

fn print_stream(format: &StreamFormat) -> Value {
    match format {
        StreamFormat::Send(content) => print_content(content),
        StreamFormat::Hint => json!({"action": "hint"}),
        StreamFormat::Close => json!({"action": "close"}),
        StreamFormat::Refresh => json!({"action": "refresh"}),
    }
}

fn print_ws(format: &WsFormat) -> Value {
    match format {
        WsFormat::Send(message) => {
            let mut out = print_content(&message.content);
            out["type"] = json!(match message.kind {
                WsType::Text => "text",
                WsType::Binary => "binary",
                WsType::Ping => "ping",
                WsType::Pong => "pong",
            });
            out
        }
        WsFormat::Hint => json!({"action": "hint"}),
        WsFormat::Close { code, reason } => {
            json!({"action": "close", "code": code, "reason": reason})
        }
        WsFormat::Refresh => json!({"action": "refresh"}),
    }
}

/// Text goes out as text, so that both members are read.
fn print_content(content: &Content) -> Value {
    let mut out = match core::str::from_utf8(&content.data) {
        Ok(text) => json!({ "content": text }),
        Err(_) => json!({ "content-bin": base64(&content.data) }),
    };
    set(&mut out, "content-filters", content.content_filters.as_ref().map(|names| json!(names)));
    out
}

fn set(object: &mut Value, key: &str, value: Option<Value>) {
    if let Some(value) = value {
        object[key] = value;
    }
}

fn base64(data: &[u8]) -> String {
    base64::engine::general_purpose::STANDARD.encode(data)
}
