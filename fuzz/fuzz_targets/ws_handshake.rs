//! Runs [`holdfast_fuzz::ws::handshake`] under libFuzzer.
#![cfg_attr(fuzzing, no_main)]

#[cfg(fuzzing)]
libfuzzer_sys::fuzz_target!(|data: &[u8]| holdfast_fuzz::ws::handshake(data));

#[cfg(not(fuzzing))]
fn main() {}
