//! What the client said and the backend has not taken yet (WOH-7, WOH-32 to WOH-36).

use std::collections::VecDeque;

use bytes::{Bytes, BytesMut};

use crate::ws::Kind;
use crate::wsoh::{Piece, WsEvent, encode};

/// Events in order, bounded by the caller.
#[derive(Debug, Default)]
pub(super) struct Queue {
    events: VecDeque<WsEvent>,
    bytes: usize,
    /// The message whose end is not here yet (WOH-6).
    partial: BytesMut,
    /// Content bytes at the front that were offered before (WOH-34).
    replayed: u64,
}

/// A message is too large to wait.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct TooBig;

/// The backend took more than it was offered, or a close in part.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Overdrawn;

/// How much of what was offered a backend took.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Taken {
    All,
    Part,
    Nothing,
}

/// What an event costs beside its content, so that empty ones have a limit as well.
const OVERHEAD: usize = 64;

impl Queue {
    /// Takes a part of a message; it counts once it is complete.
    pub(super) fn piece(&mut self, piece: Piece, max: usize) -> Result<(), TooBig> {
        if piece.payload.len() > max.saturating_sub(self.partial.len()) {
            return Err(TooBig);
        }
        let payload = match piece.last && self.partial.is_empty() {
            true => piece.payload,
            false => {
                self.partial.extend_from_slice(&piece.payload);
                if !piece.last {
                    return Ok(());
                }
                core::mem::take(&mut self.partial).freeze()
            }
        };
        self.push(match piece.kind {
            Kind::Text => WsEvent::Text(payload),
            Kind::Binary => WsEvent::Binary(payload),
        });
        Ok(())
    }

    /// Takes an event.
    pub(super) fn push(&mut self, event: WsEvent) {
        self.bytes += OVERHEAD + content(&event).map_or(0, Bytes::len);
        self.events.push_back(event);
    }

    /// How many events wait.
    pub(super) fn len(&self) -> usize {
        self.events.len()
    }

    /// How many of them have no more than `max` bytes of content together; at least one, if there is one.
    pub(super) fn fitting(&self, max: usize) -> usize {
        let mut left = max as u64;
        let others = self.events.iter().enumerate().take_while(|(at, event)| {
            let room = left.checked_sub(size(event));
            left = room.unwrap_or_default();
            *at == 0 || room.is_some()
        });
        others.count()
    }

    /// Bytes that wait, the incomplete message included.
    pub(super) fn bytes(&self) -> usize {
        self.bytes + self.partial.len()
    }

    /// Content bytes at the front that were offered before.
    pub(super) const fn replayed(&self) -> u64 {
        self.replayed
    }

    /// Appends the first `count` events to a body.
    pub(super) fn write(&self, count: usize, out: &mut BytesMut) {
        encode(self.events.iter().take(count), out);
    }

    /// Drops what a backend took: of the first `offered` events, followed by `tail` bytes of a close if one went
    /// along, so many content bytes; `None`: all. What is left of them is offered again.
    pub(super) fn take(
        &mut self,
        offered: usize,
        tail: u64,
        bytes: Option<u64>,
    ) -> Result<Taken, Overdrawn> {
        let total: u64 = self.events.iter().take(offered).map(size).sum();
        let mut left = bytes.unwrap_or(total + tail);
        if left > total + tail {
            return Err(Overdrawn);
        }
        let nothing = left == 0 && total + tail > 0;
        let mut untaken = offered;
        while untaken > 0 && self.events.front().is_some_and(|event| size(event) <= left) {
            left -= self.pop();
            untaken -= 1;
        }
        if untaken == 0 {
            self.replayed = 0;
            self.give_back();
            return if left == tail { Ok(Taken::All) } else { Err(Overdrawn) };
        }
        self.replayed = total.saturating_sub(bytes.unwrap_or(total));
        self.cut_front(left);
        Ok(if nothing { Taken::Nothing } else { Taken::Part })
    }

    /// Forgets everything.
    pub(super) fn clear(&mut self) {
        *self = Self::default();
    }

    /// Forgets the message whose end will not come (WOH-11).
    pub(super) fn drop_partial(&mut self) {
        self.partial = BytesMut::new();
    }

    /// Drops the first event; says how much content it had.
    fn pop(&mut self) -> u64 {
        let Some(event) = self.events.pop_front() else { return 0 };
        let size = content(&event).map_or(0, Bytes::len);
        self.bytes -= OVERHEAD + size;
        size as u64
    }

