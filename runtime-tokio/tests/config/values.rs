//! Values that are not what their keys need (CONF-3 to CONF-5), and those that are.

use std::time::Duration;

use holdfast_core::ground::Span;

use super::{Dir, loaded, problems};

#[test]
fn bad_values_are_refused_with_place_key_and_reason() {
    let cases = [
        ("global", "port_offset=x", "\"x\" is not a whole number"),
        ("runner", "http_port=http", "\"http\" is neither a port nor an address with a port"),
        ("runner", "http_port=7999,0", "port 0 is none to listen on"),
        ("runner", "https_ports=443", "TLS is not supported yet"),
        ("runner", "local_ports=/s", "listening on unix sockets is not supported yet"),
        ("runner", "log_level=5", "\"5\" is no log level from 0 to 4"),
        ("runner", "client_maxconn=many", "\"many\" is not a whole number"),
        ("runner", "client_maxconn=0", "0 is not from 1 to 4294967295"),
        ("runner", "client_maxconn=-1", "\"-1\" is not a whole number"),
        ("runner", "client_maxconn=+1", "\"+1\" is not a whole number"),
        (
            "runner",
            "client_buffer_size=99999999999999999999",
            "99999999999999999999 is not from 1 to 4294967295",
        ),
        ("proxy", "workers=0", "0 is not from 1 to 1024"),
        ("proxy", "debug=maybe", "\"maybe\" is neither true nor false"),
        ("proxy", "accept_pushpin_route=2", "\"2\" is neither true nor false"),
        (
            "proxy",
            "set_x_forwarded_protocol=proto",
            "\"proto\" is not one of false, proto-only, true",
        ),
        ("proxy", "x_forwarded_for=cut", "unknown X-Forwarded-For rule \"cut\""),
        ("proxy", "sig_key=base64:*", "what follows base64: is not base64"),
        ("handler", "push_in_http_port=0", "0 is not from 1 to 65535"),
        ("handler", "push_in_http_port=65536", "65536 is not from 1 to 65535"),
        ("handler", "push_in_http_addr=localhost", "\"localhost\" is no IP address"),
        ("handler", "message_wait=-1", "\"-1\" is not a whole number"),
        ("handler", "message_rate=fast", "\"fast\" is not a whole number that fits"),
        ("handler", "message_rate=4294967296", "\"4294967296\" is not a whole number that fits"),
        ("holdfast", "publish_key=base64:*", "what follows base64: is not base64"),
        ("holdfast", "connect_timeout=0", "0 is not from 1 to 4294967295"),
        ("holdfast", "drain_timeout=1.5", "\"1.5\" is not a whole number"),
    ];
    for (section, line, reason) in cases {
        let (key, _) = line.split_once('=').expect("a key and a value");
        let expected = format!("pushpin.conf:2: {section}.{key}: {reason}");
        assert_eq!(problems(&format!("[{section}]\n{line}\n")), [expected], "{line}");
    }
}

#[test]
fn all_that_is_wrong_is_said_at_once() {
    let text = "[proxy]\ndebug=maybe\nworkers=0\n[handler]\nid_cache_ttl=x\n";
    let mut keys: Vec<_> = problems(text)
        .iter()
        .filter_map(|problem| problem.split(": ").nth(1).map(str::to_owned))
        .collect();
    keys.sort();
    assert_eq!(keys, ["handler.id_cache_ttl", "proxy.debug", "proxy.workers"]);
}

#[test]
fn conf_3_a_comma_in_a_text_is_just_a_comma() {
    let policy = loaded("[proxy]\nsig_key=a,b\nsig_iss=c,d\n").settings.core.policy;
    let key = holdfast_core::grip::Key::parse("a,b").expect("any text is a key");
    assert_eq!(policy.sig_key, key);
    assert_eq!(policy.sig_iss, "c,d");
}

#[test]
fn conf_3_lists_are_trimmed() {
    let loaded = loaded(
        "[runner]\nhttp_port= 80, 127.0.0.1:81 ,[::1]:82,\n\
         [proxy]\norig_headers_need_mark=A, B\n",
    );
    let listeners: Vec<_> = loaded.settings.listeners.iter().map(ToString::to_string).collect();
    assert_eq!(listeners, ["0.0.0.0:80", "127.0.0.1:81", "[::1]:82"]);
    assert_eq!(loaded.settings.core.policy.orig_headers_need_mark, ["A", "B"]);
}

#[test]
fn conf_4_what_is_true() {
    for (value, debug) in [("true", true), ("YES", true), ("no", false), ("", false), ("0", false)]
    {
        let loaded = loaded(&format!("[proxy]\ndebug={value}\n"));
        assert_eq!(loaded.settings.core.policy.debug, debug, "{value}");
    }
}

#[test]
fn set_x_forwarded_protocol_is_no_one_or_both() {
    let cases = [("", (false, false)), ("false", (false, false)), ("proto-only", (true, false))];
    for (value, set) in cases.into_iter().chain([("true", (true, true))]) {
        let text = format!("[proxy]\nset_x_forwarded_protocol={value}\n");
        let policy = loaded(&text).settings.core.policy;
        assert_eq!((policy.set_x_forwarded_proto, policy.set_x_forwarded_protocol), set, "{value}");
    }
}

#[test]
fn keys_of_our_own_are_heeded() {
    let settings = loaded(
        "[holdfast]\norigin_timeout=1\nconnect_timeout=2\nclient_idle_timeout=3\n\
         drain_timeout=0\nbacklog_bytes=5\nid_cache_size=6\n[proxy]\nworkers=7\n",
    )
    .settings;
    assert_eq!(settings.core.limits.origin_timeout, Span::from_secs(1));
    assert_eq!(settings.connect_timeout, Duration::from_secs(2));
    assert_eq!(settings.client_idle_timeout, Duration::from_secs(3));
    assert_eq!(settings.drain_timeout, Duration::ZERO);
    assert_eq!(settings.core.limits.backlog_bytes, 5);
    assert_eq!(settings.core.limits.id_cache, 6);
    assert_eq!(settings.workers, 7);
}

