//! What the origin sees of a plain request.

use super::support::{instruct, requests_refused};
use crate::{
    case::{Case, Outcome, ensure, must, should},
    peer::message::{Request, ok},
    scene::Scene,
    target::host,
};

pub(super) fn cases() -> Vec<Case> {
    vec![
        must(
            "FWD-2/no-route",
            "a request without a route gets a 502 page and no hang-up",
            no_route,
        ),
        must("FWD-4/any-method", "any method reaches the origin unchanged", any_method),
        should("FWD-11/absolute-form", "the authority of an absolute target wins", absolute_form),
        should("FWD-11/connect", "CONNECT is refused", connect),
        must("FWD-12/two-hosts", "two Host fields are a bad request", two_hosts),
        must("FWD-12/no-host", "HTTP/1.1 without Host is a bad request", no_host),
        must("FWD-12/bad-host", "a malformed Host is a bad request", bad_host),
        must("FWD-12/http10-hostless", "HTTP/1.0 needs no Host", http10_hostless),
        should("FWD-14/fragment", "a target with a fragment is a bad request", fragment),
        must("FWD-15/port-80", "the default port is not sent to the origin", default_port),
        must("FWD-15/other-port", "another port is kept", other_port),
        must("FWD-34/removed", "fields about the connection do not cross", removed),
        should("FWD-35/hop-by-hop", "no hop-by-hop field crosses", hop_by_hop),
        should("FWD-35/named", "fields named in Connection do not cross", named_in_connection),
        should("FWD-36/coding", "a request body keeps its Content-Encoding", content_encoding),
        must("FWD-39/grip-removed", "a client's Grip fields do not cross", grip_removed),
        must("FWD-39/no-grip", "neither do they where GRIP is not spoken", grip_removed_no_grip),
        must("FWD-40/announced", "requests are signed and announce GRIP", announced),
        must("FWD-40/no-grip", "where GRIP is not spoken nothing is announced", not_announced),
        must("FWD-42/defaults", "X-Forwarded-Proto passes and is not made up", forwarded_proto),
        must("FWD-43/folded", "X-Forwarded-For is folded into one field", forwarded_for),
        must("FWD-43/none", "X-Forwarded-For is not made up", no_forwarded_for),
        must("FWD-45/nothing-added", "nothing tells of the proxy or its client", nothing_added),
        must("FWD-45/untouched", "other fields keep order, spelling and number", untouched),
        should("FWD-13/untouched", "path and query cross byte for byte", target_untouched),
        must("ROUTE-22/host", "routes are found by host in any case, without port", host_folded),
        must("FILT-15/features", "Grip-Feature names what can be asked for", features),
        must("ACT-2/no-grip", "where GRIP is not spoken instructions pass as they are", passed_on),
    ]
}

async fn no_route(s: Scene) -> Outcome {
    let mut client = s.connect().await?;
    for _ in 0..2 {
        client.send(&s.get().host(host::ROUTELESS)).await?;
        client.answer().await?.error(502)?;
    }
    Ok(())
}

async fn any_method(s: Scene) -> Outcome {
    for method in ["BREW", "patch", "DELETE", "M-SEARCH"] {
        let seen = s.forwarded(s.request(method)).await?;
        ensure(seen.head.word(0) == method, format_args!("{method} became {}", seen.head))?;
    }
    Ok(())
}

async fn absolute_form(s: Scene) -> Outcome {
    let target = format!("http://other.test{}", s.origin.path);
    let seen = s.forwarded(Request::new("GET", &target, "wrong.test")).await?;
    seen.head.has("Host", "other.test")?;
    ensure(seen.target() == s.origin.path, format_args!("the target is {}", seen.target()))
}

async fn connect(s: Scene) -> Outcome {
    let request = Request::new("CONNECT", "example.test:443", "example.test:443");
    requests_refused(&s, &[request.bytes()], &["405", "501"]).await
}

