//! The HTTP control interface.

use serde_json::{Value, json};

use super::support::{for_streams, stream_on};
use crate::{
    case::{Case, Outcome, ensure, must, should},
    peer::{client::Answer, message::Request},
    scene::Scene,
};

pub(super) fn cases() -> Vec<Case> {
    vec![
        must("CTRL-1/published", "items are accepted with a plain line", published),
        must("CTRL-1/json", "or with JSON, if that is asked for", published_json),
        must("CTRL-1/no-items", "an empty list is fine", no_items),
        must("CTRL-2/slash", "a slash at the end does not matter", slash),
        must("CTRL-2/double-slash", "but a second one does", double_slash),
        should("CTRL-2/query", "a query is ignored", query),
        must("CTRL-3/all-or-nothing", "one bad item stops all of the request", all_or_nothing),
        must("CTRL-4/in-order", "items are processed in their order", in_order),
        must("CTRL-5/refused", "what is no list of items is refused with a line", refused),
        should("CTRL-5/json", "errors are JSON, if that is asked for", json_error),
        must("CTRL-6/any-type", "type and authorization of the request do not matter", any_type),
        must("CTRL-7/method", "other methods are told what is allowed", method),
        must("CTRL-7/path", "unknown paths are not found", path),
        must("CTRL-8/root", "the root names the interface", root),
        must("CTRL-9/none", "a client that takes neither form gets a 406", not_acceptable),
        must("CTRL-9/wildcards", "wildcards mean what they say", wildcards),
        should("CTRL-9/quality", "the preferred form is given", quality),
        must("CTRL-10/http10", "HTTP/1.0 is answered as such, then the connection ends", http10),
        should("CTRL-10/persists", "a connection serves many requests", persists),
        must("CTRL-11/recover", "recovery can be asked for", recover).alone(),
        must("CTRL-12/long-head", "a head that is too long is refused", long_head),
        must("CTRL-12/long-body", "a body that is too long is refused", long_body),
        must("CTRL-12/no-length", "a length is needed", no_length),
        must("CTRL-12/bad-length", "a length is a number", bad_length),
        must("CTRL-12/garbage", "what is no request is refused", garbage),
        must("CTRL-12/continue", "100 Continue is said when asked for", says_continue),
        must("CTRL-12/bare-lf", "bare line feeds are accepted", bare_lf),
        should("CTRL-12/chunked", "chunks are accepted", chunked),
        should("CTRL-13/head", "HEAD is answered without a body", head_request),
    ]
}

/// A publish request with this body.
fn publishing(s: &Scene, body: &Value) -> Outcome<Request> {
    Ok(s.publisher()?.request("POST", "/publish").body(body.to_string()))
}

/// Items on a channel that nobody listens to.
fn some_items() -> Value {
    json!({ "items": [for_streams("nobody", "x")] })
}

/// An error of this interface: a plain line.
fn plain_error(answer: &Answer, code: u16) -> Outcome {
    answer.error(code)?.fine()
}

/// Requires that this is the answer to items that were accepted.
fn is_accepted(answer: &Answer) -> Outcome {
    answer.status(200)?.has("Content-Type", "text/plain")?.says("Published\n")?.fine()
}

/// Requires that a good request is accepted, so that not just everything is refused.
async fn accepts(s: &Scene) -> Outcome {
    is_accepted(&s.control(publishing(s, &some_items())?).await?)
}

async fn published(s: Scene) -> Outcome {
    accepts(&s).await
}

/// Requires a JSON object in a line of its own.
fn says_json(answer: &Answer, object: &Value) -> Outcome {
    answer.status(200)?.has("Content-Type", "application/json")?;
    let found: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
    let told = format!("{:?} instead of {object}", answer.text());
    ensure(found == *object && answer.body.ends_with(b"\n"), told)
}

async fn published_json(s: Scene) -> Outcome {
    let request = publishing(&s, &some_items())?.with("Accept: application/json");
    says_json(&s.control(request).await?, &json!({ "message": "Published" }))
}

async fn no_items(s: Scene) -> Outcome {
    is_accepted(&s.control(publishing(&s, &json!({ "items": [] }))?).await?)
}

