//! One end of a WebSocket: says what it is told, and holds every frame that comes against RFC 6455.

use std::time::Duration;

use tokio::{
    net::TcpStream,
    time::{Instant, timeout},
};

use super::{
    events::{Event, Kind, close, event, text},
    frame::Frame,
    wire::{Read, Wire},
};
use crate::case::{Outcome, ensure, wrong};

/// A WebSocket that is open.
pub(crate) struct Socket {
    wire: Wire,
    side: Side,
    patience: Duration,
    /// The message whose last part is still to come.
    begun: Option<Event>,
}

/// Which end it is: this decides who has to mask.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Side {
    /// A client, whose frames are masked.
    Client,
    /// A backend, whose frames are not.
    Backend,
}

/// What came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Incoming {
    /// A whole message or signal.
    Event(Event),
    /// The end of the TCP connection.
    End,
}

impl Socket {
    /// Takes over a connection whose handshake is done.
    pub(crate) fn new(wire: Wire, side: Side, patience: Duration) -> Self {
        Self { wire, side, patience, begun: None }
    }

    /// Waits this much longer than usual for each thing.
    pub(crate) fn patient(self, patience: Duration) -> Self {
        Self { patience, ..self }
    }

    /// Sends a whole message or signal.
    pub(crate) async fn send(&mut self, event: Event) -> Outcome {
        self.frame(Frame::new(event.kind, event.content)).await
    }

    /// Sends a text.
    pub(crate) async fn say(&mut self, content: impl AsRef<[u8]>) -> Outcome {
        self.send(text(content)).await
    }

    /// Sends a frame, masked if this side has to.
    pub(crate) async fn frame(&mut self, frame: Frame) -> Outcome {
        match self.side {
            Side::Client => self.raw(&frame.masked().bytes()).await,
            Side::Backend => self.raw(&frame.bytes()).await,
        }
    }

    /// Sends bytes.
    pub(crate) async fn raw(&mut self, bytes: &[u8]) -> Outcome {
        Ok(self.wire.write(bytes).await?)
    }

    /// Sends as many of these bytes as the peer takes before it stops for `pause`, and tells how many.
    pub(crate) async fn press(&mut self, bytes: &[u8], pause: Duration) -> Outcome<usize> {
        let mut sent = 0;
        while let Some(rest) = bytes.get(sent..).filter(|rest| !rest.is_empty()) {
            match timeout(pause, self.wire.write_some(rest)).await {
                Ok(count) => sent += count?,
                Err(_) => break,
            }
        }
        Ok(sent)
    }

    /// Waits for the next message or signal, or the end.
    pub(crate) async fn next(&mut self) -> Outcome<Incoming> {
        match self.next_within(self.patience).await? {
            Some(came) => Ok(came),
            None => wrong("nothing came over the WebSocket in time"),
        }
    }

    /// As `next`, but gives up without complaint after this time.
    pub(crate) async fn next_within(&mut self, span: Duration) -> Outcome<Option<Incoming>> {
        let until = Instant::now() + span;
        loop {
            while let Some(frame) = Frame::take(&mut self.wire.buffer)? {
                if let Some(event) = self.join(frame)? {
                    return Ok(Some(Incoming::Event(event)));
                }
            }
            let left = until.saturating_duration_since(Instant::now());
            match timeout(left, self.wire.read()).await {
                Ok(Read::More) => {}
                Ok(Read::Closed | Read::Reset) => return Ok(Some(Incoming::End)),
                Err(_) => return Ok(None),
            }
        }
    }

    /// Adds a frame to what has come, and gives what is complete with it.
    fn join(&mut self, frame: Frame) -> Outcome<Option<Event>> {
        let (size, masked) = (frame.payload.len(), self.side == Side::Backend);
        ensure(frame.mask.is_some() == masked, "a frame is masked that must not be, or is not")?;
        ensure(frame.rsv == 0, format_args!("reserved bits are set: {:#x}", frame.rsv))?;
        if frame.is_control() {
            let told = format!("a control frame of {size} bytes, or in parts");
            ensure(frame.fin && size <= 125, told)?;
            return Ok(frame.kind().map(|kind| event(kind, frame.payload)));
        }
        let whole = match (self.begun.take(), frame.kind()) {
            (None, Some(kind)) => Event { kind, content: frame.payload },
            (Some(mut begun), None) => {
                begun.content.extend(frame.payload);
                begun
            }
            (Some(begun), Some(_)) => return wrong(format_args!("a message inside {begun:?}")),
            (None, None) => return wrong("a part of a message that was never begun"),
        };
        match frame.fin {
            true => Ok(Some(whole)),
            false => {
                self.begun = Some(whole);
                Ok(None)
            }
        }
    }

    /// Requires that this comes next.
    pub(crate) async fn hears(&mut self, wanted: Event) -> Outcome {
        let found = self.next().await?;
        let told = format!("{wanted:?} should come, came {found:?}");
        ensure(found == Incoming::Event(wanted), told)
    }

