//! Runs [`holdfast_fuzz::publish::items`] under libFuzzer.
#![cfg_attr(fuzzing, no_main)]

#[cfg(fuzzing)]
libfuzzer_sys::fuzz_target!(|data: &[u8]| holdfast_fuzz::publish::items(data));

#[cfg(not(fuzzing))]
fn main() {}
