//! A world: the shards of one proxy, its hub, clients, origins and a publisher, and the loop that
//! lets things happen to them in the order of their time.
//!
//! A run has three phases. In the first everybody does what they like. Then nothing new begins and
//! nothing breaks, until whatever could come to an end has; what a healed world owes to those who
//! stayed is judged then. At last the clients leave, and nothing may be left of them.

use core::any::Any;
use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use holdfast_core::engine::{Config, Event};
use holdfast_core::ground::{Count, Rng, Seed, ShardId, Span, Time};
use holdfast_core::hub::HubEvent;
use holdfast_core::publish::{Item, PublishError, parse_items};
use holdfast_core::route::parse_routes;

use crate::actor::client::Client;
use crate::actor::native::Native;
use crate::actor::origin::Origin;
use crate::actor::press::Press;
use crate::actor::publisher::Publisher;
use crate::actor::talker::Talker;
use crate::adapter::Shard;
use crate::dice::span;
use crate::hub::Desk;
use crate::journal::Journal;
use crate::oracle::{Fact, Failure, Setting};
use crate::scene::{Door, Ends, Phase, Scene, Wake};
use crate::script::{Book, PREFIX};
use crate::swarm::Options;
use crate::talk::{self, Talks};
use crate::tally::Tally;
use crate::trace::{Digest, Trace};
use crate::wire::{End, LinkId, Side};

/// What came of a run.
#[derive(Debug)]
pub struct Outcome {
    /// How often what happened.
    pub tally: Tally,
    /// What was told to each shard.
    pub traces: Vec<Trace>,
    /// Of all traces.
    pub digest: Digest,
    /// What is not as it must be, if anything.
    pub failure: Option<Failure>,
}

/// Runs a world to its end, or until a ledger finds something. A panic of the core is a failure
/// like any other, so that there is a trace of what led to it.
pub fn run(options: &Options) -> Outcome {
    let mut world = World::new(options);
    let lived = catch_unwind(AssertUnwindSafe(|| world.live()));
    let failure = match lived {
        Ok(verdict) => verdict.err(),
        Err(why) => Some(Failure { ledger: "panic", at: world.scene.now, what: message(&*why) }),
    };
    world.outcome(failure)
}

fn message(why: &(dyn Any + Send)) -> String {
    let text = why.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| why.downcast_ref().cloned()).unwrap_or_default()
}

/// How long things may take to come to their end: the longest hold, a silent origin, and the
/// slowest client.
const REST: Span = Span::from_secs(120);
/// When the shards drain, if they do: after the last item has arrived.
const DRAIN: Span = Span::from_secs(30);
/// How long a closed connection takes to be noticed.
const LEAVING: Span = Span::from_secs(60);

#[derive(Debug)]
struct World {
    scene: Scene,
    shards: Vec<Shard>,
    hub: Desk,
    clients: Vec<Client>,
    talkers: Vec<Talker>,
    origins: BTreeMap<LinkId, Origin>,
    natives: BTreeMap<LinkId, Native>,
    publisher: Publisher,
    press: Press,
    configs: [Arc<Config>; 2],
    rng: Rng,
}

impl World {
    fn new(options: &Options) -> Self {
        // The options were drawn from the seed itself.
        let mut rng = Rng::new(Rng::new(Seed(options.seed)).fork());
        let limits = options.limits.clone();
        let channels = options.channels;
        let journals = options.journals.count;
        let journals = (0..journals).map(|at| Journal::new(at, options, &mut rng)).collect();
        let (book, talks) = (Book::default(), Talks::default());
        let setting = Setting { book, limits, channels, journals, talks };
        let mut scene = Scene::new(options.clone(), setting, rng.fork());
        let configs = [false, true].map(|detour| Arc::new(config(options, detour)));
        let shard = |id| Shard::new(ShardId(id), rng.fork(), &configs[0], options.sabotage);
        let shards = (0..options.shards).map(shard).collect();
        let client = |id| Client::new(id, &mut scene, rng.fork());
        let clients = (0..options.clients).map(client).collect();
        let mut world = Self {
            scene,
            shards,
            hub: Desk::new(&options.limits, rng.fork(), options.sabotage),
            clients,
            talkers: Vec::new(),
            origins: BTreeMap::new(),
            natives: BTreeMap::new(),
            publisher: Publisher::new(rng.fork()),
            press: Press::new(rng.fork()),
            configs,
            rng,
        };
        for id in 0..options.sockets.clients {
            world.talkers.push(Talker::new(id, &world.scene, world.rng.fork()));
        }
        world
    }

