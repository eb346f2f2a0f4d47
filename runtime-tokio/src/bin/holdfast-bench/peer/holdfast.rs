//! Holdfast, with a shard a core.

use std::path::PathBuf;
use std::process::Child;
use std::{fs, io};

use holdfast::config::{Options, Settings, Source, load};
use holdfast::{allocator, run_with};

use super::Site;
use crate::sys;

pub const SETTINGS: &str = "workers=1 (scaling: and 2), client_maxconn=100000, message_rate and message_hwm unlimited (default)";

pub fn start(site: &Site) -> io::Result<Child> {
    let config = format!(
        "[runner]\nhttp_port={}\nclient_maxconn=100000\nlog_level=1\n\
         [proxy]\nroutesfile=routes\nworkers={}\n\
         [handler]\npush_in_http_addr={}\npush_in_http_port={}\n",
        site.http,
        site.cores.count(),
        site.publish.ip(),
        site.publish.port(),
    );
    fs::write(site.directory.join("holdfast.conf"), config)?;
    fs::write(site.directory.join("routes"), super::routes(site))?;
    let program = std::env::current_exe()?;
    let config = site.directory.join("holdfast.conf");
    sys::spawn_server(
        site.cores,
        &program.to_string_lossy(),
        &["holdfast", "--config", &config.to_string_lossy()],
    )
}

/// Is the proxy: what the binary `holdfast` does with a configuration file.
pub fn serve(config: PathBuf) -> io::Result<()> {
    let options = Options { source: Source::File(config), ..Options::default() };
    let loaded = load(&options).map_err(io::Error::other)?;
    let settings = Settings { upkeep: allocator::empty_cache, ..loaded.settings };
    run_with(settings, |_| {}, |_| None).map_err(io::Error::other)
}
