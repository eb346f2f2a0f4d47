//! The keys that exist, and what becomes of each (CONF-1, CONF-15).

use super::bounds::is_bound;

/// What becomes of a key.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Key {
    /// It is honoured.
    Honoured,
    /// It is honoured, but belongs elsewhere by now.
    Moved(&'static str),
    /// It belongs to a helper process or a part that there is not.
    NoEffect,
    /// It names a socket between Pushpin's processes, as its internal.conf does: nobody's wish.
    Internal,
}

/// What is known of a key; `None` if nothing.
pub(super) fn key(section: &str, name: &str) -> Option<Key> {
    let has = |list: &[(&str, &[&str])]| {
        list.iter().any(|(of, names)| *of == section && names.contains(&name))
    };
    let names_socket = || ["_spec", "_specs"].iter().any(|end| name.ends_with(end));
    match (section, name) {
        ("runner", "rundir") => Some(Key::Moved("global.rundir")),
        ("holdfast", name) if is_bound(name) => Some(Key::Honoured),
        _ if has(HONOURED) => Some(Key::Honoured),
        _ if has(NO_EFFECT) => Some(Key::NoEffect),
        ("proxy" | "handler", _) if names_socket() => Some(Key::Internal),
        _ => None,
    }
}

const HONOURED: &[(&str, &[&str])] = &[
    ("global", &["include", "libdir", "rundir", "ipc_prefix", "port_offset"]),
    (
        "runner",
        &[
            "http_port",
            "https_ports",
            "local_ports",
            "log_level",
            "client_buffer_size",
            "client_maxconn",
        ],
    ),
    (
        "proxy",
        &[
            "routesfile",
            "workers",
            "debug",
            "auto_cross_origin",
            "accept_x_forwarded_protocol",
            "set_x_forwarded_protocol",
            "x_forwarded_for",
            "x_forwarded_for_trusted",
            "orig_headers_need_mark",
            "accept_pushpin_route",
            "cdn_loop",
            "sig_iss",
            "sig_key",
            "upstream_key",
        ],
    ),
    (
        "handler",
        &[
            "push_in_http_addr",
            "push_in_http_port",
            "push_in_http_max_headers_size",
            "push_in_http_max_body_size",
            "id_cache_ttl",
            "connection_subscription_max",
            "message_wait",
            "update_on_first_subscription",
            "subscription_linger",
            "message_rate",
            "message_hwm",
            "message_block_size",
        ],
    ),
    (
        "holdfast",
        &[
            "connect_timeout",
            "client_idle_timeout",
            "drain_timeout",
            "cross_origin_allow",
            "publish_key",
            "link_hosts",
            "pass_pings",
            "check_utf8",
            "socket_ping_interval",
        ],
    ),
];

const NO_EFFECT: &[(&str, &[&str])] = &[
    ("global", &["stats_connection_ttl", "stats_connection_send"]),
    (
        "runner",
        &[
            "services",
            "logdir",
            "allow_compression",
            "condure_bin",
            "mongrel2_bin",
            "m2sh_bin",
            "zurl_bin",
        ],
    ),
    (
        "proxy",
        &[
            "log_from",
            "log_user_agent",
            "sockjs_url",
            "max_open_requests",
            "ipc_file_mode",
            "stats_report_interval",
            "stats_connections_max_ttl",
            "prometheus_port",
            "prometheus_prefix",
            "updates_check",
            "organization_name",
        ],
    ),
    (
        "handler",
        &[
            "ipc_file_mode",
            "push_in_spec",
            "push_in_sub_spec",
            "push_in_sub_specs",
            "push_in_sub_connect",
            "stats_spec",
            "command_spec",
            "state_spec",
            "stats_subscription_ttl",
            "stats_report_interval",
            "stats_format",
            "share_all",
            "prometheus_port",
            "prometheus_prefix",
        ],
    ),
];
