//! WebSockets with tungstenite as judge at either end, and small engines of the tests' own.

use std::rc::Rc;
use std::sync::Arc;

use bytes::Bytes;
use futures_util::{SinkExt, StreamExt};
use holdfast_core::engine::{
    Action, Actions, BodySource, ClientGone, Connect, FanoutShape, OriginFault, Outgoing,
    SocketAction,
};
use holdfast_core::ground::ConnId;
use holdfast_core::message::{Fields, Response};
use holdfast_core::publish::parse_items;
use holdfast_core::route::Target;
use holdfast_core::ws::{Accept, Challenge, CloseCode, Kind, render};
use http::StatusCode;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use tokio_tungstenite::tungstenite::protocol::{CloseFrame, frame::coding::CloseCode as TheirCode};
use tokio_tungstenite::{WebSocketStream, accept_async, client_async};

use super::*;
use crate::testing::{A_WHILE, House, read, read_text, run, soon};

const UPGRADE: &str = "GET /ws HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
                       Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";

type Socket = WebSocketStream<TcpStream>;

/// Accepts whatever asks, and gives back what it sends.
fn echo(event: Event, out: &mut Actions) {
    match event {
        Event::Upgrade { conn, accept, .. } => {
            let head = accept.grant(&Fields::default(), None);
            act(conn, SocketAction::Accept(head), out);
        }
        Event::Socket { conn, event: SocketEvent::Frame(frame) } => {
            let closes = matches!(frame, SocketFrame::Close(_));
            act(conn, SocketAction::Send(frame), out);
            if closes {
                out.list.push(Action::Finish { conn });
            }
        }
        _ => {}
    }
}

/// Connects every client with the origin, and passes on what either end sends.
fn bridge(target: Arc<Target>) -> impl FnMut(Event, &mut Actions) {
    let mut asked: Option<Accept> = None;
    move |event, out| match event {
        Event::Upgrade { conn, request, accept } => {
            asked = Some(accept);
            let (challenge, mut head) = (Challenge::new([7; 16]), request.head);
            challenge.pose(&mut head.fields, false);
            let request = Outgoing { target: target.clone(), head, body: BodySource::Empty };
            let connect = Box::new(Connect { request, challenge });
            act(conn, SocketAction::Connect(connect), out);
        }
        Event::OriginHead { conn, head, .. } => out.list.push(Action::Relay { conn, head }),
        Event::OriginFailed { conn, .. } => {
            let response = Response::text(StatusCode::BAD_GATEWAY, "no");
            out.list.push(Action::Respond { conn, response });
        }
        Event::Socket { conn, event } => match event {
            SocketEvent::OriginUpgraded(head) => {
                let accept = asked.take().expect("asked");
                let head = accept.grant(&head.fields, None);
                act(conn, SocketAction::Accept(head), out);
            }
            SocketEvent::Frame(frame) => act(conn, SocketAction::SendOrigin(frame), out),
            SocketEvent::OriginFrame(frame) => {
                let closes = matches!(frame, SocketFrame::Close(_));
                act(conn, SocketAction::Send(frame), out);
                if closes {
                    out.list.push(Action::DropOrigin { conn });
                    out.list.push(Action::Finish { conn });
                }
            }
            SocketEvent::OriginClosed => out.list.push(Action::Finish { conn }),
        },
        _ => {}
    }
}

fn act(conn: ConnId, action: SocketAction, out: &mut Actions) {
    out.list.push(Action::Socket { conn, action });
}

impl House {
    /// A client's WebSocket.
    async fn socket(&self) -> (Socket, ConnId) {
        let (stream, conn) = self.client().await;
        let (socket, _) = soon(client_async("ws://h/ws", stream)).await.expect("accepted");
        (socket, conn)
    }

    /// A client whose upgrade was accepted, in bytes.
    async fn upgraded(&self) -> (TcpStream, ConnId) {
        self.engine(echo);
        let (mut client, conn) = self.client().await;
        client.write_all(UPGRADE.as_bytes()).await.expect("sent");
        assert!(read_text(&mut client).await.starts_with("HTTP/1.1 101 "));
        (client, conn)
    }

