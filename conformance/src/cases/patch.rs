//! Items that change the held response instead of replacing it.

use serde_json::{Value, json};

use super::support::{for_polls, hold, poll_on, warm};
use crate::{
    case::{Case, Outcome, ensure, must, should},
    peer::message::{Reply, ok},
    scene::Scene,
};

pub(super) fn cases() -> Vec<Case> {
    vec![
        must("PATCH-1/operations", "a patch changes the held body", operations),
        must("PATCH-1/line-end", "the line end of the held body stays", line_end),
        must("PATCH-1/overlay", "status and fields come from the item as always", overlay),
        should("PATCH-2/kept", "order and numbers stay as they were", kept),
        should("PATCH-3/insert", "adding at an index inserts", insert),
        should("PATCH-3/root", "the empty pointer is the whole document", root),
        should("PATCH-3/slash", "so is a slash, where no key is empty", slash),
        should("PATCH-3/empty-key", "a key may be empty", empty_key),
        should(
            "PATCH-4/repeated",
            "if a patch cannot be applied the request is repeated",
            repeated,
        ),
        must("PATCH-5/unchecked", "operations are not looked at when published", unchecked),
    ]
}

/// A response hold with this body.
fn holding(channel: &str, body: &str) -> Reply {
    poll_on(channel).with("Content-Type: application/json").body(body)
}

fn patch(channel: &str, operations: &Value) -> Value {
    json!({ "channel": channel, "http-response": { "body-patch": operations } })
}

/// What becomes of a held body.
async fn patched(s: &Scene, body: &str, operations: Value) -> Outcome<String> {
    let place = s.place();
    // A channel of its own, so that what an earlier hold of it has left cannot matter.
    let (mut client, _) = s.held_for(&place, holding(&place.path, body)).await?;
    s.publish(patch(&place.path, &operations)).await?;
    let answer = client.answer().await?;
    answer.status(200)?.has("Content-Type", "application/json")?;
    Ok(answer.text())
}

/// Requires that a patch makes this document of that.
async fn makes(s: &Scene, body: &str, operations: Value, wanted: Value) -> Outcome {
    let text = patched(s, body, operations.clone()).await?;
    let found: Value = serde_json::from_str(&text).unwrap_or_default();
    ensure(found == wanted, format_args!("{operations} on {body} made {text:?}, not {wanted}"))
}

async fn operations(s: Scene) -> Outcome {
    let operations = json!([
        { "op": "test", "path": "/a", "value": 1 },
        { "op": "add", "path": "/e", "value": { "f": [true, null] } },
        { "op": "add", "path": "/b/-", "value": 3 },
        { "op": "remove", "path": "/c/d" },
        { "op": "replace", "path": "/a", "value": "x" },
        { "op": "move", "from": "/b", "path": "/c/b" },
        { "op": "copy", "from": "/e/f", "path": "/g" },
        { "op": "add", "path": "/s~1t~0", "value": 0 },
    ]);
    let wanted = json!({
        "a": "x", "c": { "b": [1, 2, 3] }, "e": { "f": [true, null] }, "g": [true, null], "s/t~": 0
    });
    makes(&s, r#"{"a":1,"b":[1,2],"c":{"d":"x"}}"#, operations, wanted).await
}

async fn line_end(s: Scene) -> Outcome {
    for (body, wanted) in [("[1]\n", "[1,2]\n"), ("[1]\r\n", "[1,2]\r\n"), ("[1]", "[1,2]")] {
        let add = json!([{ "op": "add", "path": "/-", "value": 2 }]);
        let found = patched(&s, body, add).await?;
        ensure(found == wanted, format_args!("{body:?} became {found:?}, not {wanted:?}"))?;
    }
    Ok(())
}

async fn overlay(s: Scene) -> Outcome {
    let channel = s.channel("a");
    let (mut client, _) = s.held(holding(&channel, "[1]")).await?;
    let mut item = patch(&channel, &json!([{ "op": "replace", "path": "/0", "value": 2 }]));
    item["http-response"]["code"] = 203.into();
    item["http-response"]["headers"] = json!({ "X-A": "1" });
    s.publish(item).await?;
    let answer = client.answer().await?;
    answer.status(203)?.says("[2]")?.has("X-A", "1")?;
    answer.has("Content-Type", "application/json")?.has("Content-Length", "3")?.fine()
}

async fn kept(s: Scene) -> Outcome {
    let body = r#"{"z":12345678901234567890,"b":1.50,"a":9007199254740993}"#;
    let text = patched(&s, body, json!([{ "op": "add", "path": "/c", "value": 1 }])).await?;
    let text: String = text.split_whitespace().collect();
    let wanted = r#"{"z":12345678901234567890,"b":1.50,"a":9007199254740993,"c":1}"#;
    ensure(text == wanted, format_args!("{text} instead of {wanted}"))
}

async fn insert(s: Scene) -> Outcome {
    let add = |path: &str| json!([{ "op": "add", "path": path, "value": 9 }]);
    makes(&s, r#"{"b":[1,2]}"#, add("/b/0"), json!({ "b": [9, 1, 2] })).await?;
    makes(&s, r#"{"b":[1,2]}"#, add("/b/2"), json!({ "b": [1, 2, 9] })).await
}

async fn root(s: Scene) -> Outcome {
    let replace = json!([{ "op": "replace", "path": "", "value": [1] }]);
    makes(&s, r#"{"a":1}"#, replace, json!([1])).await
}

async fn slash(s: Scene) -> Outcome {
    let replace = json!([{ "op": "replace", "path": "/", "value": { "b": 2 } }]);
    makes(&s, r#"{"a":1}"#, replace, json!({ "b": 2 })).await
}

async fn empty_key(s: Scene) -> Outcome {
    let replace = json!([{ "op": "replace", "path": "/a/", "value": 2 }]);
    makes(&s, r#"{"a":{"":1}}"#, replace, json!({ "a": { "": 2 } })).await
}

/// Requires that this patch on this body makes the proxy repeat the request.
async fn is_repeated(s: &Scene, channel: &str, body: &str, operations: Value) -> Outcome {
    let mut client = hold(s, s.get(), holding(channel, body)).await?;
    s.publish(patch(channel, &operations)).await?;
    s.origin.asked_at("").await?.reply(ok("fresh\n")).await?;
    client.answer().await?.status(200)?.says("fresh\n")?.fine()
}

async fn repeated(s: Scene) -> Outcome {
    let channel = s.channel("a");
    let _other = warm(&s, &channel).await?;
    let add = json!([{ "op": "add", "path": "/b", "value": 1 }]);
    for (body, operations) in [
        ("no document", add.clone()),
        ("7", add),
        ("{}", json!([{ "op": "remove", "path": "/b" }])),
        ("{}", json!([{ "op": "odd", "path": "/b" }])),
        ("{}", json!([1])),
        (r#"{"a":1.5}"#, json!([{ "op": "test", "path": "/a", "value": 1 }])),
    ] {
        is_repeated(&s, &channel, body, operations).await?;
    }
    Ok(())
}

async fn unchecked(s: Scene) -> Outcome {
    s.publish(patch(&s.channel("a"), &json!([1]))).await?;
    // Yet it has to be a list.
    let item = patch(&s.channel("a"), &json!({ "op": "test" }));
    let body = json!({ "items": [item] }).to_string();
    s.control(s.publisher()?.request("POST", "/publish").body(body)).await?.status(400)?;
    s.publish(for_polls(&s.channel("a"), "x")).await
}
