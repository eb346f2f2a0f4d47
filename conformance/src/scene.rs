//! What a case's script works with: its own corner of the origin, fresh names, and a client at hand.

use std::{
    io,
    net::TcpListener,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use serde_json::Value;

use crate::{
    case::{Outcome, Trouble},
    peer::{
        client::{Answer, Client},
        command::{Command, Ran},
        message::{Request, ok},
        origin::{Origin, Place, Seen, Served},
        publisher::Publisher,
    },
    target::{Addresses, Proxy, Spawn},
};

/// What all scenes share.
pub(crate) struct World {
    /// Host and port of the proxy.
    pub(crate) proxy: String,
    /// Where to publish, if it is known.
    pub(crate) publisher: Option<Publisher>,
    /// The command that publishes, if there is one.
    pub(crate) command: Option<Command>,
    /// The suite's origin.
    pub(crate) origin: Origin,
    /// How to start a further proxy like the one under test, if that is known.
    pub(crate) spawn: Option<Spawn>,
    /// Makes names differ from those of earlier runs.
    pub(crate) run: String,
    /// How much longer than usual everything may take.
    pub(crate) scale: f64,
}

/// The surroundings of one case.
pub(crate) struct Scene {
    world: Arc<World>,
    name: String,
    places: AtomicU32,
    /// The case's first place at the origin.
    pub(crate) origin: Place,
}

/// How long a script waits for one thing, in seconds, unless it says otherwise.
const PATIENCE: f64 = 8.0;

/// How long a hold is given to be in force after the origin has asked for it, in seconds. Nothing that
/// a client or an origin can see tells that moment.
const SETTLE: f64 = 0.4;

impl World {
    /// A span in seconds, stretched as this run wants it.
    pub(crate) fn seconds(&self, seconds: f64) -> Duration {
        Duration::from_secs_f64(seconds * self.scale)
    }
}

impl Scene {
    /// The scene of the case with this number.
    pub(crate) fn new(world: Arc<World>, number: usize) -> Self {
        let name = format!("{}-{number}", world.run);
        let origin = world.origin.place(&name, world.seconds(PATIENCE));
        Self { world, name, places: AtomicU32::new(1), origin }
    }

    /// Another place at the origin.
    pub(crate) fn place(&self) -> Place {
        let number = self.places.fetch_add(1, Ordering::Relaxed);
        self.world.origin.place(&format!("{}-{number}", self.name), self.patience())
    }

    /// A channel name that no other case uses.
    pub(crate) fn channel(&self, name: &str) -> String {
        format!("{}-{name}", self.name)
    }

    /// A span in seconds, stretched as this run wants it.
    pub(crate) fn seconds(&self, seconds: f64) -> Duration {
        self.world.seconds(seconds)
    }

    /// Host and port of the proxy.
    pub(crate) fn proxy(&self) -> &str {
        &self.world.proxy
    }

    /// Host and port of the origin.
    pub(crate) fn origin_address(&self) -> &str {
        &self.world.origin.address
    }

    /// Starts a proxy for this case alone, and tells where it serves and where its origin has to listen; without
    /// a way to do so the case is skipped. It is up to the case to stop it.
    pub(crate) async fn own_proxy(&self) -> Outcome<(Proxy, Addresses)> {
        let none = || Trouble::Skip("the suite cannot start a proxy of its own".to_owned());
        let is_known = |spawn: &&Spawn| !matches!(spawn, Spawn::Command(_));
        let spawn = self.world.spawn.as_ref().filter(is_known).ok_or_else(none)?;
        let addresses = Addresses {
            proxy: free_address()?,
            publish: Some(free_address()?),
            origin: free_address()?,
        };
        Ok((Proxy::start(spawn, &addresses).await?, addresses))
    }

    /// Sends a request to another proxy.
    pub(crate) async fn send_to(&self, address: &str, request: &Request) -> Outcome<Client> {
        let mut client = Client::connect(address, self.patience()).await?;
        client.send(request).await?;
        Ok(client)
    }

    /// A GET for the case's first place.
    pub(crate) fn get(&self) -> Request {
        self.request("GET")
    }

    /// A GET for another place.
    pub(crate) fn get_from(&self, place: &Place) -> Request {
        Request::new("GET", &place.path, &self.world.proxy)
    }

    /// A request for the case's first place.
    pub(crate) fn request(&self, method: &str) -> Request {
        Request::new(method, &self.origin.path, &self.world.proxy)
    }

    /// A new connection to the proxy.
    pub(crate) async fn connect(&self) -> Outcome<Client> {
        Client::connect(&self.world.proxy, self.patience()).await
    }

    /// Sends a request on a new connection.
    pub(crate) async fn send(&self, request: &Request) -> Outcome<Client> {
        let mut client = self.connect().await?;
        client.send(request).await?;
        Ok(client)
    }

    /// Sends a request and waits for the answer, whoever gives it.
    pub(crate) async fn ask(&self, request: Request) -> Outcome<Answer> {
        self.send(&request).await?.answer().await
    }

    /// Sends a request, lets the origin answer it, and gives what each side saw.
    pub(crate) async fn relay(
        &self,
        request: Request,
        reply: impl Into<Vec<u8>>,
    ) -> Outcome<(Seen, Answer)> {
        let mut client = self.send(&request).await?;
        let mut asked = self.origin.asked().await?;
        let seen = asked.seen().await?;
        asked.reply(reply).await?;
        Ok((seen, client.answer().await?))
    }

    /// What the origin sees of a request.
    pub(crate) async fn forwarded(&self, request: Request) -> Outcome<Seen> {
        let (seen, answer) = self.relay(request, ok("ok\n")).await?;
        answer.status(200)?;
        Ok(seen)
    }

    /// What the client sees of a reply.
    pub(crate) async fn answered(&self, reply: impl Into<Vec<u8>>) -> Outcome<Answer> {
        Ok(self.relay(self.get(), reply).await?.1)
    }

    /// Sends a GET that the origin answers with this reply, now and at any repetition.
    pub(crate) async fn held(&self, reply: impl Into<Vec<u8>>) -> Outcome<(Client, Served)> {
        self.held_for(&self.origin, reply).await
    }

    /// Sends a GET for this place, which answers it with this reply, now and at any repetition.
    pub(crate) async fn held_for(
        &self,
        place: &Place,
        reply: impl Into<Vec<u8>>,
    ) -> Outcome<(Client, Served)> {
        let served = place.always(reply);
        let client = self.send(&self.get_from(place)).await?;
        self.settle().await;
        Ok((client, served))
    }

    /// As `held`, and reads the head and first part of the body.
    pub(crate) async fn stream(&self, reply: impl Into<Vec<u8>>, first: &str) -> Outcome<Client> {
        let (mut client, _) = self.held(reply).await?;
        let head = client.head().await?;
        crate::case::ensure(head.word(1) == "200", format_args!("the stream began with {head}"))?;
        client.content(first).await?;
        self.settle().await;
        Ok(client)
    }

    /// The publisher; without one the case is skipped.
    pub(crate) fn publisher(&self) -> Outcome<&Publisher> {
        let none = || Trouble::Skip("no publish address is given".to_owned());
        self.world.publisher.as_ref().ok_or_else(none)
    }

    /// A new connection to the publish interface.
    pub(crate) async fn publisher_client(&self) -> Outcome<Client> {
        self.publisher()?.connect(self.patience()).await
    }

    /// Sends a request to the publish interface.
    pub(crate) async fn control(&self, request: Request) -> Outcome<Answer> {
        self.publisher()?.ask(request, self.patience()).await
    }

    /// Runs the command that publishes; without one the case is skipped.
    pub(crate) async fn command(&self, arguments: &[&str]) -> Outcome<Ran> {
        match &self.world.command {
            Some(command) => command.run(arguments, self.patience()).await,
            None => Err(Trouble::Skip("no publish command is given".to_owned())),
        }
    }

    /// Publishes one item.
    pub(crate) async fn publish(&self, item: Value) -> Outcome {
        self.publish_all(Value::Array(vec![item])).await
    }

    /// Publishes a list of items.
    pub(crate) async fn publish_all(&self, items: Value) -> Outcome {
        self.publisher()?.publish(items, self.patience()).await
    }

    /// Waits until what the origin asked for is surely in force.
    pub(crate) async fn settle(&self) {
        self.pause(SETTLE).await;
    }

    /// Waits this many seconds.
    pub(crate) async fn pause(&self, seconds: f64) {
        tokio::time::sleep(self.seconds(seconds)).await;
    }

    fn patience(&self) -> Duration {
        self.world.seconds(PATIENCE)
    }
}

/// An address on this machine that nobody serves at the moment.
fn free_address() -> io::Result<String> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?.to_string())
}
