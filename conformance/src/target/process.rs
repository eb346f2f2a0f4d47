//! Starting a proxy for the time of a run, and stopping it again.

use std::{
    fs, io,
    path::{Path, PathBuf},
    process::Stdio,
    sync::atomic::{AtomicU32, Ordering},
    time::Duration,
};

use tokio::{
    net::TcpStream,
    process::{Child, Command},
    time::{Instant, sleep, timeout},
};

use super::config::{self, Addresses};

/// Which proxy to start.
#[derive(Clone, Debug)]
pub(crate) enum Spawn {
    /// Whatever this shell command starts; it is configured already.
    Command(String),
    /// The Holdfast binary at this path.
    Holdfast(PathBuf),
    /// The Pushpin binary at this path, and zurl beside it where there is one.
    Pushpin(PathBuf),
}

/// A proxy that was started here.
pub(crate) struct Proxy {
    children: Vec<Child>,
    directory: PathBuf,
}

/// How long a proxy may take to start.
const START: Duration = Duration::from_secs(20);

/// How long the parts of a proxy may need to find each other once its ports are open.
const SETTLE: Duration = Duration::from_secs(1);

/// How long a proxy may take to stop before it is killed.
const STOP: Duration = Duration::from_secs(5);

impl Proxy {
    /// Starts a proxy and waits until it serves.
    pub(crate) async fn start(spawn: &Spawn, addresses: &Addresses) -> io::Result<Self> {
        static STARTED: AtomicU32 = AtomicU32::new(0);
        let number = STARTED.fetch_add(1, Ordering::Relaxed);
        let name = format!("conformance-{}-{number}", std::process::id());
        let directory = std::env::temp_dir().join(name);
        fs::create_dir_all(&directory)?;
        let mut proxy = Self { children: Vec::new(), directory };
        let started = proxy.start_children(spawn, addresses).await;
        match started {
            Ok(()) => Ok(proxy),
            Err(error) => {
                proxy.stop().await;
                Err(error)
            }
        }
    }

    /// Ends the processes and removes their files.
    pub(crate) async fn stop(mut self) {
        for child in &mut self.children {
            signal(child, "-TERM").await;
            if timeout(STOP, child.wait()).await.is_err() {
                signal(child, "-KILL").await;
                let _ = child.wait().await;
            }
        }
        // Left-over files in a temporary directory do no harm.
        let _ = fs::remove_dir_all(&self.directory);
    }

    /// Asks the processes to end.
    pub(crate) async fn terminate(&self) {
        for child in &self.children {
            signal(child, "-TERM").await;
        }
    }

    /// Gives the proxy other routes, and tells it.
    pub(crate) async fn reroute(&self, routes: &str) -> io::Result<()> {
        fs::write(self.directory.join("routes"), routes)?;
        for child in &self.children {
            // To the process alone: its helpers may know no such signal and end.
            signal_one(child, "-HUP").await;
        }
        Ok(())
    }

    async fn start_children(&mut self, spawn: &Spawn, addresses: &Addresses) -> io::Result<()> {
        match spawn {
            Spawn::Command(line) => self.run(Command::new("sh").args(["-c", line]))?,
            Spawn::Holdfast(path) => {
                let file = self.configure(addresses, "")?;
                self.run(Command::new(path).arg("--config").arg(file))?;
            }
            Spawn::Pushpin(path) => self.start_pushpin(path, addresses)?,
        }
        self.await_port(&addresses.proxy).await?;
        if let Some(publish) = &addresses.publish {
            self.await_port(publish).await?;
        }
        sleep(SETTLE).await;
        Ok(())
    }

    /// Pushpin up to 1.36 speaks to origins through a daemon of its own, zurl.
    fn start_pushpin(&mut self, path: &Path, addresses: &Addresses) -> io::Result<()> {
        let ipc = format!("ipc://{}/zurl", self.directory.display());
        let zurl = self.directory.join("zurl.conf");
        fs::write(
            &zurl,
            format!(
                "[General]\nin_spec={ipc}-in\nin_stream_spec={ipc}-in-stream\nout_spec={ipc}-out\n\
                 in_req_spec={ipc}-req\nipc_file_mode=660\ndefpolicy=allow\nallow=\ndeny=\n\
                 max_open_requests=2000\nbuffer_size=200000\ntimeout=600\nin_hwm=1000\nout_hwm=1000\n"
            ),
        )?;
        let file = self.configure(
            addresses,
            &format!(
                "zurl_out_specs={ipc}-in\nzurl_out_stream_specs={ipc}-in-stream\n\
                 zurl_in_specs={ipc}-out\n"
            ),
        )?;
        match self.run(Command::new("zurl").arg(format!("--config={}", zurl.display()))) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        self.run(Command::new(path).arg("--config").arg(file))
    }

    fn configure(&self, addresses: &Addresses, proxy_extra: &str) -> io::Result<PathBuf> {
        let file = self.directory.join("pushpin.conf");
        fs::write(&file, config::main_file(addresses, &self.directory, proxy_extra))?;
        fs::write(self.directory.join("routes"), config::routes(&addresses.origin))?;
        Ok(file)
    }

    fn run(&mut self, command: &mut Command) -> io::Result<()> {
        // A group of their own, so that a proxy's helpers end with it.
        let quiet = command.process_group(0).stdin(Stdio::null()).stdout(Stdio::null());
        self.children.push(quiet.kill_on_drop(true).spawn()?);
        Ok(())
    }

    async fn await_port(&mut self, address: &str) -> io::Result<()> {
        let until = Instant::now() + START;
        while TcpStream::connect(address).await.is_err() {
            for child in &mut self.children {
                if let Some(status) = child.try_wait()? {
                    return Err(io::Error::other(format!("the proxy ended early: {status}")));
                }
            }
            if Instant::now() > until {
                return Err(io::Error::other(format!("nothing serves {address}")));
            }
            sleep(Duration::from_millis(50)).await;
        }
        Ok(())
    }
}

/// Sends a signal to the group of a child.
async fn signal(child: &Child, name: &str) {
    if let Some(group) = child.id() {
        kill(name, &format!("-{group}")).await;
    }
}

/// Sends a signal to a child alone.
async fn signal_one(child: &Child, name: &str) {
    if let Some(process) = child.id() {
        kill(name, &process.to_string()).await;
    }
}

async fn kill(name: &str, target: &str) {
    // What is gone needs no signal.
    let _ = Command::new("kill").args([name, "--", target]).stderr(Stdio::null()).status().await;
}
