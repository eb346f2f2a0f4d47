//! What the client sees of a plain response.

use tokio::time::timeout;

use crate::{
    case::{Case, Outcome, ensure, must, should},
    peer::{
        body::Framing,
        client::End,
        message::{ok, reply},
    },
    scene::Scene,
};

pub(super) fn cases() -> Vec<Case> {
    vec![
        must("FWD-60/status", "status and reason pass unchanged", status_and_reason),
        must("FWD-61/removed", "fields about the connection do not cross", removed),
        should("FWD-62/coded", "a coded body passes with its Content-Encoding", coded),
        should("FWD-63/hop-by-hop", "no hop-by-hop field crosses", hop_by_hop),
        must("FWD-64/untouched", "other fields keep order, spelling and number", untouched),
        must("FWD-64/nothing-added", "nothing tells of the proxy", nothing_added),
        must("FWD-65/length", "the origin's length is passed on", with_length),
        must("FWD-65/chunked", "an unknown length goes out in chunks", unknown_length),
        must("FWD-65/http10", "for HTTP/1.0 the body ends with the connection", http10),
        must("FWD-65/until-close", "a body that ends by closing arrives whole", until_close),
        must("FWD-65/no-body", "204 and 304 have no body", no_body),
        should("FWD-66/connection", "chunked responses name no odd Connection", no_odd_connection),
        should(
            "FWD-67/http10-keep-alive",
            "an unknown length ends HTTP/1.0 keep-alive",
            http10_alive,
        ),
        must("FWD-68/head", "HEAD has the length, no body, and the connection goes on", head),
        must("FWD-69/continue", "the origin's own 100 is swallowed", swallows_continue),
        must("FWD-69/early-hints", "an interim response is no final one", early_hints),
        must("FWD-69/surplus", "surplus bytes answer no later request", surplus),
        must("FWD-70/trailers", "trailers are dropped", trailers),
        must("FWD-70/redirect", "redirects are relayed", redirect),
        should("FWD-71/short-length", "a body cut short does not look complete", short_length),
        should("FWD-71/short-chunks", "chunks cut short do not look complete", short_chunks),
        should("FWD-71/no-head", "an answer cut in its head is a 502", no_head),
        must("FWD-75/streams", "a response passes as it comes", streams),
        must("FWD-75/back-pressure", "a client that does not read stops the origin", back_pressure),
        should("FWD-76/two-lengths", "contradicting lengths are a 502", two_lengths),
        should("FWD-76/chunks-win", "chunks win over a length", chunks_win),
    ]
}

async fn status_and_reason(s: Scene) -> Outcome {
    for (code, reason) in [(200, "Fine"), (299, "Odd But Good"), (418, "Short"), (599, "Who Knows")]
    {
        let answer = s.answered(reply(&format!("{code} {reason}")).body("x")).await?;
        answer.status(code)?.reason(reason)?;
    }
    Ok(())
}

async fn removed(s: Scene) -> Outcome {
    let mut client = s.send(&s.get()).await?;
    let reply = ok("one").with("Keep-Alive: timeout=7").with("Connection: close");
    s.origin.asked().await?.reply(reply).await?;
    let answer = client.answer().await?;
    answer.status(200)?.lacks("Keep-Alive")?;
    client.send(&s.get()).await?;
    s.origin.asked().await?.reply(ok("two")).await?;
    client.answer().await?.says("two")?.fine()
}

/// `hello`, as gzip writes it.
const GZIPPED: [u8; 25] = [
    0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 2, 0xff, 0xcb, 0x48, 0xcd, 0xc9, 0xc9, 7, 0, 0x86, 0xa6, 0x10,
    0x36, 5, 0, 0, 0,
];

async fn coded(s: Scene) -> Outcome {
    let answer = s.answered(ok(GZIPPED).with("Content-Encoding: gzip")).await?;
    answer.status(200)?.has("Content-Encoding", "gzip")?.says(GZIPPED)?.fine()
}

async fn hop_by_hop(s: Scene) -> Outcome {
    let reply = ok("x")
        .with("Upgrade: odd")
        .with("Trailer: X-T")
        .with("Proxy-Authenticate: Basic")
        .with("Connection: X-Mine")
        .with("X-Mine: 1");
    let head = s.answered(reply).await?.head;
    for name in ["Upgrade", "Trailer", "Proxy-Authenticate", "X-Mine"] {
        head.lacks(name)?;
    }
    Ok(())
}

