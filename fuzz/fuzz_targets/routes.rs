//! Runs [`holdfast_fuzz::route::routes`] under libFuzzer.
#![cfg_attr(fuzzing, no_main)]

#[cfg(fuzzing)]
libfuzzer_sys::fuzz_target!(|data: &[u8]| holdfast_fuzz::route::routes(data));

#[cfg(not(fuzzing))]
fn main() {}
