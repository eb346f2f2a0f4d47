//! The command that publishes.

use std::{env, fs, path::PathBuf};

use serde_json::{Value, json};

use super::support::{poll_on, stream_on};
use crate::{
    case::{Case, Outcome, ensure, must, should},
    peer::{
        command::Ran,
        message::{Reply, ok, reply},
        origin::Seen,
    },
    scene::Scene,
};

pub(super) fn cases() -> Vec<Case> {
    vec![
        must("CLI-1/content", "content goes to polls and streams, with a line end", content),
        must("CLI-1/no-line-end", "or without one, if so wished", no_line_end),
        must("CLI-1/options", "options become parts of the item", options),
        must("CLI-1/actions", "hints and closes need no content", actions),
        must("CLI-1/patch", "a patch is for polls only", patch),
        must("CLI-2/file", "a file is sent as it is", file),
        must("CLI-2/binary", "whatever its bytes are", binary),
        must("CLI-3/request", "one item is posted to the address", request),
        must("CLI-3/other-status", "any other status than 200 is an error", other_status),
        must("CLI-4/errors", "what cannot be sent is an error", errors),
        should("CLI-4/usage", "wrong usage has a status of its own", usage),
        should("CLI-5/slash", "a slash at the end of the address does not matter", slash),
        should("CLI-5/key", "a key in the address signs the request", key),
    ]
}

/// Publishes by the command to the proxy.
async fn publish(s: &Scene, arguments: &[&str]) -> Outcome {
    let address = s.publisher()?.url();
    s.command(&[&["--spec", &address], arguments].concat()).await?.published()
}

/// Lets the command publish to the origin with this beyond its address, which gives this reply.
async fn posted(s: &Scene, more: &str, arguments: &[&str], answer: Reply) -> Outcome<(Seen, Ran)> {
    let address = format!("http://{}{}{more}", s.origin_address(), s.origin.path);
    let arguments = [&["--spec", &address], arguments].concat();
    let serving = async {
        let mut asked = s.origin.asked_at("/publish/").await?;
        let seen = asked.seen().await?;
        asked.reply(answer.with("Connection: close")).await?;
        Ok(seen)
    };
    let running = s.command(&arguments);
    // The command goes first, so that a case without one is skipped at once.
    let (ran, seen) = tokio::try_join!(running, serving)?;
    Ok((seen, ran))
}

/// The item that the command makes of these arguments.
async fn made(s: &Scene, arguments: &[&str]) -> Outcome<Value> {
    let (seen, ran) = posted(s, "", arguments, ok("Published\n")).await?;
    ran.published()?;
    let items: Value = serde_json::from_slice(&seen.body).unwrap_or_default();
    let one = items["items"].as_array().is_some_and(|items| items.len() == 1);
    ensure(one, format_args!("{items} is no list of one item"))?;
    Ok(items["items"][0].clone())
}

/// A format of an item, whichever way the item holds it.
fn format<'a>(item: &'a Value, name: &str) -> &'a Value {
    match &item["formats"] {
        Value::Null => &item[name],
        formats => &formats[name],
    }
}

async fn content(s: Scene) -> Outcome {
    let channel = s.channel("a");
    let mut stream = s.stream(stream_on(&channel), "hello\n").await?;
    let (mut poll, _) = s.held_for(&s.place(), poll_on(&channel)).await?;
    publish(&s, &[&channel, "größe"]).await?;
    stream.content("größe\n").await?;
    poll.answer().await?.status(200)?.says("größe\n")?.fine()
}

async fn no_line_end(s: Scene) -> Outcome {
    let channel = s.channel("a");
    let mut stream = s.stream(stream_on(&channel), "hello\n").await?;
    publish(&s, &["--no-eol", &channel, "one "]).await?;
    publish(&s, &[&channel, "two"]).await?;
    stream.content("one two\n").await
}

async fn options(s: Scene) -> Outcome {
    // Values last: an option that may be repeated can take the words behind it for more of its own.
    let first = ["--id", "2", "--prev-id", "1", "--sender", "amy", "--no-seq", "-M", "a= b "];
    let second = ["--meta", "c=d=e", "--code", "404", "-H", "X-A:  1 ", "--header", "X-B: 2"];
    let item = made(&s, &[&["room", "text"], &first[..], &second].concat()).await?;
    let wanted = json!({ "sender": "amy", "a": "b", "c": "d=e" });
    ensure(item["meta"] == wanted, format_args!("meta is {}", item["meta"]))?;
    let named = item["channel"] == "room" && item["id"] == "2" && item["prev-id"] == "1";
    ensure(named && item["no-seq"] == true, format_args!("{item}"))?;
    let response = format(&item, "http-response");
    let fields = match &response["headers"] {
        Value::Array(pairs) => {
            pairs.iter().map(|pair| (pair[0].clone(), pair[1].clone())).collect()
        }
        Value::Object(map) => map.iter().map(|(k, v)| (json!(k), v.clone())).collect(),
        _ => Vec::new(),
    };
    let has = |name: &str, value: &str| fields.contains(&(json!(name), json!(value)));
    let same = response["code"] == 404 && has("X-A", "1") && has("X-B", "2");
    ensure(same, format_args!("{response}"))?;
    ensure(format(&item, "ws-message")["content"] == "text", format_args!("{item}"))
}

