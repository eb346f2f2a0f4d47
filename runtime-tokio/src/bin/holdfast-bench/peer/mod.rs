//! The servers under test, each started fresh with its throttles lifted.

mod ceiling;
mod holdfast;
mod nginx;
mod pushpin;
mod words;

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::process::Child;
use std::time::{Duration, Instant};
use std::{fs, io, path::PathBuf};

pub use ceiling::{hello, writes};
pub use holdfast::serve;
pub use words::Hold;

use crate::sys::{self, Cores};

/// A kind of server.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, clap::ValueEnum)]
pub enum Peer {
    /// The proxy this benchmark belongs to.
    Holdfast,
    /// Debian's Pushpin.
    Pushpin,
    /// nginx as a plain reverse proxy.
    Nginx,
    /// nginx with its nchan module.
    Nchan,
    /// A bare loop: what the machine allows.
    Ceiling,
}

/// A server that runs.
pub struct Running {
    /// Which.
    pub peer: Peer,
    /// Where it serves clients.
    pub http: SocketAddr,
    /// Where it takes publishes.
    pub publish: SocketAddr,
    child: Child,
    directory: PathBuf,
}

/// What a server is started with.
pub struct Site {
    /// Its configuration and run-time files.
    pub directory: PathBuf,
    /// Its ports.
    pub http: SocketAddr,
    /// Its ports.
    pub publish: SocketAddr,
    /// The backend.
    pub origin: SocketAddr,
    /// Where it runs.
    pub cores: Cores,
}

impl Peer {
    /// Its name in tables.
    pub fn name(self) -> &'static str {
        match self {
            Self::Holdfast => "Holdfast",
            Self::Pushpin => "Pushpin",
            Self::Nginx => "nginx",
            Self::Nchan => "nchan",
            Self::Ceiling => "ceiling",
        }
    }

    /// The settings that lift its throttles, for the reader of the table.
    pub fn settings(self) -> &'static str {
        match self {
            Self::Holdfast => holdfast::SETTINGS,
            Self::Pushpin => pushpin::SETTINGS,
            Self::Nginx | Self::Nchan => nginx::SETTINGS,
            Self::Ceiling => "one epoll loop, fixed answer; one loop of writes",
        }
    }

    /// Starts it in front of `origin` and waits until it serves.
    pub fn start(self, origin: SocketAddr, cores: Cores) -> io::Result<Running> {
        let port = || -> io::Result<SocketAddr> {
            std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()
        };
        let directory = std::env::temp_dir().join(format!("holdfast-bench-{}", std::process::id()));
        let _ = fs::remove_dir_all(&directory);
        fs::create_dir_all(&directory)?;
        let site = Site { directory, http: port()?, publish: port()?, origin, cores };
        let (child, publish) = match self {
            Self::Holdfast => (holdfast::start(&site)?, site.publish),
            Self::Pushpin => (pushpin::start(&site)?, site.publish),
            Self::Nginx | Self::Nchan => (nginx::start(&site)?, site.http),
            Self::Ceiling => (ceiling::start(&site)?, site.http),
        };
        let running =
            Running { peer: self, http: site.http, publish, child, directory: site.directory };
        await_answer(running.http)?;
        await_port(running.publish)?;
        // Pushpin's processes find each other a moment after they have begun to answer.
        std::thread::sleep(Duration::from_millis(if self == Self::Pushpin { 500 } else { 100 }));
        Ok(running)
    }
}

impl Running {
    /// Memory of all its processes, in bytes.
    pub fn memory(&self) -> u64 {
        sys::memory(self.child.id())
    }

    /// The time all its processes have had on a CPU.
    pub fn cpu(&self) -> Duration {
        sys::cpu(self.child.id())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        sys::stop(&mut self.child);
        let _ = fs::remove_dir_all(&self.directory);
    }
}

fn await_port(addr: SocketAddr) -> io::Result<()> {
    patiently(|| TcpStream::connect_timeout(&addr, Duration::from_millis(200)).map(drop))
}

/// Waits until the server passes a request on and the answer back.
fn await_answer(addr: SocketAddr) -> io::Result<()> {
    patiently(|| {
        let mut stream = TcpStream::connect_timeout(&addr, Duration::from_millis(200))?;
        stream.set_read_timeout(Some(Duration::from_secs(1)))?;
        stream.write_all(b"GET /plain/1 HTTP/1.1\r\nHost: bench\r\n\r\n")?;
        let mut begin = [0; 12];
        stream.read_exact(&mut begin)?;
        match &begin {
            b"HTTP/1.1 200" => Ok(()),
            other => Err(io::Error::other(String::from_utf8_lossy(other).into_owned())),
        }
    })
}

fn patiently(step: impl Fn() -> io::Result<()>) -> io::Result<()> {
    let deadline = Instant::now() + Duration::from_secs(10);
    loop {
        match step() {
            Err(_) if Instant::now() < deadline => std::thread::sleep(Duration::from_millis(50)),
            done => return done,
        }
    }
}

/// The routes of a GRIP proxy: one path is WebSocket-over-HTTP, and the rest goes as it comes.
fn routes(site: &Site) -> String {
    format!("*,path_beg=/woh {0},over_http\n* {0}\n", site.origin)
}
