//! What a GRIP-enabled backend says to the proxy, and what is done about it (CTL-1 to CTL-54).

use std::borrow::Cow;

use super::{Client, Delayed};
use crate::filter::Filter;
use crate::ground::Count;
use crate::socket::failure::Failure;
use crate::socket::heartbeat::Beating;
use crate::socket::{Effect, Frame, Turn};
use crate::wsoh::{Control, Sorted};

/// What a backend's message leads to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(in crate::socket) enum Heard {
    Done,
    /// The backend leaves, the client stays.
    Detach,
}

impl Client {
    /// Takes what a GRIP-enabled backend's message turned out to be.
    pub(in crate::socket) fn hear(
        &mut self,
        sorted: Sorted,
        turn: &mut Turn<'_>,
    ) -> Result<Heard, Failure> {
        match sorted {
            Sorted::Data(piece) => self.send(Frame::Data(piece), turn),
            Sorted::Control(json) => return self.control(&json, turn),
            Sorted::Discarded => {
                self.complain(Count::Unprefixed, "a message has no prefix", turn)?
            }
            Sorted::Nothing => {}
        }
        Ok(Heard::Done)
    }

    /// Does what a control message says.
    fn control(&mut self, json: &[u8], turn: &mut Turn<'_>) -> Result<Heard, Failure> {
        let control = match Control::parse(json) {
            Ok(control) => control,
            Err(misfit) => {
                self.complain(Count::ControlInvalid, misfit.to_string(), turn)?;
                return Ok(Heard::Done);
            }
        };
        match control {
            Control::Subscribe { channel, filters } => self.subscribe(&channel, filters, turn)?,
            Control::Unsubscribe { channel } => {
                if let Some(channel) = self.channels.remove(&self.setup, &channel) {
                    turn.out.push(Effect::Unsubscribe { channel });
                }
            }
            Control::SetMeta { name, value } => self
                .meta
                .set(name, value, turn.limits.socket_meta_bytes)
                .map_err(|full| Failure::backend(format!("meta of more than {} bytes", full.0)))?,
            Control::Session => {}
            Control::KeepAlive(heartbeat) => {
                let usual = turn.limits.socket_keep_alive;
                let start =
                    |heartbeat| Box::new(Beating::start(heartbeat, usual, turn.now, turn.rng));
                self.heartbeat = heartbeat.map(start);
            }
            Control::SendDelayed { message, delay } => {
                self.flush_delayed(turn);
                let due = turn.now + delay.unwrap_or(turn.limits.socket_delay);
                self.delayed = Some(Box::new(Delayed { message, due }));
            }
            Control::FlushDelayed => self.flush_delayed(turn),
            Control::Detach => return Ok(Heard::Detach),
        }
        Ok(Heard::Done)
    }

    fn subscribe(
        &mut self,
        channel: &str,
        filters: Vec<String>,
        turn: &mut Turn<'_>,
    ) -> Result<(), Failure> {
        let max = turn.limits.filters_per_channel;
        if filters.len() > max {
            return Err(Failure::backend(format!("more than {max} filters on one channel")));
        }
        let known: Option<Vec<_>> = filters.iter().map(|name| Filter::parse(name)).collect();
        let Some(filters) = known else {
            // It may be one that keeps others out, so there is no subscription without it.
            let reason = format!("not all filters of {channel} are known: {filters:?}");
            return self.complain(Count::FilterUnknown, reason, turn);
        };
        match self.channels.add(&self.setup, channel, turn.limits.channels_per_hold) {
            Ok(channel) => {
                let prefix = self.setup.route.prefix.len();
                turn.out.push(Effect::Subscribe { channel, prefix, filters });
            }
            Err(_) => turn.out.push(Effect::Note(Count::ChannelLimit, channel.to_owned().into())),
        }
        Ok(())
    }

    /// Notes what a backend did wrong; where clients see details, it is an error.
    fn complain(
        &self,
        count: Count,
        reason: impl Into<Cow<'static, str>>,
        turn: &mut Turn<'_>,
    ) -> Result<(), Failure> {
        let reason = reason.into();
        match self.setup.debug {
            true => Err(Failure { count, ..Failure::backend(reason) }),
            false => {
                turn.out.push(Effect::Note(count, reason));
                Ok(())
            }
        }
    }
}
