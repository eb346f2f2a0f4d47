//! Answers as scripts that call the callback (CORS-23, CORS-26, RESP-14).

use bytes::Bytes;
use http::StatusCode;
use serde_json::{Map, Value};

use super::{Jsonp, NO_SNIFF};
use crate::message::{Field, Fields, Response, ResponseHead};
use crate::route::JsonpMode;

/// Whose answer is wrapped: that decides what the script's own head keeps of it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum JsonpAnswer {
    /// The origin's, passed through: only what it says about caching is kept (CORS-23).
    Proxied,
    /// That of a held request: fields that do not describe the body are kept (RESP-14).
    Held,
}

/// The body of a script in the making. However the body is cut into pieces, the script is the same.
#[derive(Debug)]
pub struct JsonpBody {
    mode: JsonpMode,
    /// What the last piece ended with and the next decides about: the beginning of a character, or a line
    /// feed that is left out if it is the last byte.
    held_back: Vec<u8>,
}

impl Jsonp {
    /// Wraps a whole answer.
    pub fn wrap(&self, response: &Response, whose: JsonpAnswer) -> Response {
        let (mut body, start) = self.begin(&response.head);
        let script = [&start[..], &body.feed(&response.body), &body.finish()].concat();
        Response { head: self.head(&response.head, whose), body: script.into() }
    }

    /// The head of the script.
    pub fn head(&self, head: &ResponseHead, whose: JsonpAnswer) -> ResponseHead {
        let mut script = ResponseHead::new(StatusCode::OK);
        script.fields = head.fields.clone();
        script.fields.retain(|field| match whose {
            JsonpAnswer::Proxied => field.is("Cache-Control"),
            JsonpAnswer::Held => !field.begins("Content-") && !field.is(NO_SNIFF.0),
        });
        script.fields.push("Content-Type", "application/javascript");
        script.fields.push(NO_SNIFF.0, NO_SNIFF.1);
        script
    }

    /// Begins a script: what goes in front of the body, and what makes it of the body.
    pub fn begin(&self, head: &ResponseHead) -> (JsonpBody, Bytes) {
        // The comment keeps the callback from being the first bytes of the answer, where a content sniffer
        // looks for a magic number.
        let mut start = format!("/**/{}(", self.callback);
        if self.mode == JsonpMode::Extended {
            let code = head.status.as_u16();
            let reason = literal(&String::from_utf8_lossy(&head.reason));
            let headers = script_safe(&Value::Object(headers(&head.fields)).to_string());
            start += &format!(
                "{{\"code\": {code}, \"reason\": \"{reason}\", \"headers\": {headers}, \"body\": \""
            );
        }
        (JsonpBody { mode: self.mode, held_back: Vec::new() }, start.into())
    }
}

impl JsonpBody {
    /// The next piece of the script.
    pub fn feed(&mut self, piece: &[u8]) -> Bytes {
        let mut text = core::mem::take(&mut self.held_back);
        text.extend_from_slice(piece);
        let kept = match self.mode {
            JsonpMode::Basic => usize::from(text.ends_with(b"\n")),
            JsonpMode::Extended => unfinished(&text),
        };
        self.held_back = text.split_off(text.len().saturating_sub(kept));
        match self.mode {
            JsonpMode::Basic => text.into(),
            JsonpMode::Extended => literal(&String::from_utf8_lossy(&text)).into(),
        }
    }

    /// The end of the script.
    pub fn finish(self) -> Bytes {
        match self.mode {
            JsonpMode::Basic => Bytes::from_static(b");\n"),
            JsonpMode::Extended => {
                let rest = String::from_utf8_lossy(&self.held_back);
                format!("{rest}\"}});\n").into()
            }
        }
    }
}

/// The fields as an object, a name that repeats with all its values.
fn headers(fields: &Fields) -> Map<String, Value> {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let mut names: Vec<&Field> = Vec::new();
    for field in fields {
        if !names.iter().any(|it| it.name.eq_ignore_ascii_case(&field.name)) {
            names.push(field);
        }
    }
    let values = |name: &Field| {
        let same = fields.iter().filter(|it| it.name.eq_ignore_ascii_case(&name.name));
        same.map(|field| text(&field.value)).collect::<Vec<_>>().join(", ")
    };
    names.into_iter().map(|field| (text(&field.name), values(field).into())).collect()
}

/// What stands between the quotes of a string literal.
fn literal(text: &str) -> String {
    let quoted = Value::from(text).to_string();
    let inner = quoted.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
    script_safe(inner.unwrap_or_default())
}

/// JSON as JavaScript: two characters end a line there and not in JSON.
fn script_safe(json: &str) -> String {
    json.replace('\u{2028}', "\\u2028").replace('\u{2029}', "\\u2029")
}

