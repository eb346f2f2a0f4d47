//! Replays the corpora: every input that once was worth keeping, on stable.

use std::fs;
use std::path::{Path, PathBuf};

use holdfast_fuzz::{engine, filter, forward, grip, http1, jsonp, patch, publish, route, ws, wsoh};

/// What a target runs.
type Body = fn(&[u8]);

/// Every target and its body.
const TARGETS: [(&str, Body); 20] = [
    ("body_patch", patch::apply_patch),
    ("engine_ops", engine::operations),
    ("filter_rewrite", filter::rewrite),
    ("grip_instruct", grip::instruct),
    ("grip_keep_alive", grip::keep_alive),
    ("grip_last", filter::last),
    ("grip_list", grip::list),
    ("grip_sig", grip::sig),
    ("http1_client", http1::client),
    ("http1_relay", http1::relay),
    ("http1_server", http1::server),
    ("jsonp", jsonp::request),
    ("publish_items", publish::items),
    ("request_url", forward::request_url),
    ("routes", route::routes),
    ("ws_frames", ws::frames),
    ("ws_handshake", ws::handshake),
    ("wsoh_control", wsoh::control),
    ("wsoh_events", wsoh::events),
    ("wsoh_prefix", wsoh::prefix),
];

#[test]
fn every_kept_input_is_fine() {
    for (target, body) in TARGETS {
        let inputs = entries(&Path::new("corpus").join(target));
        assert!(!inputs.is_empty(), "{target} has a corpus");
        for input in inputs {
            println!("{}", input.display());
            body(&fs::read(&input).expect("the input can be read"));
        }
    }
}

#[test]
fn every_target_and_every_corpus_is_replayed() {
    let known: Vec<_> = TARGETS.iter().map(|(target, _)| PathBuf::from(target)).collect();
    let names = |folder: &str| -> Vec<_> {
        let stem = |path: PathBuf| path.file_stem().map(PathBuf::from).expect("a name");
        entries(Path::new(folder)).into_iter().map(stem).collect()
    };
    assert_eq!(names("corpus"), known);
    assert_eq!(names("fuzz_targets"), known);
}

/// What is in a folder of this crate, in order.
fn entries(folder: &Path) -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
    let entries = fs::read_dir(&folder).expect("the folder is there");
    let mut paths: Vec<_> = entries.map(|entry| entry.expect("an entry").path()).collect();
    paths.sort();
    paths
}
