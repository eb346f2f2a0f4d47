//! What the backends of WebSockets say, whichever way they say it.

use holdfast_core::ground::Rng;

use crate::dice::{log_range, weighted};
use crate::scene::{Phase, Scene};
use crate::talk::{Order, Said, TalkId, Word};

/// One thing that a backend says.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Utterance {
    Word(Word),
    /// The client is to be dropped.
    Disconnect,
}

/// What it says to a client that it accepts.
pub(super) fn greet(scene: &mut Scene, rng: &mut Rng, talk: TalkId) -> Vec<Utterance> {
    let mut said = Vec::new();
    if scene.setting.talks.plan(talk).grip {
        for _ in 0..rng.below(3) {
            said.push(Utterance::Word(Order::Subscribe(channel(scene, rng)).word()));
        }
    }
    said.extend(utter(scene, rng, talk));
    said
}

/// What it says to something that it heard.
pub(super) fn reply(
    scene: &mut Scene,
    rng: &mut Rng,
    talk: TalkId,
    heard: &Word,
) -> Vec<Utterance> {
    match heard {
        Word::Ping(payload) => vec![Utterance::Word(Word::Pong(payload.clone()))],
        Word::Pong(_) => Vec::new(),
        Word::Close(code, reason) => match rng.below(4) {
            // It need not consent.
            0 if scene.phase == Phase::Live => Vec::new(),
            1 => vec![Utterance::Word(Word::Close(Some(4002), "so be it".to_owned()))],
            _ => vec![Utterance::Word(Word::Close(*code, reason.clone()))],
        },
        Word::Text(_) | Word::Binary(_) => utter(scene, rng, talk),
    }
}

/// Whatever comes to its mind. It does not end what has come to rest.
fn utter(scene: &mut Scene, rng: &mut Rng, talk: TalkId) -> Vec<Utterance> {
    let sockets = scene.options.sockets;
    let grip = scene.setting.talks.plan(talk).grip;
    let mut said = Vec::new();
    for _ in 0..rng.below(sockets.talkative + 1) {
        let number = scene.ticket();
        let mut payload = format!("b{number}.").into_bytes();
        let size = log_range(rng, 1, sockets.size) as usize;
        payload.resize(size.max(payload.len()), b'.');
        let live = scene.phase == Phase::Live;
        let order = match weighted(rng, &sockets.sayings) {
            1 => Err(Word::Binary(payload)),
            2 => Err(Word::Ping(format!("b{number}").into_bytes())),
            3 => Ok(Order::Subscribe(channel(scene, rng))),
            4 => Ok(Order::Unsubscribe(channel(scene, rng))),
            5 => Ok(Order::KeepAlive((!rng.one_in(3)).then(|| 1 + rng.below(20)))),
            6 => Ok(Order::SendDelayed(format!("d{number}"), 1 + rng.below(5))),
            7 => Ok(Order::FlushDelayed),
            8 => Ok(Order::Odd),
            9 if live => Ok(Order::Detach),
            10 if live => Err(Word::Close(Some(4003), "no more".to_owned())),
            11 if live => {
                said.push(Utterance::Disconnect);
                break;
            }
            _ => Err(Word::Text(payload)),
        };
        let word = match order {
            Ok(order) if grip => order.word(),
            Ok(Order::Odd) if rng.one_in(2) => Word::Text(format!("b{number}").into_bytes()),
            Ok(_) => continue,
            Err(word) if grip && rng.one_in(20) => word,
            Err(word) => Said::to_client(&word, grip),
        };
        let closes = matches!(word, Word::Close(..));
        said.push(Utterance::Word(word));
        if closes {
            break;
        }
    }
    said
}

fn channel(scene: &Scene, rng: &mut Rng) -> u32 {
    rng.below(u64::from(scene.options.channels)) as u32
}
