//! Fuzz target: a signature header, a secret and a body.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| hookshelf_fuzz::signature::check(data));
