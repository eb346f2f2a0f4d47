//! A hub that breaks a rule.

use holdfast_core::ground::{Limits, Span};
use holdfast_core::hub::{HubAction, HubEvent};
use holdfast_core::publish::Release;

use crate::sabotage::Sabotage;

#[derive(Debug)]
pub(crate) struct BadHub {
    rule: Option<Sabotage>,
    /// What it should have said.
    kept: Vec<HubAction>,
}

impl BadHub {
    pub(crate) fn new(rule: Option<Sabotage>) -> Self {
        Self { rule, kept: Vec::new() }
    }

    /// The bounds that it keeps.
    pub(crate) fn limits(&self, limits: &Limits) -> Limits {
        let mut limits = limits.clone();
        match self.rule {
            Some(Sabotage::ForgetIds) => limits.id_ttl = Span::ZERO,
            Some(Sabotage::WaitInVain) => limits.message_wait = Span::from_secs(100),
            Some(Sabotage::WaitUncounted) => limits.reorder_items = usize::MAX,
            Some(Sabotage::IgnoreFirst) => limits.first_subscription_delay = None,
            _ => {}
        }
        limits
    }

    /// What it hears of what happens.
    pub(crate) fn hears(&self, mut event: HubEvent) -> Option<HubEvent> {
        match (self.rule, &mut event) {
            (Some(Sabotage::SequenceAll), HubEvent::Publish { items }) => {
                for item in items {
                    item.no_seq = false;
                }
            }
            (Some(Sabotage::SequenceStreams), HubEvent::Publish { items }) => {
                for item in items {
                    item.no_seq |= item.stream.is_none();
                }
            }
            (Some(Sabotage::StayWanted), HubEvent::Interest { wanted: false, .. })
            | (Some(Sabotage::TrustLast), HubEvent::Forget { .. })
            | (Some(Sabotage::IgnoreRecover), HubEvent::Recover) => return None,
            _ => {}
        }
        Some(event)
    }

    /// What of its words comes out.
    pub(crate) fn says(&mut self, mut actions: Vec<HubAction>) -> Vec<HubAction> {
        match self.rule {
            Some(Sabotage::ReleaseTwice) => {
                let item = |action: &&HubAction| {
                    matches!(action, HubAction::Release(Release::Item { .. }))
                };
                actions.extend(actions.iter().find(item).cloned());
            }
            Some(Sabotage::ReleaseLate) => core::mem::swap(&mut self.kept, &mut actions),
            Some(Sabotage::ReleaseBackwards) => actions.reverse(),
            _ => {}
        }
        actions
    }
}
