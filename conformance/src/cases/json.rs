//! Instructions that are a JSON body.

use serde_json::{Value, json};

use super::support::{for_polls, for_streams, instruct, instruct_text, instructs_refused};
use crate::{
    case::{Case, Outcome, ensure, must, should},
    scene::Scene,
};

pub(super) fn cases() -> Vec<Case> {
    vec![
        must("INS-1/poll", "a response hold by JSON", poll),
        must("INS-1/default-mode", "the mode is response if none is given", default_mode),
        must("INS-1/stream", "a stream hold by JSON", stream),
        must("INS-1/response", "code, reason, headers and body of the answer", response),
        must("INS-1/binary", "body-bin wins over body", binary),
        must("INS-1/keep-alive", "keep-alive content, plain and binary", keep_alive),
        must("INS-1/tolerant", "unknown fields are ignored, the last of two keys counts", tolerant),
        must("INS-1/broken", "what is no JSON object is an error", broken),
        must("INS-1/bad-hold", "a hold of the wrong form is an error", bad_hold),
        must("INS-1/bad-channels", "channels of the wrong form are errors", bad_channels),
        must("INS-1/bad-response", "a response of the wrong form is an error", bad_response),
        must("INS-2/number-text", "a number may be written as text", number_text),
        should("INS-2/no-number", "text that is no whole number is an error", no_number),
        must("INS-3/both", "header and JSON channels add up", both),
        must("INS-3/header-hold", "a header may ask for the hold", header_hold),
        must("INS-4/only-inside", "nothing of the outer response reaches the client", only_inside),
        must("INS-4/status", "the code counts, then Grip-Status, then 200", which_status),
        must("INS-5/length", "the length is computed anew", length),
        should("INS-5/grip", "Grip fields in the answer are stripped", strips_grip),
        should("INS-6/empty", "an answer without a body is fine", empty),
        must("INS-9/line-breaks", "line breaks in fields are an error", line_breaks),
    ]
}

async fn poll(s: Scene) -> Outcome {
    let channel = s.channel("a");
    let hold = json!({
        "hold": { "mode": "response", "timeout": 20, "channels": [{ "name": channel }] },
        "response": { "headers": { "X-A": "1" }, "body": "nothing\n" }
    });
    let (mut client, _) = s.held(instruct(&hold)).await?;
    s.publish(for_polls(&channel, "item\n")).await?;
    client.answer().await?.status(200)?.has("X-A", "1")?.says("item\n")?.fine()
}

async fn default_mode(s: Scene) -> Outcome {
    let hold = json!({
        "hold": { "timeout": 5, "channels": [{ "name": s.channel("a") }] },
        "response": { "code": 203, "body": "nothing\n" }
    });
    let (mut client, _) = s.held(instruct(&hold)).await?;
    client.quiet(s.seconds(2.0)).await?;
    client.answer().await?.status(203)?.says("nothing\n")?.fine()
}

async fn stream(s: Scene) -> Outcome {
    let channel = s.channel("a");
    let hold = json!({
        "hold": { "mode": "stream", "channels": [{ "name": channel, "filters": [] }] },
        "response": { "body": "hello\n" }
    });
    let mut client = s.stream(instruct(&hold), "hello\n").await?;
    s.publish(for_streams(&channel, "item\n")).await?;
    client.content("item\n").await
}

async fn response(s: Scene) -> Outcome {
    let forms = [
        json!({ "X-A": "1", "Content-Type": "a/b" }),
        json!([["X-A", "1"], ["Content-Type", "a/b"]]),
    ];
    for headers in forms {
        let document = json!({
            "response": { "code": 404, "reason": "No Way", "headers": headers, "body": "gone\n" }
        });
        let answer = s.answered(instruct(&document)).await?;
        answer.status(404)?.reason("No Way")?.says("gone\n")?;
        answer.has("X-A", "1")?.has("Content-Type", "a/b")?;
    }
    Ok(())
}

