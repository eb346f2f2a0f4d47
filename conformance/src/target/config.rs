//! The configuration that the suite relies on.

use std::{fmt::Write, path::Path};

/// Hosts with routes of their own. All other hosts go to the origin without any option.
pub(crate) mod host {
    /// Errors are told in detail.
    pub(crate) const DEBUG: &str = "debug.test";
    /// Channels get the prefix [`super::PREFIX`].
    pub(crate) const PREFIX: &str = "prefix.test";
    /// The only target refuses connections.
    pub(crate) const DEAD: &str = "dead.test";
    /// As [`DEAD`], with errors in detail.
    pub(crate) const DEAD_DEBUG: &str = "dead-debug.test";
    /// The first target refuses connections, the second is the origin.
    pub(crate) const FAILOVER: &str = "failover.test";
    /// Both targets are the origin.
    pub(crate) const TWICE: &str = "twice.test";
    /// Only paths that begin with `/only` have a route.
    pub(crate) const ROUTELESS: &str = "routeless.test";
    /// GRIP is not spoken.
    pub(crate) const NO_GRIP: &str = "no-grip.test";
    /// All origins may read what comes from here.
    pub(crate) const CROSS: &str = "cross.test";
    /// As [`CROSS`], and a callback gets the bare body.
    pub(crate) const CROSS_BASIC: &str = "cross-basic.test";
    /// Each hold is subscribed to [`super::ADDED`] as well.
    pub(crate) const ADDED: &str = "added.test";
    /// The route has an id, and so a queue of its own.
    pub(crate) const OWN_QUEUE: &str = "own-queue.test";
    /// WebSockets go to the origin as requests.
    pub(crate) const WOH: &str = "woh.test";
    /// As [`WOH`], with errors in detail.
    pub(crate) const WOH_DEBUG: &str = "woh-debug.test";
    /// As [`WOH`], without GRIP.
    pub(crate) const WOH_NO_GRIP: &str = "woh-no-grip.test";
    /// As [`WOH`], with a prefix and a channel of its own, see [`super::SUB_WOH`].
    pub(crate) const WOH_SUB: &str = "woh-sub.test";
    /// As [`WOH`], with one event a request.
    pub(crate) const ONE_EVENT: &str = "one-event.test";
    /// As [`WOH`], but the only target refuses connections.
    pub(crate) const WOH_DEAD: &str = "woh-dead.test";
    /// As [`WOH`], but the first target refuses connections.
    pub(crate) const WOH_FAILOVER: &str = "woh-failover.test";
    /// WebSockets are subscribed to [`super::SUB`] at once; the prefix is [`super::PREFIX`].
    pub(crate) const SUB: &str = "sub.test";
    /// The proxy answers itself.
    pub(crate) const TEST: &str = "test.test";
}

/// The channel that WebSockets of [`host::SUB`] are subscribed to.
pub(crate) const SUB: &str = "conformance-sub";

/// The channel that WebSockets of [`host::WOH_SUB`] are subscribed to.
pub(crate) const SUB_WOH: &str = "conformance-sub-woh";

/// What the route of [`host::PREFIX`] puts before channel names.
pub(crate) const PREFIX: &str = "pre-";

/// The channel that the target of [`host::ADDED`] adds to each hold.
pub(crate) const ADDED: &str = "conformance-added";

/// How many deliveries per second the proxy may make.
pub(crate) const RATE: u32 = 2500;

/// How many deliveries may wait, where a proxy counts by receiver.
pub(crate) const BACKLOG: u32 = 1000;

/// The key that requests to the origin are signed with.
pub(crate) const SIG_KEY: &str = "changeme";

/// Who is named as the issuer of those signatures.
pub(crate) const SIG_ISS: &str = "pushpin";

/// Nothing listens here.
const DEAD_TARGET: &str = "127.0.0.1:1";

/// The three addresses that the suite is given.
#[derive(Clone, Debug)]
pub(crate) struct Addresses {
    /// Where the proxy serves clients.
    pub(crate) proxy: String,
    /// Where the proxy takes items: host and port.
    pub(crate) publish: Option<String>,
    /// Where the suite's origin listens.
    pub(crate) origin: String,
}

