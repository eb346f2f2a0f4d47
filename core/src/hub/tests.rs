use bytes::Bytes;

use super::*;
use crate::ground::{ReceiptId, Span};
use crate::publish::{Content, StreamFormat};

/// A hub with the time, and what it has said in short words.
struct Scene {
    hub: Hub,
    now: Time,
}

impl Scene {
    fn new(limits: Limits) -> Self {
        Self { hub: Hub::new(&limits, Seed(1)), now: Time::ZERO }
    }

    /// A hub where shard 0 wants channel `c`.
    fn subscribed(limits: Limits) -> Self {
        let mut scene = Self::new(limits);
        scene.want(0, "c", true);
        scene
    }

    fn tell(&mut self, event: HubEvent) -> Vec<String> {
        let mut out = Vec::new();
        self.hub.handle(self.now, event, &mut out);
        out.iter().map(word).collect()
    }

    fn want(&mut self, shard: u16, channel: &str, wanted: bool) -> Vec<String> {
        let shard = ShardId(shard);
        self.tell(HubEvent::Interest { shard, channel: channel.into(), wanted })
    }

    /// Publishes on channel `c`: each word is an id, with `<` and the id before it if it has one.
    fn publish(&mut self, items: &str) -> Vec<String> {
        let items = items.split(' ').map(|item| on("c", item)).collect();
        self.tell(HubEvent::Publish { items })
    }

    fn forget(&mut self, id: &str) -> Vec<String> {
        self.tell(HubEvent::Forget { channel: "c".into(), id: id.into() })
    }

    /// Lets time pass, with every deadline on the way.
    fn wait(&mut self, millis: u64) -> Vec<String> {
        let end = self.now + Span::from_millis(millis);
        let mut said = Vec::new();
        while let Some(at) = self.hub.deadline().filter(|at| *at <= end) {
            self.now = at;
            said.extend(self.tell(HubEvent::Deadline));
        }
        self.now = end;
        said
    }

    fn count(&self, what: Count) -> u64 {
        self.hub.counters().of(what)
    }
}

/// `3<2` has the id 3 and the id before it 2; `-<2` has no id.
fn on(channel: &str, item: &str) -> Item {
    let (id, prev_id) = match item.split_once('<') {
        Some((id, prev_id)) => (id, Some(prev_id.to_owned())),
        None => (item, None),
    };
    let id = (id != "-").then(|| id.to_owned());
    Item { channel: channel.to_owned(), id, prev_id, ..Item::default() }
}

/// The id of what was released, in braces if it is no part of the sequence.
fn word(action: &HubAction) -> String {
    match action {
        HubAction::Release(Release::Item { item, sequenced }) => {
            let id = item.id.as_deref().unwrap_or("-");
            if *sequenced { id.to_owned() } else { format!("({id})") }
        }
        HubAction::Release(Release::Forget { channel }) => format!("forget {channel}"),
        HubAction::Release(Release::Recover(Scope::All)) => "recover".to_owned(),
        HubAction::Release(Release::Recover(Scope::Channels(channels))) => {
            channels.iter().fold("recover".to_owned(), |all, channel| all + " " + channel)
        }
        HubAction::Dropped { receipt, why } => format!("{} {}", receipt.0, why.name()),
    }
}

fn quiet() -> Limits {
    Limits { first_subscription_delay: None, ..Limits::default() }
}

fn remembering() -> Limits {
    Limits { id_ttl: Span::from_secs(60), ..quiet() }
}

const NOTHING: [&str; 0] = [];

#[test]
fn seq_1_what_went_out_to_somebody_is_a_duplicate_for_a_while() {
    let mut scene = Scene::subscribed(remembering());
    assert_eq!(scene.publish("1 1 2 - -"), ["1", "2", "-", "-"]);
    assert_eq!(scene.count(Count::Published), 5);
    assert_eq!(scene.count(Count::DuplicateItem), 1);
    let items = vec![on("d", "1")];
    assert_eq!(scene.tell(HubEvent::Publish { items }), ["(1)"], "another channel");
    scene.wait(60_000);
    assert_eq!(scene.publish("1"), ["1"]);
}

#[test]
fn seq_1_what_found_nobody_may_be_published_again() {
    let mut scene = Scene::new(remembering());
    assert_eq!(scene.publish("1 1"), ["(1)", "(1)"]);
    scene.want(0, "c", true);
    assert_eq!(scene.publish("1 1"), ["1"]);
    scene.want(0, "c", false);
    assert_eq!(scene.publish("1 2"), ["(2)"], "somebody has had it");
}

