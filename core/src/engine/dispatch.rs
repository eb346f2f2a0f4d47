//! From a request to its answer: forwarding, judging what the origin says, giving up.

use bytes::Bytes;
use http::{Method, StatusCode};

use super::bodies::Piece;
use super::holds::Past;
use super::{Action, Actions, BodySource, Config, Engine, OriginFault, Outgoing, Request};
use crate::exchange::{Asked, Collecting, Exchange, Refusal, Refused, Source, Verdict, Within};
use crate::forward::JsonpAnswer;
use crate::ground::{ConnId, Count, Time, broken};
use crate::message::{Response, ResponseHead};
use crate::route::Proto;

impl Engine {
    pub(super) fn request(&mut self, now: Time, conn: ConnId, request: Request, out: &mut Actions) {
        if self.exchanges.tenant(conn.slot).is_some() {
            broken!("a request on connection {conn}, whose slot is busy");
            return self.counters.bump(Count::StaleEvent);
        }
        self.counters.bump(Count::Requests);
        let Request { head, body, peer, secure } = request;
        if head.method == Method::OPTIONS && head.target == "*" {
            // About the proxy itself, not about any resource behind it (FWD-11).
            let head = ResponseHead::new(StatusCode::NO_CONTENT);
            return respond(conn, Response { head, body: Bytes::new() }, out);
        }
        let (config, wall) = (self.config.clone(), self.wall(now));
        let Config { routes, policy, limits } = &*config;
        let within = Within { routes, proto: Proto::Http, policy, limits, wall };
        match Asked::new(head, body, (peer, secure), within) {
            Ok(asked) => self.ask(now, conn, Box::new(asked), out),
            Err(refused) => self.turn_away(conn, &refused, out),
        }
    }

    pub(super) fn sent(&mut self, now: Time, conn: ConnId) {
        match self.exchanges.get(conn) {
            Some(Exchange::Asked(_)) => self.arm(conn, now, self.config.limits.origin_timeout),
            // The origin may answer before it has read the whole request.
            Some(_) => {}
            None => self.counters.bump(Count::StaleEvent),
        }
    }

    pub(super) fn origin_head(
        &mut self,
        now: Time,
        conn: ConnId,
        head: ResponseHead,
        out: &mut Actions,
    ) {
        if let Some(&Exchange::Socket(id)) = self.exchanges.get(conn) {
            return self.socket_refused(conn, id, head, out);
        }
        let Some(asked) = self.take_asked(conn) else {
            return self.counters.bump(Count::StaleEvent);
        };
        match asked.judge(head, &self.config.limits) {
            Verdict::Relay(head) => self.relay(now, conn, &asked, head, out),
            Verdict::Collect(head) => {
                let collecting = Collecting { asked: *asked, head };
                self.exchanges.insert(conn, Exchange::Collecting(Box::new(collecting)));
                self.arm(conn, now, self.config.limits.origin_timeout);
                out.list.push(Action::Collect { conn, limit: self.config.limits.instruct_bytes });
            }
            Verdict::Open(instruct) => {
                let until = now + self.config.limits.origin_timeout;
                if self.open(now, conn, &asked, *instruct, Source::Client(until), Past::None, out) {
                    out.list.push(Action::Stream { conn });
                } else {
                    out.list.push(Action::DropOrigin { conn });
                }
            }
            Verdict::Refuse(refusal) => {
                out.list.push(Action::DropOrigin { conn });
                self.refuse(conn, &refusal, &asked, out);
            }
        }
    }

    /// Passes an answer through; only what has to become a script is seen by the engine.
    fn relay(
        &mut self,
        now: Time,
        conn: ConnId,
        asked: &Asked,
        head: ResponseHead,
        out: &mut Actions,
    ) {
        if asked.is_script() {
            let until = now + self.config.limits.origin_timeout;
            self.pass_on(conn, asked, head, Source::Client(until), out);
            out.list.push(Action::Stream { conn });
        } else {
            out.list.push(Action::Relay { conn, head: asked.dress_head(head) });
        }
    }

    pub(super) fn origin_data(&mut self, now: Time, conn: ConnId, piece: Piece, out: &mut Actions) {
        match self.exchanges.get(conn) {
            Some(Exchange::Collecting(_)) => self.collected(now, conn, piece.data, out),
            Some(&Exchange::Socket(id)) => self.socket_refusal(now, id, piece.data, out),
            Some(Exchange::Streaming(stream)) if stream.source().is_some_and(is_client) => {
                self.body(now, conn, piece, out);
            }
            _ => self.counters.bump(Count::StaleEvent),
        }
    }

    pub(super) fn origin_failed(
        &mut self,
        now: Time,
        conn: ConnId,
        fault: OriginFault,
        out: &mut Actions,
    ) {
        match self.exchanges.get_mut(conn) {
            Some(&mut Exchange::Socket(id)) => self.socket_failed(now, id, fault, out),
            Some(Exchange::Asked(asked)) if fault == OriginFault::Unreachable => {
                self.counters.bump(Count::TargetUnreachable);
                match asked.next_target() {
                    true => self.again(now, conn, out),
                    false => self.give_up(conn, Asked::unreachable, out),
                }
            }
            Some(Exchange::Asked(_)) if fault == OriginFault::Denied => {
                self.give_up(conn, |_| Refusal::Denied, out);
            }
            Some(Exchange::Asked(_) | Exchange::Collecting(_)) => {
                self.give_up(conn, |_| Refusal::Broken, out);
            }
            Some(Exchange::Streaming(stream)) if stream.source().is_some_and(is_client) => {
                self.counters.bump(Count::OriginBroken);
                self.abort(now, conn, out);
            }
            _ => self.counters.bump(Count::StaleEvent),
        }
    }