    fn live(&mut self) -> Result<(), Failure> {
        let options = self.scene.options.clone();
        for id in 0..options.clients {
            let start = Span::from_nanos(self.rng.below(options.length.as_nanos() / 2));
            self.scene.plan(start, Wake::Client(id));
        }
        for id in 0..options.sockets.clients {
            let start = Span::from_nanos(self.rng.below(options.length.as_nanos() / 2));
            self.scene.plan(start, Wake::Talker(id));
        }
        for client in &self.clients {
            if let Some((reader, journal)) = client.must_read() {
                self.scene.note(&Fact::Stays { reader, journal });
            }
        }
        self.scene.plan(Span::ZERO, Wake::Publish);
        for journal in 0..options.journals.count {
            self.scene.plan(Span::ZERO, Wake::Write(journal));
        }
        self.plan_recovery();
        if options.reconfigured > Span::ZERO {
            self.scene.plan(options.reconfigured, Wake::Reconfigure);
        }
        self.until(Time::ZERO + options.length)?;

        self.scene.rest();
        for client in &mut self.clients {
            client.hurry(&mut self.scene);
        }
        for talker in &mut self.talkers {
            talker.hurry(&mut self.scene);
        }
        if options.drains {
            self.scene.plan(DRAIN, Wake::Drain);
        }
        self.until(Time::ZERO + options.length + REST)?;
        for client in &mut self.clients {
            client.forgo_queued(&mut self.scene);
        }
        self.scene.note(&Fact::Rested);

        self.scene.phase = Phase::Leaving;
        for client in &mut self.clients {
            client.leave(&mut self.scene);
        }
        for talker in &mut self.talkers {
            talker.leave(&mut self.scene);
        }
        self.until(Time::ZERO + options.length + REST + LEAVING)?;
        for shard in &self.shards {
            shard.over(&mut self.scene);
        }
        self.verdict()
    }

    /// Lets everything happen that happens by `end`.
    fn until(&mut self, end: Time) -> Result<(), Failure> {
        while let Some((now, wake)) = self.scene.agenda.next(end) {
            self.scene.now = now;
            self.happen(wake);
            self.verdict()?;
        }
        self.scene.now = end;
        self.verdict()
    }

    fn verdict(&self) -> Result<(), Failure> {
        self.scene.judge().failure().map_or(Ok(()), |failure| Err(failure.clone()))
    }

