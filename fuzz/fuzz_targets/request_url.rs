//! Runs [`holdfast_fuzz::forward::request_url`] under libFuzzer.
#![cfg_attr(fuzzing, no_main)]

#[cfg(fuzzing)]
libfuzzer_sys::fuzz_target!(|data: &[u8]| holdfast_fuzz::forward::request_url(data));

#[cfg(not(fuzzing))]
fn main() {}
