-- A rejection has one more reason since chunks that are none are told from a body that ends early.

COMMENT ON COLUMN rejections.reason IS 'signature_missing, signature_sha1_only, signature_malformed, signature_mismatch, body_too_large, body_timeout, body_incomplete or body_malformed.';