    fn bridge(&self) {
        self.engine(bridge(Arc::new(self.target())));
    }

    /// Both ends of a bridge.
    async fn bridged(&self) -> (Socket, Socket) {
        self.bridge();
        let origin = async { soon(accept_async(self.accept().await)).await.expect("asked") };
        let ((client, _), origin) = tokio::join!(self.socket(), origin);
        (client, origin)
    }

    fn say(&self, conn: ConnId, action: SocketAction) {
        self.act(Action::Socket { conn, action });
    }
}

async fn next(socket: &mut Socket) -> Message {
    soon(socket.next()).await.expect("a message").expect("understood")
}

async fn is_over(socket: &mut Socket) -> bool {
    !matches!(soon(socket.next()).await, Some(Ok(_)))
}

fn big(size: usize) -> Bytes {
    (0..size).map(|at| (at % 251) as u8).collect::<Vec<u8>>().into()
}

#[test]
fn ws_20_ws_22_messages_come_and_go() {
    run(|house| async move {
        house.engine(echo);
        let (mut socket, _) = house.socket().await;
        let messages = [
            Message::text("hello"),
            Message::text(""),
            Message::binary(big(3)),
            Message::binary(big(200_000)),
            Message::text("é".repeat(70_000)),
        ];
        for message in messages {
            soon(socket.send(message.clone())).await.expect("sent");
            let (mut kind, mut whole) = (None, Vec::new());
            // It comes back in the pieces in which it was read.
            while whole.len() < message.len() || kind.is_none() {
                let piece = next(&mut socket).await;
                kind = kind.or(Some(piece.is_text()));
                whole.extend_from_slice(&piece.into_data());
            }
            assert_eq!(kind, Some(message.is_text()));
            assert_eq!(whole, message.into_data());
        }
    });
}

#[test]
fn ws_2_a_bad_upgrade_is_answered_without_the_engine() {
    run(|house| async move {
        house.engine(|event, _| panic!("{event:?}"));
        let cases =
            [("dGhlIHNhbXBsZSBub25jZQ==", "key", "400"), ("Version: 13", "Version: 8", "426")];
        for (good, bad, status) in cases {
            let (mut client, _) = house.client().await;
            let upgrade = UPGRADE.replace(good, bad);
            client.write_all(upgrade.as_bytes()).await.expect("sent");
            let answer = read_text(&mut client).await;
            assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{answer}");
            assert!(answer.contains("Connection: close"), "{answer}");
            assert_eq!(read(&mut client).await, b"");
        }
    });
}

#[test]
fn ws_10_the_connection_of_a_refused_client_ends() {
    run(|house| async move {
        house.engine(|event, out| match event {
            Event::Upgrade { conn, .. } | Event::Request { conn, .. } => {
                let response = Response::text(StatusCode::FORBIDDEN, "no");
                out.list.push(Action::Respond { conn, response });
            }
            _ => {}
        });
        let (mut client, _) = house.client().await;
        client.write_all(UPGRADE.as_bytes()).await.expect("sent");
        assert!(read_text(&mut client).await.starts_with("HTTP/1.1 403 "));
        assert_eq!(read(&mut client).await, b"", "closed");
    });
}

#[test]
fn ws_26_a_client_that_breaks_the_protocol_is_told_so() {
    run(|house| async move {
        let cases: [(&[u8], _); 3] = [
            (b"\x81\x01x", CloseCode::PROTOCOL_ERROR),
            (b"\x83\x80\0\0\0\0", CloseCode::PROTOCOL_ERROR),
            (b"\x81\x81\0\0\0\0\xff", CloseCode::INVALID_PAYLOAD),
        ];
        for (frame, code) in cases {
            let (mut client, conn) = house.upgraded().await;
            client.write_all(frame).await.expect("sent");
            let code = code.get().to_be_bytes();
            assert_eq!(read(&mut client).await, [&b"\x88\x02"[..], &code].concat());
            assert_eq!(read(&mut client).await, b"", "closed");
            let gone = house.told(|event| match event {
                Event::Gone { conn, why } => Some((conn, why)),
                _ => None,
            });
            assert_eq!(gone.await, [(conn, ClientGone::BadFrame)]);
        }
    });
}

