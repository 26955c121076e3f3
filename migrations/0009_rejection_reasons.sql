-- Chunks that are none are told from a body that ends early. Deliveries that got 503 and requests
-- that got 404 are counted, too.

COMMENT ON TABLE rejections IS
'How many requests were not stored: deliveries that were refused or got 503, and requests whose path names no app. The number of rows is capped: rejections.max_rows.

Written by: the worker that writes counts down, every few seconds and at a stop.
Read by: hookshelf rejections list; hookshelf doctor.
Grows: by a row for each hour, app, reason and network that had some, up to its cap.';
COMMENT ON COLUMN rejections.app IS 'The configured app whose callback URL they used; - if the path names none.';
COMMENT ON COLUMN rejections.reason IS 'Refused: signature_missing, signature_sha1_only, signature_malformed, signature_mismatch, body_too_large, body_timeout, body_incomplete, body_malformed. Not stored: store_unavailable, queue_full, body_budget, stopping, internal. Not there: unknown_app, unknown_path.';
COMMENT ON COLUMN rejections.prefix IS 'The network they came from: /24 of IPv4, /48 of IPv6; 0.0.0.0/0 for addresses that are not known or came after the hour''s share of rows was used, and for unknown_app and unknown_path unless the network is Meta''s own.';
