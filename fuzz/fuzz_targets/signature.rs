//! Any signature header, secret and body.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| hookshelf_fuzz::signature::check(data));