async fn untouched(s: Scene) -> Outcome {
    let sent =
        [("X-b", "1"), ("Set-Cookie", "a=1"), ("x-A", "2"), ("set-cookie", "b=2"), ("X-B", "")];
    let reply = sent.iter().fold(ok("x"), |r, (name, value)| r.with(format!("{name}: {value}")));
    let head = s.answered(reply).await?.head;
    let ours = |name: &str| sent.iter().any(|(sent, _)| *sent == name);
    let kept: Vec<_> = head.fields.iter().filter(|(name, _)| ours(name)).collect();
    let same = kept.len() == sent.len()
        && kept.iter().zip(sent).all(|((n, v), (name, value))| n == name && v == value);
    ensure(same, format_args!("fields arrived as {:?}", head.fields))
}

async fn nothing_added(s: Scene) -> Outcome {
    let answer = s.answered(ok("x")).await?;
    answer.lacks("Server")?.lacks("Date")?.lacks("Via")?.fine()
}

async fn with_length(s: Scene) -> Outcome {
    s.answered(ok("hello")).await?.status(200)?.framed(Framing::Length(5))?.fine()
}

async fn unknown_length(s: Scene) -> Outcome {
    let mut client = s.send(&s.get()).await?;
    let mut asked = s.origin.asked().await?;
    asked.write("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\none\r\n").await?;
    client.head().await?;
    client.content("one").await?;
    asked.write("3\r\ntwo\r\n0\r\n\r\n").await?;
    let (rest, end) = client.rest().await?;
    ensure((&rest[..], end) == (b"two", End::Clean), format_args!("{rest:?}, {end:?}"))?;
    asked.give_back();
    client.send(&s.get()).await?;
    s.origin.asked().await?.reply(ok("more")).await?;
    client.answer().await?.says("more")?.fine()
}

async fn http10(s: Scene) -> Outcome {
    let mut client = s.send(&s.get().http10()).await?;
    let mut asked = s.origin.asked().await?;
    asked.write("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\none\r\n").await?;
    let head = client.head().await?;
    ensure(head.word(0) == "HTTP/1.0", format_args!("{head} is not HTTP/1.0"))?;
    client.content("one").await?;
    asked.write("3\r\ntwo\r\n0\r\n\r\n").await?;
    let (rest, _) = client.rest().await?;
    ensure(rest == b"two", format_args!("the body went on with {rest:?}"))?;
    head.lacks("Transfer-Encoding")?;
    Ok(())
}

async fn until_close(s: Scene) -> Outcome {
    s.answered(ok("to the end").until_close()).await?.status(200)?.says("to the end")?.fine()
}

async fn no_body(s: Scene) -> Outcome {
    let mut client = s.connect().await?;
    for status in ["204 No Content", "304 Not Modified"] {
        client.send(&s.get()).await?;
        let bare = format!("HTTP/1.1 {status}\r\nX-A: 1\r\n\r\n");
        s.origin.asked().await?.reply(bare).await?;
        let answer = client.answer().await?;
        ensure(status.starts_with(answer.head.word(1)), format_args!("{}", answer.head))?;
        answer.has("X-A", "1")?.lacks("Transfer-Encoding")?;
    }
    client.send(&s.get()).await?;
    s.origin.asked().await?.reply(ok("after")).await?;
    client.answer().await?.says("after")?.fine()
}

async fn no_odd_connection(s: Scene) -> Outcome {
    let answer = s.answered(reply("200 OK").in_chunks(&["one", &"x".repeat(70_000)])).await?;
    answer.status(200)?;
    let odd = answer.head.lists("Connection", "Transfer-Encoding");
    ensure(!odd, "Connection names Transfer-Encoding")
}

async fn http10_alive(s: Scene) -> Outcome {
    let mut client = s.send(&s.get().http10().with("Connection: keep-alive")).await?;
    let mut asked = s.origin.asked().await?;
    asked.write("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\none\r\n").await?;
    let head = client.head().await?;
    let promised = head.lists("Connection", "keep-alive");
    ensure(!promised, "keep-alive is promised without a length")?;
    asked.write("0\r\n\r\n").await?;
    let (body, _) = client.rest().await?;
    ensure(body == b"one", format_args!("the body is {body:?}"))
}

async fn head(s: Scene) -> Outcome {
    let mut client = s.send(&s.request("HEAD")).await?;
    client.raw(&s.get().bytes()).await?;
    s.origin.asked().await?.reply("HTTP/1.1 200 OK\r\nContent-Length: 1234\r\n\r\n").await?;
    client.answer().await?.status(200)?.has("Content-Length", "1234")?;
    s.origin.asked().await?.reply(ok("next")).await?;
    // What comes now answers the GET that stood behind the HEAD.
    let head = client.head().await?;
    ensure(head.word(1) == "200", format_args!("{head}"))?;
    head.has("Content-Length", "4")?;
    Ok(())
}