async fn post_to(s: &Scene, path: &str) -> Outcome<Answer> {
    s.control(s.publisher()?.request("POST", path).body(some_items().to_string())).await
}

async fn slash(s: Scene) -> Outcome {
    is_accepted(&post_to(&s, "/publish/").await?)
}

async fn double_slash(s: Scene) -> Outcome {
    post_to(&s, "/publish//").await?.status(404)?.fine()
}

async fn query(s: Scene) -> Outcome {
    is_accepted(&post_to(&s, "/publish/?a=b").await?)
}

async fn all_or_nothing(s: Scene) -> Outcome {
    let channel = s.channel("a");
    let mut client = s.stream(stream_on(&channel), "hello\n").await?;
    let items = json!({ "items": [for_streams(&channel, "good\n"), { "channel": channel }] });
    plain_error(&s.control(publishing(&s, &items)?).await?, 400)?;
    client.quiet(s.seconds(0.5)).await
}

async fn in_order(s: Scene) -> Outcome {
    let [a, b] = ["a", "b"].map(|name| s.channel(name));
    let mut client = s.stream(stream_on(&format!("{a}, {b}")), "hello\n").await?;
    let items: Vec<_> =
        (0..20).map(|n| for_streams(if n % 2 == 0 { &a } else { &b }, &format!("{n}\n"))).collect();
    s.publish_all(json!(items)).await?;
    let wanted: String = (0..20).map(|n| format!("{n}\n")).collect();
    client.content(&wanted).await
}

async fn refused(s: Scene) -> Outcome {
    for body in ["", "{", "[]", "null", "7", "{}", "{\"items\": {}}", "{\"items\": null}"] {
        let answer = s.control(s.publisher()?.request("POST", "/publish").body(body)).await?;
        let code = answer.head.word(1);
        ensure(code == "400", format_args!("{code} instead of 400 for {body:?}"))?;
        plain_error(&answer, 400)?;
    }
    accepts(&s).await
}

async fn json_error(s: Scene) -> Outcome {
    let request = publishing(&s, &json!({ "items": [{}] }))?.with("Accept: application/json");
    let answer = s.control(request).await?;
    answer.status(400)?.has("Content-Type", "application/json")?;
    let read = serde_json::from_slice::<Value>(&answer.body).is_ok_and(|value| value.is_object());
    ensure(read, format_args!("{:?} is no JSON object", answer.text()))
}

async fn any_type(s: Scene) -> Outcome {
    let request = publishing(&s, &some_items())?
        .with("Content-Type: image/png")
        .with("Authorization: Bearer nonsense");
    is_accepted(&s.control(request).await?)
}

async fn method(s: Scene) -> Outcome {
    for path in ["/publish", "/recover"] {
        for method in ["GET", "DELETE"] {
            let answer = s.control(s.publisher()?.request(method, path)).await?;
            answer.error(405)?.has("Allow", "POST")?;
        }
    }
    Ok(())
}

async fn path(s: Scene) -> Outcome {
    plain_error(&post_to(&s, "/odd").await?, 404)?;
    plain_error(&s.control(s.publisher()?.request("GET", "/odd")).await?, 404)
}

async fn root(s: Scene) -> Outcome {
    for request in
        [s.publisher()?.request("GET", "/"), s.publisher()?.request("POST", "/").body("")]
    {
        let answer = s.control(request).await?;
        answer.status(200)?.has("Content-Type", "text/plain")?;
        ensure(answer.text().trim().len() > 2, "the root says nothing")?;
    }
    Ok(())
}

async fn accepting(s: &Scene, accept: &str) -> Outcome<Answer> {
    s.control(publishing(s, &some_items())?.with(format!("Accept: {accept}"))).await
}

async fn not_acceptable(s: Scene) -> Outcome {
    plain_error(&accepting(&s, "image/png").await?, 406)?;
    plain_error(&accepting(&s, "").await?, 406)
}

async fn wildcards(s: Scene) -> Outcome {
    for accept in ["*/*", "text/*", "text/plain", "image/png, text/*"] {
        accepting(&s, accept).await?.status(200)?.has("Content-Type", "text/plain")?;
    }
    says_json(&accepting(&s, "application/*").await?, &json!({ "message": "Published" }))
}

