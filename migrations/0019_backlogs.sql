-- Backlogs: an account with too many waiting lanes is read on later, by itself.

ALTER TABLE consumers ADD COLUMN backlogs bigint[];
COMMENT ON COLUMN consumers.backlogs IS 'Accounts whose events were passed over, because too many of their lanes wait. Two numbers for each account: the position up to which its events are read, and the position of its last event that was passed over. Null without such an account.';
COMMENT ON TABLE consumers IS 'Consumers and destinations with their progress in the event log. An event up to position is settled, unless a head or a row of consumer_lanes is the same event or an earlier one of its lane, or a backlog of its account begins before it.

Written by: the process that owns the consumer, at most 50 times a second; operators, who pause, move and remove consumers.
Read by: the process that takes the consumer; lists of consumers and destinations; doctor.
Grows: by one row for each consumer and destination. A row stays when its name leaves the configuration, until it is removed.';
