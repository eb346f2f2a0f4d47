//! Runs [`holdfast_fuzz::grip::keep_alive`] under libFuzzer.
#![cfg_attr(fuzzing, no_main)]

#[cfg(fuzzing)]
libfuzzer_sys::fuzz_target!(|data: &[u8]| holdfast_fuzz::grip::keep_alive(data));

#[cfg(not(fuzzing))]
fn main() {}
