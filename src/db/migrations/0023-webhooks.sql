-- Where a repository tells other systems what happens in it. `events` is a JSON list; the secret that signs is sealed with
-- the key of the data directory. What happened from `starts_at` on is told, and has been looked for until `told_until`.
-- After failures in a row the receiver rests until `rests_until`.
CREATE TABLE webhooks (
  id          INTEGER PRIMARY KEY,
  repo_id     INTEGER NOT NULL REFERENCES repos (id) ON DELETE CASCADE,
  url         TEXT NOT NULL,
  events      TEXT NOT NULL,
  sealed      BLOB NOT NULL,
  active      INTEGER NOT NULL CHECK (active IN (0, 1)),
  starts_at   INTEGER NOT NULL,
  told_until  INTEGER NOT NULL,
  failures    INTEGER NOT NULL DEFAULT 0,
  rests_until INTEGER,
  created_at  INTEGER NOT NULL,
  created_by  INTEGER REFERENCES accounts (id),
  updated_at  INTEGER NOT NULL
) STRICT;
CREATE INDEX webhooks_by_repo ON webhooks (repo_id);

-- One thing told to one receiver. `key` names what happened, so that it is told once however often it is found.
CREATE TABLE webhook_deliveries (
  id          INTEGER PRIMARY KEY,
  webhook_id  INTEGER NOT NULL REFERENCES webhooks (id) ON DELETE CASCADE,
  event       TEXT NOT NULL CHECK (event IN ('ping', 'push', 'run', 'review', 'landing', 'branch')),
  key         TEXT NOT NULL,
  body        TEXT NOT NULL,
  state       TEXT NOT NULL CHECK (state IN ('queued', 'sending', 'delivered', 'failed')),
  token       INTEGER NOT NULL DEFAULT 0,
  lease_until INTEGER,
  attempts    INTEGER NOT NULL DEFAULT 0,
  message     TEXT,
  created_at  INTEGER NOT NULL,
  queued_at   INTEGER NOT NULL,
  finished_at INTEGER,
  UNIQUE (webhook_id, key)
) STRICT;
CREATE INDEX webhook_deliveries_queued ON webhook_deliveries (webhook_id, id) WHERE state = 'queued';
CREATE INDEX webhook_deliveries_sending ON webhook_deliveries (webhook_id) WHERE state = 'sending';
CREATE INDEX webhook_deliveries_by_hook ON webhook_deliveries (webhook_id, id);
CREATE INDEX webhook_deliveries_ended ON webhook_deliveries (finished_at) WHERE finished_at IS NOT NULL;

CREATE TABLE webhook_attempts (
  delivery_id INTEGER NOT NULL REFERENCES webhook_deliveries (id) ON DELETE CASCADE,
  number      INTEGER NOT NULL,
  started_at  INTEGER NOT NULL,
  duration_ms INTEGER NOT NULL,
  status      INTEGER,
  error       TEXT,
  answer      TEXT NOT NULL,
  PRIMARY KEY (delivery_id, number)
) STRICT, WITHOUT ROWID;

-- What has happened since a time is asked for whenever something has.
CREATE INDEX runs_by_end ON runs (repo_id, finished_at) WHERE finished_at IS NOT NULL;
CREATE INDEX reviews_by_time ON reviews (created_at);
CREATE INDEX landings_by_start ON landings (repo_id, enqueued_at);
