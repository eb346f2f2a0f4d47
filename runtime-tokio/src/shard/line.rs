//! The line: those to whom something is written in their turn, because it is for many.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;

use bytes::Bytes;
use holdfast_core::ground::{ConnId, Span};
use tokio::sync::Notify;

use super::Shard;
use crate::client::Conn;

/// How many are written to at once, be it in one turn of the line or without one. More are hardly faster, and
/// everybody else waits for them (measured by the benchmark: 16 doubled the p99 of a plain request during a fan-out
/// to 10,000).
pub(crate) const AT_ONCE: usize = 8;
/// How long a turn lasts at most, where writing takes longer than it should.
const TURN: Span = Span::from_nanos(50_000);
/// Those who are put in line step by step together.
const FEW: usize = 16;

/// Who has something in the outbox that is not written yet, for others' sake: at most once each.
#[derive(Default)]
pub(super) struct Line {
    waiting: RefCell<VecDeque<ConnId>>,
    /// Somebody has joined the line, and nobody was attending to it.
    joined: Notify,
    /// Whether somebody writes to those in line anyway.
    attended: Cell<bool>,
}

impl Line {
    /// Nobody is left: gives back what a peak has left.
    pub(super) fn give_back(&self) {
        self.waiting.borrow_mut().shrink_to(AT_ONCE);
    }

    fn call_for_attention(&self) {
        if !self.attended.get() {
            self.joined.notify_one();
        }
    }
}

impl Shard {
    /// Puts many in line, with what `data` gives to each. What is known of a connection that is only held is in no
    /// cache. So each step is done for a few of them at a time, and the processor waits for their memory once.
    pub(crate) fn line_up<'a>(
        &self,
        targets: &[ConnId],
        data: impl Fn(&Conn) -> Option<&'a Bytes>,
    ) {
        let (conns, mut waiting) = (self.conns.borrow(), self.line.waiting.borrow_mut());
        for few in targets.chunks(FEW) {
            let mut engaged = [None; FEW];
            for (place, &conn) in engaged.iter_mut().zip(few) {
                *place = conns.get(conn).filter(|conn| conn.is_engaged());
            }
            for conn in engaged.into_iter().flatten() {
                if data(conn).is_some_and(|data| conn.line_up(data)) {
                    waiting.push_back(conn.id);
                }
            }
        }
        drop(waiting);
        self.line.call_for_attention();
    }

    /// Whatever is written to a connection from now on waits for its turn.
    pub(crate) fn put_in_line(&self, conn: &Conn) {
        if conn.stand_in_line() {
            self.line.waiting.borrow_mut().push_back(conn.id);
            self.line.call_for_attention();
        }
    }

    /// Somebody promises to write to those in line, or has done so.
    pub(super) fn attend_line(&self, attended: bool) {
        self.line.attended.set(attended);
    }

    /// Waits until there is somebody in line to whom nobody else writes.
    pub(super) async fn somebody_in_line(&self) {
        self.line.joined.notified().await;
    }

    /// Writes to those who are next in line; says whether more are waiting.
    pub(crate) fn write_slice(&self) -> bool {
        let begun = self.now();
        for _ in 0..AT_ONCE {
            let Some(conn) = self.line.waiting.borrow_mut().pop_front() else { return false };
            let conn = self.conns.borrow().get(conn).cloned();
            if let Some(conn) = conn {
                conn.write_in_turn(self);
            }
            if self.now().since(begun) >= TURN {
                break;
            }
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;
    use std::rc::Rc;

    use holdfast_core::engine::{Action, Actions, Event};
    use holdfast_core::message::Response;
    use http::StatusCode;
    use tokio::io::AsyncWriteExt;
    use tokio::net::TcpStream;

    use super::*;
    use crate::testing::{House, read_text, run};

    const MANY: usize = 2 * AT_ONCE;
    const ASKED: &[u8] = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n";
    const ASKED_LAST: &[u8] = b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";

    /// Holds everybody until `MANY` have asked, and answers them in one breath.
    fn together(held: &RefCell<Vec<ConnId>>, event: Event, out: &mut Actions) {
        let Event::Request { conn, .. } = event else { return };
        held.borrow_mut().push(conn);
        if held.borrow().len() == MANY {
            let answer =
                |conn| Action::Respond { conn, response: Response::text(StatusCode::OK, "news") };
            out.list.extend(held.take().into_iter().map(answer));
        }
    }

    async fn ask(house: &House, clients: &mut [TcpStream], request: &[u8]) {
        for client in clients {
            client.write_all(request).await.expect("sent");
        }
        while house.shard.line.waiting.borrow().len() < MANY {
            tokio::task::yield_now().await;
        }
    }

    #[test]
    fn many_who_are_answered_in_one_breath_have_their_turns() {
        run(async |house| {
            let held = Rc::new(RefCell::new(Vec::new()));
            house.engine(move |event, out| together(&held, event, out));
            let mut clients = Vec::new();
            for _ in 0..MANY {
                clients.push(house.client().await.0);
            }
            for request in [ASKED, ASKED_LAST] {
                ask(&house, &mut clients, request).await;
                assert!(house.shard.write_slice());
                let waiting = house.shard.line.waiting.borrow().len();
                assert!((MANY - AT_ONCE..MANY).contains(&waiting), "{waiting}");
                let unwritten = |(_, conn): &(ConnId, &Rc<Conn>)| conn.has_backlog();
                let unwritten = house.shard.conns.borrow().iter().filter(unwritten).count();
                // The task of whoever asked last is awake, and sees to itself.
                assert!((waiting - 1..=waiting).contains(&unwritten), "{unwritten} of {waiting}");
                while house.shard.write_slice() {}
                for client in &mut clients {
                    assert!(read_text(client).await.ends_with("news\n"));
                }
            }
            // Their tasks go on after the answer.
            for client in &mut clients {
                assert_eq!(read_text(client).await, "");
            }
        });
    }
}
