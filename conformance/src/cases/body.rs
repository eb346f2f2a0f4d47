//! Request bodies on their way to the origin.

use std::time::Duration;

use tokio::time::timeout;

use crate::{
    case::{Case, Outcome, ensure, must, should},
    peer::{
        body::Framing,
        message::{ok, reply},
    },
    scene::Scene,
};

use super::support::{for_polls, poll_on, requests_refused};

pub(super) fn cases() -> Vec<Case> {
    vec![
        must("FWD-51/streams", "a long body reaches the origin while it is sent", streams),
        must("FWD-51/whole", "a long body arrives complete", whole),
        must(
            "FWD-51/back-pressure",
            "an origin that does not read stops the client",
            back_pressure,
        ),
        must("FWD-52/limit", "a request of 100000 bytes can be held", held_body),
        must("FWD-53/continue", "the proxy itself says 100 Continue", says_continue),
        must("FWD-53/no-body", "without a body there is no 100", no_continue),
        must("FWD-53/http10", "on HTTP/1.0 there is no 100", no_continue_http10),
        must("FWD-54/chunked", "chunks lose extensions and trailers", chunked),
        must("FWD-54/get", "a body on GET is forwarded", body_on_get),
        must("FWD-55/length", "a known length is sent to the origin", known_length),
        must("FWD-55/unknown", "an unknown length is sent in chunks", unknown_length),
        must("FWD-55/get", "a GET without a body carries no length", get_without_body),
        must("FWD-55/post", "a POST without a body has length zero", post_without_body),
        must("FWD-56/both", "two framings at once are a bad request, then close", both_framings),
        must("FWD-57/reset", "a client that breaks off aborts the origin's request", client_resets),
        must("FWD-57/closes", "a client that closes aborts the origin's request", client_closes),
        must("FWD-57/in-body", "so it is while the response runs", client_leaves_in_body),
        should("FWD-57/half-closed", "a half-closed client is still served", half_closed),
        must("FWD-58/early", "an answer before the body's end is relayed", early_answer),
    ]
}

const LONG: usize = 200_000;

async fn streams(s: Scene) -> Outcome {
    let head = s.request("PUT").with(format!("Content-Length: {LONG}"));
    let mut client = s.send(&head).await?;
    client.raw(&[b'x'; 30_000]).await?;
    let mut asked = s.origin.asked().await?;
    let mut body = Vec::new();
    while body.len() < 25_000 {
        asked.more(&mut body).await?;
    }
    client.raw(&vec![b'y'; LONG - 30_000]).await?;
    while !asked.more(&mut body).await? {}
    ensure(body.len() == LONG, format_args!("{} bytes arrived", body.len()))?;
    asked.reply(ok("done")).await?;
    client.answer().await?.status(200)?.fine()
}

async fn whole(s: Scene) -> Outcome {
    let body: Vec<u8> = (0..1_000_000_u32).map(|n| (n % 251) as u8).collect();
    let seen = s.forwarded(s.request("POST").body(&body)).await?;
    ensure(seen.body == body, format_args!("{} bytes, or other bytes", seen.body.len()))
}

async fn back_pressure(s: Scene) -> Outcome {
    // More than all the sockets' buffers on the way can take.
    const FLOOD: usize = 64_000_000;
    let mut client = s.send(&s.request("PUT").with(format!("Content-Length: {FLOOD}"))).await?;
    client.raw(&[b'x'; 20_000]).await?;
    let _unread = s.origin.asked().await?;
    let flood = async {
        let piece = vec![b'x'; 64_000];
        for _ in 0..FLOOD / piece.len() {
            client.raw(&piece).await?;
        }
        Ok(())
    };
    match timeout(s.seconds(4.0), flood).await {
        Err(_) => Ok(()),
        Ok(Ok(())) => crate::case::wrong("64 MB went into a proxy whose origin read nothing"),
        Ok(Err(trouble)) => Err(trouble),
    }
}

async fn held_body(s: Scene) -> Outcome {
    let channel = s.channel("a");
    s.origin.always(poll_on(&channel));
    let mut client = s.send(&s.request("POST").body(vec![b'x'; 100_000])).await?;
    s.settle().await;
    s.publish(for_polls(&channel, "item\n")).await?;
    client.answer().await?.status(200)?.says("item\n")?.fine()
}

async fn says_continue(s: Scene) -> Outcome {
    let request = s.request("POST").with("Expect: 100-continue").with("Content-Length: 5");
    let mut client = s.send(&request).await?;
    let head = client.head().await?;
    ensure(head.word(1) == "100", format_args!("{head} instead of 100 Continue"))?;
    client.raw(b"hello").await?;
    let mut asked = s.origin.asked().await?;
    let seen = asked.seen().await?;
    ensure(seen.body == b"hello", "the body did not arrive")?;
    asked.reply(ok("done")).await?;
    client.answer().await?.status(200)?.fine()
}

