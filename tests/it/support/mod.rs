//! What the tests share: servers, requests and waiting for something to become true.

pub(crate) mod postgres;
