//! Runs [`holdfast_fuzz::http1::client`] under libFuzzer.
#![cfg_attr(fuzzing, no_main)]

#[cfg(fuzzing)]
libfuzzer_sys::fuzz_target!(|data: &[u8]| holdfast_fuzz::http1::client(data));

#[cfg(not(fuzzing))]
fn main() {}