#[test]
fn seq_1_of_the_same_that_waits_twice_one_goes_out() {
    let mut scene = Scene::subscribed(remembering());
    assert_eq!(scene.publish("1 3<2 3<2 4<3"), ["1"]);
    assert_eq!(scene.publish("2<1"), ["2", "3", "4"]);
    assert_eq!(scene.count(Count::DuplicateItem), 1);
    assert_eq!(scene.publish("5<4"), ["5"], "the duplicate has changed nothing");
}

#[test]
fn seq_2_without_subscribers_or_sequence_items_go_out_at_once() {
    let mut scene = Scene::new(quiet());
    assert_eq!(scene.publish("1 3<2"), ["(1)", "(3)"]);
    scene.want(0, "c", true);
    assert_eq!(scene.publish("1"), ["1"]);
    let items = vec![Item { no_seq: true, ..on("c", "9<8") }];
    assert_eq!(scene.tell(HubEvent::Publish { items }), ["(9)"]);
    assert_eq!(scene.publish("2<1"), ["2"], "the last id is untouched");
}

#[test]
fn seq_3_what_goes_out_at_once_and_what_becomes_the_last_id() {
    let mut scene = Scene::subscribed(quiet());
    assert_eq!(scene.publish("2<1"), ["2"], "no last id");
    assert_eq!(scene.publish("3<2"), ["3"], "it is the last id");
    assert_eq!(scene.publish("7"), ["7"], "no id before it");
    assert_eq!(scene.publish("4<3"), NOTHING);
    assert_eq!(scene.publish("-"), ["-"], "unsets the last id");
    assert_eq!(scene.publish("9<8"), ["9"]);
}

#[test]
fn seq_4_the_later_of_two_with_one_predecessor_goes_out_behind_the_first_and_what_follows_that() {
    let mut scene = Scene::subscribed(quiet());
    assert_eq!(scene.publish("1 3<2 x<2 4<3 y<x"), ["1"]);
    assert_eq!(scene.publish("2<1"), ["2", "3", "4", "x", "y"]);
    assert_eq!(scene.hub.deadline(), None, "nothing waits");
}

#[test]
fn seq_4_where_too_many_wait_the_first_goes_out_early() {
    let mut scene = Scene::subscribed(Limits { reorder_items: 2, ..quiet() });
    assert_eq!(scene.publish("1 3<2 5<4"), ["1"]);
    assert_eq!(scene.count(Count::ReorderOverflow), 0);
    assert_eq!(scene.publish("7<6"), ["3"]);
    assert_eq!(scene.count(Count::ReorderOverflow), 1);
    assert_eq!(scene.publish("4<3"), ["4", "5"]);
    assert_eq!(scene.publish("6<5"), ["6", "7"]);
}

#[test]
fn seq_4_the_bytes_of_all_that_waits_are_bounded() {
    let limits = Limits { reorder_bytes: 5000, ..quiet() };
    let mut scene = Scene::subscribed(limits);
    scene.want(0, "d", true);
    let large = |channel, item| {
        let data = Bytes::from(vec![0; 2000]);
        let stream = StreamFormat::Send(Content { data, content_filters: None });
        Item { stream: Some(stream), ..on(channel, item) }
    };
    let items = vec![large("c", "1"), large("d", "1"), large("c", "3<2"), large("d", "4<2")];
    assert_eq!(scene.tell(HubEvent::Publish { items }), ["1", "1"]);
    let items = vec![large("d", "6<5")];
    assert_eq!(scene.tell(HubEvent::Publish { items }), ["3"], "the first of all");
    assert_eq!(scene.count(Count::ReorderOverflow), 1);
    assert_eq!(scene.wait(5000), ["4", "6"]);
}

#[test]
fn seq_5_what_waited_follows_in_its_order() {
    let mut scene = Scene::subscribed(quiet());
    assert_eq!(scene.publish("1 3<2"), ["1"]);
    assert_eq!(scene.publish("2<1"), ["2", "3"]);
    assert_eq!(scene.publish("6<5 5<4 4<3"), ["4", "5", "6"]);
}

#[test]
fn seq_6_each_waits_exactly_so_long_and_chains_stay_together() {
    let mut scene = Scene::subscribed(quiet());
    assert_eq!(scene.publish("1 9<8 5<4"), ["1"]);
    assert_eq!(scene.wait(1), NOTHING);
    assert_eq!(scene.publish("7<6 6<5 10<9"), NOTHING);
    assert_eq!(scene.wait(4998), NOTHING);
    assert_eq!(scene.wait(1), ["9", "10", "5", "6", "7"], "in the order in which they came");
    assert_eq!(scene.count(Count::ReorderExpired), 2);
    assert_eq!(scene.hub.deadline(), None);
    assert_eq!(scene.publish("8<7"), ["8"], "what was released is the last id");
}