async fn two_hosts(s: Scene) -> Outcome {
    requests_refused(&s, &[s.get().with("Host: other.test").bytes()], &["400"]).await
}

async fn no_host(s: Scene) -> Outcome {
    requests_refused(&s, &[s.get().hostless().bytes()], &["400"]).await
}

async fn bad_host(s: Scene) -> Outcome {
    let hosts = ["a b", "a/b", "a:b", "a@b", "a?b", "a#b", "[::1"];
    requests_refused(&s, &hosts.map(|host| s.get().host(host).bytes()), &["400"]).await
}

async fn http10_hostless(s: Scene) -> Outcome {
    s.forwarded(s.get().http10().hostless()).await?.head.has("Host", "localhost")?;
    Ok(())
}

async fn fragment(s: Scene) -> Outcome {
    requests_refused(&s, &[s.get().at("/a#b").bytes()], &["400"]).await
}

async fn default_port(s: Scene) -> Outcome {
    s.forwarded(s.get().host("plain.test:80")).await?.head.has("Host", "plain.test")?;
    Ok(())
}

async fn other_port(s: Scene) -> Outcome {
    s.forwarded(s.get().host("plain.test:8080")).await?.head.has("Host", "plain.test:8080")?;
    Ok(())
}

async fn removed(s: Scene) -> Outcome {
    let request = s
        .get()
        .with("Keep-Alive: timeout=7")
        .with("Accept-Encoding: x-odd")
        .with("Connection: keep-alive, x-odd")
        .with("Expect: 100-continue");
    let head = s.forwarded(request).await?.head;
    head.lacks("Keep-Alive")?.lacks("Expect")?;
    for name in ["Connection", "Accept-Encoding"] {
        ensure(!head.lists(name, "x-odd"), format_args!("the client's {name} crossed"))?;
    }
    Ok(())
}

async fn hop_by_hop(s: Scene) -> Outcome {
    let request = s
        .get()
        .with("TE: trailers")
        .with("Trailer: X-T")
        .with("Upgrade: odd")
        .with("Proxy-Connection: keep-alive")
        .with("Proxy-Authorization: Basic eDp5");
    let head = s.forwarded(request).await?.head;
    for name in ["TE", "Trailer", "Upgrade", "Proxy-Connection", "Proxy-Authorization"] {
        head.lacks(name)?;
    }
    Ok(())
}

async fn named_in_connection(s: Scene) -> Outcome {
    let request = s.get().with("Connection: X-Mine").with("X-Mine: 1").with("X-Other: 2");
    s.forwarded(request).await?.head.lacks("X-Mine")?.has("X-Other", "2")?;
    Ok(())
}

async fn content_encoding(s: Scene) -> Outcome {
    let request = s.request("POST").with("Content-Encoding: gzip").body("not really");
    s.forwarded(request).await?.head.has("Content-Encoding", "gzip")?;
    Ok(())
}

/// A request full of Grip fields.
fn grippy(s: &Scene) -> Request {
    s.get().with("Grip-Sig: fake").with("grip-last: a; last-id=1").with("GRIP-Hold: stream")
}

async fn grip_removed(s: Scene) -> Outcome {
    let head = s.forwarded(grippy(&s)).await?.head;
    head.lacks("Grip-Last")?.lacks("Grip-Hold")?;
    ensure(!head.all("Grip-Sig").contains(&"fake"), "the client's Grip-Sig crossed")
}

async fn grip_removed_no_grip(s: Scene) -> Outcome {
    s.forwarded(grippy(&s).host(host::NO_GRIP)).await?.head.lacks_any("Grip-")?;
    Ok(())
}

async fn announced(s: Scene) -> Outcome {
    let head = s.forwarded(s.get()).await?.head;
    for name in ["Grip-Sig", "Grip-Feature"] {
        ensure(head.all(name).len() == 1, format_args!("{name} is {:?}", head.all(name)))?;
    }
    Ok(())
}

