//! What the cases on WebSockets say and check.

use serde_json::{Value, json};

use crate::{
    case::Outcome,
    peer::{
        events::{Event, open, text},
        message::{Reply, Request},
        origin::{Origin, Place},
        socket::Socket,
        ws_client, ws_origin,
    },
    scene::Scene,
    target::{Addresses, Proxy, host},
};

/// The header line with which a backend turns GRIP on.
pub(super) const GRIP: &str = "Sec-WebSocket-Extensions: grip";

/// A client's request for a WebSocket.
pub(super) fn upgrade(s: &Scene) -> Request {
    ws_client::upgrade(s.get())
}

/// As [`upgrade`], by a route with WebSocket-over-HTTP.
pub(super) fn upgrade_woh(s: &Scene) -> Request {
    upgrade(s).host(host::WOH)
}

/// A WebSocket from a client to a backend that grants it with these further header lines.
pub(super) async fn native(
    s: &Scene,
    request: Request,
    fields: &[&str],
) -> Outcome<(Socket, Socket)> {
    let client = s.send(&request).await?;
    let backend = s.origin.asked().await?.accept(fields).await?;
    Ok((client.upgraded().await?.0, backend))
}

/// A WebSocket whose backend does not use GRIP.
pub(super) async fn plain(s: &Scene) -> Outcome<(Socket, Socket)> {
    native(s, upgrade(s), &[]).await
}

/// A WebSocket whose backend uses GRIP.
pub(super) async fn grip(s: &Scene) -> Outcome<(Socket, Socket)> {
    native(s, upgrade(s), &[GRIP]).await
}

/// A WebSocket whose backend uses GRIP and has subscribed it.
pub(super) async fn subscribed(s: &Scene, channel: &str) -> Outcome<(Socket, Socket)> {
    let (client, mut backend) = grip(s).await?;
    backend.send(subscribe(channel)).await?;
    s.settle().await;
    Ok((client, backend))
}

/// A WebSocket whose first exchange over HTTP is answered with this reply.
pub(super) async fn opened(s: &Scene, request: Request, reply: Reply) -> Outcome<Socket> {
    let client = s.send(&request).await?;
    s.origin.told(&[open()]).await?.reply(reply).await?;
    Ok(client.upgraded().await?.0)
}

/// A WebSocket over HTTP, with GRIP and these first events.
pub(super) async fn woh(s: &Scene, events: &[Event]) -> Outcome<Socket> {
    opened(s, upgrade_woh(s), granted(events)).await
}

/// As [`woh`], to a place of its own, for cases in which one connection after the other fails: what the proxy
/// says of the last must not be taken for the next.
pub(super) async fn woh_apart(s: &Scene) -> Outcome<(Socket, Place)> {
    let place = s.place();
    let request = ws_client::upgrade(s.get_from(&place)).host(host::WOH);
    let client = s.send(&request).await?;
    place.told(&[open()]).await?.reply(granted(&[])).await?;
    Ok((client.upgraded().await?.0, place))
}

/// As [`woh`], subscribed.
pub(super) async fn woh_subscribed(s: &Scene, channel: &str) -> Outcome<Socket> {
    let client = woh(s, &[subscribe(channel)]).await?;
    s.settle().await;
    Ok(client)
}

/// A proxy and an origin of a case's own, for what would disturb others. It is up to the case to stop it.
pub(super) struct Apart {
    /// The proxy.
    pub(super) proxy: Proxy,
    /// The origin.
    pub(super) origin: Origin,
    /// The case's place there.
    pub(super) place: Place,
    addresses: Addresses,
}

/// Starts them; where the suite cannot do that, the case is skipped. The origin waits this many seconds for
/// each thing.
pub(super) async fn apart(s: &Scene, patience: f64) -> Outcome<Apart> {
    let (proxy, addresses) = s.own_proxy().await?;
    let origin = Origin::listen(&addresses.origin).await?;
    let place = origin.place("apart", s.seconds(patience));
    Ok(Apart { proxy, origin, place, addresses })
}

impl Apart {
    /// Where the proxy serves.
    pub(super) fn address(&self) -> &str {
        &self.addresses.proxy
    }

    /// A client's request for a WebSocket.
    pub(super) fn upgrade(&self) -> Request {
        ws_client::upgrade(Request::new("GET", &self.place.path, self.address()))
    }

    /// A WebSocket from a client to a backend that grants it with these further header lines.
    pub(super) async fn native(&self, s: &Scene, fields: &[&str]) -> Outcome<(Socket, Socket)> {
        let client = s.send_to(self.address(), &self.upgrade()).await?;
        let backend = self.place.asked().await?.accept(fields).await?;
        Ok((client.upgraded().await?.0, backend))
    }

    /// Lets the origin listen where it did.
    pub(super) async fn return_origin(&self) -> Outcome {
        Ok(self.origin.listen_again(&self.addresses.origin).await?)
    }

    /// Stops the proxy.
    pub(super) async fn stop(self) {
        self.origin.leave();
        self.proxy.stop().await;
    }
}

/// A reply that grants a WebSocket over HTTP, with GRIP, and says more.
pub(super) fn granted(events: &[Event]) -> Reply {
    says(&[&[open()], events].concat()).with(GRIP)
}

/// A reply that carries events.
pub(super) fn says(events: &[Event]) -> Reply {
    ws_origin::says(events)
}

/// A control message.
pub(super) fn control(message: &Value) -> Event {
    text(format!("c:{message}"))
}

/// The control message that subscribes to a channel.
pub(super) fn subscribe(channel: &str) -> Event {
    control(&json!({ "type": "subscribe", "channel": channel }))
}

/// An item that says a text to WebSockets.
pub(super) fn for_sockets(channel: &str, content: &str) -> Value {
    ws_item(channel, json!({ "content": content }))
}

/// An item for WebSockets.
pub(super) fn ws_item(channel: &str, format: Value) -> Value {
    json!({ "channel": channel, "ws-message": format })
}
