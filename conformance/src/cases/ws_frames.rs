//! What crosses the proxy, and what no peer may send.

use std::{net::TcpStream, time::Duration};

use tokio::task::spawn_blocking;
use tungstenite::{
    Message,
    protocol::{Role, WebSocket},
};

use super::ws_support::{plain, says, woh};
use crate::{
    case::{Case, Outcome, Trouble, ensure, must, should, wrong},
    peer::{
        events::{Event, Kind, binary, event, ping, pong, text},
        frame::{CONTINUE, Frame},
        socket::{Incoming, Socket},
    },
    scene::Scene,
};

pub(super) fn cases() -> Vec<Case> {
    vec![
        must("WS-20/native", "messages cross in both directions, in order", both_ways),
        must("WS-20/woh", "and so with WebSocket-over-HTTP", both_ways_woh),
        must("WS-20/library", "a common library understands what crosses", library),
        must("WS-20/parts", "a message in parts keeps type and content", in_parts),
        must("WS-20/parts-back", "and so from the backend", in_parts_back),
        must("WS-21/large", "a message of a megabyte crosses whole, both ways", large),
        must("WS-22/native", "an empty message is a message", empty),
        must("WS-22/woh", "and so with WebSocket-over-HTTP", empty_woh),
        must("WS-23/passed", "a ping goes to the backend, which answers it", pings),
        must("WS-23/payload", "pings and pongs keep their content", ping_content),
        must("WS-23/from-backend", "a backend's ping goes to the client", backend_pings),
        should(
            "WS-24/answered",
            "over HTTP the proxy answers a client's ping itself",
            answers_pings,
        ),
        should("WS-25/ping-inside", "a ping between the parts of a message is fine", ping_inside),
        must("WS-26/ends", "a frame against the rules ends the connection", bad_frame_ends),
        should("WS-26/told", "and the client is told by a close 1002", bad_frame_told),
        should("WS-26/reason", "a reason that is no text is a 1007", bad_reason),
        should("WS-27/unmasked", "a client's frame without a mask is a 1002", unmasked),
        should("WS-27/reserved-bits", "reserved bits are a 1002", reserved_bits),
        should("WS-27/text", "text that is not UTF-8 is a 1007", bad_text),
        should("WS-27/codes", "codes that may not be sent are a 1002", bad_codes),
    ]
}

/// One of each that stands alone, in a telling order.
fn assorted() -> Vec<Event> {
    let bytes: Vec<u8> = (0..=255).collect();
    vec![text("one"), binary(bytes), text("zwei \u{1f40d}"), text("x".repeat(3000)), binary("5")]
}

async fn both_ways(s: Scene) -> Outcome {
    let (mut client, mut backend) = plain(&s).await?;
    for event in assorted() {
        client.send(event.clone()).await?;
        backend.send(event).await?;
    }
    for event in assorted() {
        backend.hears(event.clone()).await?;
        client.hears(event).await?;
    }
    Ok(())
}

async fn both_ways_woh(s: Scene) -> Outcome {
    let mut client = woh(&s, &[]).await?;
    for wanted in assorted() {
        client.send(wanted.clone()).await?;
        let exchange = s.origin.told(std::slice::from_ref(&wanted)).await?;
        let back = event(wanted.kind, [b"m:", &wanted.content[..]].concat());
        exchange.says(&[back]).await?;
        client.hears(wanted).await?;
    }
    Ok(())
}

/// How long a library waits for one thing.
const LIBRARY: Duration = Duration::from_secs(5);

/// Both ends are tungstenite's own here, not the suite's.
async fn library(s: Scene) -> Outcome {
    let (address, url) = (s.proxy().to_owned(), format!("ws://{}{}", s.proxy(), s.origin.path));
    let client = spawn_blocking(move || library_client(&address, &url));
    let backend = s.origin.asked().await?.accept(&[]).await?.into_stream()?.into_std()?;
    let backend = spawn_blocking(move || library_backend(backend));
    for end in [client, backend] {
        match end.await {
            Ok(outcome) => outcome?,
            Err(error) => return wrong(error),
        }
    }
    Ok(())
}

fn library_client(address: &str, url: &str) -> Outcome {
    let stream = TcpStream::connect(address)?;
    stream.set_read_timeout(Some(LIBRARY))?;
    let (mut client, _) = tungstenite::client(url, stream).map_err(told)?;
    let sent =
        [Message::text("größe"), Message::binary(vec![0, 255]), Message::text("x".repeat(9000))];
    for message in sent {
        client.send(message.clone()).map_err(told)?;
        let back = client.read().map_err(told)?;
        ensure(back == message, format_args!("{message:?} came back as {back:?}"))?;
    }
    client.close(None).map_err(told)?;
    loop {
        match client.read() {
            Ok(_) => {}
            Err(tungstenite::Error::ConnectionClosed) => return Ok(()),
            Err(error) => return wrong(error),
        }
    }
}

