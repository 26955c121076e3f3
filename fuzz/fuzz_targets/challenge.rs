//! Fuzz target: the query of a challenge.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| hookshelf_fuzz::challenge::check(data));