async fn binary(s: Scene) -> Outcome {
    let document = json!({ "response": { "body": "text", "body-bin": "AAH/" } });
    s.answered(instruct(&document)).await?.status(200)?.says([0, 1, 255])?.fine()
}

async fn keep_alive(s: Scene) -> Outcome {
    for content in
        [json!({ "content": "alive" }), json!({ "content-bin": "YWxpdmU=", "content": "x" })]
    {
        let mut keep_alive = content;
        keep_alive["timeout"] = 1.into();
        let hold = json!({
            "hold": { "mode": "stream", "channels": [], "keep-alive": keep_alive },
            "response": { "body": "hello\n" }
        });
        let mut client = s.send(&s.get()).await?;
        s.origin.asked().await?.reply(instruct(&hold)).await?;
        client.head().await?;
        client.content("hello\nalive").await?;
    }
    Ok(())
}

async fn tolerant(s: Scene) -> Outcome {
    let text = r#"{"x": 1, "response": {"y": null, "body": "first", "body": "last"}}"#;
    s.answered(instruct_text(text)).await?.status(200)?.says("last")?.fine()
}

async fn broken(s: Scene) -> Outcome {
    let texts = ["", "{", "[]", "\"x\"", "7", "null", "{\"response\": {\"body\": \"x\"}"];
    instructs_refused(&s, texts.map(instruct_text).to_vec()).await
}

async fn refused_documents(s: &Scene, documents: Vec<Value>) -> Outcome {
    instructs_refused(s, documents.iter().map(instruct).collect()).await
}

async fn bad_hold(s: Scene) -> Outcome {
    let with = |name: &str, value: Value| {
        let mut hold =
            json!({ "hold": { "channels": [{ "name": "a" }] }, "response": { "body": "x" } });
        hold["hold"][name] = value;
        hold
    };
    let mut documents: Vec<Value> =
        [json!(null), json!([]), json!("x"), json!(7)].map(|hold| json!({ "hold": hold })).to_vec();
    documents.extend([
        with("mode", json!("Stream")),
        with("mode", json!(1)),
        with("timeout", json!(null)),
        with("timeout", json!({})),
        with("timeout", json!(-1)),
        with("keep-alive", json!("x")),
        with("keep-alive", json!({ "content": 1 })),
        with("keep-alive", json!({ "content-bin": 1 })),
        with("keep-alive", json!({ "content": "x", "timeout": null })),
        with("keep-alive", json!({ "content": "x", "timeout": -1 })),
        with("meta", json!([])),
        with("meta", json!({ "a": 1 })),
    ]);
    refused_documents(&s, documents).await
}

async fn bad_channels(s: Scene) -> Outcome {
    let with =
        |channels: Value| json!({ "hold": { "channels": channels }, "response": { "body": "x" } });
    let mut documents = vec![json!({ "hold": {}, "response": { "body": "x" } })];
    documents.extend(
        [
            json!(null),
            json!({}),
            json!(["a"]),
            json!([{}]),
            json!([{ "name": 1 }]),
            json!([{ "name": "a", "prev-id": null }]),
            json!([{ "name": "a", "prev-id": 1 }]),
            json!([{ "name": "a", "filters": "x" }]),
            json!([{ "name": "a", "filters": [1] }]),
        ]
        .map(with),
    );
    refused_documents(&s, documents).await
}

async fn bad_response(s: Scene) -> Outcome {
    let with = |name: &str, value: Value| {
        let mut document = json!({ "response": { "body": "x" } });
        document["response"][name] = value;
        document
    };
    let documents = vec![
        json!({ "response": "x" }),
        json!({ "response": [] }),
        with("code", json!(1000)),
        with("code", json!(-1)),
        with("code", json!(null)),
        with("code", json!({})),
        with("reason", json!(1)),
        with("headers", json!("X-A: 1")),
        with("headers", json!({ "X-A": 1 })),
        with("headers", json!([["X-A"]])),
        with("headers", json!(["X-A", "1"])),
        with("body", json!(1)),
        with("body-bin", json!(1)),
    ];
    refused_documents(&s, documents).await
}