fn library_backend(stream: TcpStream) -> Outcome {
    stream.set_nonblocking(false)?;
    stream.set_read_timeout(Some(LIBRARY))?;
    let mut backend = WebSocket::from_raw_socket(stream, Role::Server, None);
    loop {
        match backend.read() {
            // Reading on sends the answer.
            Ok(Message::Close(_)) => {}
            Err(tungstenite::Error::ConnectionClosed) => return Ok(()),
            Ok(message) => backend.send(message).map_err(told)?,
            Err(error) => return wrong(error),
        }
    }
}

fn told(error: impl std::fmt::Display) -> Trouble {
    Trouble::Wrong(format!("the library says: {error}"))
}

async fn in_parts(s: Scene) -> Outcome {
    let (mut client, mut backend) = plain(&s).await?;
    for kind in [Kind::Text, Kind::Binary] {
        client.frame(Frame::new(kind, "on").unfinished()).await?;
        client.frame(Frame::more("e, t").unfinished()).await?;
        client.frame(Frame::more("")).await?;
        client.frame(Frame::new(kind, "").unfinished()).await?;
        client.frame(Frame::more("two")).await?;
        backend.hears(event(kind, "one, t")).await?;
        backend.hears(event(kind, "two")).await?;
    }
    Ok(())
}

async fn in_parts_back(s: Scene) -> Outcome {
    let (mut client, mut backend) = plain(&s).await?;
    backend.frame(Frame::new(Kind::Binary, "on").unfinished()).await?;
    s.pause(0.2).await;
    backend.frame(Frame::more("e")).await?;
    backend.say("two").await?;
    client.hears(binary("one")).await?;
    client.hears_texts(&["two"]).await
}

async fn large(s: Scene) -> Outcome {
    let (mut client, mut backend) = plain(&s).await?;
    let content = "0123456789abcdef".repeat(1 << 16);
    client.say(&content).await?;
    backend.hears(text(&content)).await?;
    backend.send(binary(&content)).await?;
    client.hears(binary(&content)).await?;
    client.say("after").await?;
    backend.hears_texts(&["after"]).await
}

async fn empty(s: Scene) -> Outcome {
    let (mut client, mut backend) = plain(&s).await?;
    for event in [text(""), binary(""), text("x")] {
        client.send(event.clone()).await?;
        backend.hears(event.clone()).await?;
        backend.send(event.clone()).await?;
        client.hears(event).await?;
    }
    Ok(())
}

async fn empty_woh(s: Scene) -> Outcome {
    let mut client = woh(&s, &[]).await?;
    for wanted in [text(""), binary("")] {
        client.send(wanted.clone()).await?;
        let exchange = s.origin.told(std::slice::from_ref(&wanted)).await?;
        exchange.says(&[event(wanted.kind, "m:")]).await?;
        client.hears(wanted).await?;
    }
    Ok(())
}

/// Reads a signal of this kind, whatever it carries.
async fn signal(socket: &mut Socket, kind: Kind) -> Outcome {
    match socket.next().await? {
        Incoming::Event(event) if event.kind == kind => Ok(()),
        other => wrong(format_args!("a {kind:?} should come, came {other:?}")),
    }
}

async fn pings(s: Scene) -> Outcome {
    let (mut client, mut backend) = plain(&s).await?;
    client.send(ping("sign")).await?;
    signal(&mut backend, Kind::Ping).await?;
    client.quiet(s.seconds(0.5)).await?;
    backend.send(pong("sign")).await?;
    signal(&mut client, Kind::Pong).await
}

async fn ping_content(s: Scene) -> Outcome {
    let (mut client, mut backend) = plain(&s).await?;
    client.send(ping("sign")).await?;
    backend.hears(ping("sign")).await?;
    backend.send(pong("sign")).await?;
    client.hears(pong("sign")).await
}

async fn backend_pings(s: Scene) -> Outcome {
    let (mut client, mut backend) = plain(&s).await?;
    backend.send(ping("")).await?;
    signal(&mut client, Kind::Ping).await?;
    backend.quiet(s.seconds(0.3)).await?;
    client.send(pong("")).await?;
    signal(&mut backend, Kind::Pong).await
}

async fn answers_pings(s: Scene) -> Outcome {
    let mut client = woh(&s, &[]).await?;
    client.send(ping("sign")).await?;
    client.hears(pong("sign")).await?;
    s.origin.unasked(s.seconds(0.5)).await?;
    client.say("x").await?;
    s.origin.told(&[text("x")]).await?.reply(says(&[text("m:y")])).await?;
    client.hears_texts(&["y"]).await
}

