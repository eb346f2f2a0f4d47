//! Whole files: the sample, includes, templates, offsets, and where a file is looked for.

use std::path::Path;

use holdfast::config::{Options, RoutesSource, Settings, Source, load};
use holdfast_core::ground::Span;
use tracing::level_filters::LevelFilter;

use super::{Dir, loaded, options, problems};

fn fixture() -> holdfast::config::Loaded {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/pushpin.conf");
    load(&options(&path)).expect("the sample starts unchanged")
}

#[test]
fn conf_15_the_sample_of_pushpin_starts_unchanged() {
    let loaded = fixture();
    let settings = &loaded.settings;
    assert_eq!(settings.listeners, [([0, 0, 0, 0], 7999).into()]);
    let publish = settings.publish.expect("publishers are served");
    assert_eq!(publish.addr, ([127, 0, 0, 1], 5561).into());
    assert_eq!((publish.max_headers, publish.max_body), (10_000, 1_000_000));
    assert_eq!(settings.client_maxconn, 50_000);
    assert_eq!(settings.core.limits.head_bytes, 8192);
    assert_eq!(settings.core.limits.id_ttl, Span::from_secs(60));
    assert_eq!(settings.core.routes.len(), 1);
    let policy = &settings.core.policy;
    assert_eq!(policy.sig_iss, "pushpin");
    assert!(policy.sig_key.is_some() && policy.upstream_key.is_none());
    assert!(policy.set_x_forwarded_proto && !policy.set_x_forwarded_protocol);
    assert_eq!(loaded.log_level, Some(LevelFilter::INFO));
}

#[test]
fn conf_15_keys_without_effect_are_named_if_they_ask_for_something() {
    let loaded = fixture();
    let named = |key: &str| loaded.without_effect.iter().any(|name| name == key);
    for key in ["push_in_spec", "command_spec", "stats_spec", "logdir", "condure_bin"] {
        assert!(named(key), "{key}");
    }
    for key in ["auto_cross_origin", "log_from", "organization_name", "http_port", "sig_key"] {
        assert!(!named(key), "{key}");
    }
    // The sample's key is all there is to warn of (SIG-8).
    assert_eq!(loaded.warnings.len(), 1, "{:?}", loaded.warnings);
    assert!(loaded.warnings[0].contains("sig_key"), "{:?}", loaded.warnings);
}

#[test]
fn conf_1_unknown_keys_and_sections_only_warn() {
    let text = "[runner]\nhttp_port=1\nHttp_Port=2\n[no_such]\nx=1\n[proxy]\nfoo_spec=a\nfoo=a\n";
    let loaded = loaded(text);
    assert_eq!(loaded.settings.listeners, [([0, 0, 0, 0], 1).into()]);
    let warned = |line: &str, key: &str| {
        let ends = format!("pushpin.conf:{line}: unknown key {key}");
        loaded.warnings.iter().any(|warning| warning.ends_with(&ends))
    };
    assert!(warned("3", "runner.Http_Port"), "{:?}", loaded.warnings);
    assert!(warned("5", "no_such.x") && warned("8", "proxy.foo"), "{:?}", loaded.warnings);
    assert_eq!(loaded.warnings.len(), 3, "sockets between processes are known as such");
}

#[test]
fn conf_1_missing_keys_have_built_in_defaults() {
    let loaded = loaded("[proxy]\nworkers=1\n");
    assert!(loaded.settings.listeners.is_empty() && loaded.settings.publish.is_none());
    let (core, defaults) = (&loaded.settings.core, Settings::default().core.limits);
    assert_eq!(core.limits, defaults);
    assert_eq!(core.policy.sig_iss, "pushpin");
    assert!(core.policy.sig_key.is_none() && !core.policy.set_x_forwarded_proto);
    assert_eq!(loaded.log_level, None);
}

#[test]
fn conf_7_the_main_file_comes_before_the_included_one() {
    let dir = Dir::with_conf("[global]\ninclude=more.conf\n[runner]\nhttp_port=1\n");
    dir.write(
        "more.conf",
        "[global]\ninclude=pushpin.conf\n[runner]\nhttp_port=2\nclient_maxconn=3\n",
    );
    let settings = dir.load().expect("both are good").settings;
    assert_eq!(settings.listeners, [([0, 0, 0, 0], 1).into()]);
    assert_eq!(settings.client_maxconn, 3);
}

