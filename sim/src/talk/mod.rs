//! WebSockets: who talks to whom, and what can be said.
//!
//! A talk is one client WebSocket, from its upgrade on. It names itself in its path,
//! `/{way}/s{number}`. What the client says is `u…`, and what comes to it shows by its first byte
//! where it is from: `b…` is what a backend says, `d…` what it says later, `k` a keep-alive; `i…` is
//! an item as in [`crate::script`], `q…` one that is a ping.

mod events;
mod frames;
mod orders;

use holdfast_core::ground::{Rng, Span, Time};

use crate::dice::weighted;
use crate::swarm::Options;
use crate::wire::Ended;

pub(crate) use events::{Event, read_events, write_events};
pub(crate) use frames::{FrameReader, write_frames};
pub(crate) use orders::{Order, Said};

/// One client WebSocket.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) struct TalkId(pub(crate) u32);

/// How its backend speaks.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Tongue {
    /// WebSocket.
    Native,
    /// WebSocket-over-HTTP.
    Events,
    /// Likewise, with one event in a request at most; and there is a channel to which every client
    /// is subscribed.
    Single,
}

/// What is fixed of a talk when it begins.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Plan {
    pub(crate) tongue: Tongue,
    /// The first target of its route refuses.
    pub(crate) detour: bool,
    /// Its backend speaks GRIP.
    pub(crate) grip: bool,
}

/// What one end says to the other.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Word {
    Text(Vec<u8>),
    Binary(Vec<u8>),
    Ping(Vec<u8>),
    Pong(Vec<u8>),
    /// The last one; a reason has a code.
    Close(Option<u16>, String),
}

/// What happens at an end of a talk.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Turn {
    /// The client asks for it.
    Opens,
    /// The answer to that has this status.
    Answered(u16),
    /// The client says something.
    Says(Word),
    /// It breaks the protocol.
    Misbehaves,
    /// It gets something.
    Gets(Word),
    /// It gets what it cannot read.
    Garbled(String),
    /// The proxy has ended its connection.
    Ends(Ended),
    /// It leaves without another word.
    HangsUp,
    /// Its link breaks, for which nobody can be blamed.
    Breaks,
    /// A backend that speaks WebSocket-over-HTTP is told this. Its answer, if there is one, has this
    /// ticket. So many bytes, the proxy says, it was told before.
    Offered { events: Vec<Event>, ticket: u64, replayed: u64 },
    /// A backend that speaks WebSocket hears this.
    Hears(Word),
}

/// All talks of a run.
#[derive(Debug, Default)]
pub(crate) struct Talks {
    plans: Vec<Plan>,
    /// Until then no backend that speaks WebSocket-over-HTTP can be reached.
    down: Time,
}

impl Talks {
    /// A new talk.
    pub(crate) fn begin(&mut self, options: &Options, rng: &mut Rng) -> TalkId {
        let sockets = &options.sockets;
        let id = TalkId(u32::try_from(self.plans.len()).expect("a run has few talks"));
        let tongues = [Tongue::Native, Tongue::Events, Tongue::Single];
        self.plans.push(Plan {
            tongue: tongues[weighted(rng, &sockets.tongues)],
            detour: rng.one_in(options.origins.fallback_one_in),
            grip: !rng.one_in(6),
        });
        id
    }

    pub(crate) fn plan(&self, id: TalkId) -> Plan {
        self.plans[id.0 as usize]
    }

    /// The way to the backend of a talk.
    pub(crate) fn path(&self, id: TalkId) -> String {
        let Plan { tongue, detour, .. } = self.plan(id);
        let way = match (tongue, detour) {
            (Tongue::Native, false) => 'n',
            (Tongue::Native, true) => 'm',
            (Tongue::Events, false) => 'h',
            (Tongue::Events, true) => 'g',
            (Tongue::Single, _) => 'i',
        };
        format!("/{way}/s{}", id.0)
    }

