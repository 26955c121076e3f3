//! Any signed request, form, or document to be signed.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| hookshelf_fuzz::signed_request::check(data));
