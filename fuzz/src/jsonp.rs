//! Requests that are script tags.

use bytes::Bytes;
use holdfast_core::forward::{JsonpAnswer, read_jsonp};
use holdfast_core::ground::Limits;
use holdfast_core::message::{RequestHead, Response, ResponseHead, Version};
use holdfast_core::route::{JsonpMode, JsonpRules};
use http::{Method, StatusCode};

/// A target on one line and an answer's body behind it. Whatever a page asks for, it names nothing that is
/// between proxies, and the script calls a name with one value.
pub fn request(data: &[u8]) {
    let end = data.iter().position(|&byte| byte == b'\n').unwrap_or(data.len());
    let (target, body) = data.split_at(end);
    let head = RequestHead {
        method: Method::GET,
        target: Bytes::copy_from_slice(target),
        version: Version::Http11,
        fields: [("Host", "h")].into_iter().collect(),
    };
    let rules = JsonpRules {
        body: (target.len() % 2 == 0).then(|| "body".to_owned()),
        default_callback: Some("cb".to_owned()),
        mode: JsonpMode::Extended,
        ..JsonpRules::default()
    };
    let Ok(Some(request)) = read_jsonp(&head, &rules, &Limits::default()) else { return };
    let fields = &request.head.fields;
    assert_eq!(fields.all("Host").count(), 1);
    assert!(!fields.iter().any(|field| field.begins("Grip-") || field.is("Transfer-Encoding")));
    assert!(fields.iter().all(|field| !field.value.contains(&b'\n')));
    assert!(request.head.target.len() <= target.len());

    let answer = Response { head: ResponseHead::new(StatusCode::OK), body: body.to_vec().into() };
    let script = request.jsonp.wrap(&answer, JsonpAnswer::Proxied).body;
    check(core::str::from_utf8(&script).expect("a script is text"));
}

/// What is called, and with what.
fn check(script: &str) {
    let call = script.strip_prefix("/**/").and_then(|rest| rest.strip_suffix(");\n"));
    let (name, value) = call.and_then(|call| call.split_once('(')).expect("a call");
    assert!(name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_$.[]".contains(&byte)));
    assert!(!value.contains(['\n', '\u{2028}', '\u{2029}']));
    serde_json::from_str::<serde_json::Value>(value).expect("the value is one");
}
