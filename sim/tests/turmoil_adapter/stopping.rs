//! A stop while everybody is held.

use http::Response;
use tokio::time::sleep;
use turmoil::Result;

use crate::peer::events::{After, echo, hear};
use crate::peer::http::{get, serve, text};
use crate::peer::socket::{self, hear_out, open_at};
use crate::stage::{Log, SETTLED, Stage, play};

#[test]
fn ops_20_everybody_is_told_before_the_proxy_ends() {
    let scenario = |stage: &mut Stage| {
        stage.proxy(
            "* web:8000\n*,path_beg=/woh woh:8000,over_http\n*,path_beg=/native native:8000",
        );
        stage.host("web", |_| {
            serve(|request| {
                let hold = request.uri().path().trim_start_matches('/').to_owned();
                let held =
                    Response::builder().header("Grip-Hold", hold).header("Grip-Channel", "c");
                async { held.body("open\n".into()).expect("a response") }
            })
        });
        stage.host("woh", |log| {
            serve(move |request| {
                let log = log.clone();
                async move {
                    let events = hear(&log, request).await;
                    if log.count("backend", "DISCONNECT") > 0 {
                        sleep(SETTLED).await;
                        log.note("backend", "knows");
                    }
                    echo(&events, After::Keep)
                }
            })
        });
        stage.host("native", socket::serve);
        for path in ["/woh", "/native"] {
            stage.client(path, |log| socket_client(path, log));
        }
        for path in ["/stream", "/response"] {
            stage.client(path, |log| http_client(path, log));
        }
        stage.pass(SETTLED);
        stage.stop();
        stage.finish();
        stage.until("proxy", "stopped", 1);
    };
    play(scenario, |log| {
        for path in ["/woh", "/native"] {
            assert_eq!(log.of(path), ["close 1001", "end"]);
        }
        assert_eq!(log.of("/stream"), ["open\n"]);
        assert_eq!(log.count("backend", "OPEN"), 1);
        assert_eq!(log.count("backend", "DISCONNECT"), 1);
        assert_eq!(log.count("backend", "close 1001"), 1);
        assert!(log.when("backend", "knows") < log.when("proxy", "stopped"));
    });
}

async fn socket_client(path: &'static str, log: Log) -> Result {
    let mut socket = open_at(path).await?;
    hear_out(&mut socket, &log, path).await;
    Ok(())
}

async fn http_client(path: &'static str, log: Log) -> Result {
    let (_connection, response) = get(path).await?;
    log.note(path, text(response.into_body()).await?);
    Ok(())
}
