//! Runs [`holdfast_fuzz::grip::list`] under libFuzzer.
#![cfg_attr(fuzzing, no_main)]

#[cfg(fuzzing)]
libfuzzer_sys::fuzz_target!(|data: &[u8]| holdfast_fuzz::grip::list(data));

#[cfg(not(fuzzing))]
fn main() {}
