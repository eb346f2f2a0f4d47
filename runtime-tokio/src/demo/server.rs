//! The socket: an HTTP/1.1 server on one thread.

use std::convert::Infallible;
use std::io;
use std::net::TcpListener as StdListener;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Runtime;
use tokio::sync::{Semaphore, mpsc, oneshot};
use tokio::task::{LocalSet, spawn_local};

use super::app::App;
use super::publisher::{self, PublishUrl};

/// How many connections are served at a time; more wait in the listener's backlog.
const CONNECTIONS: usize = 1024;
/// How many bytes of a request's body are read.
const BODY: usize = 64 << 10;
/// How long a connection may stay without a request; longer than a proxy keeps one in its pool.
const IDLE: Duration = Duration::from_secs(75);

/// Serves until `stopped` resolves.
pub(super) fn run(
    runtime: &Runtime,
    listener: StdListener,
    publish: PublishUrl,
    stopped: oneshot::Receiver<()>,
) -> io::Result<()> {
    LocalSet::new().block_on(runtime, async move {
        let listener = TcpListener::from_std(listener)?;
        let (outbox, queue) = mpsc::channel(publisher::QUEUE);
        let app = Rc::new(App::new(outbox));
        spawn_local(publisher::run(publish, queue, Rc::clone(&app)));
        tokio::select! {
            biased;
            _ = stopped => Ok(()),
            () = accept(&listener, &app) => Ok(()),
        }
    })
}

async fn accept(listener: &TcpListener, app: &Rc<App>) {
    let free = Arc::new(Semaphore::new(CONNECTIONS));
    while let Ok(permit) = Arc::clone(&free).acquire_owned().await {
        match listener.accept().await {
            Ok((socket, _)) => {
                let app = Rc::clone(app);
                spawn_local(async move {
                    serve(socket, app).await;
                    drop(permit);
                });
            }
            Err(why) => {
                tracing::warn!("the demo backend cannot accept: {why}");
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        }
    }
}

async fn serve(socket: TcpStream, app: Rc<App>) {
    let service = service_fn(|request: Request<Incoming>| {
        let app = Rc::clone(&app);
        async move { Ok::<_, Infallible>(answer(&app, request).await.map(Full::new)) }
    });
    let served = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(IDLE)
        .serve_connection(TokioIo::new(socket), service)
        .await;
    if let Err(why) = served {
        tracing::debug!("a connection of the demo backend failed: {why}");
    }
}

async fn answer(app: &App, request: Request<Incoming>) -> Response<Bytes> {
    let (head, body) = request.into_parts();
    match Limited::new(body, BODY).collect().await {
        Ok(body) => app.answer(&head, &body.to_bytes()),
        Err(_) => {
            let mut response = Response::new(Bytes::new());
            *response.status_mut() = StatusCode::PAYLOAD_TOO_LARGE;
            response
        }
    }
}
