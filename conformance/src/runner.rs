//! Plays cases side by side and judges them.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use tokio::{sync::Semaphore, task::JoinSet, time::timeout};

use crate::{
    case::{Case, Outcome, Trouble, wrong},
    cases,
    profile::Profile,
    scene::{Scene, World},
    verdict::{Judged, Verdict},
};

/// Plays the cases, at most `jobs` at once; then once more, alone, those that did not come out as the profile
/// expects, `retries` times at most. On a crowded machine a proxy may be late without being wrong. `progress`
/// hears of each as it ends.
pub(crate) async fn run_with_retries(
    cases: Vec<Case>,
    world: Arc<World>,
    profile: &Profile,
    (jobs, retries): (u32, u32),
    mut progress: impl FnMut(&Judged),
) -> Vec<Judged> {
    let mut judged = run(cases, 0, world.clone(), profile, jobs, &mut progress).await;
    for attempt in 1..=retries as usize {
        let is_open = |id| judged.iter().any(|one| one.id == id && one.verdict.is_bad());
        let open: Vec<_> = cases::all().into_iter().filter(|case| is_open(case.id)).collect();
        if open.is_empty() {
            break;
        }
        for one in &open {
            eprintln!("again, alone: {}", one.id);
        }
        // Numbers that were not used before, so that nothing of the first try is taken for the second.
        let from = attempt * cases::all().len();
        for again in run(open, from, world.clone(), profile, 1, &mut progress).await {
            if let Some(one) = judged.iter_mut().find(|one| one.id == again.id) {
                *one = again;
            }
        }
    }
    judged
}

/// Plays the cases, numbered from `from` on.
async fn run(
    cases: Vec<Case>,
    from: usize,
    world: Arc<World>,
    profile: &Profile,
    jobs: u32,
    progress: &mut impl FnMut(&Judged),
) -> Vec<Judged> {
    let order: Vec<&'static str> = cases.iter().map(|case| case.id).collect();
    let places = Arc::new(Semaphore::new(jobs as usize));
    let mut running = JoinSet::new();
    let mut judged = Vec::new();
    for (number, case) in longest_first(cases, from) {
        if let Some(why) = profile.skips(case.id) {
            let verdict = Verdict::Skipped { why: why.to_owned() };
            judged.push(told(&case, verdict, Duration::ZERO));
            continue;
        }
        let (world, places) = (world.clone(), places.clone());
        running.spawn(async move {
            // A case that wants to be alone waits for all the places, and so for all the others.
            let count = if case.alone { jobs } else { 1 };
            let _places = places.acquire_many_owned(count).await;
            let start = Instant::now();
            let outcome = play(&case, Scene::new(world.clone(), number), &world).await;
            (case, outcome, start.elapsed())
        });
    }
    while let Some(ended) = running.join_next().await {
        let Ok((case, outcome, took)) = ended else { continue };
        let one = told(&case, profile.judge(case.id, outcome), took);
        progress(&one);
        judged.push(one);
    }
    judged.sort_by_key(|one| order.iter().position(|id| *id == one.id));
    judged
}

/// The longest cases start first, so that the run is not longer than the longest of them; those that
/// want to be alone come last.
fn longest_first(cases: Vec<Case>, from: usize) -> Vec<(usize, Case)> {
    let mut numbered: Vec<_> = (from..).zip(cases).collect();
    numbered.sort_by_key(|(_, case)| (case.alone, std::cmp::Reverse(case.limit)));
    numbered
}

/// Plays one case. A script that panics is told as a failure of the case.
async fn play(case: &Case, scene: Scene, world: &World) -> Outcome {
    let mut script = JoinSet::new();
    script.spawn(case.play(scene));
    match timeout(world.seconds(f64::from(case.limit)), script.join_next()).await {
        Ok(Some(Ok(outcome))) => outcome,
        Ok(Some(Err(error))) => wrong(format_args!("the script broke: {error}")),
        Ok(None) => wrong("the script did not run"),
        Err(_) => Err(Trouble::Wrong(format!("not finished after {} s", case.limit))),
    }
}

fn told(case: &Case, verdict: Verdict, took: Duration) -> Judged {
    Judged { id: case.id, rule: case.rule, level: case.level, verdict, took }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use tokio::{
        io::{AsyncReadExt, AsyncWriteExt},
        net::{TcpListener, TcpStream},
    };

    use super::{run, run_with_retries};
    use crate::{
        case::must,
        cases,
        peer::{origin::Origin, publisher::Publisher},
        profile::Profile,
        scene::World,
        verdict::{Tally, Verdict},
    };

    /// Says the same whenever it hears something.
    async fn parrot(mut stream: TcpStream, says: &'static str) {
        let mut heard = [0; 65536];
        while matches!(stream.read(&mut heard).await, Ok(1..)) {
            // A parrot does not care who listens.
            let _ = stream.write_all(says.as_bytes()).await;
        }
    }

    /// The world of a proxy that says the same to everybody.
    async fn world_of_a_parrot(says: &'static str, scale: f64) -> Arc<World> {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("port");
        let proxy = listener.local_addr().expect("address").to_string();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(parrot(stream, says));
            }
        });
        Arc::new(World {
            publisher: Some(Publisher::new(&format!("http://{proxy}")).expect("address")),
            proxy,
            command: None,
            origin: Origin::listen("127.0.0.1:0").await.expect("port"),
            spawn: None,
            run: "t".to_owned(),
            scale,
        })
    }

    /// The alarm has to ring: a peer that says the same to everything keeps no rule.
    async fn keeps_no_rule(says: &'static str) {
        let world = world_of_a_parrot(says, 0.05).await;
        let judged = run(cases::all(), 0, world, &Profile::default(), 64, &mut |_| {}).await;
        assert_eq!(judged.len(), cases::all().len());
        let passed = judged.iter().filter(|one| one.verdict == Verdict::Passed);
        assert_eq!(passed.map(|one| one.id).collect::<Vec<_>>(), [""; 0], "these cannot fail");
    }

    #[tokio::test]
    async fn what_fails_is_played_again_and_stays_failed() {
        let world = world_of_a_parrot("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", 0.05).await;
        let first: Vec<_> = cases::all().into_iter().take(2).collect();
        let mut played = 0;
        let profile = Profile::default();
        let judged = run_with_retries(first, world, &profile, (2, 2), |_| played += 1).await;
        assert_eq!((judged.len(), played), (2, 6));
        assert!(judged.iter().all(|one| one.verdict.is_bad()));
    }

    #[tokio::test]
    async fn a_proxy_that_refuses_everything_fails() {
        keeps_no_rule(
            "HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain\r\nContent-Length: 2\r\n\r\nx\n",
        )
        .await;
    }

    #[tokio::test]
    async fn a_proxy_that_welcomes_everything_fails() {
        keeps_no_rule(
            "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 2\r\n\r\nx\n",
        )
        .await;
    }

    #[tokio::test]
    async fn scripts_that_hang_or_break_are_failures() {
        let world = world_of_a_parrot("", 0.02).await;
        let cases = vec![
            must("T-1/hangs", "", |_| async { std::future::pending().await }),
            must("T-1/breaks", "", |_| async { panic!("broken") }),
            must("T-1/passes", "", |_| async { Ok(()) }),
        ];
        let judged = run(cases, 0, world, &Profile::default(), 2, &mut |_| {}).await;
        let tally = Tally::of(&judged);
        assert_eq!((tally.passed, tally.failed), (1, 2), "{judged:?}");
        assert_eq!(judged.first().map(|one| one.id), Some("T-1/hangs"), "the order is kept");
    }
}
