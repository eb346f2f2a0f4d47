//! All cases, a file for each chapter.

mod body;
mod connection;
mod control;
mod failover;
mod headers;
mod instruct;
mod items;
mod json;
mod keep_alive;
mod lists;
mod parse;
mod request;
mod response;
mod response_hold;
mod sign;
mod stream_hold;
mod support;

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
        control::cases(),
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
