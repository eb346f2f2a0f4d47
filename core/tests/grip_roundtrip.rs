//! What is printed in the grammar of a GRIP header is read back as it was meant, whatever it is.

use bytes::Bytes;
use holdfast_core::grip::{
    ChannelRef, GoneLink, Hold, Instruct, KeepAlive, KeepAliveMode, Key, Links, NextLink,
    parse_head, parse_whole, sign, verify,
};
use holdfast_core::ground::{Limits, Span, UnixTime};
use holdfast_core::message::ResponseHead;
use http::StatusCode;
use proptest::collection::{btree_map, vec};
use proptest::option;
use proptest::prelude::{Just, Strategy, any, prop_assert_eq, prop_oneof, proptest};
use serde_json::{Map, Value, json};

proptest! {
    #[test]
    fn parm_1_channels(channels in channels(bare()), lines in any::<bool>()) {
        let elements: Vec<String> = channels.iter().map(print_channel).collect();
        let read = parse("Grip-Channel", &in_lines(elements, lines));
        prop_assert_eq!(read.channels, channels);
    }

    #[test]
    fn meta_1_pairs(meta in btree_map(name(), any::<String>(), 0..5), lines in any::<bool>()) {
        let meta: Vec<(String, String)> = meta.into_iter().collect();
        let elements = meta.iter().map(|(name, value)| format!("{name}={}", quote(value)));
        let read = parse("Grip-Set-Meta", &in_lines(elements.collect(), lines));
        prop_assert_eq!(read.meta, meta);
    }

    #[test]
    fn keep_2_keep_alive(keep_alive in keep_alive(), form in 0..2) {
        let data = if form == 0 { cstring(&keep_alive.data) } else { base64(&keep_alive.data) };
        let format = if form == 0 { "cstring" } else { "base64" };
        let (mode, secs) = (mode(keep_alive.mode), keep_alive.timeout.as_secs());
        let line = format!("{data}; format={format}; mode={mode}; timeout={secs}");
        let mut head = head("Grip-Keep-Alive", &[line]);
        head.fields.push("Grip-Hold", "stream");
        let read = parse_head(&head, &Limits::default()).expect("what is printed can be read");
        prop_assert_eq!(read.hold, Some(Hold::Stream { keep_alive: Some(keep_alive) }));
    }

    #[test]
    fn link_1_links(links in links(), lines in any::<bool>()) {
        let next = links.next.iter().map(|next| {
            format!("<{}>; rel=next; timeout={}", next.url, next.timeout.as_secs())
        });
        let gone = links.gone.iter().map(|gone| format!("<{}>; rel=\"gone\"", gone.url));
        let read = parse("Grip-Link", &in_lines(next.chain(gone).collect(), lines));
        prop_assert_eq!(read.links, links);
    }

    #[test]
    fn hold_2_status(code in 200_u16..600, reason in "[!-~]([ -~]{0,20}[!-~])?") {
        let read = parse("Grip-Status", &[format!("{code} {reason}")]).response.head;
        prop_assert_eq!((read.status.as_u16(), &read.reason[..]), (code, reason.as_bytes()));
    }

    #[test]
    fn ins_1_json_holds(
        channels in channels(any::<String>()),
        meta in btree_map(any::<String>(), any::<String>(), 0..5),
        keep_alive in keep_alive(),
    ) {
        let meta: Vec<(String, String)> = meta.into_iter().collect();
        let body = json!({"hold": {
            "mode": "stream",
            "channels": channels.iter().map(json_channel).collect::<Vec<_>>(),
            "meta": meta.iter().map(|(k, v)| (k.clone(), json!(v))).collect::<Map<_, _>>(),
            "keep-alive": {
                "content-bin": base64(&keep_alive.data),
                "mode": mode(keep_alive.mode),
                "timeout": keep_alive.timeout.as_secs(),
            },
        }});
        let head = head("Content-Type", &["application/grip-instruct".to_owned()]);
        let read = parse_whole(&head, Bytes::from(body.to_string()), &Limits::default());
        let read = read.expect("what is printed can be read");
        prop_assert_eq!(read.channels, channels);
        prop_assert_eq!(read.meta, meta);
        prop_assert_eq!(read.hold, Some(Hold::Stream { keep_alive: Some(keep_alive) }));
    }

    #[test]
    fn sig_1_tokens(secret in ".+", other in ".+", iss in any::<String>(), exp in any::<u64>()) {
        let key = |secret: &str| Key::parse(&format!("base64:{}", base64(secret.as_bytes())));
        let (key, other_key) = (key(&secret), key(&other));
        let (Ok(Some(key)), Ok(Some(other_key))) = (key, other_key) else {
            panic!("any bytes are a key");
        };
        let token = sign(&key, &iss, UnixTime(exp));
        prop_assert_eq!(verify(token.as_bytes(), &key, UnixTime(0)), exp > 0);
        prop_assert_eq!(verify(token.as_bytes(), &key, UnixTime(exp)), false);
        prop_assert_eq!(verify(token.as_bytes(), &other_key, UnixTime(0)), secret == other && exp > 0);
    }
}

