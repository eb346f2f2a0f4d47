//! From a file and the command line to settings (CONF-6 to CONF-21).

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::Duration;

use holdfast_core::forward::{LinkHosts, Policy, XffRule};
use holdfast_core::ground::{Limits, Span};
use tracing::level_filters::LevelFilter;

use super::keys::{Key, key};
use super::routes::{RoutesSource, Watch, key_of};
use super::values::{ConfigError, Problem, Values, beside};
use super::{PublishListener, Settings, bounds, text};
use crate::clock::span;

/// What the command line says about the configuration.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// Where the keys come from.
    pub source: Source,
    /// `--route`, in order; any of them replaces the routes file.
    pub routes: Vec<String>,
    /// `--port`: the one listener, instead of all configured ones.
    pub port: Option<SocketAddr>,
    /// `--id`: its tenfold is the port offset, whatever the file says (CONF-21).
    pub id: Option<u16>,
}

/// Where the keys come from.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub enum Source {
    /// The first file that is there, among the places where one is looked for (CONF-8).
    #[default]
    Search,
    /// This file.
    File(PathBuf),
    /// No file: clients on port 7999, publishers on port 5561 of this machine.
    BuiltIn,
}

/// What a configuration amounts to, with what there is to say about it.
#[derive(Debug)]
pub struct Loaded {
    /// The settings, routes included. A value with a problem has its default here.
    pub settings: Settings,
    /// Where the routes come from, to load them again.
    pub routes: RoutesSource,
    /// Notices when to load them again, if they can change.
    pub watch: Option<Watch>,
    /// `log_level`, if the file has it.
    pub log_level: Option<LevelFilter>,
    /// Values that must not be started with.
    pub problems: Vec<Problem>,
    /// Things that are probably not meant, one a line.
    pub warnings: Vec<String>,
    /// Keys that ask for something that there is not (CONF-15).
    pub without_effect: Vec<String>,
}

/// Reads a configuration to start with.
///
/// # Errors
/// What keeps the proxy from starting: every bad value with its key and place, or the one file that cannot be
/// read at all.
pub fn load(options: &Options) -> Result<Loaded, ConfigError> {
    let loaded = examine(options)?;
    match loaded.problems.is_empty() {
        true => Ok(loaded),
        false => Err(ConfigError::Values(loaded.problems)),
    }
}

/// Reads a configuration to say all that is wrong with it.
///
/// # Errors
/// There is no file, or it cannot be read as one.
pub fn examine(options: &Options) -> Result<Loaded, ConfigError> {
    let (mut values, path) = match find(&options.source)? {
        Some(path) => (Values::load(&path)?, path),
        None => (Values::parse(BUILT_IN, Path::new("built-in"))?, PathBuf::new()),
    };
    let mut settings = settings(&mut values, options);
    settings.core.policy = policy(&mut values, &path);
    settings.core.limits = limits(&mut values, &settings);
    let key = |spec: &str| key_of(spec, &path);
    settings.publish_key = values.read("holdfast", "publish_key", None, key);
    let log_level =
        values.read("runner", "log_level", None, |text| text::log_level(text).map(Some));

    let (mut warnings, without_effect) = remarks(&values);
    if settings.core.policy.sig_key.as_ref().is_some_and(holdfast_core::grip::Key::is_sample) {
        warnings.push("proxy.sig_key is that of the sample file, which everybody knows".to_owned());
    }
    let routes = routes(&values, &path, options);
    // Looked at before it is read, so that no change is lost.
    let watch = routes.watch();
    match routes.load() {
        Ok((table, complaints)) => {
            settings.core.routes = table;
            warnings.extend(complaints);
        }
        // As in Pushpin: it may yet come, and is loaded then.
        Err(error) => warnings.push(format!("proxy.routesfile: {error}")),
    }
    let problems = values.into_problems();
    Ok(Loaded { settings, routes, watch, log_level, problems, warnings, without_effect })
}

const PLACES: [&str; 4] = [
    "config/pushpin.conf",
    "pushpin.conf",
    "examples/config/pushpin.conf",
    "/etc/pushpin/pushpin.conf",
];

/// What is read where no file is asked for.
const BUILT_IN: &str = "\
    [runner]\n\
    http_port=7999\n\
    [handler]\n\
    push_in_http_addr=127.0.0.1\n\
    push_in_http_port=5561\n";

fn find(source: &Source) -> Result<Option<PathBuf>, ConfigError> {
    match source {
        Source::File(path) => Ok(Some(path.clone())),
        Source::BuiltIn => Ok(None),
        Source::Search => first_of(&PLACES).map(Some),
    }
}

fn first_of(places: &[&str]) -> Result<PathBuf, ConfigError> {
    let found = places.iter().map(Path::new).find(|path| path.exists());
    let tried = || places.iter().map(|&place| place.to_owned()).collect();
    found.map(Path::to_owned).ok_or_else(|| ConfigError::NoFile { tried: tried() })
}

