-- Accounts as the commit notes them, of twenty clients.
INSERT INTO accounts (app, account_id, username, label, client, first_seen, last_seen)
SELECT bench.app(n), bench.account(n), 'shop_' || n, 'Shop ' || n,
       'client-' || n % 20, now() - interval '90 days', now()
FROM generate_series(0, 199) AS n;
SELECT setval('event_position', (SELECT max(position) FROM stored_events));