fn parse(header: &'static str, lines: &[String]) -> Instruct {
    parse_head(&head(header, lines), &Limits::default()).expect("what is printed can be read")
}

fn head(header: &'static str, lines: &[String]) -> ResponseHead {
    let mut head = ResponseHead::new(StatusCode::OK);
    for line in lines {
        head.fields.push(header, line.clone());
    }
    head
}

/// A list header in one line, or a line for each element.
fn in_lines(elements: Vec<String>, lines: bool) -> Vec<String> {
    if lines { elements } else { vec![elements.join(", ")] }
}

/// Text that can stand unquoted: it neither begins nor ends with a blank, which trimming would take.
fn bare() -> impl Strategy<Value = String> {
    "[^\\s\",;\\\\\\x00-\\x1f]([^\",;\\\\\\x00-\\x1f]{0,8}[^\\s\",;\\\\\\x00-\\x1f])?"
}

fn name() -> impl Strategy<Value = String> {
    "[a-z_]{1,6}"
}

fn channels(name: impl Strategy<Value = String>) -> impl Strategy<Value = Vec<ChannelRef>> {
    let rest = (option::of(any::<String>()), vec(any::<String>(), 0..=5));
    btree_map(name, rest, 0..5).prop_map(|channels| {
        let channel = |(name, (prev_id, filters))| ChannelRef { name, prev_id, filters };
        channels.into_iter().map(channel).collect()
    })
}

fn keep_alive() -> impl Strategy<Value = KeepAlive> {
    let mode = prop_oneof![Just(KeepAliveMode::Idle), Just(KeepAliveMode::Interval)];
    (vec(any::<u8>(), 1..20), mode, 1_u64..100_000).prop_map(|(data, mode, secs)| KeepAlive {
        data: data.into(),
        mode,
        timeout: Span::from_secs(secs),
    })
}

fn links() -> impl Strategy<Value = Links> {
    let url = || "[!-=?-~\u{e9}]{1,20}";
    let next = (url(), 0_u64..100_000)
        .prop_map(|(url, secs)| NextLink { url, timeout: Span::from_secs(secs) });
    let gone = url().prop_map(|url| GoneLink { url });
    (option::of(next), option::of(gone)).prop_map(|(next, gone)| Links { next, gone })
}

fn print_channel(channel: &ChannelRef) -> String {
    let mut out = channel.name.clone();
    if let Some(prev_id) = &channel.prev_id {
        out += &format!("; prev-id={}", quote(prev_id));
    }
    for filter in &channel.filters {
        out += &format!(";filter = {}", quote(filter));
    }
    out
}

fn json_channel(channel: &ChannelRef) -> Value {
    let mut out = json!({"name": channel.name, "filters": channel.filters});
    if let Some(prev_id) = &channel.prev_id {
        out["prev-id"] = json!(prev_id);
    }
    out
}

fn quote(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}

fn cstring(data: &[u8]) -> String {
    let escape = |&byte: &u8| match byte {
        b'\\' => "\\\\".to_owned(),
        b'\r' => "\\r".to_owned(),
        b'\n' => "\\n".to_owned(),
        b'0'..=b'9' | b'a'..=b'z' => char::from(byte).to_string(),
        byte => format!("\\x{byte:02X}"),
    };
    data.iter().map(escape).collect()
}

fn base64(data: &[u8]) -> String {
    use base64::Engine as _;
    base64::engine::general_purpose::STANDARD.encode(data)
}

fn mode(mode: KeepAliveMode) -> &'static str {
    match mode {
        KeepAliveMode::Idle => "idle",
        KeepAliveMode::Interval => "interval",
    }
}
