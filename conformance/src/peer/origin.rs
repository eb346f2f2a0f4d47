//! The suite's origin: one listener for all cases, which tells them apart by the path.
//!
//! Each case gets places: path prefixes of its own. A request that arrives goes, with its connection,
//! to the mailbox of its place; the case then says what happens on that connection, byte by byte. When
//! a case gives the connection back, the next request on it is awaited.

use std::{
    collections::BTreeMap,
    io,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::{
    net::TcpListener,
    sync::{Mutex as AsyncMutex, mpsc},
    task::AbortHandle,
    time::{Instant, timeout},
};

use super::{
    body::{Body, Framing},
    head::Head,
    message::reply,
    wire::{Read, Wire},
};
use crate::case::{Outcome, ensure, wrong};

/// Requests that wait at one place; more are turned away.
const WAITING_MAX: usize = 256;

/// How long an idle connection is kept.
const IDLE: Duration = Duration::from_secs(300);

/// All places, by their first path segment.
#[derive(Clone)]
pub(crate) struct Origin {
    /// Host and port, as they were given.
    pub(crate) address: String,
    places: Arc<Mutex<BTreeMap<String, mpsc::Sender<Asked>>>>,
    /// What accepts connections.
    accepting: Arc<Mutex<Option<AbortHandle>>>,
}

/// A path prefix and what arrives there.
pub(crate) struct Place {
    /// The path, with the leading slash.
    pub(crate) path: String,
    patience: Duration,
    mailbox: Arc<AsyncMutex<mpsc::Receiver<Asked>>>,
}

/// A request as the origin saw it.
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    /// Its head.
    pub(crate) head: Head,
    /// Its body, without framing.
    pub(crate) body: Vec<u8>,
    /// How the end of the body was told.
    pub(crate) framing: Framing,
}

/// A request that waits for its answer, and the connection it came on.
pub(crate) struct Asked {
    /// The request's head.
    pub(crate) head: Head,
    wire: Wire,
    body: Body,
    origin: Origin,
    patience: Duration,
}

/// A place that answers by itself, and what it saw.
pub(crate) struct Served {
    seen: Arc<Mutex<Vec<Seen>>>,
}

impl Origin {
    /// Listens until the program ends.
    pub(crate) async fn listen(address: &str) -> io::Result<Self> {
        let origin =
            Self { address: address.to_owned(), places: Arc::default(), accepting: Arc::default() };
        origin.listen_again(address).await?;
        Ok(origin)
    }

    /// Listens after it has left; its places are the same.
    pub(crate) async fn listen_again(&self, address: &str) -> io::Result<()> {
        let listener = TcpListener::bind(address).await?;
        let origin = self.clone();
        let accepting = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(origin.clone().await_request(Wire::new(stream)));
            }
        });
        *lock(&self.accepting) = Some(accepting.abort_handle());
        Ok(())
    }

    /// Refuses further connections; those that are open stay.
    pub(crate) fn leave(&self) {
        if let Some(accepting) = lock(&self.accepting).take() {
            accepting.abort();
        }
    }

    /// Opens a place; its name has to be unique.
    pub(crate) fn place(&self, name: &str, patience: Duration) -> Place {
        let (sender, mailbox) = mpsc::channel(WAITING_MAX);
        lock(&self.places).insert(name.to_owned(), sender);
        let mailbox = Arc::new(AsyncMutex::new(mailbox));
        Place { path: format!("/{name}"), patience, mailbox }
    }

    /// Waits for one request on a connection and takes it to its place.
    async fn await_request(self, mut wire: Wire) {
        let Ok(head) = wire.head(IDLE).await else { return };
        let Ok(framing) = Framing::of_request(&head) else { return };
        let name =
            head.word(1).trim_start_matches('/').split(['/', '?']).next().unwrap_or_default();
        let place = lock(&self.places).get(name).cloned();
        let patience = IDLE;
        let asked = Asked { head, wire, body: Body::new(framing), origin: self, patience };
        let unheard = match place {
            Some(place) => place.try_send(asked).err().map(|back| back.into_inner()),
            None => Some(asked),
        };
        if let Some(asked) = unheard {
            // A retry that outlived its case, say. Nobody reads the answer's outcome.
            let _ = asked.reply(reply("404 Not Found").body("no case is here\n")).await;
        }
    }
}

