//! Runs [`holdfast_fuzz::engine::operations`] under libFuzzer.
#![cfg_attr(fuzzing, no_main)]

#[cfg(fuzzing)]
libfuzzer_sys::fuzz_target!(|data: &[u8]| holdfast_fuzz::engine::operations(data));

#[cfg(not(fuzzing))]
fn main() {}
