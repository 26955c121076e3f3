-- Saved views: lists of the pages with their filters and their order, under a name.

CREATE TABLE saved_views (
    slug       text PRIMARY KEY CONSTRAINT saved_views_slug CHECK (slug ~ '^[a-z0-9-]{1,60}$'),
    name       text NOT NULL CONSTRAINT saved_views_name CHECK (char_length(name) BETWEEN 1 AND 80),
    owner      text,
    is_shared  boolean NOT NULL,
    is_pinned  boolean NOT NULL,
    address    text NOT NULL CONSTRAINT saved_views_address
               CHECK (octet_length(address) <= 2048 AND address ~ '^/[a-z]+([?][!-~]*)?$'),
    created_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT saved_views_seen CHECK (is_shared OR owner IS NOT NULL)
);
COMMENT ON TABLE saved_views IS 'Lists of the pages with their filters, saved under a name, for one user or for all. Filters may contain names and searched texts.

Written by: the admin listener, when somebody saves, changes or deletes a view.
Read by: the admin listener, for the pages of views and at most once a minute for the navigation.
Grows: to at most 200 rows.';
COMMENT ON COLUMN saved_views.slug IS 'Last part of the path /views/{slug}, made of the first name. A new name keeps it.';
COMMENT ON COLUMN saved_views.name IS 'Name of the view.';
COMMENT ON COLUMN saved_views.owner IS 'Name of the token or user who saved it, or local. Null for the views that exist from the start.';
COMMENT ON COLUMN saved_views.is_shared IS 'True for all users, false for the owner only.';
COMMENT ON COLUMN saved_views.is_pinned IS 'True in the navigation of those who see it.';
COMMENT ON COLUMN saved_views.address IS 'Path and query of the list, below the base path.';
COMMENT ON COLUMN saved_views.created_at IS 'Time of the first save.';
COMMENT ON INDEX saved_views_pkey IS 'View of an address.';

-- Times bound the searches for rare events.
INSERT INTO saved_views (slug, name, is_shared, is_pinned, address) VALUES
    ('unanswered-comments', 'Unanswered comments', true, true, '/comments?unanswered=true'),
    ('waiting-longest', 'Waiting longest', true, true, '/conversations?order=longest_waiting'),
    ('unsent-this-week', 'Unsent this week', true, false, '/events?kind=message_deleted&since=7d'),
    ('ads', 'Ads', true, false, '/events?payload=%22ad_id%22&since=7d'),
    ('unknown-kinds', 'Unknown kinds', true, false, '/events?kind=unknown&since=30d'),
    ('more-than-an-hour-late', 'More than an hour late', true, false, '/events?late=true&since=7d'),
    ('simulated', 'Simulated', true, false, '/events?source=simulated'),
    ('problems', 'Problems', true, true, '/deliveries?problem=any&since=30d');
