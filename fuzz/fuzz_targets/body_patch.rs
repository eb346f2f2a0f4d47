//! Runs [`holdfast_fuzz::patch::apply_patch`] under libFuzzer.
#![cfg_attr(fuzzing, no_main)]

#[cfg(fuzzing)]
libfuzzer_sys::fuzz_target!(|data: &[u8]| holdfast_fuzz::patch::apply_patch(data));

#[cfg(not(fuzzing))]
fn main() {}
