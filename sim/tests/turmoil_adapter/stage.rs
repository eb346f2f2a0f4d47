//! A simulation with a proxy in it, and the log of what its peers saw.

use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;
use std::future::Future;
use std::net::{Ipv4Addr, SocketAddr};
use std::panic;
use std::rc::Rc;
use std::sync::Once;
use std::time::{Duration, SystemTime};

use holdfast_core::engine::Config;
use holdfast_core::route::parse_routes;
use holdfast_turmoil::Proxy;
use holdfast_turmoil::config::{PublishListener, Settings};
use tokio::sync::Notify;
use turmoil::{Builder, Result, Sim};

/// Where clients are served, and where publishers.
pub const DOOR: (&str, u16) = ("proxy", 80);
pub const PUBLISH: (&str, u16) = ("proxy", 5561);
/// The slowest that anything travels.
pub const SLOW: Duration = Duration::from_millis(40);
/// Longer than a request and its answer take, with whatever they lead to at a backend.
pub const SETTLED: Duration = Duration::from_millis(500);
/// No scenario lasts longer.
const LENGTH: Duration = Duration::from_secs(200);

/// A simulation.
pub struct Stage {
    pub sim: Sim<'static>,
    pub log: Log,
    /// What somebody may wait for.
    pub cue: Rc<Notify>,
    pub seed: u64,
    stop: Rc<Notify>,
}

/// What happened, to whom, and when.
#[derive(Clone, Default)]
pub struct Log(Rc<RefCell<Vec<Entry>>>);

#[derive(Clone, PartialEq, Eq, Debug)]
struct Entry {
    at: Duration,
    who: String,
    what: String,
}

/// Plays a scenario with some seeds, twice each, for both must be the same; `check` gets what happened.
pub fn play(scenario: impl Fn(&mut Stage), check: impl Fn(&Log)) {
    for seed in 1..=3 {
        let log = once(seed, &scenario);
        let entries = log.0.borrow().clone();
        assert_eq!(*once(seed, &scenario).0.borrow(), entries, "seed {seed}: not the same twice");
        println!("seed {seed}: {entries:#?}");
        check(&log);
    }
}

fn once(seed: u64, scenario: impl Fn(&mut Stage)) -> Log {
    count_panics();
    let before = PANICS.get();
    let mut stage = Stage::new(seed);
    scenario(&mut stage);
    let log = stage.log.clone();
    drop(stage);
    // A task that panics takes nobody with it, so that it is not seen otherwise.
    assert_eq!(PANICS.get(), before, "seed {seed}: a task has panicked");
    log
}

thread_local! {
    static PANICS: Cell<usize> = const { Cell::new(0) };
}

/// Counts the panics of each thread; a test is a thread.
fn count_panics() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let report = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            PANICS.set(PANICS.get() + 1);
            report(info);
        }));
    });
}

impl Stage {
    fn new(seed: u64) -> Self {
        let sim = Builder::new()
            .rng_seed(seed)
            .epoch(SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_000))
            .min_message_latency(Duration::from_millis(1))
            .max_message_latency(SLOW)
            .tick_duration(Duration::from_millis(2))
            .simulation_duration(LENGTH)
            .enable_random_order()
            .build();
        Self { sim, log: Log::default(), cue: Rc::default(), seed, stop: Rc::default() }
    }

    /// Puts a proxy there, with one shard or two.
    pub fn proxy(&mut self, routes: &str) {
        self.proxy_with(routes, |_| {});
    }

    pub fn proxy_with(&mut self, routes: &str, change: impl FnOnce(&mut Settings)) {
        let mut settings = settings(routes);
        settings.workers = 1 + (self.seed % 2) as usize;
        change(&mut settings);
        let (seed, stop, log) = (self.seed, self.stop.clone(), self.log.clone());
        self.sim.host(DOOR.0, move || {
            let (settings, stop, log) = (settings.clone(), stop.clone(), log.clone());
            async move {
                let proxy = Proxy::start(settings, seed)?;
                stop.notified().await;
                proxy.stop().await?;
                log.note("proxy", "stopped");
                Ok(())
            }
        });
    }

    /// Tells the proxy to stop.
    pub fn stop(&self) {
        self.stop.notify_one();
    }

    /// Tells whoever waits for it to go on.
    pub fn cue(&self) {
        self.cue.notify_one();
    }

    /// Puts a host there that can crash and come back.
    pub fn host<F: Future<Output = Result> + 'static>(
        &mut self,
        name: &str,
        life: impl Fn(Log) -> F + 'static,
    ) {
        let log = self.log.clone();
        self.sim.host(name, move || life(log.clone()));
    }

    /// Puts somebody there whose end [`Self::finish`] waits for.
    pub fn client<F: Future<Output = Result> + 'static>(
        &mut self,
        name: &str,
        life: impl FnOnce(Log) -> F,
    ) {
        let life = life(self.log.clone());
        self.sim.client(name, life);
    }

    /// Goes on until all clients are done.
    pub fn finish(&mut self) {
        self.sim.run().expect("done in time");
    }

    /// Goes on until `who` has seen `what` so many times.
    pub fn until(&mut self, who: &str, what: &str, times: usize) {
        while self.log.count(who, what) < times {
            assert!(self.sim.elapsed() < LENGTH, "{who} never sees {what}: {:#?}", self.log.0);
            self.sim.step().expect("nobody fails");
        }
    }

    /// Goes on for some time.
    pub fn pass(&mut self, time: Duration) {
        let end = self.sim.elapsed() + time;
        while self.sim.elapsed() < end {
            self.sim.step().expect("nobody fails");
        }
    }
}

fn settings(routes: &str) -> Settings {
    let routes = parse_routes(routes, &mut |file| Err(file.to_owned()));
    assert!(routes.errors.is_empty(), "{:?}", routes.errors);
    let everywhere = |port| SocketAddr::from((Ipv4Addr::UNSPECIFIED, port));
    let listener =
        PublishListener { addr: everywhere(PUBLISH.1), max_headers: 10_000, max_body: 1_000_000 };
    Settings {
        listeners: vec![everywhere(DOOR.1)],
        publish: Some(listener),
        core: Config { routes: routes.table, ..Config::default() },
        ..Settings::default()
    }
}

impl Log {
    pub fn note(&self, who: &str, what: impl Into<String>) {
        let at = turmoil::sim_elapsed().expect("on a host");
        self.0.borrow_mut().push(Entry { at, who: who.to_owned(), what: what.into() });
    }

    /// All that one of them saw.
    pub fn of(&self, who: &str) -> Vec<String> {
        let entries = self.0.borrow();
        entries.iter().filter(|entry| entry.who == who).map(|entry| entry.what.clone()).collect()
    }

    /// All whose names begin so.
    pub fn everybody_like(&self, start: &str) -> BTreeSet<String> {
        let entries = self.0.borrow();
        let names = entries.iter().map(|entry| entry.who.clone());
        names.filter(|name| name.starts_with(start)).collect()
    }

    /// What one of them saw of one kind.
    pub fn of_kind(&self, who: &str, start: &str) -> Vec<String> {
        let mut seen = self.of(who);
        seen.retain(|what| what.starts_with(start));
        seen
    }

    pub fn count(&self, who: &str, what: &str) -> usize {
        self.of(who).iter().filter(|seen| *seen == what).count()
    }

    /// When one of them saw something for the first time.
    pub fn when(&self, who: &str, what: &str) -> Duration {
        let entries = self.0.borrow();
        let seen = entries.iter().find(|entry| entry.who == who && entry.what == what);
        seen.unwrap_or_else(|| panic!("{who} never saw {what}")).at
    }
}
