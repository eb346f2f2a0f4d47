//! Calls as an engine would make them, at an origin played by hand.

use std::sync::Arc;

use holdfast_core::engine::Action;
use holdfast_core::message::{Fields, RequestHead, Version};
use holdfast_core::route::{Connect, Target};
use http::Method;
use tokio::io::AsyncWriteExt;
use tokio::net::{TcpListener, TcpStream};

use super::*;
use crate::testing::{House, read_text as request, run};

const CALL: CallId = CallId { slot: 2, generation: 5 };
const OK: &str = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

impl House {
    fn call(&self, method: Method, body: CallBody) {
        self.call_at(self.target(), method, body);
    }

    fn call_at(&self, target: Target, method: Method, body: CallBody) {
        let head = RequestHead {
            method,
            target: Bytes::from_static(b"/page"),
            version: Version::Http11,
            fields: Fields::default(),
        };
        let request = Box::new(CallRequest { target: Arc::new(target), head, body });
        self.act(Action::Call { call: CALL, request });
    }

    fn get(&self) {
        self.call(Method::GET, CallBody::Bytes(Bytes::new()));
    }

    fn read(&self, read: CallRead) {
        self.act(Action::ReadCall { call: CALL, read });
    }

    fn drop_call(&self) {
        self.act(Action::DropCall { call: CALL });
    }

    /// The one next thing told of the call.
    async fn told_of_it(&self) -> Told {
        let mut told = self.told(Told::of).await;
        assert_eq!(told.len(), 1, "{told:?}");
        told.remove(0)
    }

    /// Makes a call that leaves a connection behind.
    async fn pooled(&self) -> TcpStream {
        self.get();
        let mut wire = self.accept().await;
        request(&mut wire).await;
        wire.write_all(OK.as_bytes()).await.expect("sent");
        assert_eq!(self.told_of_it().await, Told::Head(200));
        self.read(CallRead::Whole { limit: 10 });
        assert_eq!(self.told_of_it().await, Told::data("ok", true));
        wire
    }
}

/// What the engine is told of a call.
#[derive(PartialEq, Eq, Debug)]
enum Told {
    Head(u16),
    Data(Bytes, bool),
    Failed(OriginFault),
}

impl Told {
    fn of(event: Event) -> Option<Self> {
        match event {
            Event::CallHead { call: CALL, head, .. } => Some(Self::Head(head.status.as_u16())),
            Event::CallData { call: CALL, data, end } => Some(Self::Data(data, end)),
            Event::CallFailed { call: CALL, fault } => Some(Self::Failed(fault)),
            _ => None,
        }
    }

    fn data(data: &'static str, end: bool) -> Self {
        Self::Data(Bytes::from_static(data.as_bytes()), end)
    }
}

#[test]
fn a_call_goes_out_as_one_piece_and_its_answer_is_read_whole() {
    run(|house| async move {
        house.call(Method::POST, CallBody::Bytes(Bytes::from_static(b"TEXT 2\r\nhi\r\n")));
        let mut wire = house.accept().await;
        let request = request(&mut wire).await;
        assert!(request.starts_with("POST /page HTTP/1.1\r\n"), "{request}");
        assert!(request.ends_with("Content-Length: 12\r\n\r\nTEXT 2\r\nhi\r\n"), "{request}");
        wire.write_all(OK.as_bytes()).await.expect("sent");
        assert_eq!(house.told_of_it().await, Told::Head(200));
        house.read(CallRead::Whole { limit: 2 });
        assert_eq!(house.told_of_it().await, Told::data("ok", true));
        assert!(house.shard.calls.is_empty());
    });
}

#[test]
fn a_body_of_nothing_has_its_length_said_where_one_is_expected() {
    run(|house| async move {
        house.call(Method::POST, CallBody::Bytes(Bytes::new()));
        let mut wire = house.accept().await;
        assert!(request(&mut wire).await.ends_with("Content-Length: 0\r\n\r\n"));
        house.drop_call();
        house.get();
        let mut wire = house.accept().await;
        assert!(request(&mut wire).await.ends_with("/page HTTP/1.1\r\n\r\n"));
    });
}