async fn not_announced(s: Scene) -> Outcome {
    s.forwarded(s.get().host(host::NO_GRIP)).await?.head.lacks_any("Grip-")?;
    Ok(())
}

async fn forwarded_proto(s: Scene) -> Outcome {
    s.forwarded(s.get()).await?.head.lacks_any("X-Forwarded-Proto")?;
    let head = s.forwarded(s.get().with("X-Forwarded-Proto: https")).await?.head;
    head.has("X-Forwarded-Proto", "https")?.lacks("X-Forwarded-Protocol")?;
    Ok(())
}

async fn forwarded_for(s: Scene) -> Outcome {
    let request =
        s.get().with("X-Forwarded-For: 1.1.1.1, 2.2.2.2").with("x-forwarded-for: 3.3.3.3");
    s.forwarded(request).await?.head.has("X-Forwarded-For", "1.1.1.1, 2.2.2.2, 3.3.3.3")?;
    Ok(())
}

async fn no_forwarded_for(s: Scene) -> Outcome {
    s.forwarded(s.get()).await?.head.lacks("X-Forwarded-For")?;
    Ok(())
}

async fn nothing_added(s: Scene) -> Outcome {
    let head = s.forwarded(s.get()).await?.head;
    for name in ["Via", "Forwarded", "X-Real-IP", "X-Request-ID", "User-Agent", "Date"] {
        head.lacks(name)?;
    }
    Ok(())
}

async fn untouched(s: Scene) -> Outcome {
    let sent = [("X-b", "1"), ("x-A", "2"), ("X-B", "3"), ("Cookie", "a=1"), ("cookie", "b=2")];
    let request = sent.iter().fold(s.get(), |r, (name, value)| r.with(format!("{name}: {value}")));
    let head = s.forwarded(request).await?.head;
    let ours = |name: &str| sent.iter().any(|(sent, _)| *sent == name);
    let kept: Vec<_> = head.fields.iter().filter(|(name, _)| ours(name)).collect();
    let same = kept.len() == sent.len()
        && kept.iter().zip(sent).all(|((n, v), (name, value))| n == name && v == value);
    ensure(same, format_args!("fields arrived as {:?}", head.fields))
}

async fn target_untouched(s: Scene) -> Outcome {
    let more = "/a//b/%7E%20;x=1/?q=%2F&r=a+b&&s";
    let seen = s.forwarded(s.get().at(more)).await?;
    let wanted = format!("{}{more}", s.origin.path);
    ensure(seen.target() == wanted, format_args!("{wanted} became {}", seen.target()))
}

async fn host_folded(s: Scene) -> Outcome {
    let host = format!("{}:99", host::ROUTELESS.to_uppercase());
    s.ask(s.get().host(&host)).await?.error(502)?.fine()
}

async fn features(s: Scene) -> Outcome {
    let head = s.forwarded(s.get()).await?.head;
    for feature in [
        "status",
        "link:next",
        "filter:skip-self",
        "filter:skip-users",
        "filter:require-sub",
        "filter:build-id",
        "filter:var-subst",
    ] {
        let listed = head.lists("Grip-Feature", feature);
        ensure(listed, format_args!("{feature} is not in {:?}", head.all("Grip-Feature")))?;
    }
    Ok(())
}

async fn passed_on(s: Scene) -> Outcome {
    let plain = s.get().host(host::NO_GRIP);
    let reply = ok("as it is\n").with("Grip-Hold: stream").with("Grip-Channel: x");
    let (_, answer) = s.relay(plain.clone(), reply).await?;
    answer.status(200)?.says("as it is\n")?.has("Grip-Hold", "stream")?;
    let document = serde_json::json!({ "response": { "body": "unwrapped" } });
    let (_, answer) = s.relay(plain, instruct(&document)).await?;
    answer.status(200)?.says(document.to_string())?.fine()
}
