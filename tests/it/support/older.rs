//! Events as an older version stored them.

/// SQL that leaves the events that meet `condition` as a version without their kinds had stored them.
pub(crate) fn unknown(condition: &str) -> String {
    UNKNOWN.replace("@@", condition)
}

/// Statement that makes events of kind unknown, with another key and only the columns of every item.
const UNKNOWN: &str = "
    WITH aged AS (
        SELECT position, received_at, dedupe_key AS key, md5(kind || dedupe_key || position)::uuid AS old_key
        FROM stored_events WHERE kind <> 'unknown' AND @@
    ), keys AS (
        UPDATE dedupe SET key = old_key FROM aged
        WHERE dedupe.key = aged.key AND dedupe.position = aged.position
    ), repeats AS (
        UPDATE stored_repeats AS r SET dedupe_key = old_key, kind = 'unknown' FROM aged
        WHERE r.dedupe_key = aged.key
    )
    UPDATE stored_events AS e
    SET kind = 'unknown', dedupe_key = old_key, is_echo = false, is_self = false,
        username = NULL, message_id = NULL, comment_id = NULL, media_id = NULL, parent_id = NULL,
        text = NULL, data = NULL, sender_id = NULL, recipient_id = NULL,
        person_id = CASE WHEN channel IS NULL THEN person_id END,
        field = CASE WHEN channel IS NOT NULL THEN coalesce(field, item_field(kind)) END
    FROM aged WHERE e.position = aged.position AND e.received_at = aged.received_at";