async fn swallows_continue(s: Scene) -> Outcome {
    let mut client = s.send(&s.request("POST").body("x")).await?;
    let mut asked = s.origin.asked().await?;
    asked.seen().await?;
    asked.write("HTTP/1.1 100 Continue\r\n\r\n").await?;
    asked.reply(ok("final")).await?;
    client.answer().await?.status(200)?.says("final")?.fine()
}

async fn early_hints(s: Scene) -> Outcome {
    let mut client = s.send(&s.get()).await?;
    let mut asked = s.origin.asked().await?;
    asked.write("HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n").await?;
    asked.reply(ok("final")).await?;
    let first = client.answer().await?;
    let last = if first.head.word(1) == "103" { client.answer().await? } else { first };
    last.status(200)?.says("final")?.fine()
}

async fn surplus(s: Scene) -> Outcome {
    let poison = "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\npoison";
    let mut bytes = Vec::from(ok("first"));
    bytes.extend(poison.as_bytes());
    let (_, answer) = s.relay(s.get(), bytes).await?;
    answer.says("first")?;
    for _ in 0..4 {
        s.answered(ok("clean")).await?.status(200)?.says("clean")?;
    }
    Ok(())
}

async fn trailers(s: Scene) -> Outcome {
    let bytes = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-T\r\n\r\n\
                 3\r\nabc\r\n0\r\nX-T: 1\r\n\r\n";
    let mut client = s.send(&s.get().with("Connection: close")).await?;
    s.origin.asked().await?.reply(bytes).await?;
    let all = client.all().await?;
    ensure(all.contains("abc"), format_args!("no body in {all:?}"))?;
    ensure(!all.contains("X-T: 1"), "the trailer crossed")
}

async fn redirect(s: Scene) -> Outcome {
    let reply = reply("302 Found").with("Location: /elsewhere").body("there");
    s.answered(reply).await?.status(302)?.has("Location", "/elsewhere")?.fine()
}

async fn short_length(s: Scene) -> Outcome {
    let mut client = s.send(&s.get()).await?;
    let mut asked = s.origin.asked().await?;
    asked.write("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nonly").await?;
    client.head().await?;
    client.content("only").await?;
    drop(asked);
    let (rest, end) = client.rest().await?;
    ensure((rest.len(), end) == (0, End::Cut), format_args!("{rest:?}, {end:?}"))
}

async fn short_chunks(s: Scene) -> Outcome {
    let mut client = s.send(&s.get()).await?;
    let mut asked = s.origin.asked().await?;
    asked.write("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nonly\r\n").await?;
    client.head().await?;
    client.content("only").await?;
    drop(asked);
    let (rest, end) = client.rest().await?;
    ensure((rest.len(), end) == (0, End::Cut), format_args!("{rest:?}, {end:?}"))
}

async fn no_head(s: Scene) -> Outcome {
    let mut client = s.send(&s.get()).await?;
    let mut asked = s.origin.asked().await?;
    asked.write("HTTP/1.1 200 OK\r\nContent-Le").await?;
    drop(asked);
    client.answer().await?.error(502)?.fine()
}

async fn streams(s: Scene) -> Outcome {
    let mut client = s.send(&s.get()).await?;
    let mut asked = s.origin.asked().await?;
    asked.write("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n").await?;
    client.head().await?;
    for part in ["one", "two", "six"] {
        asked.write(part).await?;
        client.content(part).await?;
    }
    asked.give_back();
    Ok(())
}

async fn back_pressure(s: Scene) -> Outcome {
    // More than all the sockets' buffers on the way can take.
    const FLOOD: usize = 64_000_000;
    let _deaf = s.send(&s.get()).await?;
    let mut asked = s.origin.asked().await?;
    asked.write(format!("HTTP/1.1 200 OK\r\nContent-Length: {FLOOD}\r\n\r\n")).await?;
    let flood = async {
        let piece = vec![b'x'; 64_000];
        for _ in 0..FLOOD / piece.len() {
            asked.write(&piece).await?;
        }
        Ok(())
    };
    match timeout(s.seconds(4.0), flood).await {
        Err(_) => Ok(()),
        Ok(Ok(())) => crate::case::wrong("64 MB went into a proxy whose client read nothing"),
        Ok(Err(trouble)) => Err(trouble),
    }
}

async fn two_lengths(s: Scene) -> Outcome {
    let bytes = "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-Length: 5\r\n\r\nabcde";
    s.answered(bytes).await?.error(502)?.fine()
}

async fn chunks_win(s: Scene) -> Outcome {
    let bytes = "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n\
                 5\r\nabcde\r\n0\r\n\r\n";
    s.answered(bytes).await?.status(200)?.says("abcde")?.fine()
}
