//! Fuzz target: a signed request, a form, or a document to sign.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| hookshelf_fuzz::signed_request::check(data));