/// How many bytes at the end begin a character whose rest may follow.
fn unfinished(text: &[u8]) -> usize {
    const LEN_MAX: usize = 4;
    let starts = (1..LEN_MAX).filter_map(|len| text.len().checked_sub(len));
    let tails = starts.filter_map(|start| text.get(start..));
    let is_begun = |tail: &&[u8]| {
        core::str::from_utf8(tail)
            .is_err_and(|why| why.valid_up_to() == 0 && why.error_len().is_none())
    };
    tails.filter(is_begun).map(<[u8]>::len).next().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::collection::vec;
    use proptest::prelude::{Strategy, any, prop_assert, prop_assert_eq, proptest};
    use proptest::sample::select;

    fn jsonp(mode: JsonpMode) -> Jsonp {
        Jsonp::new(b"cb", mode).expect("a name")
    }

    fn response(status: u16, fields: &[(&'static str, &'static str)], body: &[u8]) -> Response {
        let mut head = ResponseHead::new(StatusCode::from_u16(status).expect("a status"));
        head.fields = fields.iter().copied().collect();
        Response { head, body: Bytes::copy_from_slice(body) }
    }

    fn script(mode: JsonpMode, body: &[u8]) -> String {
        let script = jsonp(mode).wrap(&response(200, &[], body), JsonpAnswer::Proxied);
        String::from_utf8(script.body.to_vec()).expect("a script is text")
    }

    #[test]
    fn cors_23_extended() {
        let fields = [("X-A", "1"), ("Cache-Control", "no-store"), ("x-a", "\"2\"")];
        let made = jsonp(JsonpMode::Extended)
            .wrap(&response(404, &fields, b"a\"\\\n"), JsonpAnswer::Proxied);
        let expected = "/**/cb({\"code\": 404, \"reason\": \"Not Found\", \"headers\": \
                        {\"X-A\":\"1, \\\"2\\\"\",\"Cache-Control\":\"no-store\"}, \
                        \"body\": \"a\\\"\\\\\\n\"});\n";
        assert_eq!(made.body, expected);
        let outside: Fields = [
            ("Cache-Control", "no-store"),
            ("Content-Type", "application/javascript"),
            ("X-Content-Type-Options", "nosniff"),
        ]
        .into_iter()
        .collect();
        assert_eq!((made.head.status.as_u16(), made.head.fields), (200, outside));
    }

    #[test]
    fn resp_14_a_held_answer_keeps_its_fields() {
        let fields = [("Content-Type", "text/x"), ("Content-Encoding", "x"), ("ETag", "e")];
        let made =
            jsonp(JsonpMode::Basic).wrap(&response(201, &fields, b"{}\n"), JsonpAnswer::Held);
        assert_eq!(made.body, "/**/cb({});\n");
        let outside: Fields = [
            ("ETag", "e"),
            ("Content-Type", "application/javascript"),
            ("X-Content-Type-Options", "nosniff"),
        ]
        .into_iter()
        .collect();
        assert_eq!(made.head.fields, outside);
    }

    #[test]
    fn cors_23_basic_drops_one_line_feed() {
        for (body, expected) in
            [("", ""), ("\n", ""), ("1", "1"), ("1\n", "1"), ("1\n\n", "1\n"), ("\n1", "\n1")]
        {
            let made = script(JsonpMode::Basic, body.as_bytes());
            assert_eq!(made, format!("/**/cb({expected});\n"), "{body:?}");
        }
    }

    #[test]
    fn cors_26_bytes_that_are_no_text_are_replaced_and_line_ends_escaped() {
        let body = |text: &[u8]| {
            let made = script(JsonpMode::Extended, text);
            let (_, body) = made.split_once("\"body\": \"").expect("a body");
            body.strip_suffix("\"});\n").expect("an end").to_owned()
        };
        assert_eq!(body("é\u{2028}\u{2029}".as_bytes()), "é\\u2028\\u2029");
        assert_eq!(body(b"a\xffb\xe2\x82"), "a\u{fffd}b\u{fffd}");
        assert_eq!(body(b"\"\""), "\\\"\\\"");
    }

    proptest! {
        #[test]
        fn cors_26_cuts_mean_nothing(
            text in vec(cut_text(), 0..6),
            basic in any::<bool>(),
            size in 1_usize..5,
        ) {
            let text: Vec<u8> = text.concat();
            let mode = if basic { JsonpMode::Basic } else { JsonpMode::Extended };
            let (mut body, start) = jsonp(mode).begin(&ResponseHead::new(StatusCode::OK));
            let mut made = start.to_vec();
            for piece in text.chunks(size) {
                made.extend_from_slice(&body.feed(piece));
            }
            made.extend_from_slice(&body.finish());
            let whole = jsonp(mode).wrap(&response(200, &[], &text), JsonpAnswer::Proxied);
            prop_assert_eq!(&made, &whole.body);
            if mode == JsonpMode::Extended {
                let inner = literal(&String::from_utf8_lossy(&text));
                let end = format!("\"body\": \"{inner}\"}});\n");
                prop_assert!(whole.body.ends_with(end.as_bytes()));
            }
        }
    }

    /// Text, the beginnings of characters, and bytes that are neither.
    fn cut_text() -> impl Strategy<Value = Vec<u8>> {
        let parts: Vec<&[u8]> = vec![
            b"a",
            b"\n",
            "é".as_bytes(),
            "€".as_bytes(),
            "😀".as_bytes(),
            b"\xf0\x9f",
            b"\xe2\x82",
            b"\xff",
            b"\x80",
        ];
        select(parts).prop_map(<[u8]>::to_vec)
    }
}