fn routes(values: &Values, path: &Path, options: &Options) -> RoutesSource {
    let file = values.string("proxy", "routesfile").filter(|file| !file.is_empty());
    match file {
        Some(file) if options.routes.is_empty() => RoutesSource::File(beside(path, &file)),
        _ => RoutesSource::Lines(options.routes.clone()),
    }
}

/// Keys that nobody knows, and those that ask for something that there is not.
fn remarks(values: &Values) -> (Vec<String>, Vec<String>) {
    let (mut warnings, mut without_effect) = (Vec::new(), Vec::new());
    for (section, name, text, place) in values.entries() {
        let asks = text::truth(text) != Some(false) && text != "-1";
        match key(section, name) {
            Some(Key::Honoured | Key::Internal) => {}
            Some(Key::Moved(to)) => {
                warnings.push(format!("{place}: {section}.{name} is deprecated; use {to}"));
            }
            Some(Key::NoEffect) if asks => without_effect.push(name.to_owned()),
            Some(Key::NoEffect) => {}
            None => warnings.push(format!("{place}: unknown key {section}.{name}")),
        }
    }
    without_effect.sort();
    without_effect.dedup();
    (warnings, without_effect)
}

fn settings(values: &mut Values, options: &Options) -> Settings {
    let defaults = Settings::default();
    Settings {
        listeners: options.port.map_or_else(|| listeners(values), |port| vec![port]),
        publish: publish(values, options.id),
        publish_key: None,
        client_maxconn: values.number("runner", "client_maxconn", defaults.client_maxconn, COUNT),
        workers: values.number("proxy", "workers", defaults.workers, 1..=1024),
        connect_timeout: timeout(values, "connect_timeout", 1, defaults.connect_timeout),
        client_idle_timeout: timeout(
            values,
            "client_idle_timeout",
            1,
            defaults.client_idle_timeout,
        ),
        drain_timeout: timeout(values, "drain_timeout", 0, defaults.drain_timeout),
        check_utf8: values.bool("holdfast", "check_utf8", defaults.check_utf8),
        core: defaults.core,
        upkeep: defaults.upkeep,
    }
}

/// At least one, and so few that sums of them fit anywhere.
const COUNT: std::ops::RangeInclusive<usize> = 1..=u32::MAX as usize;

fn listeners(values: &mut Values) -> Vec<SocketAddr> {
    for (key, what) in [("https_ports", "TLS"), ("local_ports", "listening on unix sockets")] {
        if !values.list("runner", key).is_empty() {
            values.refuse("runner", key, format!("{what} is not supported yet"));
        }
    }
    let ports = values.list("runner", "http_port");
    let read = ports.iter().map(|port| text::listen_addr(port)).collect::<Result<_, _>>();
    values.read("runner", "http_port", Vec::new(), |_| read)
}

/// Publishers are served if the port is set; the offset moves it (CONF-6).
fn publish(values: &mut Values, id: Option<u16>) -> Option<PublishListener> {
    const PORT: &str = "push_in_http_port";
    let configured = values.number("global", "port_offset", 0, 0..=u16::MAX);
    let offset = id.map_or(u32::from(configured), |id| u32::from(id) * 10);
    let set = values.number("handler", PORT, 0, 1..=u16::MAX);
    let ip = IpAddr::from(Ipv4Addr::LOCALHOST);
    let ip = values.read("handler", "push_in_http_addr", ip, |text| match text {
        "" => Ok(ip),
        text => text.parse().map_err(|_| format!("{text:?} is no IP address")),
    });
    let max_headers = values.number("handler", "push_in_http_max_headers_size", 10_000, COUNT);
    let max_body = values.number("handler", "push_in_http_max_body_size", 1_000_000, COUNT);
    if set == 0 {
        return None;
    }
    let Ok(port) = u16::try_from(u32::from(set) + offset) else {
        values.refuse("handler", PORT, format!("{set} with the port offset {offset} is no port"));
        return None;
    };
    Some(PublishListener { addr: SocketAddr::new(ip, port), max_headers, max_body })
}

fn timeout(values: &mut Values, key: &str, least: u32, default: Duration) -> Duration {
    let default = u32::try_from(default.as_secs()).unwrap_or(u32::MAX);
    let seconds = values.number("holdfast", key, default, least..=u32::MAX);
    Duration::from_secs(seconds.into())
}

