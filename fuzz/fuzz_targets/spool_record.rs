//! Fuzz target: the bytes of a spool record.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| hookshelf_fuzz::spool_record::check(data));