#[test]
fn ws_53_the_keys_for_websockets_and_what_holds_without_them() {
    let limits = loaded(
        "[holdfast]\nsocket_idle_timeout=1\nsocket_ping_interval=2\nclose_timeout=3\n\
         woh_timeout=4\nwoh_queue_bytes=5\nsocket_backlog_bytes=6\n",
    )
    .settings
    .core
    .limits;
    assert_eq!(limits.socket_idle_timeout, Span::from_secs(1));
    assert_eq!(limits.socket_ping_interval, Some(Span::from_secs(2)));
    assert_eq!(limits.close_timeout, Span::from_secs(3));
    assert_eq!(limits.woh_timeout, Span::from_secs(4));
    assert_eq!((limits.woh_queue_bytes, limits.socket_backlog_bytes), (5, 6));

    let limits =
        loaded("[holdfast]\nsocket_ping_interval=0\n[proxy]\nworkers=1\n").settings.core.limits;
    assert_eq!(limits, holdfast_core::ground::Limits::default());
    assert_eq!(limits.socket_idle_timeout, Span::from_secs(1800));
}

#[test]
fn ops_20_a_stop_closes_websockets_over_time_and_leaves_time_to_answer() {
    let spread = |keys| loaded(&format!("[holdfast]\n{keys}\n")).settings.core.limits.drain_spread;
    assert_eq!(spread(""), Span::from_secs(2));
    assert_eq!(spread("drain_spread=20\ndrain_timeout=60"), Span::from_secs(20));
    assert_eq!(spread("drain_spread=20\ndrain_timeout=10"), Span::from_secs(5));
    assert_eq!(spread("drain_timeout=0"), Span::ZERO);
}

#[test]
fn ws_27_text_is_checked_unless_it_shall_not_be() {
    assert!(loaded("").settings.check_utf8);
    assert!(!loaded("[holdfast]\ncheck_utf8=false\n").settings.check_utf8);
}

#[test]
fn woh_50_as_many_farewells_as_clients() {
    let text = "[runner]\nclient_maxconn=1001\n[proxy]\nworkers=2\n";
    assert_eq!(loaded(text).settings.core.limits.socket_farewells, 501);
}

#[test]
fn cors_3_who_may_read_answers() {
    let policy = |text| loaded(text).settings.core.policy;
    let (open, closed) = (policy("[proxy]\nauto_cross_origin=true\n"), policy(""));
    assert!(open.auto_cross_origin && !closed.auto_cross_origin);
    assert!(open.cross_origin_allow.is_empty());
    let some = policy("[holdfast]\ncross_origin_allow=http://a, https://b:8443\n");
    assert_eq!(some.cross_origin_allow, ["http://a", "https://b:8443"]);
}

#[test]
fn the_keys_of_the_handler_and_what_holds_without_them() {
    let limits = loaded(
        "[handler]\nmessage_wait=1500\nid_cache_ttl=60\nupdate_on_first_subscription=false\n\
         subscription_linger=0\nmessage_rate=2500\nmessage_hwm=25000\nmessage_block_size=384\n\
         connection_subscription_max=7\n[holdfast]\npublish_key=secret\n[proxy]\nworkers=4\n",
    );
    assert!(limits.settings.publish_key.is_some());
    let limits = limits.settings.core.limits;
    assert_eq!(limits.message_wait, Span::from_millis(1500));
    assert_eq!(limits.id_ttl, Span::from_secs(60));
    assert_eq!(limits.first_subscription_delay, None);
    assert_eq!(limits.subscription_linger, Span::ZERO);
    let pace = (limits.message_rate, limits.message_hwm, limits.message_block_size);
    assert_eq!(pace, (Some(625), Some(25_000), Some(384)), "the rate is shared by the shards");
    assert_eq!(limits.channels_per_hold, 7);

    for text in ["", "[handler]\nmessage_wait=\nmessage_rate=-1\nmessage_hwm=0\n"] {
        let settings = loaded(text).settings;
        assert!(settings.publish_key.is_none());
        let limits = settings.core.limits;
        assert_eq!(limits.message_wait, Span::from_secs(5));
        assert_eq!(limits.id_ttl, Span::ZERO);
        assert_eq!(limits.first_subscription_delay, Some(Span::from_secs(1)));
        assert_eq!(limits.subscription_linger, Span::from_secs(60));
        let pace = (limits.message_rate, limits.message_hwm, limits.message_block_size);
        assert_eq!(pace, (None, None, None));
        assert_eq!(limits.channels_per_hold, 20);
    }
}

#[test]
fn sig_3_to_5_a_key_file_is_beside_the_file_that_names_it() {
    let dir = Dir::with_conf("[proxy]\nsig_key=file:secret\n");
    let error = dir.load().expect_err("there is no such file").to_string();
    assert!(error.contains("pushpin.conf:2: proxy.sig_key: secret: No such file"), "{error}");
    dir.write("secret", "no hex");
    let error = dir.load().expect_err("that is no key").to_string();
    assert!(error.contains("proxy.sig_key: secret: the key file is not hexadecimal"), "{error}");
    dir.write("secret", "6162\n");
    let policy = dir.load().expect("that is a key").settings.core.policy;
    assert_eq!(policy.sig_key, holdfast_core::grip::Key::parse("ab").expect("any text is a key"));
}
