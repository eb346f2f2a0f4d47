//! When a response is an instruction, and what becomes of it without a hold.

use serde_json::json;

use super::support::{for_streams, instructs_refused, poll_on, stream_on};
use crate::{
    case::{Case, Outcome, ensure, must, should},
    peer::{
        client::End,
        message::{ok, reply},
    },
    scene::Scene,
    target::host,
};

pub(super) fn cases() -> Vec<Case> {
    vec![
        must("ACT-1/any-field", "any Grip field in any case makes an instruction", any_field),
        must("ACT-1/json-type", "so does the JSON type, whatever its parameters", json_type),
        should("ACT-1/json-type-any-case", "the JSON type counts in any case", json_type_any_case),
        must("ACT-3/status", "header instructions may have any status", any_status),
        must("ACT-3/json-status", "JSON instructions need a 200", json_status),
        must("ACT-5/fits", "a body of 100000 bytes is accepted", body_fits),
        must("ACT-5/too-long", "a longer one with a response hold is a 502", body_too_long),
        must("ACT-6/long-stream", "a stream's first body may have any length", long_stream),
        should("ACT-7/long-invalid", "a long invalid instruction is a 502 too", long_invalid),
        must(
            "ACT-8/removed",
            "instructions and connection fields do not reach the client",
            removed,
        ),
        must("ERR-1/page", "an invalid instruction is a plain 502", error_page),
        must("ERR-1/debug", "with debug the page says what is wrong", debug_page),
        must("ERR-1/nothing-held", "an invalid instruction holds nothing", nothing_held),
        must("NOH-1/at-once", "without a hold the client is answered at once", at_once),
        must("NOH-1/errors", "invalid fields count without a hold too", errors_without_hold),
        must("NOH-3/no-body", "204 and 304 stay without a body", no_body),
        must("NOH-3/head", "HEAD is answered without a body", head_request),
    ]
}

async fn any_field(s: Scene) -> Outcome {
    for name in ["Grip-Odd", "gRIP-status", "GRIP-X"] {
        let answer = s.answered(ok("plain\n").with(format!("{name}: 200"))).await?;
        answer.status(200)?.says("plain\n")?.head.lacks_any("Grip-")?;
    }
    Ok(())
}

async fn json_type(s: Scene) -> Outcome {
    let document = json!({ "response": { "body": "inside\n" } }).to_string();
    for kind in ["application/grip-instruct", "application/grip-instruct; charset=utf-8"] {
        let reply = ok(&document).with(format!("Content-Type: {kind}"));
        s.answered(reply).await?.status(200)?.says("inside\n")?;
    }
    Ok(())
}

async fn json_type_any_case(s: Scene) -> Outcome {
    let document = json!({ "response": { "body": "inside\n" } }).to_string();
    let reply = ok(document).with("Content-Type: Application/GRIP-Instruct");
    s.answered(reply).await?.status(200)?.says("inside\n")?.fine()
}

async fn any_status(s: Scene) -> Outcome {
    for status in ["404 Not Found", "503 Busy"] {
        let code: u16 = status[..3].parse().unwrap_or_default();
        let answer = s.answered(reply(status).with("Grip-Odd: 1").body("sorry\n")).await?;
        answer.status(code)?.says("sorry\n")?.lacks("Grip-Odd")?;
    }
    let channel = s.channel("a");
    let held = reply("404 Not Found").with("Grip-Hold: response").body("nothing\n");
    let (mut client, _) = s.held(held.with(format!("Grip-Channel: {channel}"))).await?;
    s.publish(super::support::for_polls(&channel, "item\n")).await?;
    client.answer().await?.says("item\n")?.fine()
}

async fn json_status(s: Scene) -> Outcome {
    let document = json!({ "response": { "body": "x" } }).to_string();
    let reply = reply("201 Created").with("Content-Type: application/grip-instruct");
    s.answered(reply.body(document)).await?.error(502)?.fine()
}

async fn body_fits(s: Scene) -> Outcome {
    let body = vec![b'x'; 100_000];
    s.answered(ok(&body).with("Grip-Odd: 1")).await?.status(200)?.says(&body)?.fine()
}

async fn body_too_long(s: Scene) -> Outcome {
    let reply = poll_on(&s.channel("a")).body(vec![b'x'; 100_001]);
    s.answered(reply).await?.error(502)?.fine()
}

