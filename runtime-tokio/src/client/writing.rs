//! Writing to a client: rendered by the wire, given to the socket at once, and queued only if it would
//! block.

use std::io;

use bytes::Bytes;
use holdfast_core::http1::Sending;
use holdfast_core::message::{BodySize, Response, ResponseHead};
use http::StatusCode;

use super::conn::{Conn, RequestBody, Side, Stage};
use crate::shard::Shard;

/// Whether the connection shall go on after a response.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Persist {
    /// If both sides can.
    Keep,
    /// It is the last one.
    Close,
}

impl Conn {
    /// Writes a whole response.
    pub(crate) fn respond(&self, response: &Response, persist: Persist, out: &mut Vec<u8>) {
        let size = BodySize::Known(response.body.len() as u64);
        self.render_head(&response.head, size, persist, out);
        self.render_data(&response.body, out);
        self.end(out);
    }

    /// Writes the head of a response of unknown length.
    pub(crate) fn begin(&self, head: &ResponseHead, persist: Persist, out: &mut Vec<u8>) {
        self.render_head(head, BodySize::Unknown, persist, out);
        self.stage.set(Stage::Begun);
        self.write(out);
    }

    /// Writes a piece of the body.
    pub(crate) fn append(&self, data: &[u8], out: &mut Vec<u8>) {
        self.render_data(data, out);
        self.write(out);
    }

    /// Writes `out` and after it the end of the body.
    pub(crate) fn end(&self, out: &mut Vec<u8>) {
        self.wire.borrow_mut().finish(out);
        self.write(out);
        self.stage.set(Stage::Answered);
        if !self.in_line.get() {
            self.wake();
        }
    }

    /// The response cannot be completed; what still waits to be written is given up.
    pub(crate) fn abort(&self) {
        self.outbox.borrow_mut().clear();
        self.stage.set(Stage::Aborted);
        self.wake();
    }

    /// The response cannot be completed; what came of it is still written.
    pub(crate) fn cut_short(&self) {
        self.stage.set(Stage::Aborted);
    }

    /// Answers a request that could not be read (LIM-31).
    pub(crate) fn refuse(&self, status: StatusCode, line: &str, out: &mut Vec<u8>) {
        self.respond(&Response::text(status, line), Persist::Close, out);
    }

    pub(crate) fn render_head(
        &self,
        head: &ResponseHead,
        size: BodySize,
        persist: Persist,
        out: &mut Vec<u8>,
    ) {
        let mut wire = self.wire.borrow_mut();
        if persist == Persist::Close || self.body.get() != RequestBody::Complete {
            // What is left of the request would be taken for the next one.
            wire.close_after();
        }
        wire.respond(head, size, out);
        self.ends_by_close.set(size == BodySize::Unknown && wire.sending() == Sending::Plain);
    }

    pub(crate) fn render_data(&self, data: &[u8], out: &mut Vec<u8>) {
        if !data.is_empty() {
            self.wire.borrow_mut().send(data, out);
        }
    }

    /// Writes body bytes that need no framing from where they stand; false if they need it.
    pub(crate) fn pass(&self, data: &[u8]) -> bool {
        let mut wire = self.wire.borrow_mut();
        let Some(data) = wire.pass(data) else { return false };
        drop(wire);
        self.write(data);
        true
    }

    /// How body bytes are framed, for those who render them for many.
    pub(crate) fn sending(&self) -> Sending {
        self.wire.borrow().sending()
    }

    /// Writes bytes as they are.
    pub(crate) fn write(&self, bytes: &[u8]) {
        self.put(bytes, |taken| Bytes::copy_from_slice(bytes.get(taken..).unwrap_or_default()));
    }

    /// Whatever is written from now on waits for [`Self::write_in_turn`], and so does the task, if that is the end of
    /// the response; says whether the connection must be put in line for it.
    pub(crate) fn stand_in_line(&self) -> bool {
        self.side.get() != Side::Lost && !self.in_line.replace(true)
    }

    /// Puts bytes that many get behind whatever waits here; says whether the connection must be put in line.
    pub(crate) fn line_up(&self, bytes: &Bytes) -> bool {
        if self.side.get() == Side::Lost {
            return false;
        }
        self.outbox.borrow_mut().push(bytes.clone());
        self.stand_in_line()
    }

    /// Its turn in a fan-out has come: writes what the socket takes, and leaves the rest to the task.
    pub(crate) fn write_in_turn(&self, shard: &Shard) {
        self.in_line.set(false);
        if self.stage.get() == Stage::Answered {
            self.wake();
        }
        let mut outbox = self.outbox.borrow_mut();
        if outbox.is_empty() {
            return;
        }
        if outbox.try_flush(&self.stream.borrow()).is_err() {
            outbox.clear();
            self.side.set(Side::Lost);
        }
        let settled = outbox.is_empty() && self.side.get() != Side::Lost;
        drop(outbox);
        if !settled {
            self.wake();
        }
        self.report_backlog(shard);
    }

    /// Writes bytes that others get as well, so that queueing them costs nothing.
    pub(crate) fn write_shared(&self, bytes: &Bytes) {
        self.put(bytes, |taken| bytes.slice(taken..));
    }

    fn put(&self, bytes: &[u8], rest: impl FnOnce(usize) -> Bytes) {
        if self.side.get() == Side::Lost || bytes.is_empty() {
            return;
        }
        let mut outbox = self.outbox.borrow_mut();
        if self.in_line.get() {
            return outbox.push(rest(0));
        }
        let written = if outbox.is_empty() { self.try_write(bytes) } else { Ok(0) };
        match written {
            Ok(taken) if taken == bytes.len() => {}
            Ok(taken) => {
                outbox.push(rest(taken));
                self.wake();
            }
            Err(_) => {
                self.side.set(Side::Lost);
                self.wake();
            }
        }
    }

    fn try_write(&self, bytes: &[u8]) -> io::Result<usize> {
        match self.stream.borrow().try_write(bytes) {
            Err(error) if is_passing(&error) => Ok(0),
            written => written,
        }
    }
}

fn is_passing(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted)
}