    /// Backends go down for a while.
    pub(crate) fn crash(&mut self, until: Time) {
        self.down = self.down.max(until);
    }

    pub(crate) fn is_down(&self, now: Time) -> bool {
        now < self.down
    }
}

/// The routes of talks, for [`Talks::path`].
pub(crate) fn routes(prefix: &str) -> String {
    format!(
        "*,path_beg=/n/,prefix={prefix} origin.sim:82\n\
         *,path_beg=/m/,prefix={prefix} dead.sim:81 origin.sim:82\n\
         *,path_beg=/h/,prefix={prefix} origin.sim:83,over_http\n\
         *,path_beg=/g/,prefix={prefix} dead.sim:81,over_http origin.sim:83,over_http\n\
         *,path_beg=/i/,prefix={prefix} origin.sim:83,over_http,one_event,sub={prefix}{FIXED}\n"
    )
}

/// The channel to which clients of [`Tongue::Single`] are subscribed in any case.
pub(crate) const FIXED: u32 = 0;

/// How much later than due a timer may fire: one tick of the wheel.
pub(crate) const TICK: Span = Span::from_nanos(1 << 22);

impl TalkId {
    /// The talk that a target names.
    pub(crate) fn of(target: &[u8]) -> Option<Self> {
        let (_, name) = core::str::from_utf8(target).ok()?.rsplit_once("/s")?;
        name.parse().ok().map(Self)
    }
}

impl Plan {
    /// Whether its backend is asked by requests.
    pub(crate) fn is_over_http(self) -> bool {
        self.tongue != Tongue::Native
    }
}

impl Word {
    pub(crate) fn payload(&self) -> &[u8] {
        match self {
            Self::Text(data) | Self::Binary(data) | Self::Ping(data) | Self::Pong(data) => data,
            Self::Close(..) => b"",
        }
    }

    /// The same kind of word with another payload.
    pub(crate) fn with(&self, payload: Vec<u8>) -> Self {
        match self {
            Self::Text(_) => Self::Text(payload),
            Self::Binary(_) => Self::Binary(payload),
            Self::Ping(_) => Self::Ping(payload),
            Self::Pong(_) => Self::Pong(payload),
            close @ Self::Close(..) => close.clone(),
        }
    }

    /// Bytes of its content, as a backend counts what it accepts.
    pub(crate) fn size(&self) -> u64 {
        match self {
            Self::Close(code, reason) => code.map_or(0, |_| 2 + reason.len() as u64),
            word => word.payload().len() as u64,
        }
    }
}

/// What a close frame or event has as its content.
pub(super) fn close_content(code: Option<u16>, reason: &str) -> Vec<u8> {
    match code {
        Some(code) => [&code.to_be_bytes()[..], reason.as_bytes()].concat(),
        None => Vec::new(),
    }
}

pub(super) fn read_close(content: &[u8]) -> Result<Word, String> {
    match content.split_first_chunk::<2>() {
        None if content.is_empty() => Ok(Word::Close(None, String::new())),
        None => Err("half a close code".to_owned()),
        Some((code, reason)) => {
            let reason = core::str::from_utf8(reason).map_err(|_| "a reason that is no text")?;
            Ok(Word::Close(Some(u16::from_be_bytes(*code)), reason.to_owned()))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn targets_are_read_back() {
        assert_eq!(TalkId::of(b"/n/s12"), Some(TalkId(12)));
        assert_eq!(TalkId::of(b"/a/12"), None);
        assert_eq!(TalkId::of(b"/a/page1-?after=3"), None);
    }

    #[test]
    fn closes_are_read_back() {
        for word in [Word::Close(None, String::new()), Word::Close(Some(4001), "bye".to_owned())] {
            let Word::Close(code, reason) = &word else { continue };
            assert_eq!(read_close(&close_content(*code, reason)), Ok(word));
        }
    }
}
