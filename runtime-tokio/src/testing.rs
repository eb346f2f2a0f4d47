//! What unit tests have in common: a shard with an origin, clients of it, and a way to be its engine.

use std::future::Future;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use holdfast_core::engine::{Action, Actions, Config, Event};
use holdfast_core::ground::{ConnId, Limits, ShardId};
use holdfast_core::route::{Connect, Target, parse_routes};
use tokio::io::AsyncReadExt;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;
use tokio::task::{LocalSet, spawn_local};

use crate::client::serve;
use crate::hub::Mailbox;
use crate::net::tune;
use crate::shard::{Bounds, Crowd, Shard};

/// Longer than anything takes that works.
pub(crate) const PATIENCE: Duration = Duration::from_secs(10);
/// Time enough for what must not happen.
pub(crate) const A_WHILE: Duration = Duration::from_millis(200);

/// A shard, and the origin of its only route.
pub(crate) struct House {
    pub(crate) shard: Rc<Shard>,
    pub(crate) origin: TcpListener,
}

/// Runs a test in a house of its own.
pub(crate) fn run<F: Future>(test: impl FnOnce(House) -> F) {
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    let runtime = runtime.enable_all().build().expect("a runtime");
    LocalSet::new().block_on(&runtime, async { test(House::new().await).await });
}

/// What `future` comes to, which must not take long.
pub(crate) async fn soon<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(PATIENCE, future).await.expect("in time")
}

/// Reads what arrives in one go; nothing at the end of the stream.
pub(crate) async fn read(wire: &mut TcpStream) -> Vec<u8> {
    let mut bytes = vec![0; 64 << 10];
    let count = soon(wire.read(&mut bytes)).await.unwrap_or(0);
    bytes.truncate(count);
    bytes
}

/// The same as text.
pub(crate) async fn read_text(wire: &mut TcpStream) -> String {
    String::from_utf8(read(wire).await).expect("text")
}

impl House {
    async fn new() -> Self {
        let origin = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let routes = format!("* {}", origin.local_addr().expect("bound"));
        let routes = parse_routes(&routes, &mut |_| Err(String::new())).table;
        let limits = Limits { kept_body_bytes: 10, backlog_bytes: 100_000, ..Limits::default() };
        let config = Config { routes, limits, ..Config::default() };
        let connect = Duration::from_secs(2);
        let bounds = Bounds { client_idle: PATIENCE, connect, drain: PATIENCE, utf8: true };
        let mailbox = Arc::new(Mailbox::new(Arc::new(Notify::new())));
        let crowd = Arc::new(Crowd::new(100));
        let shard = Shard::new(ShardId(0), &config, bounds, crowd, mailbox);
        Self { shard, origin }
    }

    pub(crate) fn target(&self) -> Target {
        let addr = self.origin.local_addr().expect("bound");
        Connect::Tcp { host: addr.ip().to_string(), port: addr.port() }.into()
    }

    /// Lets the origin take a connection.
    pub(crate) async fn accept(&self) -> TcpStream {
        soon(self.origin.accept()).await.expect("a connection").0
    }

    /// A client that is served.
    pub(crate) async fn client(&self) -> (TcpStream, ConnId) {
        let door = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let addr = door.local_addr().expect("bound");
        let client = TcpStream::connect(addr).await.expect("connected");
        let (stream, peer) = door.accept().await.expect("accepted");
        tune(&stream);
        let conn = self.shard.admit(stream, peer.ip());
        let id = conn.id;
        spawn_local(serve(self.shard.clone(), conn));
        (client, id)
    }

    /// Puts `engine` in the place of the shard's own.
    pub(crate) fn engine(&self, engine: impl FnMut(Event, &mut Actions) + 'static) {
        self.shard.driver.stand_in.replace(Some(Box::new(engine)));
    }

    /// Does what an engine would say.
    pub(crate) fn act(&self, action: Action) {
        self.shard.act(action, &[]);
    }

    /// Takes the events of which `pick` makes something, once there are any.
    pub(crate) async fn told<T>(&self, pick: impl Fn(Event) -> Option<T>) -> Vec<T> {
        soon(async {
            loop {
                let events = self.shard.driver.told.take();
                let told: Vec<T> = events.into_iter().filter_map(&pick).collect();
                if !told.is_empty() {
                    return told;
                }
                tokio::task::yield_now().await;
            }
        })
        .await
    }
}