async fn number_text(s: Scene) -> Outcome {
    let document = json!({ "response": { "code": "404", "body": "x" } });
    s.answered(instruct(&document)).await?.status(404)?.fine()
}

async fn no_number(s: Scene) -> Outcome {
    let codes = [json!("fine"), json!(""), json!(200.5), json!("200.5")];
    let with = |code| json!({ "response": { "code": code, "body": "x" } });
    refused_documents(&s, codes.map(with).to_vec()).await
}

async fn both(s: Scene) -> Outcome {
    let [a, b] = ["a", "b"].map(|name| s.channel(name));
    let hold = json!({
        "hold": { "mode": "stream", "channels": [{ "name": b }] }, "response": { "body": "hello\n" }
    });
    let reply = instruct(&hold).with(format!("Grip-Channel: {a}")).with("Grip-Hold: response");
    let mut client = s.stream(reply, "hello\n").await?;
    for channel in [a, b] {
        s.publish(for_streams(&channel, "item\n")).await?;
        client.content("item\n").await?;
    }
    Ok(())
}

async fn header_hold(s: Scene) -> Outcome {
    let channel = s.channel("a");
    let document = json!({ "response": { "body": "nothing\n" } });
    let reply =
        instruct(&document).with(format!("Grip-Channel: {channel}")).with("Grip-Hold: response");
    let (mut client, _) = s.held(reply).await?;
    s.publish(for_polls(&channel, "item\n")).await?;
    client.answer().await?.status(200)?.says("item\n")?.fine()
}

async fn only_inside(s: Scene) -> Outcome {
    let document = json!({ "response": { "body": "inside\n", "headers": { "X-In": "1" } } });
    let answer = s.answered(instruct(&document).with("X-Out: 1").with("Set-Cookie: a=1")).await?;
    answer.status(200)?.says("inside\n")?.has("X-In", "1")?.lacks("X-Out")?.lacks("Set-Cookie")?;
    let kinds = answer.head.all("Content-Type");
    ensure(!kinds.contains(&"application/grip-instruct"), "the outer type reached the client")
}

async fn which_status(s: Scene) -> Outcome {
    let status = "Grip-Status: 203 Header";
    let document = json!({ "response": { "code": 404, "body": "x" } });
    s.answered(instruct(&document).with(status)).await?.status(404)?;
    let document = json!({ "response": { "body": "x" } });
    s.answered(instruct(&document).with(status)).await?.status(203)?.reason("Header")?;
    s.answered(instruct(&document)).await?.status(200)?.reason("OK")?.fine()
}

async fn length(s: Scene) -> Outcome {
    let document = json!({ "response": { "headers": { "Content-Length": "99" }, "body": "four" } });
    s.answered(instruct(&document))
        .await?
        .status(200)?
        .has("Content-Length", "4")?
        .says("four")?
        .fine()
}

async fn strips_grip(s: Scene) -> Outcome {
    let document =
        json!({ "response": { "headers": { "Grip-Odd": "1", "X-A": "1" }, "body": "x" } });
    s.answered(instruct(&document)).await?.status(200)?.has("X-A", "1")?.lacks("Grip-Odd")?.fine()
}

async fn empty(s: Scene) -> Outcome {
    s.answered(instruct(&json!({}))).await?.status(200)?.says("")?;
    let document = json!({ "response": { "code": 404 } });
    s.answered(instruct(&document)).await?.status(404)?.says("")?.fine()
}

async fn line_breaks(s: Scene) -> Outcome {
    let documents = vec![
        json!({ "response": { "headers": { "X-A": "1\r\nX-B: 2" }, "body": "x" } }),
        json!({ "response": { "headers": { "X-A": "1\n2" }, "body": "x" } }),
        json!({ "response": { "headers": { "X-A\r\nX-B": "1" }, "body": "x" } }),
        json!({ "response": { "reason": "Fine\r\nX-B: 2", "body": "x" } }),
    ];
    refused_documents(&s, documents).await
}
