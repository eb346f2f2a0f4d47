//! The request that a JSON-P request stands for (CORS-20 to CORS-22, CORS-25).

use bytes::Bytes;
use http::Method;

use super::query::Query;
use super::{Jsonp, JsonpError};
use crate::forward::hop::is_hop;
use crate::ground::Limits;
use crate::json::{self, Json};
use crate::message::{Field, Fields, RequestHead};
use crate::route::JsonpRules;

/// A request by JSON-P, unpacked.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct JsonpRequest {
    /// How to wrap the answer.
    pub jsonp: Jsonp,
    /// The request that is meant.
    pub head: RequestHead,
    /// Its body, in place of any that came.
    pub body: Bytes,
}

/// Unpacks a request on a route with `aco`; `None` if it is an ordinary one.
pub fn read_jsonp(
    head: &RequestHead,
    rules: &JsonpRules,
    limits: &Limits,
) -> Result<Option<JsonpRequest>, JsonpError> {
    if head.method != Method::GET {
        return Ok(None);
    }
    let end = head.target.iter().position(|&byte| byte == b'?').unwrap_or(head.target.len());
    let mut query = Query::new(head.target.get(end + 1..).unwrap_or_default());
    let Some(callback) = callback(&mut query, rules)? else { return Ok(None) };
    let jsonp = Jsonp::new(&callback, rules.mode)?;
    let method = method(&mut query, rules)?;
    let mut fields = named_fields(&mut query, limits)?;
    let body = body(&mut query, rules, &mut fields)?;
    complete(&mut fields, &head.fields);
    let target = target(head, end, query);
    let head = RequestHead { method, target, version: head.version, fields };
    Ok(Some(JsonpRequest { jsonp, head, body }))
}

fn callback(query: &mut Query<'_>, rules: &JsonpRules) -> Result<Option<Vec<u8>>, JsonpError> {
    if let Some(callback) = query.take(&rules.callback) {
        return callback.ok_or(JsonpError::Callback).map(Some);
    }
    let has_body = rules.body.as_ref().is_some_and(|name| query.has(name));
    let default = rules.default_callback.as_ref().filter(|_| has_body);
    Ok(default.map(|callback| callback.clone().into()))
}

fn method(query: &mut Query<'_>, rules: &JsonpRules) -> Result<Method, JsonpError> {
    let Some(method) = query.take("_method") else { return Ok(rules.method()) };
    let method = method.and_then(|method| Method::from_bytes(&method).ok());
    // Tunnels are refused where they are asked for openly, too.
    method.filter(|method| method != Method::CONNECT).ok_or(JsonpError::Method)
}

/// The fields of `_headers`.
fn named_fields(query: &mut Query<'_>, limits: &Limits) -> Result<Fields, JsonpError> {
    let Some(text) = query.take("_headers") else { return Ok(Fields::new()) };
    let text = text.ok_or(JsonpError::Headers)?;
    let value: Json<'_> = serde_json::from_slice(&text).map_err(|_| JsonpError::Headers)?;
    if !matches!(value, Json::Object(_)) {
        return Err(JsonpError::Headers);
    }
    let mut fields = json::fields(value).map_err(|_| JsonpError::Headers)?;
    if fields.len() > limits.head_fields || fields.iter().any(is_forbidden) {
        return Err(JsonpError::Headers);
    }
    fields.retain(|field| !field.is("Host") && !field.is("Accept"));
    Ok(fields)
}

/// Whether a field is between proxies, and not for a client to name.
fn is_forbidden(field: &Field) -> bool {
    is_hop(field)
        || field.is("Content-Length")
        || field.begins("Grip-")
        || field.begins("X-Forwarded-")
}

