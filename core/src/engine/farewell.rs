//! Telling a backend that a session is over (GONE-1 to GONE-3).

use bytes::Bytes;

use super::calls::Owner;
use super::{Actions, CallBody, Engine};
use crate::exchange::Place;
use crate::forward::RequestUrl;
use crate::ground::{Count, Time};

impl Engine {
    /// Calls the gone link of a session that has ended, if it has one. Nobody waits for the answer.
    pub(super) fn farewell(
        &mut self,
        now: Time,
        place: &Place,
        gone: Option<&RequestUrl>,
        out: &mut Actions,
    ) {
        let Some(url) = gone else { return };
        if self.calls.farewells >= self.config.limits.farewells {
            tracing::warn!(shard = self.shard.0, "gone link not called: too many are under way");
            return self.counters.bump(Count::FarewellsDropped);
        }
        match place.farewell(url, &self.config.policy) {
            Ok(errand) => {
                self.counters.bump(Count::Farewells);
                let body = CallBody::Bytes(Bytes::new());
                let call = self.plan_call(now, errand, body, Owner::Farewell);
                self.send_call(now, call, out);
            }
            Err(why) => {
                tracing::warn!(shard = self.shard.0, "gone link not called: {why}");
                self.counters.bump(Count::FarewellsDropped);
            }
        }
    }
}
