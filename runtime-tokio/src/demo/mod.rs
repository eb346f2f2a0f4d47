//! The demo backend: a counter that many browsers watch, served by an ordinary small HTTP server.
//!
//! It is a backend like any other: the proxy reaches it over loopback, it never holds a connection open
//! for a browser, and what it wants held it says with `Grip-` fields. When the counter changes it posts
//! one item to the proxy's publish API.
//!
//! ```text
//! browser  <-- held open -->  Holdfast  <-- short requests -->  demo backend
//!                                ^                                    |
//!                                +---- POST /publish/ (one item) -----+
//! ```
//!
//! `counter` is the application, `socket` what it says over WebSockets, `app` gives them paths and keeps the
//! `journal` that the page shows, `publisher` talks to the publish API, and `server` serves.

mod app;
mod counter;
mod journal;
mod publisher;
mod server;
mod socket;

use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener};
use std::thread;

use tokio::sync::oneshot;

use publisher::PublishUrl;

/// Where the demo backend listens and where it publishes.
#[derive(Clone, Debug)]
pub struct DemoOptions {
    /// The address to listen on. If its port is taken, any free port of the same address.
    pub backend: SocketAddr,
    /// The proxy's publish API, such as `http://127.0.0.1:5561/publish/`.
    pub publish_url: String,
}

/// A running demo backend. It stops when this is dropped.
#[derive(Debug)]
#[must_use = "the demo backend stops when its handle is dropped"]
pub struct DemoHandle {
    /// Where it listens: what the proxy's route must name.
    pub addr: SocketAddr,
    _stop: oneshot::Sender<()>,
}

/// Starts the demo backend on a thread of its own. When this returns, it listens.
///
/// # Errors
/// The publish URL is not a plain `http://` URL, or no port can be bound.
pub fn start(options: DemoOptions) -> io::Result<DemoHandle> {
    let publish = PublishUrl::parse(&options.publish_url)
        .map_err(|why| io::Error::new(io::ErrorKind::InvalidInput, why))?;
    let listener = bind(options.backend)?;
    listener.set_nonblocking(true)?;
    let addr = listener.local_addr()?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let (stop, stopped) = oneshot::channel();
    thread::Builder::new().name("demo".into()).spawn(move || {
        if let Err(why) = server::run(&runtime, listener, publish, stopped) {
            tracing::error!(%addr, "the demo backend stopped: {why}");
        }
    })?;
    Ok(DemoHandle { addr, _stop: stop })
}

impl DemoHandle {
    /// The line of a routes file that puts a proxy before it; its WebSockets come over HTTP.
    pub fn route(&self) -> String {
        format!("* {},over_http", self.addr)
    }
}

/// What to tell the user in the terminal once the proxy listens on `http_addr`.
pub fn banner(http_addr: SocketAddr) -> String {
    let at = reachable(http_addr);
    format!(
        "\n\
         Holdfast demo: a counter that every window sees change\n\
         \n  \
           open it     http://{at}/   (in two windows, side by side)\n  \
           watch it    curl -N http://{at}/counter/events/\n  \
           raise it    curl -X POST http://{at}/counter/value/\n\
         \n\
         Ctrl-C stops it.\n"
    )
}

fn bind(wanted: SocketAddr) -> io::Result<TcpListener> {
    match TcpListener::bind(wanted) {
        Err(why) if why.kind() == io::ErrorKind::AddrInUse => {
            TcpListener::bind(SocketAddr::new(wanted.ip(), 0))
        }
        other => other,
    }
}

/// An address that a browser on this machine can open: a listener on "any" is reached over loopback.
fn reachable(addr: SocketAddr) -> SocketAddr {
    match addr {
        SocketAddr::V4(v4) if v4.ip().is_unspecified() => {
            SocketAddr::new(Ipv4Addr::LOCALHOST.into(), v4.port())
        }
        SocketAddr::V6(v6) if v6.ip().is_unspecified() => {
            SocketAddr::new(Ipv6Addr::LOCALHOST.into(), v6.port())
        }
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_banner_names_an_address_a_browser_can_open() {
        let any = banner("0.0.0.0:7999".parse().expect("an address"));
        assert!(any.contains("http://127.0.0.1:7999/"), "{any}");
        let any = banner("[::]:80".parse().expect("an address"));
        assert!(any.contains("http://[::1]:80/counter/events/"), "{any}");
    }
}
