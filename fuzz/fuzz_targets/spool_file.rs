//! Fuzz target: a damaged segment file of the spool.
#![no_main]

libfuzzer_sys::fuzz_target!(
    init: hookshelf_fuzz::spool_file::begin(),
    |data: &[u8]| hookshelf_fuzz::spool_file::check(data)
);
