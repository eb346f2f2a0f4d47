//! Runs [`holdfast_fuzz::jsonp::request`] under libFuzzer.
#![cfg_attr(fuzzing, no_main)]

#[cfg(fuzzing)]
libfuzzer_sys::fuzz_target!(|data: &[u8]| holdfast_fuzz::jsonp::request(data));

#[cfg(not(fuzzing))]
fn main() {}