    /// Requires that these texts come next, in this order.
    pub(crate) async fn hears_texts(&mut self, texts: &[&str]) -> Outcome {
        for content in texts {
            self.hears(text(content)).await?;
        }
        Ok(())
    }

    /// Requires a close frame with this code and any reason, which is given.
    pub(crate) async fn closes(&mut self, code: u16) -> Outcome<String> {
        match self.next().await? {
            Incoming::Event(Event { kind: Kind::Close, content })
                if content.starts_with(&code.to_be_bytes()) =>
            {
                match String::from_utf8(content.into_iter().skip(2).collect()) {
                    Ok(reason) => Ok(reason),
                    Err(error) => wrong(format_args!("the reason is no text: {error}")),
                }
            }
            other => wrong(format_args!("a close {code} should come, came {other:?}")),
        }
    }

    /// Requires that the connection ends, with nothing before that.
    pub(crate) async fn ended(&mut self) -> Outcome {
        match self.next().await? {
            Incoming::End => Ok(()),
            other => wrong(format_args!("the connection should end, came {other:?}")),
        }
    }

    /// Answers a close with the same, and says no more. The peer may be gone already.
    pub(crate) async fn answer_close(&mut self, came: Event) {
        let _ = self.send(came).await;
        let _ = self.wire.finish_writing().await;
    }

    /// Requires the end, with or without a close frame before it, which is answered.
    pub(crate) async fn ends(&mut self) -> Outcome {
        match self.next().await? {
            Incoming::End => Ok(()),
            Incoming::Event(came) if came.kind == Kind::Close => {
                self.answer_close(came).await;
                self.ended().await
            }
            other => wrong(format_args!("the connection should end, came {other:?}")),
        }
    }

    /// Requires a close frame with a code that says that the backend failed.
    pub(crate) async fn is_told_of_failure(&mut self) -> Outcome {
        const CODES: [u16; 2] = [1011, 1014];
        match self.next().await? {
            Incoming::Event(Event { kind: Kind::Close, content })
                if CODES.iter().any(|code| content.starts_with(&code.to_be_bytes())) =>
            {
                Ok(())
            }
            other => wrong(format_args!("a close of {CODES:?} should come, came {other:?}")),
        }
    }

    /// Closes with a code, and requires the same code in the answer and the end of the connection.
    pub(crate) async fn leave(&mut self, code: u16) -> Outcome {
        self.send(close(code, "")).await?;
        self.closes(code).await?;
        self.ended().await
    }

    /// Requires that nothing comes for a while, and that the connection stays.
    pub(crate) async fn quiet(&mut self, span: Duration) -> Outcome {
        match self.next_within(span).await? {
            None => Ok(()),
            Some(came) => wrong(format_args!("{came:?} came where nothing should come")),
        }
    }

    /// Breaks the connection.
    pub(crate) fn reset(self) -> Outcome {
        Ok(self.wire.reset()?)
    }

    /// The bare connection, for another to speak over.
    pub(crate) fn into_stream(self) -> Outcome<TcpStream> {
        ensure(self.wire.buffer.is_empty(), "bytes came before anybody spoke")?;
        Ok(self.wire.into_stream())
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::net::{TcpListener, TcpStream};

    use super::{Incoming, Side, Socket};
    use crate::peer::{
        events::{Kind, ping, text},
        frame::Frame,
        wire::Wire,
    };

    /// A client and a backend that talk without a proxy.
    async fn pair() -> (Socket, Socket) {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("port");
        let address = listener.local_addr().expect("address");
        let near = TcpStream::connect(address).await.expect("connection");
        let (far, _) = listener.accept().await.expect("connection");
        let socket = |stream, side| Socket::new(Wire::new(stream), side, Duration::from_secs(5));
        (socket(near, Side::Client), socket(far, Side::Backend))
    }

    #[tokio::test]
    async fn parts_are_joined_and_signals_stand_between_them() {
        let (mut client, mut backend) = pair().await;
        client.frame(Frame::new(Kind::Text, "on").unfinished()).await.expect("sent");
        client.send(ping("p")).await.expect("sent");
        client.frame(Frame::more("e")).await.expect("sent");
        for wanted in [ping("p"), text("one")] {
            assert_eq!(backend.next().await.expect("event"), Incoming::Event(wanted));
        }
        drop(client);
        assert_eq!(backend.next().await.expect("end"), Incoming::End);
    }

    #[tokio::test]
    async fn what_no_peer_may_send_is_told() {
        let whole = Frame::new(Kind::Text, "x");
        let bad = [
            vec![whole.clone()],
            vec![Frame { rsv: 0x40, ..whole.clone() }.masked()],
            vec![Frame::more("x").masked()],
            vec![whole.clone().unfinished().masked(), whole.masked()],
            vec![Frame::new(Kind::Ping, "x".repeat(126)).masked()],
            vec![Frame::new(Kind::Pong, "").unfinished().masked()],
        ];
        for frames in bad {
            let (mut client, mut backend) = pair().await;
            for frame in &frames {
                client.raw(&frame.bytes()).await.expect("sent");
            }
            assert!(backend.next().await.is_err(), "{frames:?}");
        }
    }
}