async fn quality(s: Scene) -> Outcome {
    let json = accepting(&s, "application/json, text/plain;q=0.1").await?;
    json.status(200)?.has("Content-Type", "application/json")?;
    let text = accepting(&s, "text/plain, application/json;q=0.1").await?;
    text.status(200)?.has("Content-Type", "text/plain")?.fine()
}

async fn http10(s: Scene) -> Outcome {
    let mut client = s.publisher_client().await?;
    client.send(&publishing(&s, &some_items())?.http10()).await?;
    let answer = client.answer().await?;
    answer.status(200)?;
    ensure(answer.head.word(0) == "HTTP/1.0", format_args!("{}", answer.head))?;
    client.closed().await
}

async fn persists(s: Scene) -> Outcome {
    let mut client = s.publisher_client().await?;
    for _ in 0..3 {
        client.send(&publishing(&s, &some_items())?).await?;
        is_accepted(&client.answer().await?)?;
    }
    Ok(())
}

async fn recover(s: Scene) -> Outcome {
    let request = s.publisher()?.request("POST", "/recover").body("");
    s.control(request.clone()).await?.status(200)?.says("Updated\n")?;
    let answer = s.control(request.with("Accept: application/json")).await?;
    says_json(&answer, &json!({ "message": "Updated" }))
}

async fn refused_with(s: &Scene, request: &[u8], codes: &[&str]) -> Outcome {
    let mut client = s.publisher_client().await?;
    client.raw(request).await?;
    let code = client.head().await?.word(1).to_owned();
    ensure(codes.contains(&&*code), format_args!("{code} instead of {codes:?}"))?;
    accepts(s).await
}

async fn long_head(s: Scene) -> Outcome {
    let request = publishing(&s, &some_items())?.with(format!("X-Long: {}", "x".repeat(12_000)));
    refused_with(&s, &request.bytes(), &["400", "431"]).await
}

async fn long_body(s: Scene) -> Outcome {
    let request = s.publisher()?.request("POST", "/publish").with("Content-Length: 1000001");
    refused_with(&s, &request.bytes(), &["400", "413"]).await
}

async fn no_length(s: Scene) -> Outcome {
    refused_with(&s, &s.publisher()?.request("POST", "/publish").bytes(), &["411"]).await
}

async fn bad_length(s: Scene) -> Outcome {
    for length in ["x", "-1", "1x"] {
        let request =
            s.publisher()?.request("POST", "/publish").with(format!("Content-Length: {length}"));
        refused_with(&s, &request.bytes(), &["400"]).await?;
    }
    Ok(())
}

async fn garbage(s: Scene) -> Outcome {
    refused_with(&s, b"hello\r\n\r\n", &["400"]).await
}

async fn says_continue(s: Scene) -> Outcome {
    let body = some_items().to_string();
    let head = s.publisher()?.request("POST", "/publish").with("Expect: 100-continue");
    let mut client = s.publisher_client().await?;
    client.send(&head.with(format!("Content-Length: {}", body.len()))).await?;
    let first = client.head().await?;
    ensure(first.word(1) == "100", format_args!("{first} instead of 100 Continue"))?;
    client.raw(body.as_bytes()).await?;
    is_accepted(&client.answer().await?)
}

async fn bare_lf(s: Scene) -> Outcome {
    let request = publishing(&s, &some_items())?.bytes();
    let request = String::from_utf8_lossy(&request).replace("\r\n", "\n");
    refused_with(&s, request.as_bytes(), &["200"]).await
}

async fn chunked(s: Scene) -> Outcome {
    let body = some_items().to_string();
    let (first, second) = body.split_at(10);
    let request = s.publisher()?.request("POST", "/publish").chunked(&[first, second]);
    is_accepted(&s.control(request).await?)
}

async fn head_request(s: Scene) -> Outcome {
    let mut client = s.publisher_client().await?;
    client.send(&s.publisher()?.request("HEAD", "/").with("Connection: close")).await?;
    let all = client.all().await?;
    ensure(all.starts_with("HTTP/1.1 200"), format_args!("{all:?}"))?;
    ensure(all.ends_with("\r\n\r\n"), format_args!("a body follows the head: {all:?}"))
}
