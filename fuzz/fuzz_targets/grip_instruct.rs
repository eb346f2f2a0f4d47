//! Runs [`holdfast_fuzz::grip::instruct`] under libFuzzer.
#![cfg_attr(fuzzing, no_main)]

#[cfg(fuzzing)]
libfuzzer_sys::fuzz_target!(|data: &[u8]| holdfast_fuzz::grip::instruct(data));

#[cfg(not(fuzzing))]
fn main() {}
