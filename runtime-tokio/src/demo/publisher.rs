//! Posts items to the proxy's publish API: one after the other, so their order is kept, each with a few
//! attempts and a time limit. An item that arrives twice is harmless: it tells the whole value.

use std::rc::Rc;
use std::time::Duration;

use bytes::Bytes;
use http::{Request, StatusCode, Uri, header};
use http_body_util::{BodyExt, Full, Limited};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio::time::{sleep, timeout};

use super::app::App;

/// How many items may wait.
pub(super) const QUEUE: usize = 256;

const ATTEMPT: Duration = Duration::from_secs(2);
/// The waits before each attempt.
const ATTEMPTS: [Duration; 3] =
    [Duration::ZERO, Duration::from_millis(100), Duration::from_millis(400)];
const REPLY_LIMIT: usize = 4096;

/// The address of a publish API.
#[derive(Clone, Debug)]
pub(super) struct PublishUrl {
    authority: String,
    host: String,
    port: u16,
    path: String,
}

impl PublishUrl {
    /// Reads an `http://` URL.
    pub(super) fn parse(url: &str) -> Result<Self, String> {
        let bad = |why: &str| format!("publish URL {url:?}: {why}");
        let uri: Uri = url.parse().map_err(|why| bad(&format!("{why}")))?;
        if uri.scheme_str() != Some("http") {
            return Err(bad("only http:// is supported"));
        }
        let host = uri.host().ok_or_else(|| bad("no host"))?;
        Ok(Self {
            authority: uri.authority().map(ToString::to_string).unwrap_or_default(),
            host: host.trim_start_matches('[').trim_end_matches(']').to_owned(),
            port: uri.port_u16().unwrap_or(80),
            path: uri.path_and_query().map_or("/", |path| path.as_str()).to_owned(),
        })
    }
}

/// Publishes what comes out of `queue` until its other end is gone.
pub(super) async fn run(to: PublishUrl, mut queue: mpsc::Receiver<Value>, app: Rc<App>) {
    while let Some(item) = queue.recv().await {
        let result = publish(&to, &item).await;
        if let Err(why) = &result {
            tracing::warn!(id = %item["id"], "publish failed: {why}");
        }
        app.journal.borrow_mut().publish(item, &result);
    }
}

async fn publish(to: &PublishUrl, item: &Value) -> Result<String, String> {
    let body = Bytes::from(json!({ "items": [item] }).to_string());
    let mut failure = String::new();
    for wait in ATTEMPTS {
        sleep(wait).await;
        match timeout(ATTEMPT, post(to, body.clone())).await {
            Ok(Ok((StatusCode::OK, said))) => return Ok(format!("200 {said}")),
            Ok(Ok((status, said))) if status.is_client_error() => {
                return Err(format!("{} {said}", status.as_u16()));
            }
            Ok(Ok((status, said))) => failure = format!("{} {said}", status.as_u16()),
            Ok(Err(why)) => failure = format!("{}:{}: {why}", to.host, to.port),
            Err(_) => failure = format!("{}:{}: no answer in time", to.host, to.port),
        }
    }
    Err(failure)
}

type Failure = Box<dyn std::error::Error + Send + Sync>;

async fn post(to: &PublishUrl, body: Bytes) -> Result<(StatusCode, String), Failure> {
    let socket = TcpStream::connect((to.host.as_str(), to.port)).await?;
    let (mut sender, connection) = http1::handshake(TokioIo::new(socket)).await?;
    let request = Request::post(&to.path)
        .header(header::HOST, &to.authority)
        .header(header::CONTENT_TYPE, "application/json")
        .body(Full::new(body))?;
    // The connection ends by itself once the sender is gone.
    let exchange = async move {
        let response = sender.send_request(request).await?;
        let status = response.status();
        let said = Limited::new(response.into_body(), REPLY_LIMIT).collect().await?.to_bytes();
        Ok((status, String::from_utf8_lossy(&said).trim().to_owned()))
    };
    let (outcome, _) = tokio::join!(exchange, connection);
    outcome
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_publish_urls() {
        let url = PublishUrl::parse("http://[::1]:5561/publish/").expect("a good URL");
        assert_eq!((url.host.as_str(), url.port, url.path.as_str()), ("::1", 5561, "/publish/"));
        assert_eq!(url.authority, "[::1]:5561");
        assert_eq!(PublishUrl::parse("http://a").expect("a good URL").port, 80);
        for bad in ["https://a/publish/", "/publish/", "http://", "not a url"] {
            assert!(PublishUrl::parse(bad).is_err(), "{bad}");
        }
    }
}
