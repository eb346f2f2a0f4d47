//! Runs [`holdfast_fuzz::wsoh::prefix`] under libFuzzer.
#![cfg_attr(fuzzing, no_main)]

#[cfg(fuzzing)]
libfuzzer_sys::fuzz_target!(|data: &[u8]| holdfast_fuzz::wsoh::prefix(data));

#[cfg(not(fuzzing))]
fn main() {}