async fn actions(s: Scene) -> Outcome {
    let hint = made(&s, &["--hint", "--close", "room"]).await?;
    for name in ["http-response", "http-stream", "ws-message"] {
        ensure(format(&hint, name)["action"] == "hint", format_args!("{hint}"))?;
    }
    let close = made(&s, &["--close", "room"]).await?;
    for name in ["http-stream", "ws-message"] {
        ensure(format(&close, name)["action"] == "close", format_args!("{close}"))?;
    }
    Ok(())
}

async fn patch(s: Scene) -> Outcome {
    let item = made(&s, &["--patch", "room", r#"[{"op":"remove","path":"/a"}]"#]).await?;
    let wanted = json!([{ "op": "remove", "path": "/a" }]);
    ensure(format(&item, "http-response")["body-patch"] == wanted, format_args!("{item}"))?;
    let others = ["http-stream", "ws-message"].map(|name| format(&item, name).is_null());
    ensure(others == [true, true], format_args!("{item} is for others too"))
}

/// A file with these bytes, for as long as it is kept.
struct Kept(PathBuf);

impl Kept {
    fn new(s: &Scene, bytes: &[u8]) -> Outcome<Self> {
        let path = env::temp_dir().join(s.channel("file"));
        fs::write(&path, bytes)?;
        Ok(Self(path))
    }

    fn argument(&self) -> String {
        format!("@{}", self.0.display())
    }
}

impl Drop for Kept {
    fn drop(&mut self) {
        // A file that stays behind in the temporary directory does no harm.
        let _ = fs::remove_file(&self.0);
    }
}

async fn file(s: Scene) -> Outcome {
    let (channel, file) = (s.channel("a"), Kept::new(&s, b"one\ntwo")?);
    let mut stream = s.stream(stream_on(&channel), "hello\n").await?;
    publish(&s, &[&channel, &file.argument()]).await?;
    stream.content("one\ntwo").await?;
    stream.quiet(s.seconds(0.3)).await
}

async fn binary(s: Scene) -> Outcome {
    let (channel, file) = (s.channel("a"), Kept::new(&s, &[0, 255, 10, 128])?);
    let (mut poll, _) = s.held(poll_on(&channel)).await?;
    publish(&s, &[&channel, &file.argument()]).await?;
    poll.answer().await?.status(200)?.says([0, 255, 10, 128])?.fine()
}

async fn request(s: Scene) -> Outcome {
    let (seen, ran) = posted(&s, "", &["room", "text"], ok("Published\n")).await?;
    ran.published()?;
    ensure(seen.head.word(0) == "POST", format_args!("{}", seen.head))?;
    seen.head.has("Content-Type", "application/json")?.lacks("Authorization")?;
    Ok(())
}

async fn other_status(s: Scene) -> Outcome {
    for status in ["202 Accepted", "400 Bad Request", "503 Busy"] {
        let answer = reply(status).body("not now\n");
        let (_, ran) = posted(&s, "", &["room", "text"], answer).await?;
        ran.failed(1)?;
        ensure(ran.err.contains("not now"), format_args!("{ran:?}"))?;
    }
    Ok(())
}

async fn errors(s: Scene) -> Outcome {
    let address = s.publisher()?.url();
    let attempts: [&[&str]; 8] = [
        &["room"],
        &["room", "@/no/such/file"],
        &["--code", "1000", "room", "text"],
        &["--header", "no colon", "room", "text"],
        &["--meta", "no sign", "room", "text"],
        &["--patch", "room", "{}"],
        &["--user", "a:b", "room", "text"],
        &["--spec", "http://127.0.0.1:1", "room", "text"],
    ];
    for arguments in attempts {
        let spec: &[&str] = if arguments[0] == "--spec" { &[] } else { &["--spec", &address] };
        let ran = s.command(&[spec, arguments].concat()).await?;
        ran.failed(1).or_else(|_| crate::case::wrong(format_args!("{ran:?} for {arguments:?}")))?;
    }
    Ok(())
}

async fn usage(s: Scene) -> Outcome {
    s.command(&["--no-such-option", "room", "text"]).await?.failed(2)
}

async fn slash(s: Scene) -> Outcome {
    let (_, ran) = posted(&s, "/", &["room", "text"], ok("Published\n")).await?;
    ran.published()
}

async fn key(s: Scene) -> Outcome {
    let more = "?iss=me&key=secret&verify-iss=x";
    let (seen, ran) = posted(&s, more, &["room", "text"], ok("Published\n")).await?;
    ran.published()?;
    let token = seen.head.first("Authorization").unwrap_or_default();
    let parts = token.strip_prefix("Bearer ").map_or(0, |token| token.split('.').count());
    ensure(parts == 3, format_args!("Authorization is {token:?}"))
}
