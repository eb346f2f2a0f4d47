//! The life of the process: start, signals, end.

use std::process;
use std::time::Duration;

use holdfast_core::engine::Config;
use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::config::Settings;
use crate::plan::StartError;
use crate::proxy::Proxy;

/// How often the sources of the configuration are looked at.
const LOOK: Duration = Duration::from_secs(1);
/// What a shell makes of a process that died of SIGINT.
const INTERRUPTED: i32 = 130;

/// Why the configuration is looked at again.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Occasion {
    /// SIGHUP: load it in any case.
    Hangup,
    /// A second has passed: load it if its sources have changed.
    Tick,
}

/// Runs a proxy until the process is told to stop by SIGTERM or SIGINT; a second signal ends it at once.
/// `announce` is called when it serves. `reload` is asked for a new configuration whenever there may be one; what it does takes its time from nothing
/// but the signals.
pub fn run_with(
    settings: Settings,
    announce: impl FnOnce(&Proxy),
    mut reload: impl FnMut(Occasion) -> Option<Config>,
) -> Result<(), StartError> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let mut signals = runtime.block_on(async { Signals::new() })?;
    let mut proxy = Proxy::start(settings)?;
    tracing::info!("{}", ready(&proxy));
    announce(&proxy);
    runtime.block_on(async {
        let ended = signals.obey(&mut proxy, &mut reload).await;
        tracing::info!("stopping");
        proxy.begin_stop();
        match ended {
            Some(thread) => Err(StartError::Failed(thread)),
            None => {
                signals.last_words(&mut proxy).await;
                proxy.stop()
            }
        }
    })
}

fn ready(proxy: &Proxy) -> String {
    let addrs: Vec<_> = proxy.http_addrs().iter().map(ToString::to_string).collect();
    let http = addrs.join(", ");
    match proxy.publish_addr() {
        Some(publish) => format!("ready: http on {http}, publish on {publish}"),
        None => format!("ready: http on {http}"),
    }
}

struct Signals {
    interrupt: Signal,
    terminate: Signal,
    hangup: Signal,
}

impl Signals {
    fn new() -> std::io::Result<Self> {
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
            hangup: signal(SignalKind::hangup())?,
        })
    }

    /// Until it is time to stop, or a thread has failed: then it is named.
    async fn obey(
        &mut self,
        proxy: &mut Proxy,
        reload: &mut impl FnMut(Occasion) -> Option<Config>,
    ) -> Option<String> {
        let mut look = tokio::time::interval(LOOK);
        loop {
            let occasion = tokio::select! {
                biased;
                _ = self.interrupt.recv() => return None,
                _ = self.terminate.recv() => return None,
                exited = proxy.exited() => return exited,
                _ = self.hangup.recv() => Occasion::Hangup,
                _ = look.tick() => Occasion::Tick,
            };
            if let Some(config) = reload(occasion) {
                proxy.reconfigure(config);
            }
        }
    }

    /// Until all threads have ended.
    async fn last_words(&mut self, proxy: &mut Proxy) {
        loop {
            tokio::select! {
                biased;
                _ = self.interrupt.recv() => process::exit(INTERRUPTED),
                _ = self.terminate.recv() => process::exit(INTERRUPTED),
                exited = proxy.exited() => if exited.is_none() { return },
            }
        }
    }
}
