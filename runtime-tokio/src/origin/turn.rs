//! Requests that come together go out together.

use std::future::poll_fn;
use std::mem::replace;
use std::task::Poll;

/// Lets all tasks that are ready go first. So requests that came in one turn of the loop have all been read before
/// the first is sent, and an origin that sleeps is woken once for all of them: waking it for each would cost a tenth
/// of the time of a plain request.
pub(super) async fn give_way() {
    let mut others_went = false;
    poll_fn(|cx| {
        if replace(&mut others_went, true) {
            return Poll::Ready(());
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use bytes::Bytes;
    use holdfast_core::engine::{Action, Actions, BodySource, Event, Outgoing};
    use holdfast_core::route::Target;
    use tokio::io::AsyncWriteExt;

    use crate::testing::{read_text, run};

    const ASKED: &[u8] = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n";
    const ANSWER: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

    #[derive(PartialEq, Eq, Debug)]
    enum Step {
        Read,
        Sent,
    }

    fn step(event: Event) -> Option<Step> {
        match event {
            Event::Request { .. } => Some(Step::Read),
            Event::Sent { .. } => Some(Step::Sent),
            _ => None,
        }
    }

    /// Forwards with a body of its own, so that it is told when the request is sent.
    fn forward(target: &Arc<Target>, event: Event, out: &mut Actions) {
        match event {
            Event::Request { conn, request } => {
                let body = BodySource::Bytes(Bytes::from_static(b"hi"));
                let request = Outgoing { target: target.clone(), head: request.head, body };
                out.list.push(Action::Forward { conn, request });
            }
            Event::OriginHead { conn, head, .. } => out.list.push(Action::Relay { conn, head }),
            _ => {}
        }
    }

    #[test]
    fn requests_that_come_together_have_all_been_read_before_the_first_is_sent() {
        run(async |house| {
            let target = Arc::new(house.target());
            house.engine(move |event, out| forward(&target, event, out));
            let ((mut one, _), (mut two, _)) = (house.client().await, house.client().await);
            let mut origins = Vec::new();
            // The second time there are connections to the origin, so that nothing else takes turns.
            for _ in 0..2 {
                house.shard.driver.told.take();
                for client in [&one, &two] {
                    assert_eq!(client.try_write(ASKED).expect("room"), ASKED.len());
                }
                while origins.len() < 2 {
                    origins.push(house.accept().await);
                }
                for origin in &mut origins {
                    assert!(read_text(origin).await.starts_with("GET / "));
                    origin.write_all(ANSWER).await.expect("answered");
                }
                for client in [&mut one, &mut two] {
                    assert!(read_text(client).await.ends_with("\r\n\r\nok"));
                }
            }
            let steps: Vec<_> =
                house.shard.driver.told.take().into_iter().filter_map(step).collect();
            assert_eq!(steps, [Step::Read, Step::Read, Step::Sent, Step::Sent]);
        });
    }
}
