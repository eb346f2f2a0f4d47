//! When all clients have left, nothing is left of them.

use holdfast_core::ground::Time;

use super::{Fact, Ledger, Setting, ensure};
use crate::script::PREFIX;

#[derive(Debug)]
pub(super) struct Emptiness;

impl Ledger for Emptiness {
    fn name(&self) -> &'static str {
        "emptiness"
    }

    fn see(&mut self, _: Time, fact: &Fact<'_>, setting: &Setting) -> Result<(), String> {
        let Fact::Over { shard, engine, conns } = fact else { return Ok(()) };
        let subscribers: usize =
            (0..setting.channels).map(|at| engine.subscribers(&format!("{PREFIX}{at}"))).sum();
        let left = [engine.exchanges(), engine.sockets(), subscribers, *conns];
        ensure(left == [0; 4] && engine.deadline().is_none(), || {
            let what = "exchanges, WebSockets, subscriptions, connections";
            format!("shard {}: {what} left: {left:?}", shard.0)
        })
    }
}