    pub(super) fn gone(&mut self, now: Time, conn: ConnId, out: &mut Actions) {
        match self.exchanges.get(conn) {
            Some(&Exchange::Socket(id)) => self.socket_gone(now, conn, id, out),
            Some(_) => self.forget(now, conn, out),
            // The end of the exchange and the leaving of the client crossed.
            None => self.counters.bump(Count::StaleEvent),
        }
    }

    /// The origin was silent for too long.
    pub(super) fn origin_silent(&mut self, now: Time, conn: ConnId, out: &mut Actions) {
        out.list.push(Action::DropOrigin { conn });
        match self.exchanges.get(conn) {
            Some(Exchange::Streaming(_)) => {
                self.counters.bump(Count::OriginTimeout);
                self.abort(now, conn, out);
            }
            _ => self.give_up(conn, |_| Refusal::Timeout, out),
        }
    }

    /// Sends the request to its current target.
    fn ask(&mut self, now: Time, conn: ConnId, asked: Box<Asked>, out: &mut Actions) {
        let (config, wall) = (self.config.clone(), self.wall(now));
        if let Some(Response { head, body }) = asked.test_answer(&config.policy, wall) {
            return match asked.judge(head, &config.limits) {
                Verdict::Relay(head) => {
                    let response = Response { head, body };
                    respond(conn, asked.dress(response, JsonpAnswer::Proxied), out);
                }
                Verdict::Collect(head) => self.settle(now, conn, *asked, &head, body, out),
                Verdict::Open(instruct) => {
                    if self.open(now, conn, &asked, *instruct, Source::Complete, Past::None, out) {
                        self.body(now, conn, Piece { data: body, end: true }, out);
                    }
                }
                Verdict::Refuse(refusal) => self.refuse(conn, &refusal, &asked, out),
            };
        }
        let request = Outgoing {
            target: asked.target().clone(),
            head: asked.forwarded(&config.policy, wall),
            body: match asked.own_body() {
                Some(body) => BodySource::Bytes(body.clone()),
                None if asked.has_body() => BodySource::Client,
                None => BodySource::Empty,
            },
        };
        if !asked.has_body() {
            self.arm(conn, now, config.limits.origin_timeout);
        }
        self.exchanges.insert(conn, Exchange::Asked(asked));
        out.list.push(Action::Forward { conn, request });
    }

    fn again(&mut self, now: Time, conn: ConnId, out: &mut Actions) {
        if let Some(asked) = self.take_asked(conn) {
            self.ask(now, conn, asked, out);
        }
    }

    fn collected(&mut self, now: Time, conn: ConnId, body: Bytes, out: &mut Actions) {
        self.wheel.disarm(conn.slot);
        let Some(Exchange::Collecting(collecting)) = self.exchanges.remove(conn) else { return };
        let Collecting { asked, head } = *collecting;
        self.settle(now, conn, asked, &head, body, out);
    }

    /// Does what a complete answer says.
    fn settle(
        &mut self,
        now: Time,
        conn: ConnId,
        asked: Asked,
        head: &ResponseHead,
        body: Bytes,
        out: &mut Actions,
    ) {
        match asked.read(head, body, &self.config.limits) {
            Ok(instruct) => self.obey(now, conn, asked, instruct, Past::None, out),
            Err(refusal) => self.refuse(conn, &refusal, &asked, out),
        }
    }

    fn take_asked(&mut self, conn: ConnId) -> Option<Box<Asked>> {
        if !matches!(self.exchanges.get(conn), Some(Exchange::Asked(_))) {
            return None;
        }
        self.wheel.disarm(conn.slot);
        match self.exchanges.remove(conn) {
            Some(Exchange::Asked(asked)) => Some(asked),
            _ => None,
        }
    }

    /// Ends an exchange that has not begun its response.
    fn give_up(&mut self, conn: ConnId, why: impl FnOnce(&Asked) -> Refusal, out: &mut Actions) {
        self.wheel.disarm(conn.slot);
        let asked = match self.exchanges.remove(conn) {
            Some(Exchange::Asked(asked)) => *asked,
            Some(Exchange::Collecting(collecting)) => collecting.asked,
            _ => return broken!("connection {conn} gives up what it does not have"),
        };
        self.refuse(conn, &why(&asked), &asked, out);
    }

    pub(super) fn refuse(
        &mut self,
        conn: ConnId,
        refusal: &Refusal,
        asked: &Asked,
        out: &mut Actions,
    ) {
        self.note_refusal(conn, refusal);
        respond(conn, asked.refuse(refusal), out);
    }

    /// Refuses a request that has no route, or is not one.
    pub(super) fn turn_away(&mut self, conn: ConnId, refused: &Refused, out: &mut Actions) {
        self.note_refusal(conn, &refused.why);
        respond(conn, refused.response(self.config.policy.debug), out);
    }

    fn note_refusal(&mut self, conn: ConnId, refusal: &Refusal) {
        self.counters.bump(refusal.count());
        match refusal {
            Refusal::Url(_) | Refusal::Jsonp(_) => {
                tracing::debug!(shard = self.shard.0, %conn, "refused: {refusal}")
            }
            _ => tracing::info!(shard = self.shard.0, %conn, "refused: {refusal}"),
        }
    }
}

fn is_client(source: Source) -> bool {
    matches!(source, Source::Client(_))
}

pub(super) fn respond(conn: ConnId, response: Response, out: &mut Actions) {
    out.list.push(Action::Respond { conn, response });
}