async fn no_continue(s: Scene) -> Outcome {
    let (_, answer) = s.relay(s.get().with("Expect: 100-continue"), ok("done")).await?;
    answer.status(200)?.fine()
}

async fn no_continue_http10(s: Scene) -> Outcome {
    let request = s.request("POST").http10().with("Expect: 100-continue").body("hello");
    s.relay(request, ok("done")).await?.1.status(200)?.fine()
}

async fn chunked(s: Scene) -> Outcome {
    let request = s
        .request("POST")
        .with("Transfer-Encoding: chunked")
        .raw_body("3;a=\"b\"\r\nabc\r\n04\r\ndefg\r\n0\r\nX-Trailer: 1\r\n\r\n");
    let seen = s.forwarded(request).await?;
    ensure(seen.body == b"abcdefg", format_args!("{:?}", String::from_utf8_lossy(&seen.body)))?;
    seen.head.lacks("X-Trailer")?;
    Ok(())
}

async fn body_on_get(s: Scene) -> Outcome {
    let seen = s.forwarded(s.get().body("why not")).await?;
    ensure(seen.body == b"why not", "the body did not arrive")
}

async fn known_length(s: Scene) -> Outcome {
    let seen = s.forwarded(s.request("POST").body("four")).await?;
    ensure(seen.framing == Framing::Length(4), format_args!("framed as {:?}", seen.framing))
}

async fn unknown_length(s: Scene) -> Outcome {
    let mut client = s.send(&s.request("POST").with("Transfer-Encoding: chunked")).await?;
    let piece = format!("7530\r\n{}\r\n", "x".repeat(30_000));
    client.raw(piece.as_bytes()).await?;
    let mut asked = s.origin.asked().await?;
    client.raw(piece.as_bytes()).await?;
    client.raw(b"0\r\n\r\n").await?;
    let seen = asked.seen().await?;
    ensure(seen.framing == Framing::Chunked, format_args!("framed as {:?}", seen.framing))?;
    ensure(seen.body.len() == 60_000, format_args!("{} bytes arrived", seen.body.len()))?;
    asked.reply(ok("done")).await?;
    client.answer().await?.status(200)?.fine()
}

async fn get_without_body(s: Scene) -> Outcome {
    for method in ["GET", "OPTIONS"] {
        let head = s.forwarded(s.request(method)).await?.head;
        head.lacks("Content-Length")?.lacks("Transfer-Encoding")?;
    }
    Ok(())
}

async fn post_without_body(s: Scene) -> Outcome {
    s.forwarded(s.request("POST")).await?.head.has("Content-Length", "0")?;
    Ok(())
}

async fn both_framings(s: Scene) -> Outcome {
    let request = s.request("POST").with("Content-Length: 3").chunked(&["abc"]);
    requests_refused(&s, &[request.bytes()], &["400"]).await?;
    let mut client = s.send(&request).await?;
    client.answer().await?.status(400)?;
    client.closed().await
}

async fn client_resets(s: Scene) -> Outcome {
    let client = s.send(&s.get()).await?;
    let mut asked = s.origin.asked().await?;
    client.reset()?;
    asked.gone().await
}

async fn client_closes(s: Scene) -> Outcome {
    let client = s.send(&s.get()).await?;
    let mut asked = s.origin.asked().await?;
    drop(client);
    asked.gone().await
}

async fn client_leaves_in_body(s: Scene) -> Outcome {
    let mut client = s.send(&s.get()).await?;
    let mut asked = s.origin.asked().await?;
    asked.write("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nbegun").await?;
    client.head().await?;
    client.content("begun").await?;
    drop(client);
    asked.gone().await
}

async fn half_closed(s: Scene) -> Outcome {
    let mut client = s.send(&s.get()).await?;
    client.finish_writing().await?;
    let asked = s.origin.asked().await?;
    tokio::time::sleep(Duration::from_millis(300)).await;
    asked.reply(ok("done")).await?;
    client.answer().await?.status(200)?.says("done")?.fine()
}

async fn early_answer(s: Scene) -> Outcome {
    let head = s.request("PUT").with(format!("Content-Length: {LONG}"));
    let mut client = s.send(&head).await?;
    client.raw(&[b'x'; 20_000]).await?;
    let mut asked = s.origin.asked().await?;
    asked.write(Vec::from(reply("403 Forbidden").body("no\n"))).await?;
    let answer = client.answer().await?;
    answer.status(403)?.says("no\n")?;
    let closes = answer.head.lists("Connection", "close");
    ensure(closes, "the answer does not tell that the connection ends")
}
