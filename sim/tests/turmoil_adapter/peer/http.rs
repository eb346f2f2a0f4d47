//! HTTP/1.1 by hyper: clients, publishers and backends.

use std::convert::Infallible;
use std::future::Future;
use std::rc::Rc;

use http::{Request, Response};
use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::client::conn::http1::SendRequest;
use hyper::server::conn::http1::Builder;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::task::spawn_local;
use turmoil::Result;
use turmoil::net::{TcpListener, TcpStream};

use crate::stage::{DOOR, PUBLISH};

/// Where every backend listens.
pub const BACKEND_PORT: u16 = 8000;

/// Serves whoever comes, for ever.
pub async fn serve<F>(answer: impl Fn(Request<Incoming>) -> F + 'static) -> Result
where
    F: Future<Output = Response<Full<Bytes>>> + 'static,
{
    let listener = TcpListener::bind(("0.0.0.0", BACKEND_PORT)).await?;
    let answer = Rc::new(answer);
    loop {
        let (stream, _) = listener.accept().await?;
        let answer = answer.clone();
        spawn_local(async move {
            let service = service_fn(|request| {
                let answer = answer(request);
                async { Ok::<_, Infallible>(answer.await) }
            });
            // However it ends: the peer has a tale to tell, too.
            let _ = Builder::new().serve_connection(TokioIo::new(stream), service).await;
        });
    }
}

/// A connection for requests.
pub async fn connect(to: (&str, u16)) -> Result<SendRequest<Full<Bytes>>> {
    let stream = TcpStream::connect(to).await?;
    let (sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
    spawn_local(async {
        let _ = connection.await;
    });
    Ok(sender)
}

/// Asks the proxy for `path`. The connection lives as long as what is returned.
pub async fn get(path: &str) -> Result<(SendRequest<Full<Bytes>>, Response<Incoming>)> {
    let mut sender = connect(DOOR).await?;
    let request = Request::get(path).header("Host", "app").body(Full::default())?;
    let response = sender.send_request(request).await?;
    Ok((sender, response))
}

/// All of a body as text.
pub async fn text(body: Incoming) -> Result<String> {
    Ok(String::from_utf8(body.collect().await?.to_bytes().into())?)
}

/// The next piece of a body as text; `None` at its end.
pub async fn piece(body: &mut Incoming) -> Result<Option<String>> {
    let Some(frame) = body.frame().await else { return Ok(None) };
    let data = frame?.into_data().unwrap_or_default();
    Ok(Some(String::from_utf8(data.into())?))
}

/// Publishers with one connection.
pub struct Publisher(SendRequest<Full<Bytes>>);

impl Publisher {
    pub async fn new() -> Result<Self> {
        Ok(Self(connect(PUBLISH).await?))
    }

    /// Publishes one text to the channel `news`, in every format.
    pub async fn publish(&mut self, text: &str) -> Result {
        let item = format!(
            r#"{{"items":[{{"channel":"news","http-response":{{"body":"{text}\n"}},
                "http-stream":{{"content":"{text}\n"}},"ws-message":{{"content":"{text}"}}}}]}}"#
        );
        let request = Request::post("/publish/").header("Host", "proxy").body(item.into())?;
        let response = self.0.send_request(request).await?;
        assert_eq!(response.status(), 200);
        assert_eq!(self::text(response.into_body()).await?, "Published\n");
        Ok(())
    }
}