#[test]
fn ws_28_ws_29_a_close_comes_back_and_ends_the_connection() {
    run(|house| async move {
        house.engine(echo);
        let (mut socket, _) = house.socket().await;
        let close = CloseFrame { code: TheirCode::Library(4001), reason: "why".into() };
        soon(socket.close(Some(close.clone()))).await.expect("sent");
        assert_eq!(next(&mut socket).await, Message::Close(Some(close)));
        assert!(is_over(&mut socket).await);
        drop(socket);
        soon(async {
            while !house.shard.conns.borrow().is_empty() {
                tokio::task::yield_now().await;
            }
        })
        .await;
    });
}

#[test]
fn frames_right_behind_the_upgrade_are_heard() {
    run(|house| async move {
        house.engine(echo);
        let (mut client, _) = house.client().await;
        let frames = b"\x81\x81\0\0\0\0a\x81\x81\0\0";
        client.write_all(&[UPGRADE.as_bytes(), frames].concat()).await.expect("sent");
        let mut heard = Vec::new();
        while !heard.ends_with(b"\x81\x01a") {
            heard.extend(read(&mut client).await);
        }
        client.write_all(b"\0\0b").await.expect("sent");
        assert_eq!(read(&mut client).await, b"\x81\x01b");
    });
}

#[test]
fn frames_right_behind_the_origins_101_are_heard() {
    run(|house| async move {
        house.bridge();
        let (mut client, _) = house.client().await;
        client.write_all(UPGRADE.as_bytes()).await.expect("sent");
        let mut origin = house.accept().await;
        read(&mut origin).await;
        let accept = derive_accept_key(b"BwcHBwcHBwcHBwcHBwcHBw==");
        let answer = format!(
            "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
             Sec-WebSocket-Accept: {accept}\r\n\r\n"
        );
        origin.write_all(&[answer.as_bytes(), b"\x81\x01a"].concat()).await.expect("sent");
        let mut heard = Vec::new();
        while !heard.ends_with(b"\x81\x01a") {
            heard.extend(read(&mut client).await);
        }
    });
}

#[test]
fn a_paused_client_is_not_read_until_it_is_resumed() {
    run(|house| async move {
        let (mut client, conn) = house.upgraded().await;
        house.say(conn, SocketAction::Pause);
        client.write_all(b"\x81\x81\0\0\0\0a").await.expect("sent");
        assert!(tokio::time::timeout(A_WHILE, client.read_u8()).await.is_err());
        house.say(conn, SocketAction::Resume);
        assert_eq!(read(&mut client).await, b"\x81\x01a");
    });
}

