//! Runs [`holdfast_fuzz::wsoh::events`] under libFuzzer.
#![cfg_attr(fuzzing, no_main)]

#[cfg(fuzzing)]
libfuzzer_sys::fuzz_target!(|data: &[u8]| holdfast_fuzz::wsoh::events(data));

#[cfg(not(fuzzing))]
fn main() {}