#[test]
fn seq_8_when_the_last_subscriber_leaves_nothing_is_kept() {
    let mut scene = Scene::subscribed(quiet());
    scene.want(1, "c", true);
    let waiting = Item { receipt: Some(ReceiptId(5)), ..on("c", "3<2") };
    assert_eq!(scene.publish("1"), ["1"]);
    assert_eq!(scene.tell(HubEvent::Publish { items: vec![waiting] }), NOTHING);
    assert_eq!(scene.want(0, "c", false), NOTHING, "shard 1 wants it");
    assert_eq!(scene.want(1, "c", false), ["forget c", "5 item_unwanted"]);
    assert_eq!(scene.count(Count::Unwanted), 1);
    assert_eq!(scene.hub.deadline(), None);
    assert_eq!(scene.want(1, "c", true), NOTHING);
    assert_eq!(scene.publish("9<8"), ["9"], "no last id");
}

#[test]
fn seq_8_last_ids_are_bounded_and_the_least_recent_goes() {
    let mut scene = Scene::subscribed(Limits { last_ids: 2, ..quiet() });
    scene.want(0, "d", true);
    scene.want(0, "e", true);
    let items = vec![on("c", "1"), on("d", "1"), on("c", "2"), on("e", "1")];
    assert_eq!(scene.tell(HubEvent::Publish { items }), ["1", "1", "2", "1", "forget d"]);
    assert_eq!(scene.count(Count::LastIdEvicted), 1);
    let items = vec![on("c", "4<3"), on("d", "4<3")];
    assert_eq!(scene.tell(HubEvent::Publish { items }), ["4", "forget c"], "c waits, d does not");
}

#[test]
fn rel_1_a_contradicted_last_id_is_forgotten_and_what_waits_stays() {
    let mut scene = Scene::subscribed(quiet());
    assert_eq!(scene.publish("1 3<2"), ["1"]);
    assert_eq!(scene.forget("0"), NOTHING, "it is another by now");
    assert_eq!(scene.forget("1"), ["forget c"]);
    assert_eq!(scene.forget("1"), NOTHING);
    assert_eq!(scene.publish("2<x"), ["2", "3"]);
}

#[test]
fn rec_5_a_channel_recovers_a_while_after_its_first_subscription() {
    let mut scene = Scene::subscribed(Limits::default());
    assert_eq!(scene.wait(500), NOTHING);
    scene.want(1, "c", true);
    assert_eq!(scene.wait(599), NOTHING);
    assert_eq!(scene.wait(1), ["recover c"]);
    assert_eq!(scene.wait(10_000), NOTHING);
}

#[test]
fn rec_3_channels_with_first_subscriptions_at_one_time_recover_together() {
    let mut scene = Scene::subscribed(Limits::default());
    scene.want(0, "d", true);
    assert_eq!(scene.wait(1), NOTHING);
    scene.want(0, "b", true);
    assert_eq!(scene.wait(1099), ["recover b c d"]);
    assert_eq!(scene.wait(10_000), NOTHING);
}

#[test]
fn rec_7_recover_forgets_every_last_id() {
    let mut scene = Scene::subscribed(quiet());
    scene.want(0, "d", true);
    let items = vec![on("c", "1"), on("d", "1"), on("c", "3<2")];
    assert_eq!(scene.tell(HubEvent::Publish { items }), ["1", "1"]);
    assert_eq!(scene.tell(HubEvent::Recover), ["recover"]);
    let items = vec![on("c", "5<4"), on("d", "5<4")];
    assert_eq!(scene.tell(HubEvent::Publish { items }), ["5", "5"]);
    assert_eq!(scene.wait(5000), ["3"], "what waited stays");
}

#[test]
fn ctrl_16_who_wants_to_know_hears_of_what_is_dropped() {
    let mut scene = Scene::subscribed(remembering());
    let items = vec![Item { receipt: Some(ReceiptId(7)), ..on("c", "1") }];
    assert_eq!(scene.tell(HubEvent::Publish { items: items.clone() }), ["1"]);
    assert_eq!(scene.tell(HubEvent::Publish { items }), ["7 item_duplicate"]);
}
