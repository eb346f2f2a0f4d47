//! Whole-state invariants.

use super::calls::Owner;
use super::sockets::Seat;
use super::{Engine, Violation};
use crate::channel::Subscriptions;
use crate::exchange::{Body, Exchange, Retry, Source, Work};
use crate::ground::{CallId, ConnId};

impl Engine {
    /// Checks the whole state against its invariants; for tests, simulation and fuzzing.
    ///
    /// The links of every subscriber list are whole; every subscription belongs to a hold; every exchange that
    /// must end by itself has a timer armed; and every call is known to whoever waits for it.
    pub fn audit(&self) -> Result<(), Violation> {
        let live = self.index.audit().map_err(Violation)?;
        let held: usize = self
            .exchanges
            .iter()
            .filter_map(|(_, exchange)| subscriptions(exchange))
            .map(|subs| self.index.count(subs))
            .sum::<usize>()
            + self.sockets.iter().map(|(_, seat)| self.index.count(&seat.subs)).sum::<usize>();
        if live != held {
            return Err(Violation(format!("{live} subscriptions, but holds have {held}")));
        }
        if self.wheel.len() > self.exchanges.len() {
            return Err(Violation("a timer without an exchange".to_owned()));
        }
        let timed = |exchange: &Exchange| {
            matches!(exchange, Exchange::Polling(_) | Exchange::Collecting(_))
        };
        let untimed =
            self.exchanges.iter().find(|(conn, e)| timed(e) && !self.wheel.is_armed(conn.slot));
        if let Some((conn, _)) = untimed {
            return Err(Violation(format!("{conn} has no timer")));
        }
        self.audit_calls()
    }

    fn audit_calls(&self) -> Result<(), Violation> {
        for (call, known) in self.calls.iter() {
            let owners = match &known.owner {
                Owner::Retry(conn) | Owner::Filter(conn) => core::slice::from_ref(conn),
                Owner::Page(_, readers) => readers,
                Owner::Socket(id) => match self.sockets.get(*id) {
                    Some(seat) if seat.call() == Some(call) => continue,
                    _ => return Err(Violation(format!("{call} is for no socket"))),
                },
                Owner::Farewell => continue,
            };
            if owners.is_empty() {
                return Err(Violation(format!("{call} is for nobody")));
            }
            if let Some(conn) = owners.iter().find(|conn| !self.waits(**conn, call)) {
                return Err(Violation(format!("{conn} does not wait for {call}")));
            }
        }
        let lost = |(_, e): &(ConnId, &Exchange)| {
            waited(e).into_iter().any(|call| self.calls.get(call).is_none())
        };
        match self.exchanges.iter().find(lost) {
            Some((conn, _)) => Err(Violation(format!("{conn} waits for a call that is over"))),
            None => self.audit_sockets(),
        }
    }

    /// Every socket with a client is that client's exchange, and waits for no call that is over.
    fn audit_sockets(&self) -> Result<(), Violation> {
        let mut seated = 0;
        for (id, seat) in self.sockets.iter() {
            if let Some(conn) = seat.conn {
                seated += 1;
                if !matches!(self.exchanges.get(conn), Some(Exchange::Socket(at)) if *at == id) {
                    return Err(Violation(format!("{conn} is not at {id:?}")));
                }
            }
            let calls = [seat.call(), seat.question()];
            if calls.into_iter().flatten().any(|call| self.calls.get(call).is_none()) {
                return Err(Violation(format!("{id:?} waits for a call that is over")));
            }
        }
        let sockets = |(_, e): &(ConnId, &Exchange)| matches!(e, Exchange::Socket(_));
        match self.exchanges.iter().filter(sockets).count() == seated {
            true => Ok(()),
            false => Err(Violation("a client without a socket".to_owned())),
        }
    }

    fn waits(&self, conn: ConnId, call: CallId) -> bool {
        self.exchanges.get(conn).is_some_and(|exchange| match exchange {
            Exchange::Socket(id) => self.sockets.get(*id).and_then(Seat::question) == Some(call),
            exchange => waited(exchange).contains(&call),
        })
    }
}

/// The calls that an exchange waits for.
fn waited(exchange: &Exchange) -> Vec<CallId> {
    match exchange {
        Exchange::Asked(_) | Exchange::Collecting(_) | Exchange::Socket(_) => Vec::new(),
        Exchange::Polling(polling) => {
            let retry = match polling.retry {
                Retry::Called { call, .. } => Some(call),
                Retry::Idle | Retry::Queued | Retry::Later(_) => None,
            };
            let filter = polling.filtering.as_ref().and_then(|filtering| filtering.call);
            retry.into_iter().chain(filter).collect()
        }
        Exchange::Streaming(stream) => match stream.guide.as_ref().map(|guide| &guide.work) {
            Some(Work::Body(Body { source: Source::Call(call), .. })) => vec![*call],
            Some(Work::Asked { call, .. }) => vec![*call],
            Some(Work::Filter(filtering)) => filtering.call.into_iter().collect(),
            _ => Vec::new(),
        },
    }
}

fn subscriptions(exchange: &Exchange) -> Option<&Subscriptions> {
    match exchange {
        Exchange::Asked(_) | Exchange::Collecting(_) | Exchange::Socket(_) => None,
        Exchange::Polling(polling) => Some(polling.hold.subscriptions()),
        Exchange::Streaming(stream) => Some(&stream.subs),
    }
}
