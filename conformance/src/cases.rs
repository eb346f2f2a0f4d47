//! All cases, a file for each chapter.

mod body;
mod build_id;
mod command;
mod connection;
mod control;
mod cross_origin;
mod failover;
mod fetch;
mod filters;
mod follow;
mod gone;
mod headers;
mod http_filters;
mod instruct;
mod items;
mod json;
mod keep_alive;
mod linger;
mod links;
mod lists;
mod pace;
mod parse;
mod patch;
mod position;
mod receipts;
mod recovery;
mod request;
mod response;
mod response_hold;
mod sequence;
mod sign;
mod stream_hold;
mod support;
mod ws_closing;
mod ws_control;
mod ws_failure;
mod ws_farewell;
mod ws_flow;
mod ws_frames;
mod ws_handshake;
mod ws_items;
mod ws_meta;
mod ws_native;
mod ws_operation;
mod ws_refusal;
mod ws_requests;
mod ws_responses;
mod ws_support;
mod ws_timers;

use crate::case::Case;

/// Every case of the suite, in the order of the chapters.
pub(crate) fn all() -> Vec<Case> {
    let chapters = [
        request::cases(),
        body::cases(),
        response::cases(),
        connection::cases(),
        parse::cases(),
        failover::cases(),
        sign::cases(),
        instruct::cases(),
        lists::cases(),
        headers::cases(),
        keep_alive::cases(),
        json::cases(),
        response_hold::cases(),
        stream_hold::cases(),
        items::cases(),
        links::cases(),
        follow::cases(),
        fetch::cases(),
        gone::cases(),
        sequence::cases(),
        position::cases(),
        recovery::cases(),
        linger::cases(),
        filters::cases(),
        build_id::cases(),
        http_filters::cases(),
        patch::cases(),
        cross_origin::cases(),
        pace::cases(),
        control::cases(),
        receipts::cases(),
        command::cases(),
        ws_handshake::cases(),
        ws_refusal::cases(),
        ws_frames::cases(),
        ws_closing::cases(),
        ws_native::cases(),
        ws_requests::cases(),
        ws_responses::cases(),
        ws_meta::cases(),
        ws_failure::cases(),
        ws_farewell::cases(),
        ws_control::cases(),
        ws_timers::cases(),
        ws_items::cases(),
        ws_flow::cases(),
        ws_operation::cases(),
    ];
    chapters.into_iter().flatten().collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::all;

    #[test]
    fn ids_are_unique_and_name_a_requirement() {
        let mut seen = BTreeSet::new();
        for case in all() {
            assert!(seen.insert(case.id), "{} is there twice", case.id);
            let (requirement, name) = case.id.split_once('/').expect("a slash");
            let (chapter, number) = requirement.split_once('-').expect("a number");
            assert!(chapter.bytes().all(|b| b.is_ascii_uppercase()), "{}", case.id);
            assert!(number.parse::<u32>().is_ok(), "{}", case.id);
            assert!(
                name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
            );
            assert!(!case.rule.is_empty() && !case.rule.ends_with('.'), "{}", case.id);
        }
    }
}
