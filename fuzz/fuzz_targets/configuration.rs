//! Fuzz target: a configuration file and environment.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| hookshelf_fuzz::configuration::check(data));