/// The lines of the routes file.
pub(super) fn routes(origin: &str) -> String {
    let lines = [
        format!("* {origin}"),
        format!("{},debug {origin}", host::DEBUG),
        format!("{},prefix={PREFIX} {origin}", host::PREFIX),
        format!("{} {DEAD_TARGET}", host::DEAD),
        format!("{},debug {DEAD_TARGET}", host::DEAD_DEBUG),
        format!("{} {DEAD_TARGET} {origin}", host::FAILOVER),
        format!("{} {origin} {origin}", host::TWICE),
        format!("{},path_beg=/only {origin}", host::ROUTELESS),
        format!("{},no_grip {origin}", host::NO_GRIP),
        format!("{},aco {origin}", host::CROSS),
        format!("{},aco,jsonp_mode=basic {origin}", host::CROSS_BASIC),
        format!("{},prefix={PREFIX} {origin},sub={ADDED}", host::ADDED),
        format!("{},id=own {origin}", host::OWN_QUEUE),
        format!("{} {origin},over_http", host::WOH),
        format!("{},debug {origin},over_http", host::WOH_DEBUG),
        format!("{},no_grip {origin},over_http", host::WOH_NO_GRIP),
        format!("{},prefix={PREFIX} {origin},over_http,sub={SUB_WOH}", host::WOH_SUB),
        format!("{} {origin},over_http,one_event", host::ONE_EVENT),
        format!("{} {DEAD_TARGET},over_http", host::WOH_DEAD),
        format!("{} {DEAD_TARGET},over_http {origin},over_http", host::WOH_FAILOVER),
        format!("{},prefix={PREFIX} {origin},sub={SUB}", host::SUB),
        format!("{} test", host::TEST),
    ];
    lines.join("\n") + "\n"
}

/// The main configuration file. Whatever a proxy needs beside it goes into `proxy_extra`.
pub(super) fn main_file(addresses: &Addresses, directory: &Path, proxy_extra: &str) -> String {
    let directory = directory.display();
    let proxy = &addresses.proxy;
    let mut file = format!(
        "[global]\ninclude={{libdir}}/internal.conf\nrundir={directory}\nipc_prefix=conformance-\n\n\
         [runner]\nservices=condure,pushpin-proxy,pushpin-handler\nhttp_port={proxy}\n\
         logdir={directory}\nlog_level=2\nclient_buffer_size=8192\nclient_maxconn=10000\n\n\
         [proxy]\nroutesfile=routes\nsig_iss={SIG_ISS}\nsig_key={SIG_KEY}\n{proxy_extra}\n\
         [handler]\nmessage_rate={RATE}\nmessage_hwm={BACKLOG}\nmessage_wait=5000\nid_cache_ttl=60\n\
         connection_subscription_max=20\nsubscription_linger=60\n"
    );
    if let Some((host, port)) = addresses.publish.as_deref().and_then(|a| a.rsplit_once(':')) {
        // Writing to a string cannot fail.
        let _ = write!(file, "push_in_http_addr={host}\npush_in_http_port={port}\n");
    }
    file
}

/// What `--print-config` says.
pub(crate) fn printed(addresses: &Addresses) -> String {
    format!(
        "# pushpin.conf\n{}\n# routes\n{}",
        main_file(addresses, Path::new("run"), ""),
        routes(&addresses.origin)
    )
}

#[cfg(test)]
mod tests {
    use super::{Addresses, printed};

    #[test]
    fn printed_config_names_all_addresses() {
        let text = printed(&Addresses {
            proxy: "127.0.0.1:7999".to_owned(),
            publish: Some("127.0.0.1:5561".to_owned()),
            origin: "127.0.0.1:8000".to_owned(),
        });
        for part in [
            "http_port=127.0.0.1:7999",
            "push_in_http_port=5561",
            "* 127.0.0.1:8000",
            "debug.test,debug ",
        ] {
            assert!(text.contains(part), "{part} is missing in\n{text}");
        }
    }
}