#[test]
fn conf_7_internal_conf_is_in_libdir_and_may_be_missing() {
    for include in ["internal.conf", "{libdir}/internal.conf"] {
        let dir = Dir::new();
        let libdir = dir.0.display();
        let text = format!("[global]\nlibdir={libdir}/lib\ninclude={include}\n");
        dir.write("pushpin.conf", &text);
        let missing = dir.load().expect("a missing include is no error");
        assert_eq!(missing.settings.client_maxconn, 50_000, "{include}");

        std::fs::create_dir(dir.path("lib")).expect("a directory can be made");
        dir.write("lib/internal.conf", "[runner]\nclient_maxconn=7\n");
        let found = dir.load().expect("both are good");
        assert_eq!(found.settings.client_maxconn, 7, "{include}");
    }
}

#[test]
fn an_included_file_is_named_in_its_errors() {
    let dir = Dir::with_conf("[global]\ninclude=more.conf\n");
    dir.write("more.conf", "\n[proxy]\ndebug=maybe\n");
    let error = dir.load().expect_err("the included value is bad").to_string();
    assert!(error.contains("more.conf:3: proxy.debug"), "{error}");
}

#[test]
fn conf_6_templates_are_filled_in() {
    let routes = |text: &str| loaded(text).routes;
    let file = |path: &str| RoutesSource::File(path.into());
    let text = "[global]\nrundir=/r\nipc_prefix=p-\n[proxy]\nroutesfile={rundir}/{ipc_prefix}x\n";
    assert_eq!(routes(text), file("/r/p-x"));
    let text = "[global]\nlibdir=/l\n[proxy]\nroutesfile={libdir}/x{rundir\n";
    assert_eq!(routes(text), file("/l/x{rundir"));
}

#[test]
fn rundir_may_still_be_in_the_section_where_it_was() {
    let loaded = loaded("[runner]\nrundir=/r\n[proxy]\nroutesfile={rundir}/x\n");
    assert_eq!(loaded.routes, RoutesSource::File("/r/x".into()));
    let told = loaded.warnings.iter().any(|warning| warning.contains("use global.rundir"));
    assert!(told, "{:?}", loaded.warnings);
}

#[test]
fn conf_6_and_21_the_offset_moves_the_publish_port_alone() {
    let text =
        "[global]\nport_offset=3\n[runner]\nhttp_port=7999\n[handler]\npush_in_http_port=5561\n";
    for (id, port) in [(None, 5564), (Some(0), 5561), (Some(2), 5581)] {
        let dir = Dir::with_conf(text);
        let settings = load(&Options { id, ..dir.options() }).expect("the text is good").settings;
        assert_eq!(settings.publish.map(|publish| publish.addr.port()), Some(port), "{id:?}");
        assert_eq!(settings.listeners, [([0, 0, 0, 0], 7999).into()], "{id:?}");
    }
}

#[test]
fn an_offset_beyond_the_last_port_is_refused() {
    let text = "[global]\nport_offset=60000\n[handler]\npush_in_http_port=5561\n";
    let expected =
        "pushpin.conf:4: handler.push_in_http_port: 5561 with the port offset 60000 is no port";
    assert_eq!(problems(text), [expected]);
}

#[test]
fn conf_20_the_port_option_stands_for_all_listeners() {
    let dir = Dir::with_conf("[runner]\nhttp_port=1,2\nhttps_ports=443\nlocal_ports=/s\n");
    let port = ([127, 0, 0, 1], 9).into();
    let loaded =
        load(&Options { port: Some(port), ..dir.options() }).expect("443 is not asked for");
    assert_eq!(loaded.settings.listeners, [port]);
}

#[test]
fn without_a_file_the_usual_ports_are_served() {
    let options = Options {
        source: Source::BuiltIn,
        routes: vec!["* localhost:8000".to_owned()],
        ..Options::default()
    };
    let loaded_with = |id| load(&Options { id, ..options.clone() }).expect("nothing is wrong");
    let loaded = loaded_with(None);
    let defaults = Settings::default();
    assert_eq!(loaded.settings.listeners, defaults.listeners);
    let publish = |settings: &Settings| settings.publish.map(|publish| publish.addr);
    assert_eq!(publish(&loaded.settings), publish(&defaults));
    assert_eq!(loaded.settings.core.policy.sig_iss, "pushpin");
    assert!(loaded.warnings.is_empty() && loaded.without_effect.is_empty());
    let other = loaded_with(Some(1));
    assert_eq!(publish(&other.settings), Some(([127, 0, 0, 1], 5571).into()));
}

#[test]
fn a_file_that_cannot_be_read_is_named() {
    let dir = Dir::new();
    let error = dir.load().expect_err("there is no file").to_string();
    assert!(error.contains("pushpin.conf: No such file"), "{error}");
    dir.write("pushpin.conf", "[runner]\nhttp_port\n");
    let error = dir.load().expect_err("the second line is broken").to_string();
    assert!(error.contains("pushpin.conf: line 2: "), "{error}");
}
