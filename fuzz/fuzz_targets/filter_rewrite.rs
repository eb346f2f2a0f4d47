//! Runs [`holdfast_fuzz::filter::rewrite`] under libFuzzer.
#![cfg_attr(fuzzing, no_main)]

#[cfg(fuzzing)]
libfuzzer_sys::fuzz_target!(|data: &[u8]| holdfast_fuzz::filter::rewrite(data));

#[cfg(not(fuzzing))]
fn main() {}