fn body(
    query: &mut Query<'_>,
    rules: &JsonpRules,
    fields: &mut Fields,
) -> Result<Bytes, JsonpError> {
    let Some(name) = &rules.body else {
        let body = query.take("_body").unwrap_or_else(|| Some(Vec::new()));
        return body.map(Bytes::from).ok_or(JsonpError::PlainBody);
    };
    let Some(body) = query.take(name) else { return Ok(Bytes::new()) };
    fields.set("Content-Type", "application/json");
    body.map(Bytes::from).ok_or(JsonpError::Body)
}

/// Adds what the client sent itself and did not name in `_headers`.
fn complete(fields: &mut Fields, sent: &Fields) {
    let named = fields.clone();
    let is_named = |field: &Field| named.iter().any(|it| it.name.eq_ignore_ascii_case(&field.name));
    fields.push("Accept", "*/*");
    for field in sent.iter().filter(|field| !field.is("Accept") && !is_named(field)) {
        fields.push(field.name.clone(), field.value.clone());
    }
}

/// The target without the parameters that were used.
fn target(head: &RequestHead, end: usize, query: Query<'_>) -> Bytes {
    let path = head.target.slice(..end);
    let rest = query.rest();
    if rest.is_empty() { path } else { [&path[..], b"?", &rest].concat().into() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::Version;
    use crate::route::JsonpMode;

    fn get(target: &'static str) -> RequestHead {
        RequestHead {
            method: Method::GET,
            target: target.into(),
            version: Version::Http11,
            fields: [("Host", "h"), ("Accept", "text/x"), ("Cookie", "c")].into_iter().collect(),
        }
    }

    fn read(target: &'static str, rules: &JsonpRules) -> Result<Option<JsonpRequest>, JsonpError> {
        read_jsonp(&get(target), rules, &Limits::default())
    }

    fn with_body() -> JsonpRules {
        JsonpRules {
            body: Some("data".to_owned()),
            default_callback: Some("dcb".to_owned()),
            ..JsonpRules::default()
        }
    }

    /// What a request by JSON-P becomes: method, target and body.
    fn meant(target: &'static str, rules: &JsonpRules) -> (String, String, String) {
        let request = read(target, rules).expect(target).expect(target);
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        (request.head.method.to_string(), text(&request.head.target), text(&request.body))
    }

    #[test]
    fn cors_20_what_is_no_jsonp() {
        for target in ["/", "/?a=1", "/?Callback=cb", "/callback=cb", "/?_method=POST&_body=x"] {
            assert_eq!(read(target, &JsonpRules::default()), Ok(None), "{target}");
        }
        let post = RequestHead { method: Method::POST, ..get("/?callback=cb") };
        assert_eq!(read_jsonp(&post, &JsonpRules::default(), &Limits::default()), Ok(None));
        let no_default = JsonpRules { default_callback: None, ..with_body() };
        assert_eq!(read("/?data=1", &no_default), Ok(None));
    }

    #[test]
    fn cors_21_the_request_that_is_meant() {
        let (plain, json) = (JsonpRules::default(), with_body());
        let basic = JsonpRules { mode: JsonpMode::Basic, ..JsonpRules::default() };
        let put = JsonpRules { default_method: Some(Method::PUT), ..JsonpRules::default() };
        let renamed = JsonpRules { callback: "c b".to_owned(), ..JsonpRules::default() };
        let cases = [
            ("/p?callback=cb", &plain, ("GET", "/p", "")),
            ("/p?a=%41&callback=cb&&b", &plain, ("GET", "/p?a=%41&&b", "")),
            ("http://h/p?callback=cb&callback=d", &plain, ("GET", "http://h/p", "")),
            ("/?_method=PATCH&_body=%7B%7d+1&%63allback=a.b[0]", &plain, ("PATCH", "/", "{}+1")),
            ("/?callback=cb", &basic, ("POST", "/", "")),
            ("/?callback=cb", &put, ("PUT", "/", "")),
            ("/?callback=cb&_body=x&data=%20", &json, ("GET", "/?_body=x", " ")),
            ("/?data=1", &json, ("GET", "/", "1")),
            ("/?c%20b=x", &renamed, ("GET", "/", "")),
        ];
        for (target, rules, (method, path, body)) in cases {
            let expected = (method.to_owned(), path.to_owned(), body.to_owned());
            assert_eq!(meant(target, rules), expected, "{target}");
        }
    }

    #[test]
    fn cors_21_fields() {
        let target = "/?data=1&_headers=%7B%22X-A%22:%221%22,%22content-type%22:%22a/b%22,\
                      %22host%22:%22evil%22,%22accept%22:%22x%22,%22cookie%22:%22d%22%7D";
        let fields = read(target, &with_body()).expect("good").expect("JSON-P").head.fields;
        let expected: Fields = [
            ("X-A", "1"),
            ("cookie", "d"),
            ("Content-Type", "application/json"),
            ("Accept", "*/*"),
            ("Host", "h"),
        ]
        .into_iter()
        .collect();
        assert_eq!(fields, expected);
    }

    #[test]
    fn cors_22_and_24_refused() {
        let (plain, json) = (JsonpRules::default(), with_body());
        let cases = [
            ("/?callback", &plain, JsonpError::Callback),
            ("/?callback=", &plain, JsonpError::Callback),
            ("/?callback=%4", &plain, JsonpError::Callback),
            ("/?callback=a(b)", &plain, JsonpError::Callback),
            ("/?callback=a%3Cb", &plain, JsonpError::Callback),
            ("/?callback=%C3%A9", &plain, JsonpError::Callback),
            ("/?callback=a&_method=", &plain, JsonpError::Method),
            ("/?callback=a&_method=A%20B", &plain, JsonpError::Method),
            ("/?callback=a&_method=CONNECT", &plain, JsonpError::Method),
            ("/?callback=a&_headers=", &plain, JsonpError::Headers),
            ("/?callback=a&_headers=%5B%5B%22a%22,%22b%22%5D%5D", &plain, JsonpError::Headers),
            ("/?callback=a&_headers=%7B%22a%22:1%7D", &plain, JsonpError::Headers),
            ("/?callback=a&_body=%x", &plain, JsonpError::PlainBody),
            ("/?callback=a&data=%", &json, JsonpError::Body),
        ];
        for (target, rules, why) in cases {
            assert_eq!(read(target, rules), Err(why), "{target}");
        }
        let long = format!("/?callback={}", "a".repeat(129));
        let head = RequestHead { target: long.into(), ..get("") };
        let refused = read_jsonp(&head, &plain, &Limits::default());
        assert_eq!(refused, Err(JsonpError::Callback));
        let response = JsonpError::Headers.response();
        assert_eq!(
            (response.head.status.as_u16(), &response.body[..]),
            (400, &b"Invalid _headers parameter.\n"[..])
        );
    }

    #[test]
    fn cors_25_what_a_client_may_not_name() {
        for name in [
            "Connection",
            "te",
            "Transfer-Encoding",
            "content-length",
            "Grip-Sig",
            "x-forwarded-for",
            "a b",
        ] {
            let target =
                format!("/?callback=a&_headers=%7B%22{}%22:%221%22%7D", name.replace(' ', "%20"));
            let head = RequestHead { target: target.into(), ..get("") };
            let refused = read_jsonp(&head, &JsonpRules::default(), &Limits::default());
            assert_eq!(refused, Err(JsonpError::Headers), "{name}");
        }
        let smuggled = "/?callback=a&_headers=%7B%22a%22:%22b%5Cr%5Cnc:d%22%7D";
        assert_eq!(read(smuggled, &JsonpRules::default()), Err(JsonpError::Headers));
        let two = "/?callback=a&_headers=%7B%22a%22:%22%22,%22b%22:%22%22%7D";
        let limits = Limits { head_fields: 1, ..Limits::default() };
        let refused = read_jsonp(&get(two), &JsonpRules::default(), &limits);
        assert_eq!(refused, Err(JsonpError::Headers));
    }
}