async fn long_stream(s: Scene) -> Outcome {
    let (channel, body) = (s.channel("a"), "x".repeat(300_000));
    let mut client = s.send(&s.get()).await?;
    let reply = stream_on(&channel).with("Grip-Status: 203 Long").body(&body);
    s.origin.asked().await?.reply(reply).await?;
    let head = client.head().await?;
    ensure(head.word(1) == "203", format_args!("{head}"))?;
    head.lacks("Content-Length")?.lacks_any("Grip-")?;
    client.content(&body).await?;
    s.settle().await;
    s.publish(for_streams(&channel, "item\n")).await?;
    client.content("item\n").await
}

async fn long_invalid(s: Scene) -> Outcome {
    let reply = stream_on(&s.channel("a")).with("Grip-Keep-Alive: ; timeout=5");
    s.answered(reply.body(vec![b'x'; 300_000])).await?.error(502)?.fine()
}

async fn removed(s: Scene) -> Outcome {
    let reply = ok("plain\n")
        .with("Grip-Set-Meta: a=b")
        .with("grip-channel: x")
        .with("Keep-Alive: timeout=7")
        .with("X-Kept: 1");
    let answer = s.answered(reply).await?;
    answer.status(200)?.has("Content-Length", "6")?.has("X-Kept", "1")?.lacks("Keep-Alive")?;
    answer.head.lacks_any("Grip-")?;
    Ok(())
}

async fn error_page(s: Scene) -> Outcome {
    let answer = s.answered(ok("x").with("Grip-Hold: maybe").with("X-A: 1")).await?;
    answer.error(502)?.lacks("X-A")?.head.lacks_any("Grip-")?;
    Ok(())
}

async fn debug_page(s: Scene) -> Outcome {
    let wrong = ok("x").with("Grip-Hold: maybe");
    let plain = s.answered(wrong.clone()).await?.text();
    let (_, debug) = s.relay(s.get().host(host::DEBUG), wrong).await?;
    debug.error(502)?;
    ensure(debug.text() != plain, format_args!("both pages say {plain:?}"))
}

async fn nothing_held(s: Scene) -> Outcome {
    let channel = s.channel("a");
    let mut client = s.send(&s.get()).await?;
    let reply = ok("x").with("Grip-Hold: Stream").with(format!("Grip-Channel: {channel}"));
    s.origin.asked().await?.reply(reply).await?;
    let answer = client.answer().await?;
    answer.error(502)?;
    ensure(answer.end == End::Clean, "the page is cut")?;
    s.settle().await;
    s.publish(for_streams(&channel, "item\n")).await?;
    client.quiet(s.seconds(0.5)).await
}

async fn at_once(s: Scene) -> Outcome {
    let reply = ok("body\n")
        .with("Grip-Status: 404 No Way")
        .with("Grip-Channel: a, b; prev-id=1")
        .with("Grip-Timeout: 20")
        .with("Grip-Keep-Alive: x; timeout=9")
        .with("X-A: 1");
    let answer = s.answered(reply).await?;
    answer.status(404)?.reason("No Way")?.says("body\n")?.has("X-A", "1")?;
    answer.has("Content-Length", "5")?.fine()
}

async fn errors_without_hold(s: Scene) -> Outcome {
    let fields = ["Grip-Timeout: x", "Grip-Timeout: -1", "Grip-Keep-Alive: x; timeout=a"];
    instructs_refused(&s, fields.iter().map(|field| ok("x").with(*field)).collect()).await
}

async fn no_body(s: Scene) -> Outcome {
    let mut client = s.connect().await?;
    for (code, status) in [(204, "204 No Content"), (304, "304 Not Modified")] {
        client.send(&s.get()).await?;
        let bare = format!("HTTP/1.1 {status}\r\nGrip-Odd: 1\r\nX-A: 1\r\n\r\n");
        s.origin.asked().await?.reply(bare).await?;
        client.answer().await?.status(code)?.has("X-A", "1")?.lacks("Grip-Odd")?;
    }
    client.send(&s.get()).await?;
    s.origin.asked().await?.reply(ok("after")).await?;
    client.answer().await?.says("after")?.fine()
}

async fn head_request(s: Scene) -> Outcome {
    let mut client = s.send(&s.request("HEAD")).await?;
    s.origin
        .asked()
        .await?
        .reply("HTTP/1.1 200 OK\r\nContent-Length: 5\r\nGrip-Odd: 1\r\n\r\n")
        .await?;
    client.answer().await?.status(200)?.lacks("Grip-Odd")?;
    client.send(&s.get()).await?;
    s.origin.asked().await?.reply(ok("after")).await?;
    client.answer().await?.says("after")?.fine()
}
