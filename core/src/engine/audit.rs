//! Whole-state invariants.

use super::{Engine, Violation};
use crate::channel::Subscriptions;
use crate::exchange::Exchange;
use crate::hold::Hold;

impl Engine {
    /// Checks the whole state against its invariants; for tests, simulation and fuzzing.
    ///
    /// The links of every subscriber list are whole; every subscription belongs to a hold; and every
    /// exchange that must end by itself has a timer armed.
    pub fn audit(&self) -> Result<(), Violation> {
        let live = self.index.audit().map_err(Violation)?;
        let held: usize = self
            .exchanges
            .iter()
            .filter_map(|(_, exchange)| subscriptions(exchange))
            .map(|subs| self.index.count(subs))
            .sum();
        if live != held {
            return Err(Violation(format!("{live} subscriptions, but holds have {held}")));
        }
        if self.wheel.len() > self.exchanges.len() {
            return Err(Violation("a timer without an exchange".to_owned()));
        }
        let timed = |exchange: &Exchange| {
            matches!(exchange, Exchange::Held(Hold::Response(_)) | Exchange::Collecting(_))
        };
        match self.exchanges.iter().find(|(conn, e)| timed(e) && !self.wheel.is_armed(conn.slot)) {
            Some((conn, _)) => Err(Violation(format!("{conn} has no timer"))),
            None => Ok(()),
        }
    }
}

fn subscriptions(exchange: &Exchange) -> Option<&Subscriptions> {
    match exchange {
        Exchange::Asked(_) | Exchange::Collecting(_) => None,
        Exchange::Opening(opening) => Some(opening.hold().subscriptions()),
        Exchange::Held(Hold::Response(hold)) => Some(hold.subscriptions()),
        Exchange::Held(Hold::Stream(hold)) => Some(hold.subscriptions()),
    }
}