fn lock<T>(shared: &Mutex<T>) -> MutexGuard<'_, T> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Place {
    /// Waits for a request.
    pub(crate) async fn asked(&self) -> Outcome<Asked> {
        match self.asked_within(self.patience).await {
            Some(asked) => Ok(asked),
            None => wrong("the request did not reach the origin"),
        }
    }

    /// Waits for a request whose target is this place's path and what is given here.
    pub(crate) async fn asked_at(&self, more: &str) -> Outcome<Asked> {
        let asked = self.asked().await?;
        let (found, wanted) = (asked.head.word(1), format!("{}{more}", self.path));
        ensure(found == wanted, format_args!("{wanted} should be asked for, {found} is"))?;
        Ok(asked)
    }

    /// Waits for a request, but not longer than this.
    pub(crate) async fn asked_within(&self, span: Duration) -> Option<Asked> {
        let mut mailbox = self.mailbox.lock().await;
        let asked = timeout(span, mailbox.recv()).await.ok()??;
        Some(Asked { patience: self.patience, ..asked })
    }

    /// Requires that no request comes for a while.
    pub(crate) async fn unasked(&self, span: Duration) -> Outcome {
        match self.asked_within(span).await {
            None => Ok(()),
            Some(asked) => wrong(format_args!("{} reached the origin", asked.head)),
        }
    }

    /// From now on answers every request with the same reply.
    pub(crate) fn always(&self, reply: impl Into<Vec<u8>>) -> Served {
        let reply = reply.into();
        self.answers(move |_, _| reply.clone())
    }

    /// From now on answers every request by a function of the request and its number, from 0.
    pub(crate) fn answers<R, F>(&self, mut answer: F) -> Served
    where
        R: Into<Vec<u8>>,
        F: FnMut(&Seen, usize) -> R + Send + 'static,
    {
        let served = Served { seen: Arc::default() };
        let (seen, mailbox) = (served.seen.clone(), self.mailbox.clone());
        tokio::spawn(async move {
            let mut mailbox = mailbox.lock().await;
            while let Some(mut asked) = mailbox.recv().await {
                let Ok(request) = asked.seen().await else { continue };
                let mut seen = lock(&seen);
                let bytes = answer(&request, seen.len()).into();
                seen.push(request);
                tokio::spawn(asked.reply(bytes));
            }
        });
        served
    }
}

impl Asked {
    /// What the request says of the positions it goes on from: a text for each, sorted.
    pub(crate) fn last(&self) -> Vec<String> {
        let fields = self.head.all("Grip-Last");
        let mut each: Vec<_> = fields
            .iter()
            .flat_map(|field| field.split(','))
            .map(|one| one.trim().to_owned())
            .collect();
        each.sort();
        each
    }

    /// Requires that the request goes on from this one position.
    pub(crate) fn after(&self, channel: &str, id: &str) -> Outcome {
        let (found, wanted) = (self.last(), format!("{channel}; last-id={id}"));
        ensure(found == [&*wanted], format_args!("Grip-Last is {found:?}, should be {wanted:?}"))
    }

    /// Reads the whole body and gives the complete request.
    pub(crate) async fn seen(&mut self) -> Outcome<Seen> {
        let mut body = Vec::new();
        while !self.more(&mut body).await? {}
        Ok(Seen { head: self.head.clone(), body, framing: self.body.framing })
    }

    /// Reads what there is of the body, and tells whether that was the rest of it.
    pub(crate) async fn more(&mut self, body: &mut Vec<u8>) -> Outcome<bool> {
        let before = body.len();
        self.body.take(&mut self.wire.buffer, body)?;
        if body.len() == before && !self.body.is_done() {
            match self.wire.read_within(self.patience).await? {
                Read::More => self.body.take(&mut self.wire.buffer, body)?,
                end => return wrong(format_args!("the request's body is cut ({end:?})")),
            }
        }
        Ok(self.body.is_done())
    }

    /// Sends a whole reply; then the connection serves the next request.
    pub(crate) async fn reply(mut self, reply: impl Into<Vec<u8>>) -> Outcome {
        let reply = reply.into();
        self.write(&reply).await?;
        let head = String::from_utf8_lossy(&reply[..reply.len().min(4096)]).to_lowercase();
        if !head.contains("connection: close") && self.body.is_done() {
            self.give_back();
        }
        Ok(())
    }

    /// Sends bytes.
    pub(crate) async fn write(&mut self, bytes: impl AsRef<[u8]>) -> Outcome {
        Ok(self.wire.write(bytes.as_ref()).await?)
    }

    /// The connection, for another protocol to go on with, and how long to wait for each thing.
    pub(crate) fn into_parts(self) -> (Wire, Duration) {
        (self.wire, self.patience)
    }

    /// Lets the connection serve the next request.
    pub(crate) fn give_back(self) {
        // Boxed, since the task awaits what it is itself an answer to.
        let next: std::pin::Pin<Box<dyn Future<Output = ()> + Send>> =
            Box::pin(self.origin.await_request(self.wire));
        tokio::spawn(next);
    }

    /// Breaks the connection.
    pub(crate) fn reset(self) -> Outcome {
        Ok(self.wire.reset()?)
    }

    /// Waits until the proxy ends the connection; any bytes before that are dropped.
    pub(crate) async fn gone(&mut self) -> Outcome {
        let until = Instant::now() + self.patience;
        loop {
            let left = until.saturating_duration_since(Instant::now());
            match timeout(left, self.wire.read()).await {
                Ok(Read::More) => self.wire.buffer.clear(),
                Ok(Read::Closed | Read::Reset) => return Ok(()),
                Err(_) => return wrong("the proxy keeps its connection to the origin"),
            }
        }
    }
}

impl Seen {
    /// The request target.
    pub(crate) fn target(&self) -> &str {
        self.head.word(1)
    }
}

impl Served {
    /// The requests so far.
    pub(crate) fn seen(&self) -> Vec<Seen> {
        lock(&self.seen).clone()
    }
}
