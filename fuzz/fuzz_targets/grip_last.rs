//! Runs [`holdfast_fuzz::filter::last`] under libFuzzer.
#![cfg_attr(fuzzing, no_main)]

#[cfg(fuzzing)]
libfuzzer_sys::fuzz_target!(|data: &[u8]| holdfast_fuzz::filter::last(data));

#[cfg(not(fuzzing))]
fn main() {}
