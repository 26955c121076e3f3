//! Fuzz target: a body read as a notification.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| hookshelf_fuzz::notification::check(data));