    /// The first event was taken in part: what is left of it stays, as an event of the same type (WOH-33).
    fn cut_front(&mut self, taken: u64) {
        let Some(content) = self.events.front_mut().and_then(content_mut) else { return };
        let taken = usize::try_from(taken).unwrap_or(usize::MAX).min(content.len());
        *content = content.slice(taken..);
        self.bytes -= taken;
    }

    /// An idle session keeps no room for events.
    fn give_back(&mut self) {
        if self.events.is_empty() {
            self.events = VecDeque::new();
        }
    }
}

fn size(event: &WsEvent) -> u64 {
    content(event).map_or(0, Bytes::len) as u64
}

fn content(event: &WsEvent) -> Option<&Bytes> {
    match event {
        WsEvent::Text(content)
        | WsEvent::Binary(content)
        | WsEvent::Ping(content)
        | WsEvent::Pong(content) => Some(content),
        _ => None,
    }
}

fn content_mut(event: &mut WsEvent) -> Option<&mut Bytes> {
    match event {
        WsEvent::Text(content)
        | WsEvent::Binary(content)
        | WsEvent::Ping(content)
        | WsEvent::Pong(content) => Some(content),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn queue(texts: &[&'static str]) -> Queue {
        let mut queue = Queue::default();
        for text in texts {
            let payload = Bytes::from_static(text.as_bytes());
            queue
                .piece(Piece { kind: Kind::Text, first: true, payload, last: true }, 99)
                .expect("it is small");
        }
        queue
    }

    fn body(queue: &Queue) -> String {
        let mut out = BytesMut::new();
        queue.write(queue.len(), &mut out);
        String::from_utf8(out.to_vec()).expect("text").replace("\r\n", "|")
    }

    #[test]
    fn woh_6_a_message_waits_for_its_end() {
        let mut queue = Queue::default();
        let mut push = |payload: &'static str, last| {
            let piece = Piece { kind: Kind::Binary, first: true, payload: payload.into(), last };
            queue.piece(piece, 5).map(|()| body(&queue))
        };
        assert_eq!(push("ab", false), Ok(String::new()));
        assert_eq!(push("cd", true), Ok("BINARY 4|abcd|".to_owned()));
        assert_eq!(push("abc", false), Ok("BINARY 4|abcd|".to_owned()));
        assert_eq!(push("def", true), Err(TooBig));
        queue.drop_partial();
        assert_eq!(queue.bytes(), OVERHEAD + 4);
    }

    #[test]
    fn woh_32_so_many_bytes_are_taken() {
        let mut q = queue(&["hello world", "x"]);
        assert_eq!(q.take(2, 0, Some(3)), Ok(Taken::Part));
        assert_eq!((body(&q).as_str(), q.replayed()), ("TEXT 8|lo world|TEXT 1|x|", 9));
        assert_eq!(q.bytes(), 2 * OVERHEAD + 9);
        assert_eq!(q.take(2, 0, Some(0)), Ok(Taken::Nothing));
        assert_eq!(q.replayed(), 9);
        assert_eq!(q.take(2, 0, Some(8)), Ok(Taken::Part));
        assert_eq!((body(&q).as_str(), q.replayed()), ("TEXT 1|x|", 1));
        assert_eq!(q.take(1, 0, Some(2)), Err(Overdrawn));
        assert_eq!(q.take(1, 0, None), Ok(Taken::All));
        assert_eq!((q.bytes(), q.replayed()), (0, 0));
    }

    #[test]
    fn woh_35_a_close_is_taken_whole_or_not_at_all() {
        let take = |bytes| queue(&["ab"]).take(1, 5, bytes);
        assert_eq!(take(Some(7)), Ok(Taken::All));
        assert_eq!(take(None), Ok(Taken::All));
        assert_eq!(take(Some(2)), Err(Overdrawn));
        assert_eq!(take(Some(1)), Ok(Taken::Part));
        assert_eq!(take(Some(0)), Ok(Taken::Nothing));
        assert_eq!(take(Some(8)), Err(Overdrawn));
    }

    #[test]
    fn woh_36_empty_messages_count() {
        let mut q = queue(&["a", "", "b", ""]);
        assert_eq!(q.take(1, 0, None), Ok(Taken::All));
        assert_eq!(body(&q), "TEXT 0||TEXT 1|b|TEXT 0||");
        assert_eq!(q.take(2, 0, Some(0)), Ok(Taken::Nothing));
        assert_eq!(body(&q), "TEXT 1|b|TEXT 0||");
        assert_eq!(q.take(2, 0, Some(1)), Ok(Taken::All));
        assert_eq!(q.take(0, 0, None), Ok(Taken::All));
    }
}