async fn ping_inside(s: Scene) -> Outcome {
    let (mut client, mut backend) = plain(&s).await?;
    client.frame(Frame::new(Kind::Text, "a").unfinished()).await?;
    client.frame(Frame::new(Kind::Ping, "")).await?;
    client.frame(Frame::more("b")).await?;
    let (first, second) = (backend.next().await?, backend.next().await?);
    let (ping, message) = (Incoming::Event(ping("")), Incoming::Event(text("ab")));
    // The proxy may join the parts first, or let the ping overtake.
    let fine = [(&ping, &message), (&message, &ping)].contains(&(&first, &second));
    ensure(fine, format_args!("a ping and a text should come, came {first:?} and {second:?}"))
}

/// Frames that RFC 6455 forbids, however they are answered.
fn forbidden() -> Vec<(&'static str, Vec<Frame>)> {
    let whole = |kind| Frame::new(kind, "x");
    let coded = |opcode| vec![Frame { opcode, ..whole(Kind::Text) }];
    vec![
        ("opcode 3", coded(3)),
        ("opcode 11", coded(11)),
        ("opcode 15", coded(15)),
        ("reserved bit 1", vec![Frame { rsv: 0x40, ..whole(Kind::Text) }]),
        ("a continuation of nothing", coded(CONTINUE)),
        ("a message inside a message", vec![whole(Kind::Text).unfinished(), whole(Kind::Text)]),
        ("a ping of 126 bytes", vec![Frame::new(Kind::Ping, "x".repeat(126))]),
        ("a ping in parts", vec![whole(Kind::Ping).unfinished()]),
    ]
}

/// A WebSocket on which these frames were sent.
async fn having_sent(s: &Scene, frames: Vec<Frame>) -> Outcome<(Socket, Socket)> {
    let (mut client, backend) = plain(s).await?;
    for frame in frames {
        client.frame(frame).await?;
    }
    Ok((client, backend))
}

async fn bad_frame_ends(s: Scene) -> Outcome {
    for (what, frames) in forbidden() {
        let (mut client, mut backend) = having_sent(&s, frames).await?;
        for (who, socket) in [("client", &mut client), ("backend", &mut backend)] {
            if let Err(trouble) = socket.ends().await {
                return wrong(format_args!("{what}: the {who}: {trouble}"));
            }
        }
    }
    Ok(())
}

async fn bad_frame_told(s: Scene) -> Outcome {
    for (what, frames) in forbidden() {
        let (mut client, _backend) = having_sent(&s, frames).await?;
        if let Err(trouble) = client.closes(1002).await {
            return wrong(format_args!("{what}: {trouble}"));
        }
    }
    Ok(())
}

async fn bad_reason(s: Scene) -> Outcome {
    let frame = Frame::new(Kind::Close, [&1000_u16.to_be_bytes()[..], b"\xff\xfe"].concat());
    having_sent(&s, vec![frame]).await?.0.closes(1007).await.map(drop)
}

async fn unmasked(s: Scene) -> Outcome {
    let (mut client, _backend) = plain(&s).await?;
    client.raw(&Frame::new(Kind::Text, "x").bytes()).await?;
    client.closes(1002).await.map(drop)
}

async fn reserved_bits(s: Scene) -> Outcome {
    for rsv in [0x20, 0x10] {
        let frame = Frame { rsv, ..Frame::new(Kind::Text, "x") };
        having_sent(&s, vec![frame]).await?.0.closes(1002).await?;
    }
    Ok(())
}

async fn bad_text(s: Scene) -> Outcome {
    let whole = vec![Frame::new(Kind::Text, b"ok \xc3")];
    let parted = vec![Frame::new(Kind::Text, b"ok \xc3").unfinished(), Frame::more("x")];
    for frames in [whole, parted] {
        having_sent(&s, frames).await?.0.closes(1007).await?;
    }
    // A character may be cut by the parts of a message.
    let cut = vec![Frame::new(Kind::Text, b"\xc3").unfinished(), Frame::more(b"\xa4")];
    having_sent(&s, cut).await?.1.hears_texts(&["ä"]).await
}

async fn bad_codes(s: Scene) -> Outcome {
    for code in [0_u16, 999, 1004, 1005, 1006, 1015, 5000] {
        let frame = Frame::new(Kind::Close, code.to_be_bytes());
        let (mut client, _backend) = having_sent(&s, vec![frame]).await?;
        if let Err(trouble) = client.closes(1002).await {
            return wrong(format_args!("{code}: {trouble}"));
        }
    }
    Ok(())
}
