//! The servers under test, each started fresh with its throttles lifted.

mod ceiling;
mod holdfast;
mod nginx;
mod pushpin;

use std::net::{SocketAddr, TcpStream};
use std::process::Child;
use std::time::{Duration, Instant};
use std::{fs, io, path::PathBuf};

pub use ceiling::{hello, writes};
pub use holdfast::serve;

use crate::sys;

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
    pub fn start(self, origin: SocketAddr) -> io::Result<Running> {
        let port = || -> io::Result<SocketAddr> {
            std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()
        };
        let directory = std::env::temp_dir().join(format!("holdfast-bench-{}", std::process::id()));
        let _ = fs::remove_dir_all(&directory);
        fs::create_dir_all(&directory)?;
        let site = Site { directory, http: port()?, publish: port()?, origin };
        let (child, publish) = match self {
            Self::Holdfast => (holdfast::start(&site)?, site.publish),
            Self::Pushpin => (pushpin::start(&site)?, site.publish),
            Self::Nginx | Self::Nchan => (nginx::start(&site)?, site.http),
            Self::Ceiling => (ceiling::start(&site)?, site.http),
        };
        let running =
            Running { peer: self, http: site.http, publish, child, directory: site.directory };
        for addr in [running.http, running.publish] {
            await_port(addr)?;
        }
        // Pushpin's processes find each other a moment after its ports are open.
        std::thread::sleep(Duration::from_millis(if self == Self::Pushpin { 1500 } else { 200 }));
        Ok(running)
    }
}

impl Running {
    /// Memory of all its processes, in bytes.
    pub fn pss(&self) -> u64 {
        sys::pss(self.child.id())
    }

    /// The request that opens a stream on `channel`.
    pub fn stream_request(&self, channel: &str) -> String {
        match self.peer {
            Peer::Nchan => {
                format!("GET /sub/{channel} HTTP/1.1\r\nHost: bench\r\nTE: chunked\r\n\r\n")
            }
            _ => format!("GET /stream/{channel} HTTP/1.1\r\nHost: bench\r\n\r\n"),
        }
    }

    /// The request that opens a long-poll on `channel`.
    pub fn poll_request(&self, channel: &str) -> String {
        match self.peer {
            Peer::Nchan => format!("GET /sub/{channel} HTTP/1.1\r\nHost: bench\r\n\r\n"),
            _ => format!("GET /poll/{channel} HTTP/1.1\r\nHost: bench\r\n\r\n"),
        }
    }

    /// The request that publishes `content` on `channel` to streams and long-polls.
    pub fn publish_request(&self, channel: &str, content: &str) -> String {
        let (path, body) = match self.peer {
            Peer::Nchan => (format!("/pub/{channel}"), content.to_owned()),
            _ => (
                "/publish/".to_owned(),
                format!(
                    r#"{{"items":[{{"channel":"{channel}","http-stream":{{"content":"{content}"}},"http-response":{{"body":"{content}"}}}}]}}"#
                ),
            ),
        };
        format!(
            "POST {path} HTTP/1.1\r\nHost: bench\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        )
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        sys::stop(&mut self.child);
        let _ = fs::remove_dir_all(&self.directory);
    }
}

fn await_port(addr: SocketAddr) -> io::Result<()> {
    let deadline = Instant::now() + Duration::from_secs(10);
    loop {
        match TcpStream::connect_timeout(&addr, Duration::from_millis(200)) {
            Ok(_) => return Ok(()),
            Err(error) if Instant::now() > deadline => return Err(error),
            Err(_) => std::thread::sleep(Duration::from_millis(50)),
        }
    }
}