    fn happen(&mut self, wake: Wake) {
        let Self { scene, shards, clients, talkers, origins, natives, .. } = self;
        match wake {
            Wake::Wire(end) => self.wire(end),
            Wake::Connected { link, refused } => self.connected(link, refused),
            Wake::Snap(link) => self.snap(link),
            Wake::Client(id) => clients[id as usize].wake(scene),
            Wake::Reads(id) => clients[id as usize].read_slowly(scene),
            Wake::Impatient(id, ask) => clients[id as usize].give_up(scene, ask),
            Wake::Origin(link) => {
                if let Some(origin) = origins.get_mut(&link) {
                    origin.wake(scene);
                } else if let Some(native) = natives.get_mut(&link) {
                    native.wake(scene);
                }
            }
            Wake::Talker(id) => talkers[id as usize].wake(scene),
            Wake::Listens(id) => talkers[id as usize].read_slowly(scene),
            Wake::Weary(id, talk) => talkers[id as usize].weary(scene, talk),
            Wake::Publish => self.publish(),
            Wake::Write(journal) => {
                if scene.phase == Phase::Live {
                    self.press.write(scene, journal);
                }
            }
            Wake::Arrive(publish) => {
                if let Some(body) = self.press.arrived(publish) {
                    self.intake(parse_items(body.as_bytes()));
                }
            }
            Wake::News(shard) => {
                if let Some(news) = shards[usize::from(shard)].take_news() {
                    scene.note(&Fact::Reported { shard: ShardId(shard), event: &news });
                    self.hub.tell(scene, shards, news);
                }
            }
            Wake::HubDeadline => self.hub.deadline(scene, shards),
            Wake::Recover => {
                if scene.phase == Phase::Live {
                    scene.tally.bump("recoveries of everything");
                    self.hub.tell(scene, shards, HubEvent::Recover);
                    self.plan_recovery();
                }
            }
            Wake::Deliver(shard) => shards[usize::from(shard)].deliver(scene),
            Wake::Deadline(shard) => shards[usize::from(shard)].deadline(scene),
            Wake::Reconfigure => self.reconfigure(),
            Wake::Drain => {
                for shard in shards {
                    shard.post(scene, Event::Drain);
                }
            }
        }
    }

    fn wire(&mut self, end: End) {
        self.scene.land(end);
        let (ends, scene) = (self.scene.ends(end.link), &mut self.scene);
        match (ends, end.side) {
            (Ends::Client { shard, .. } | Ends::Talker { shard, .. }, Side::Proxy) => {
                self.shards[usize::from(shard)].notice_client(scene, end.link);
            }
            (Ends::Client { client, .. }, Side::Peer) => {
                self.clients[client as usize].notice(scene, end.link);
            }
            (Ends::Talker { client, .. }, Side::Peer) => {
                self.talkers[client as usize].notice(scene, end.link);
            }
            (Ends::Origin { shard, .. }, Side::Proxy) => {
                self.shards[usize::from(shard)].notice_origin(scene, end.link);
            }
            (Ends::Origin { .. }, Side::Peer) => {
                if let Some(origin) = self.origins.get_mut(&end.link) {
                    origin.notice(scene);
                } else if let Some(native) = self.natives.get_mut(&end.link) {
                    native.notice(scene);
                }
            }
        }
    }

    fn connected(&mut self, link: LinkId, refused: bool) {
        let Ends::Origin { shard, door } = self.scene.ends(link) else { return };
        match door {
            _ if refused => {}
            Door::Native => {
                self.natives.insert(link, Native::new(link, self.rng.fork()));
            }
            Door::Http | Door::Dead | Door::Events => {
                self.origins.insert(link, Origin::new(link, self.rng.fork()));
            }
        }
        self.shards[usize::from(shard)].connected(&mut self.scene, link, refused);
    }

    fn snap(&mut self, link: LinkId) {
        if self.scene.phase != Phase::Live {
            return;
        }
        let scene = &mut self.scene;
        match scene.ends(link) {
            Ends::Client { client, .. } => self.clients[client as usize].troubled(scene, link),
            Ends::Talker { client, .. } => self.talkers[client as usize].troubled(scene, link),
            Ends::Origin { .. } => {}
        }
        self.scene.tally.bump("fault: link breaks");
        self.scene.snap(link);
    }

    fn publish(&mut self) {
        if self.scene.phase != Phase::Live {
            return;
        }
        let items = self.publisher.publish(&mut self.scene);
        self.intake(items);
    }