#[test]
fn a_body_above_the_limit_is_shown_to_be_and_the_call_is_over() {
    run(|house| async move {
        house.get();
        let mut wire = house.accept().await;
        request(&mut wire).await;
        wire.write_all(b"HTTP/1.1 200 OK\r\n\r\nabcdef").await.expect("sent");
        assert_eq!(house.told_of_it().await, Told::Head(200));
        house.read(CallRead::Whole { limit: 2 });
        assert_eq!(house.told_of_it().await, Told::data("abc", false));
        assert!(house.shard.calls.is_empty());
        assert_eq!(request(&mut wire).await, "", "closed");
    });
}

#[test]
fn a_body_is_read_by_the_piece_as_fast_as_it_is_wished() {
    run(|house| async move {
        house.get();
        let mut wire = house.accept().await;
        request(&mut wire).await;
        wire.write_all(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
            .await
            .expect("sent");
        assert_eq!(house.told_of_it().await, Told::Head(200));
        for piece in ["one", "two"] {
            house.read(CallRead::Piece);
            wire.write_all(format!("3\r\n{piece}\r\n").as_bytes()).await.expect("sent");
            assert_eq!(house.told_of_it().await, Told::data(piece, false));
        }
        wire.write_all(b"3\r\nend\r\n0\r\n\r\n").await.expect("sent");
        house.read(CallRead::Piece);
        assert_eq!(house.told_of_it().await, Told::data("end", true));
    });
}

#[test]
fn fwd_85_the_connection_of_a_call_serves_the_next() {
    run(|house| async move {
        let mut wire = house.pooled().await;
        house.get();
        request(&mut wire).await;
        wire.write_all(OK.as_bytes()).await.expect("sent");
        assert_eq!(house.told_of_it().await, Told::Head(200));
    });
}

#[test]
fn fwd_87_a_dead_pooled_connection_is_made_good_for_what_can_be_repeated() {
    run(|house| async move {
        let mut dead = house.pooled().await;
        house.get();
        request(&mut dead).await;
        drop(dead);
        let mut wire = house.accept().await;
        assert!(request(&mut wire).await.starts_with("GET /page "));
        wire.write_all(OK.as_bytes()).await.expect("sent");
        assert_eq!(house.told_of_it().await, Told::Head(200));
    });
}

#[test]
fn fwd_87_a_post_that_was_sent_is_not_repeated() {
    run(|house| async move {
        let mut dead = house.pooled().await;
        house.call(Method::POST, CallBody::Bytes(Bytes::from_static(b"x")));
        request(&mut dead).await;
        drop(dead);
        assert_eq!(house.told_of_it().await, Told::Failed(OriginFault::Stale));
    });
}

#[test]
fn woh_41_a_call_that_breaks_off_before_all_was_sent_is_told_from_others() {
    run(|house| async move {
        // More than both sides' sockets hold.
        let body = Bytes::from(vec![b'x'; 16 << 20]);
        house.call(Method::POST, CallBody::Bytes(body));
        let mut wire = house.accept().await;
        request(&mut wire).await;
        drop(wire);
        assert_eq!(house.told_of_it().await, Told::Failed(OriginFault::Unsent));
        house.call(Method::POST, CallBody::Bytes(Bytes::from_static(b"x")));
        let mut wire = house.accept().await;
        request(&mut wire).await;
        drop(wire);
        assert_eq!(house.told_of_it().await, Told::Failed(OriginFault::Broken));
    });
}

#[test]
fn a_call_that_is_dropped_closes_its_connection_and_says_nothing_more() {
    run(|house| async move {
        house.get();
        let mut wire = house.accept().await;
        request(&mut wire).await;
        house.drop_call();
        assert_eq!(request(&mut wire).await, "", "closed");
        assert!(house.shard.driver.told.borrow().is_empty());
        assert!(house.shard.calls.is_empty());
    });
}

#[test]
fn a_call_that_fails_can_be_made_again_under_the_same_id() {
    run(|house| async move {
        let nobody = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let port = nobody.local_addr().expect("bound").port();
        drop(nobody);
        let target = Connect::Tcp { host: "127.0.0.1".to_owned(), port }.into();
        house.call_at(target, Method::GET, CallBody::Bytes(Bytes::new()));
        assert_eq!(house.told_of_it().await, Told::Failed(OriginFault::Unreachable));
        let denied = Target { untrusted: true, ..house.target() };
        house.call_at(denied, Method::GET, CallBody::Bytes(Bytes::new()));
        assert_eq!(house.told_of_it().await, Told::Failed(OriginFault::Denied));
        house.get();
        let mut wire = house.accept().await;
        request(&mut wire).await;
        wire.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\ncut").await.expect("sent");
        assert_eq!(house.told_of_it().await, Told::Head(200));
        drop(wire);
        house.read(CallRead::Whole { limit: 100 });
        assert_eq!(house.told_of_it().await, Told::Failed(OriginFault::Broken));
    });
}

/// A client that is held after it has posted `body`.
async fn held(house: &House, body: &str) -> (TcpStream, ConnId) {
    let (mut client, id) = house.client().await;
    let head = format!("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: {}\r\n\r\n", body.len());
    client.write_all((head + body).as_bytes()).await.expect("sent");
    let mut wire = house.accept().await;
    request(&mut wire).await;
    wire.write_all(
        b"HTTP/1.1 200 OK\r\nGrip-Hold: response\r\nGrip-Channel: c\r\nContent-Length: 0\r\n\
          Connection: close\r\n\r\n",
    )
    .await
    .expect("sent");
    assert_eq!(request(&mut wire).await, "", "read to its end");
    (client, id)
}

#[test]
fn act_4_the_body_of_a_held_request_goes_out_once_more() {
    run(|house| async move {
        let (_client, conn) = held(&house, "0123456789").await;
        for _ in 0..2 {
            house.call(Method::POST, CallBody::OfClient(conn));
            let mut wire = house.accept().await;
            let request = request(&mut wire).await;
            assert!(request.ends_with("Content-Length: 10\r\n\r\n0123456789"), "{request}");
            house.drop_call();
        }
    });
}

#[test]
fn act_4_what_was_too_large_to_be_kept_is_not_sent() {
    run(|house| async move {
        let (_client, conn) = held(&house, "0123456789a").await;
        house.call(Method::POST, CallBody::OfClient(conn));
        assert_eq!(house.told_of_it().await, Told::Failed(OriginFault::NotKept));
        assert!(house.shard.calls.is_empty());
    });
}

#[test]
fn act_4_nothing_is_kept_of_a_request_that_is_over() {
    run(|house| async move {
        let (client, conn) = held(&house, "0123456789").await;
        drop(client);
        while !house.shard.conns.borrow().is_empty() {
            tokio::task::yield_now().await;
        }
        house.call(Method::POST, CallBody::OfClient(conn));
        assert_eq!(house.told_of_it().await, Told::Failed(OriginFault::NotKept));
    });
}

#[test]
fn calls_that_are_over_keep_no_room() {
    let calls = Calls::default();
    let ids = (0..2 * KEPT_SLOTS as u32).map(|slot| CallId { slot, generation: 0 });
    for id in ids.clone() {
        let call = Call { id, wish: Cell::new(Wish::Nothing), waker: Cell::default() };
        calls.table.borrow_mut().insert(key(id), Rc::new(call));
    }
    for id in ids {
        assert!(calls.remove(id).is_some());
    }
    assert_eq!(calls.table.borrow().slots(), 0);
}

#[test]
fn the_task_of_a_call_is_small() {
    run(async |house| {
        let head = RequestHead {
            method: Method::POST,
            target: Bytes::from_static(b"/"),
            version: Version::Http11,
            fields: Fields::default(),
        };
        let (target, body) = (Arc::new(house.target()), CallBody::Bytes(Bytes::new()));
        let call = Call { id: CALL, wish: Cell::new(Wish::Nothing), waker: Cell::default() };
        let request = Box::new(CallRequest { target, head, body });
        let task = super::run(house.shard.clone(), Rc::new(call), request, Bytes::new());
        let size = size_of_val(&task);
        assert!(size <= 536, "with what the runtime adds, {size} bytes are more than 640");
    });
}