#[test]
fn wpub_9_one_rendered_message_reaches_many() {
    run(|house| async move {
        let mut clients = Vec::new();
        let mut ids = Vec::new();
        for _ in 0..20 {
            let (client, conn) = house.upgraded().await;
            clients.push(client);
            ids.push(conn);
        }
        let mut items =
            parse_items(br#"{"items": [{"channel": "c", "ws-message": {"content": "x"}}]}"#)
                .expect("an item");
        let item = Arc::new(items.remove(0));
        let shape = FanoutShape::Frame(render(Kind::Text, b"news"));
        for targets in [0..2, 0..20] {
            let fanout = Action::Fanout { item: item.clone(), shape: shape.clone(), targets };
            house.shard.act(fanout, &ids);
        }
        while house.shard.write_slice() {}
        for (at, client) in clients.iter_mut().enumerate() {
            let expected = b"\x81\x04news".repeat(if at < 2 { 2 } else { 1 });
            let mut heard = Vec::new();
            while heard.len() < expected.len() {
                heard.extend(read(client).await);
            }
            assert_eq!(heard, expected);
        }
    });
}

#[test]
fn nat_1_nat_2_a_bridge_between_two_that_know_the_protocol() {
    run(|house| async move {
        let (mut client, mut origin) = house.bridged().await;
        for message in [Message::text("hi"), Message::Ping("p".into()), Message::binary(big(9))] {
            soon(client.send(message.clone())).await.expect("sent");
            assert_eq!(next(&mut origin).await, message);
            soon(origin.send(message.clone())).await.expect("sent");
            // A pong may come before it: tungstenite answers pings.
            let mut heard = next(&mut client).await;
            if heard.is_pong() {
                heard = next(&mut client).await;
            }
            assert_eq!(heard, message);
        }
        let close = Message::Close(Some(CloseFrame {
            code: TheirCode::Library(4321),
            reason: "enough".into(),
        }));
        soon(client.send(close.clone())).await.expect("sent");
        while next(&mut origin).await != close {}
        // It answers of its own accord.
        assert!(is_over(&mut origin).await);
        while next(&mut client).await != close {}
        assert!(is_over(&mut client).await);
    });
}

#[test]
fn ws_21_large_messages_pass_both_ways() {
    run(|house| async move {
        let (client, origin) = house.bridged().await;
        let sent = big(8_000_000);
        let (mut to_origin, mut from_origin) = client.split();
        let (mut to_client, mut from_client) = origin.split();
        let send = async {
            let both = tokio::join!(
                to_origin.send(Message::binary(sent.clone())),
                to_client.send(Message::binary(sent.clone())),
            );
            both.0.and(both.1).expect("sent");
        };
        let ((), at_origin, at_client) =
            soon(async { tokio::join!(send, from_client.next(), from_origin.next()) }).await;
        for heard in [at_origin, at_client] {
            let heard = heard.expect("a message").expect("understood");
            assert!(heard.into_data() == sent, "as it was sent");
        }
    });
}

#[test]
fn ws_50_an_end_that_does_not_read_holds_the_other_back() {
    run(|house| async move {
        for client_writes in [true, false] {
            let (client, origin) = house.bridged().await;
            let (mut writer, reader) =
                if client_writes { (client, origin) } else { (origin, client) };
            let mut taken = 0;
            while let Ok(sent) =
                tokio::time::timeout(A_WHILE, writer.send(Message::binary(big(100_000)))).await
            {
                sent.expect("sent");
                taken += 1;
                assert!(taken < 500, "somebody takes it all");
            }
            drop(reader);
        }
    });
}

#[test]
fn a_client_that_sends_and_does_not_read_is_not_read_either() {
    run(|house| async move {
        let (mut client, _) = house.upgraded().await;
        let frame = [&b"\x8a\xfd\0\0\0\0"[..], &[b'x'; 125]].concat();
        let frames = frame.repeat(1000);
        let mut taken = 0;
        while let Ok(sent) = tokio::time::timeout(A_WHILE, client.write_all(&frames)).await {
            sent.expect("sent");
            taken += 1;
            assert!(taken < 500, "it takes it all");
        }
    });
}

#[test]
fn frames_that_come_together_lead_to_as_many() {
    run(|house| async move {
        let frames = [&b"\x8a\x81\0\0\0\0"[..], b"x"].concat().repeat(100);
        let (mut client, conn) = house.upgraded().await;
        client.write_all(&frames).await.expect("sent");
        assert_eq!(read(&mut client).await, b"\x8a\x01x".repeat(100), "in one piece");
        house.say(conn, SocketAction::Send(SocketFrame::Ping("y".into())));
        assert_eq!(read(&mut client).await, b"\x89\x01y", "and then at once again");

        let (client, mut origin) = house.bridged().await;
        let mut client = client.into_inner();
        client.write_all(&frames).await.expect("sent");
        for _ in 0..100 {
            assert_eq!(next(&mut origin).await, Message::Pong("x".into()));
        }
        let conn = house.shard.conns.borrow().iter().last().expect("served").0;
        house.say(conn, SocketAction::SendOrigin(SocketFrame::Pong("y".into())));
        assert_eq!(next(&mut origin).await, Message::Pong("y".into()));
    });
}

#[test]
fn nat_2_an_answer_that_is_none_fails() {
    run(|house| async move {
        house.bridge();
        let (mut client, _) = house.client().await;
        client.write_all(UPGRADE.as_bytes()).await.expect("sent");
        let mut origin = house.accept().await;
        let asked = read_text(&mut origin).await;
        assert!(asked.contains("Connection: Upgrade\r\n"), "{asked}");
        assert!(asked.contains("Sec-WebSocket-Key: BwcHBwcHBwcHBwcHBwcHBw==\r\n"), "{asked}");
        let answer = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\
                      Connection: Upgrade\r\nSec-WebSocket-Accept: x\r\n\r\n";
        origin.write_all(answer.as_bytes()).await.expect("sent");
        assert!(read_text(&mut client).await.starts_with("HTTP/1.1 502 "));
        let fault = house.told(|event| match event {
            Event::OriginFailed { fault, .. } => Some(fault),
            _ => None,
        });
        assert_eq!(fault.await, [OriginFault::Broken]);
    });
}

#[test]
fn ws_10_an_origins_refusal_is_passed_on() {
    run(|house| async move {
        house.bridge();
        for _ in 0..2 {
            let (mut client, _) = house.client().await;
            client.write_all(UPGRADE.as_bytes()).await.expect("sent");
            let mut origin = house.accept().await;
            read(&mut origin).await;
            let answer =
                b"HTTP/1.1 401 Who are you\r\nContent-Length: 4\r\nConnection: close\r\n\r\nwho?";
            origin.write_all(answer).await.expect("sent");
            let mut answer = String::new();
            while !answer.ends_with("\r\n\r\nwho?") {
                answer += &read_text(&mut client).await;
            }
            assert!(answer.starts_with("HTTP/1.1 401 Who are you\r\n"), "{answer}");
        }
    });
}

#[test]
fn ws_35_ws_36_either_end_learns_that_the_other_is_gone() {
    run(|house| async move {
        let (client, mut origin) = house.bridged().await;
        drop(client);
        assert!(is_over(&mut origin).await);
        let (mut client, origin) = house.bridged().await;
        drop(origin);
        assert!(is_over(&mut client).await);
    });
}

#[test]
fn an_origin_that_breaks_the_protocol_is_told_so_and_left() {
    run(|house| async move {
        house.bridge();
        let handshake = async {
            let origin = accept_async(house.accept().await).await.expect("asked");
            origin.into_inner()
        };
        let ((mut client, _), mut origin) = tokio::join!(house.socket(), handshake);
        origin.write_all(b"\x83\x00").await.expect("sent");
        let close = soon(origin.read_u16()).await.expect("a frame");
        assert_eq!(close, 0x8882, "a masked close");
        assert!(is_over(&mut client).await);
        assert_eq!(house.shard.partings.get(), 1);
        drop(origin);
        soon(async {
            while house.shard.partings.get() > 0 {
                tokio::task::yield_now().await;
            }
        })
        .await;
    });
}

#[test]
fn an_idle_socket_holds_nothing() {
    run(|house| async move {
        let (mut client, conn) = house.upgraded().await;
        client.write_all(b"\x81\x81\0\0\0\0a").await.expect("sent");
        assert_eq!(read(&mut client).await, b"\x81\x01a");
        let conn = house.shard.conns.borrow().get(conn).cloned().expect("served");
        assert!(!conn.has_backlog() && !conn.has_input());
        assert!(size_of::<super::Socket>() + size_of::<Conn>() <= 448);
        assert!(size_of_val(&serve_of(&house, &conn)) <= 320);
    });
}

/// The future of a connection's task.
fn serve_of(house: &House, conn: &Rc<Conn>) -> impl Future<Output = ()> + use<> {
    crate::client::serve(house.shard.clone(), conn.clone())
}
