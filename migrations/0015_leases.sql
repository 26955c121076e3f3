-- Leases at an orderly end: the next owner holds only these events back, and hands out the others at
-- once. A new consumer has none.

ALTER TABLE consumers ADD COLUMN leases bytea;
ALTER TABLE consumers ALTER COLUMN leases SET DEFAULT '';
COMMENT ON COLUMN consumers.leases IS 'Events that were out at an orderly end of the ownership: for each one the distance from the one before and the rest of its lease in milliseconds, as varints (LEB128). Null if any event may be out: while a process owns the consumer, and after a crash.';
