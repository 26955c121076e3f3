//! Fuzz target: lines of X-Forwarded-For.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| hookshelf_fuzz::forwarded::check(data));
