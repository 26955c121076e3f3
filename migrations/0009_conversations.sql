-- Lists of conversations and of media with comments, kept by the follower conversations, for
-- `hookshelf conversations list` and `hookshelf comments list`. Counting from the events instead
-- would read every event of an account for each page.

-- Rows are updated often: free space on the page keeps the new version near.
CREATE TABLE conversations (
    app              text NOT NULL,
    account_id       text NOT NULL,
    person_id        text NOT NULL,
    received         bigint NOT NULL,
    sent             bigint NOT NULL,
    first_position   bigint NOT NULL,
    last_position    bigint NOT NULL,
    last_at          timestamptz NOT NULL,
    last_received_at timestamptz,
    last_sent_at     timestamptz,
    last_unsent_at   timestamptz,
    waiting_since    timestamptz,
    PRIMARY KEY (app, account_id, person_id)
) WITH (fillfactor = 80);
CREATE INDEX conversations_newest ON conversations (app, account_id, last_at, first_position);
CREATE INDEX conversations_waiting ON conversations (app, account_id, waiting_since, first_position)
    WHERE waiting_since IS NOT NULL;
COMMENT ON TABLE conversations IS 'Conversations of an account with a person: counts and times, no content. Readers of migrate --reader have no access.

Written by: the follower conversations, in the transaction of its position; hookshelf events purge counts purged conversations again.
Read by: hookshelf conversations list and show.
Grows: by one row of about 250 bytes with its indexes for each account and person.';
COMMENT ON COLUMN conversations.app IS 'events.app.';
COMMENT ON COLUMN conversations.account_id IS 'events.account_id.';
COMMENT ON COLUMN conversations.person_id IS 'events.person_id.';
COMMENT ON COLUMN conversations.received IS 'Number of messages and postbacks from the person, unsent messages included.';
COMMENT ON COLUMN conversations.sent IS 'Number of messages from the account (echoes).';
COMMENT ON COLUMN conversations.first_position IS 'events.position of the first event. Tells rows of the same time apart in a list.';
COMMENT ON COLUMN conversations.last_position IS 'events.position of the last event.';
COMMENT ON COLUMN conversations.last_at IS 'Time of the last event: occurred_at, or received_at if there is none. Read receipts do not count.';
COMMENT ON COLUMN conversations.last_received_at IS 'Time of the last message or postback from the person; null if none.';
COMMENT ON COLUMN conversations.last_sent_at IS 'Time of the last message from the account; null if none.';
COMMENT ON COLUMN conversations.last_unsent_at IS 'Time of the last unsending by the person; null if none. A message up to this time may be unsent.';
COMMENT ON COLUMN conversations.waiting_since IS 'Time of the first message or postback from the person after the last message from the account, unsent messages excluded; null if the account has answered.';
COMMENT ON INDEX conversations_pkey IS 'One row for each app, account and person.';
COMMENT ON INDEX conversations_newest IS 'Conversations of an account, newest first.';
COMMENT ON INDEX conversations_waiting IS 'Conversations of an account without an answer, longest waiting first.';

CREATE TABLE media_threads (
    app            text NOT NULL,
    account_id     text NOT NULL,
    media_id       text NOT NULL,
    ad_media_ids   text[] NOT NULL,
    comments       bigint NOT NULL,
    own_comments   bigint NOT NULL,
    unanswered     bigint NOT NULL,
    first_position bigint NOT NULL,
    last_position  bigint NOT NULL,
    last_at        timestamptz NOT NULL,
    last_answer_at timestamptz,
    PRIMARY KEY (app, account_id, media_id)
) WITH (fillfactor = 80);
CREATE INDEX media_threads_newest ON media_threads (app, account_id, last_at, first_position);
CREATE INDEX media_threads_unanswered ON media_threads (app, account_id, last_at, first_position)
    WHERE unanswered > 0;
COMMENT ON TABLE media_threads IS 'Media with comments: counts and times, no content. Comments on an ad belong to the ad''s post. Readers of migrate --reader have no access.

Written by: the follower conversations, in the transaction of its position; hookshelf events purge counts purged media again.
Read by: hookshelf comments list and show.
Grows: by one row of about 250 bytes with its indexes for each media.';
COMMENT ON COLUMN media_threads.app IS 'events.app.';
COMMENT ON COLUMN media_threads.account_id IS 'events.account_id.';
COMMENT ON COLUMN media_threads.media_id IS 'Id of the media; for an ad, the id of its post (original_media_id).';
COMMENT ON COLUMN media_threads.ad_media_ids IS 'events.media_id of the ads of this post with comments, sorted.';
COMMENT ON COLUMN media_threads.comments IS 'Number of comments by people.';
COMMENT ON COLUMN media_threads.own_comments IS 'Number of comments by the account.';
COMMENT ON COLUMN media_threads.unanswered IS 'Number of comments by people without a later reply by the account in the same thread.';
COMMENT ON COLUMN media_threads.first_position IS 'events.position of the first comment. Tells rows of the same time apart in a list.';
COMMENT ON COLUMN media_threads.last_position IS 'events.position of the last comment.';
COMMENT ON COLUMN media_threads.last_at IS 'Time of the last comment: occurred_at, or received_at if there is none.';
COMMENT ON COLUMN media_threads.last_answer_at IS 'Time of the last comment by the account; null if none. A comment up to this time may be answered.';
COMMENT ON INDEX media_threads_pkey IS 'One row for each app, account and media.';
COMMENT ON INDEX media_threads_newest IS 'Media of an account, newest comment first.';
COMMENT ON INDEX media_threads_unanswered IS 'Media of an account with unanswered comments, newest comment first.';
