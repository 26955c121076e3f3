//! Any bytes in a file of the spool.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| hookshelf_fuzz::spool_record::check(data));