fn policy(values: &mut Values, path: &Path) -> Policy {
    let secret = |spec: &str| key_of(spec, path);
    let xff = |text: &str| text.parse::<XffRule>().map_err(|error| error.to_string());
    let (set_x_forwarded_proto, set_x_forwarded_protocol) =
        values.read("proxy", "set_x_forwarded_protocol", (false, false), |text| match text {
            "proto-only" => Ok((true, false)),
            text => text::truth(text)
                .map(|both| (both, both))
                .ok_or_else(|| format!("{text:?} is not one of false, proto-only, true")),
        });
    Policy {
        sig_iss: values.string("proxy", "sig_iss").unwrap_or_else(|| "pushpin".to_owned()),
        sig_key: values.read("proxy", "sig_key", None, secret),
        upstream_key: values.read("proxy", "upstream_key", None, secret),
        accept_x_forwarded_protocol: values.bool("proxy", "accept_x_forwarded_protocol", false),
        set_x_forwarded_proto,
        set_x_forwarded_protocol,
        xff: values.read("proxy", "x_forwarded_for", XffRule::default(), xff),
        xff_trusted: values.read("proxy", "x_forwarded_for_trusted", XffRule::default(), xff),
        orig_headers_need_mark: values.list("proxy", "orig_headers_need_mark"),
        accept_pushpin_route: values.bool("proxy", "accept_pushpin_route", false),
        cdn_loop: values.string("proxy", "cdn_loop").unwrap_or_default(),
        auto_cross_origin: values.bool("proxy", "auto_cross_origin", false),
        cross_origin_allow: values.list("holdfast", "cross_origin_allow"),
        pass_pings: values.bool("holdfast", "pass_pings", false),
        link_hosts: link_hosts(values.list("holdfast", "link_hosts")),
        debug: values.bool("proxy", "debug", false),
    }
}

/// All hosts if none is named, or `*`.
fn link_hosts(names: Vec<String>) -> LinkHosts {
    if names.is_empty() || names.iter().any(|name| name == "*") {
        return LinkHosts::Any;
    }
    LinkHosts::Only(names.iter().map(|name| name.to_ascii_lowercase()).collect())
}

fn limits(values: &mut Values, settings: &Settings) -> Limits {
    let mut limits = Limits::default();
    bounds::read(values, &mut limits);
    // Those who are closed last have time to answer as well.
    limits.drain_spread = limits.drain_spread.min(span(settings.drain_timeout / 2));
    let seconds = |values: &mut Values, section: &str, key: &str, default: Span| {
        let range = 0..=u64::from(u32::MAX);
        Span::from_secs(values.number(section, key, default.as_secs(), range))
    };
    let ping = seconds(values, "holdfast", "socket_ping_interval", Span::ZERO);
    let wait = limits.message_wait.as_nanos() / 1_000_000;
    let message_wait = values.number("handler", "message_wait", wait, 0..=u64::from(u32::MAX));
    let (head, channels) = (limits.head_bytes, limits.channels_per_hold);
    // Each shard keeps the time of its own deliveries, without asking the others.
    let shards = u32::try_from(settings.workers).unwrap_or(u32::MAX).max(1);
    Limits {
        head_bytes: values.number("runner", "client_buffer_size", head, COUNT),
        channels_per_hold: values.number("handler", "connection_subscription_max", channels, COUNT),
        id_ttl: seconds(values, "handler", "id_cache_ttl", limits.id_ttl),
        subscription_linger: seconds(
            values,
            "handler",
            "subscription_linger",
            limits.subscription_linger,
        ),
        message_wait: Span::from_millis(message_wait),
        first_subscription_delay: limits
            .first_subscription_delay
            .filter(|_| values.bool("handler", "update_on_first_subscription", true)),
        message_rate: bound(values, "message_rate").map(|rate: u32| rate.div_ceil(shards)),
        message_hwm: bound(values, "message_hwm"),
        message_block_size: bound(values, "message_block_size"),
        // Of all clients there may be, those of one shard.
        socket_farewells: settings.client_maxconn.div_ceil(settings.workers.max(1)),
        socket_ping_interval: Some(ping).filter(|ping| *ping > Span::ZERO),
        ..limits
    }
}

/// A bound that there is none of where the key is absent, empty, zero or -1.
fn bound<T: TryFrom<u64>>(values: &mut Values, key: &str) -> Option<T> {
    values.read("handler", key, None, |text| match text {
        "" | "0" | "-1" => Ok(None),
        text => {
            let number = text.parse().ok().and_then(|number: u64| T::try_from(number).ok());
            number.map(Some).ok_or_else(|| format!("{text:?} is not a whole number that fits"))
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn conf_8_the_first_place_that_has_a_file() {
        let found = first_of(&["no/such.conf", "Cargo.toml", "src/lib.rs"]);
        assert_eq!(found.ok(), Some(PathBuf::from("Cargo.toml")));
    }

    #[test]
    fn conf_8_without_any_file_the_tried_ones_are_named() {
        let error = first_of(&["no/such.conf", "nor/this.conf"]).map_err(|error| error.to_string());
        let expected = "no configuration file; tried no/such.conf, nor/this.conf";
        assert_eq!(error, Err(expected.to_owned()));
    }
}
