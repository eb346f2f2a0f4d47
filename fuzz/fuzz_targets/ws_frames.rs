//! Runs [`holdfast_fuzz::ws::frames`] under libFuzzer.
#![cfg_attr(fuzzing, no_main)]

#[cfg(fuzzing)]
libfuzzer_sys::fuzz_target!(|data: &[u8]| holdfast_fuzz::ws::frames(data));

#[cfg(not(fuzzing))]
fn main() {}