    fn intake(&mut self, items: Result<Vec<Item>, PublishError>) {
        let Self { scene, shards, hub, .. } = self;
        match items {
            Ok(items) => {
                scene.tally.add("items published", items.len() as u64);
                hub.tell(scene, shards, HubEvent::Publish { items });
            }
            Err(error) => scene.note(&Fact::Strange(format!("a publish is refused: {error}"))),
        }
    }

    fn plan_recovery(&mut self) {
        let most = self.scene.options.journals.recovered;
        if most > Span::ZERO {
            let after = span(&mut self.rng, most);
            self.scene.plan(after, Wake::Recover);
        }
    }

    fn reconfigure(&mut self) {
        if self.scene.phase != Phase::Live {
            return;
        }
        self.scene.tally.bump("reconfigurations");
        self.configs.swap(0, 1);
        for shard in &mut self.shards {
            let config = self.configs[0].clone();
            shard.post(&mut self.scene, Event::Reconfigure(config));
        }
        self.scene.plan(self.scene.options.reconfigured, Wake::Reconfigure);
    }

    fn outcome(mut self, failure: Option<Failure>) -> Outcome {
        self.scene.count_stalls();
        let mut tally = self.scene.tally;
        for shard in &self.shards {
            let counters = shard.engine().counters();
            tally.add("holds", counters.of(Count::HoldsBegun));
            tally.add("long-polls timed out", counters.of(Count::HoldsTimedOut));
            tally.add("slow clients cut", counters.of(Count::SlowClient));
            tally.add("long-polls asked again", counters.of(Count::Retries));
            tally.add("gaps", counters.of(Count::Gap));
            tally.add("pages shared", counters.of(Count::PagesShared));
            tally.add("recoveries that failed", counters.of(Count::RecoveryFailed));
            tally.add("farewells", counters.of(Count::Farewells));
            tally.add("items left out for slow clients", counters.of(Count::Lagged));
            tally.add("events for those who are gone", counters.of(Count::StaleEvent));
            for (what, count) in SOCKETS {
                tally.add(what, counters.of(count));
            }
        }
        let counters = self.hub.hub().counters();
        tally.add("duplicate items", counters.of(Count::DuplicateItem));
        tally.add("items that waited in vain", counters.of(Count::ReorderExpired));
        tally.add("items that nobody wanted any more", counters.of(Count::Unwanted));
        tally.bump("runs");
        let traces: Vec<_> = self.shards.into_iter().map(Shard::into_trace).collect();
        let mut digest = Digest::default();
        for trace in &traces {
            digest.add(format_args!("{} {};", trace.digest, trace.events.len()));
        }
        tally.add("events", traces.iter().map(|trace| trace.events.len() as u64).sum());
        Outcome { tally, traces, digest, failure }
    }
}

/// What is counted of WebSockets.
const SOCKETS: [(&str, Count); 6] = [
    ("WebSockets that failed", Count::SocketFailed),
    ("WebSockets that were silent for too long", Count::SocketIdle),
    ("requests with events made again", Count::RetriedEvents),
    ("closes that were not answered", Count::CloseUnanswered),
    ("words of clients that nobody heard", Count::ClientUnheard),
    ("subscriptions beyond the limit", Count::ChannelLimit),
];

/// Three ways: to the origin, to it after a target that refuses, and to one that refuses. `detour`
/// makes the first one like the second.
fn config(options: &Options, detour: bool) -> Config {
    let first = if detour { "dead.sim:81 " } else { "" };
    let mut routes = format!(
        "*,path_beg=/a/,prefix={PREFIX} {first}origin.sim:80\n\
         *,path_beg=/b/,prefix={PREFIX} dead.sim:81 origin.sim:80\n\
         *,path_beg=/c/,prefix={PREFIX} dead.sim:81\n"
    );
    if options.sockets.clients > 0 {
        routes += &talk::routes(PREFIX);
    }
    let loaded = parse_routes(&routes, &mut |path| Err(path.to_owned()));
    Config { routes: loaded.table, limits: options.limits.clone(), ..Config::default() }
}
