//! Runs [`holdfast_fuzz::wsoh::control`] under libFuzzer.
#![cfg_attr(fuzzing, no_main)]

#[cfg(fuzzing)]
libfuzzer_sys::fuzz_target!(|data: &[u8]| holdfast_fuzz::wsoh::control(data));

#[cfg(not(fuzzing))]
fn main() {}
