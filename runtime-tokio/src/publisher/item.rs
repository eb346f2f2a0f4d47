//! The item that the options describe.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value, json};

use super::{Failure, Options};

/// The item in its JSON form.
pub(super) fn of(options: &Options) -> Result<Value, Failure> {
    let mut item = Map::new();
    item.insert("channel".to_owned(), options.channel.clone().into());
    for (key, id) in [("id", &options.id), ("prev-id", &options.prev_id)] {
        item.extend(id.clone().map(|id| (key.to_owned(), id.into())));
    }
    let meta = meta(options)?;
    if !meta.is_empty() {
        item.insert("meta".to_owned(), meta.into());
    }
    if options.no_seq {
        item.insert("no-seq".to_owned(), true.into());
    }
    item.insert("formats".to_owned(), formats(options)?);
    Ok(item.into())
}

fn meta(options: &Options) -> Result<Map<String, Value>, Failure> {
    let mut meta = Map::new();
    for pair in &options.meta {
        let (key, value) = pair.split_once('=').ok_or_else(|| Failure::Meta(pair.clone()))?;
        meta.insert(key.to_owned(), value.trim().into());
    }
    meta.extend(options.sender.clone().map(|sender| ("sender".to_owned(), sender.into())));
    Ok(meta)
}

fn formats(options: &Options) -> Result<Value, Failure> {
    if options.hint {
        let hint = || json!({ "action": "hint" });
        return Ok(json!({ "http-response": hint(), "http-stream": hint(), "ws-message": hint() }));
    }
    if options.close {
        let close = || json!({ "action": "close" });
        return Ok(json!({ "http-stream": close(), "ws-message": close() }));
    }
    let mut response = response(options)?;
    let content = content(options.content.as_deref().ok_or(Failure::NoContent)?)?;
    if options.patch {
        let patch = serde_json::from_slice::<Vec<Value>>(&content.data);
        response.insert("body-patch".to_owned(), patch.map_err(|_| Failure::Patch)?.into());
        return Ok(json!({ "http-response": response }));
    }
    let line = match options.no_eol || content.is_file {
        true => content.data.clone(),
        false => [&content.data[..], b"\n"].concat(),
    };
    response.extend([member("body", &line)]);
    let [stream, ws] = [&line, &content.data].map(|data| Map::from_iter([member("content", data)]));
    Ok(json!({ "http-response": response, "http-stream": stream, "ws-message": ws }))
}

/// What an `http-response` has beside its body.
fn response(options: &Options) -> Result<Map<String, Value>, Failure> {
    if !(0..=999).contains(&options.code) {
        return Err(Failure::Code(options.code));
    }
    let mut headers = Vec::new();
    for header in &options.headers {
        let (name, value) =
            header.split_once(':').ok_or_else(|| Failure::Header(header.clone()))?;
        headers.push(json!([name, value.trim()]));
    }
    let mut response = Map::from_iter([("code".to_owned(), options.code.into())]);
    if !headers.is_empty() {
        response.insert("headers".to_owned(), headers.into());
    }
    Ok(response)
}

/// What is to be sent.
struct Content {
    data: Vec<u8>,
    is_file: bool,
}

fn content(text: &OsStr) -> Result<Content, Failure> {
    match text.as_bytes().strip_prefix(b"@") {
        Some(name) => {
            let path = PathBuf::from(OsStr::from_bytes(name));
            let data = fs::read(&path).map_err(|reason| Failure::File { path, reason })?;
            Ok(Content { data, is_file: true })
        }
        None => Ok(Content { data: text.as_bytes().to_vec(), is_file: false }),
    }
}

/// Bytes as a member of a format: text under `name`, and what is no text in base64 under `name-bin` (CLI-2).
fn member(name: &str, data: &[u8]) -> (String, Value) {
    match std::str::from_utf8(data) {
        Ok(text) => (name.to_owned(), text.into()),
        Err(_) => (format!("{name}-bin"), STANDARD.encode(data).into()),
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    fn item(args: &[&str]) -> Result<Value, String> {
        let options = Options::try_parse_from([&["publish", "c"], args].concat());
        of(&options.expect("arguments")).map_err(|failure| failure.to_string())
    }

    #[test]
    fn cli_1_content_is_for_all_kinds_with_a_newline_for_http() {
        let item = item(&["hi", "--id=2", "--prev-id=1", "--no-seq", "-M", "a= b ", "--sender=me"]);
        let expected = json!({
            "channel": "c", "id": "2", "prev-id": "1",
            "meta": {"a": "b", "sender": "me"}, "no-seq": true,
            "formats": {
                "http-response": {"code": 200, "body": "hi\n"},
                "http-stream": {"content": "hi\n"},
                "ws-message": {"content": "hi"},
            },
        });
        assert_eq!(item, Ok(expected));
    }

    #[test]
    fn cli_1_what_options_change() {
        let formats = |args: &[&str]| item(args).expect("an item")["formats"].clone();
        let response = &formats(&["hi", "--no-eol", "--code=404", "-H", "A: 1 ", "-H", "B:2"]);
        let headers = json!([["A", "1"], ["B", "2"]]);
        let expected = json!({"code": 404, "headers": headers, "body": "hi"});
        assert_eq!(response["http-response"], expected);
        let hint = json!({"action": "hint"});
        let all = json!({"http-response": hint, "http-stream": hint, "ws-message": hint});
        assert_eq!(formats(&["--hint", "--close", "ignored"]), all);
        let close = json!({"action": "close"});
        assert_eq!(formats(&["--close"]), json!({"http-stream": close, "ws-message": close}));
        let patch = json!({"http-response": {"code": 200, "body-patch": [1]}});
        assert_eq!(formats(&["--patch", "[1]"]), patch);
    }

    #[test]
    fn cli_2_bytes_that_are_no_text() {
        assert_eq!(member("body", b"a"), ("body".to_owned(), "a".into()));
        assert_eq!(member("body", b"\xff"), ("body-bin".to_owned(), "/w==".into()));
    }

    #[test]
    fn cli_4_what_is_refused() {
        for (args, why) in [
            (&[][..], "no content"),
            (&["@/no/such/file"], "/no/such/file: No such file or directory (os error 2)"),
            (&["x", "--code", "1000"], "code 1000 is not from 0 to 999"),
            (&["x", "--code", "-1"], "code -1 is not from 0 to 999"),
            (&["x", "-H", "A"], "header \"A\" has no colon"),
            (&["x", "-M", "A"], "meta \"A\" has no equals sign"),
            (&["{}", "--patch"], "the patch is no JSON array"),
        ] {
            assert_eq!(item(args), Err(why.to_owned()), "{args:?}");
        }
    }
}
