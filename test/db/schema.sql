CREATE TABLE accounts (
  id           INTEGER PRIMARY KEY,
  name         TEXT NOT NULL COLLATE NOCASE UNIQUE,
  email        TEXT NOT NULL,
  kind         TEXT NOT NULL DEFAULT 'person' CHECK (kind IN ('person', 'agent', 'system')),
  role         TEXT NOT NULL DEFAULT 'member' CHECK (role IN ('admin', 'member')),
  created_at   INTEGER NOT NULL,
  disabled_at  INTEGER
, second_factor_since INTEGER) STRICT;

CREATE TABLE artifacts (
  attempt_id INTEGER NOT NULL REFERENCES lane_attempts (id) ON DELETE CASCADE,
  path       TEXT NOT NULL,
  bytes      INTEGER NOT NULL,
  sha256     TEXT NOT NULL,
  PRIMARY KEY (attempt_id, path)
) STRICT, WITHOUT ROWID;

CREATE TABLE audit (
  id         INTEGER PRIMARY KEY,
  at         INTEGER NOT NULL,
  account_id INTEGER,
  credential TEXT NOT NULL,
  address    TEXT NOT NULL,
  action     TEXT NOT NULL,
  subject    TEXT NOT NULL,
  detail     TEXT NOT NULL DEFAULT '{}'
) STRICT;

CREATE INDEX audit_by_account ON audit (account_id, id);

CREATE INDEX audit_by_action ON audit (action, id);

CREATE INDEX audit_by_subject ON audit (subject, id);

CREATE INDEX audit_by_time ON audit (at);

CREATE TABLE branch_drafts (
  branch_id INTEGER PRIMARY KEY REFERENCES branches (id) ON DELETE CASCADE,
  set_by    INTEGER NOT NULL REFERENCES accounts (id),
  set_at    INTEGER NOT NULL
) STRICT;

CREATE TABLE branch_holds (
  id         INTEGER PRIMARY KEY,
  branch_id  INTEGER NOT NULL REFERENCES branches (id) ON DELETE CASCADE,
  author_id  INTEGER NOT NULL REFERENCES accounts (id),
  reason     TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  expires_at INTEGER,
  lifted_at  INTEGER,
  lifted_by  INTEGER REFERENCES accounts (id)
) STRICT;

CREATE INDEX branch_holds_in_force ON branch_holds (branch_id) WHERE lifted_at IS NULL;

CREATE TABLE branches (
  id            INTEGER PRIMARY KEY,
  repo_id       INTEGER NOT NULL REFERENCES repos (id) ON DELETE CASCADE,
  number        INTEGER NOT NULL,
  name          TEXT NOT NULL,
  target        TEXT NOT NULL,
  title         TEXT NOT NULL,
  author_id     INTEGER REFERENCES accounts (id),
  state         TEXT NOT NULL CHECK (state IN ('open', 'merged', 'closed')),
  head_oid      TEXT NOT NULL,
  revision      INTEGER NOT NULL,
  merge_oid     TEXT,
  broken_reason TEXT,
  created_at    INTEGER NOT NULL,
  updated_at    INTEGER NOT NULL,
  settled_at    INTEGER,
  settled_by    INTEGER REFERENCES accounts (id),
  UNIQUE (repo_id, number)
) STRICT;

CREATE INDEX branches_by_repo ON branches (repo_id, state, updated_at);

CREATE INDEX branches_open ON branches (updated_at) WHERE state = 'open';

CREATE INDEX branches_open_heads ON branches (repo_id, head_oid) WHERE state = 'open';

CREATE UNIQUE INDEX branches_open_name ON branches (repo_id, name) WHERE state = 'open';

CREATE TABLE ci_caches (
  id         INTEGER PRIMARY KEY,
  repo_id    INTEGER NOT NULL REFERENCES repos (id) ON DELETE CASCADE,
  scope      TEXT NOT NULL,
  key        TEXT NOT NULL,
  bytes      INTEGER NOT NULL,
  created_at INTEGER NOT NULL,
  used_at    INTEGER NOT NULL,
  UNIQUE (repo_id, scope, key)
) STRICT;

CREATE TABLE ci_nightlies (
  repo_id  INTEGER NOT NULL REFERENCES repos (id) ON DELETE CASCADE,
  id       TEXT NOT NULL,
  schedule TEXT NOT NULL,
  due_at   INTEGER NOT NULL,
  PRIMARY KEY (repo_id, id)
) STRICT, WITHOUT ROWID;

CREATE INDEX ci_nightlies_due ON ci_nightlies (due_at);

CREATE TABLE ci_pause (
  id        INTEGER PRIMARY KEY CHECK (id = 1),
  paused_at INTEGER NOT NULL,
  paused_by INTEGER REFERENCES accounts (id),
  reason    TEXT NOT NULL
) STRICT;

CREATE TABLE ci_schedules (
  repo_id    INTEGER PRIMARY KEY REFERENCES repos (id) ON DELETE CASCADE,
  oid        TEXT NOT NULL,
  problem    TEXT,
  changed_at INTEGER NOT NULL
) STRICT;

CREATE TABLE ci_secrets (
  repo_id    INTEGER NOT NULL REFERENCES repos (id) ON DELETE CASCADE,
  name       TEXT NOT NULL,
  sealed     BLOB NOT NULL,
  refs       TEXT NOT NULL,
  updated_at INTEGER NOT NULL,
  updated_by INTEGER REFERENCES accounts (id),
  PRIMARY KEY (repo_id, name)
) STRICT, WITHOUT ROWID;

CREATE TABLE ci_targets (
  name            TEXT PRIMARY KEY,
  failures        INTEGER NOT NULL DEFAULT 0,
  unhealthy_until INTEGER,
  message         TEXT,
  repo_id         INTEGER REFERENCES repos (id) ON DELETE SET NULL,
  lane            TEXT,
  changed_at      INTEGER NOT NULL
) STRICT;

CREATE TABLE commit_statuses (
  repo_id     INTEGER NOT NULL REFERENCES repos (id) ON DELETE CASCADE,
  oid         TEXT NOT NULL,
  context     TEXT NOT NULL,
  state       TEXT NOT NULL CHECK (state IN ('queued', 'running', 'success', 'failed', 'cancelled', 'skipped')),
  description TEXT NOT NULL,
  url         TEXT,
  created_at  INTEGER NOT NULL,
  updated_at  INTEGER NOT NULL,
  updated_by  INTEGER REFERENCES accounts (id),
  PRIMARY KEY (repo_id, oid, context)
) STRICT, WITHOUT ROWID;

CREATE TABLE deploy_keys (
  id           INTEGER PRIMARY KEY,
  repo_id      INTEGER NOT NULL REFERENCES repos (id) ON DELETE CASCADE,
  algorithm    TEXT NOT NULL,
  blob         TEXT NOT NULL UNIQUE,
  fingerprint  TEXT NOT NULL UNIQUE,
  label        TEXT NOT NULL,
  can_write    INTEGER NOT NULL CHECK (can_write IN (0, 1)),
  created_by   INTEGER REFERENCES accounts (id),
  created_at   INTEGER NOT NULL,
  last_used_at INTEGER
) STRICT;

CREATE INDEX deploy_keys_by_repo ON deploy_keys (repo_id);

CREATE TABLE housekeeping (
  repo_id    INTEGER PRIMARY KEY REFERENCES repos (id) ON DELETE CASCADE,
  state      TEXT NOT NULL CHECK (state IN ('running', 'done', 'failed', 'interrupted')),
  steps      TEXT NOT NULL,
  error      TEXT,
  before     TEXT NOT NULL,
  after      TEXT,
  started_at INTEGER NOT NULL,
  ended_at   INTEGER,
  swept_at   INTEGER
) STRICT;

CREATE TABLE inbox_items (
  account_id   INTEGER NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
  branch_id    INTEGER NOT NULL REFERENCES branches (id) ON DELETE CASCADE,
  kind         TEXT NOT NULL CHECK (kind IN ('review', 'commits', 'mentioned', 'commented', 'reviewed', 'ci_failed',
                 'evicted', 'landed', 'closed')),
  repo_id      INTEGER NOT NULL REFERENCES repos (id) ON DELETE CASCADE,
  key          TEXT NOT NULL,
  at           INTEGER NOT NULL,
  by_id        INTEGER REFERENCES accounts (id),
  detail       TEXT NOT NULL,
  read_at      INTEGER,
  dismissed_at INTEGER,
  PRIMARY KEY (account_id, branch_id, kind)
) STRICT, WITHOUT ROWID;

CREATE INDEX inbox_items_by_branch ON inbox_items (branch_id);

CREATE INDEX inbox_items_by_time ON inbox_items (at);

CREATE INDEX inbox_items_open ON inbox_items (account_id, repo_id, branch_id, at) WHERE dismissed_at IS NULL;

CREATE INDEX inbox_items_unread ON inbox_items (account_id, repo_id, branch_id)
  WHERE dismissed_at IS NULL AND read_at IS NULL;

CREATE TABLE ingested_pushes (
  id          TEXT PRIMARY KEY,
  ingested_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE invitations (
  id          INTEGER PRIMARY KEY,
  hash        TEXT NOT NULL UNIQUE,
  role        TEXT NOT NULL CHECK (role IN ('admin', 'member')),
  note        TEXT NOT NULL,
  created_by  INTEGER NOT NULL REFERENCES accounts (id),
  created_at  INTEGER NOT NULL,
  expires_at  INTEGER NOT NULL,
  used_at     INTEGER,
  account_id  INTEGER REFERENCES accounts (id)
) STRICT;

CREATE TABLE landing_candidates (
  id         INTEGER PRIMARY KEY,
  repo_id    INTEGER NOT NULL REFERENCES repos (id) ON DELETE CASCADE,
  target     TEXT NOT NULL,
  base_oid   TEXT NOT NULL,
  stands_on  INTEGER REFERENCES landing_candidates (id) ON DELETE CASCADE,
  commit_oid TEXT NOT NULL,
  tree_oid   TEXT NOT NULL,
  run_id     INTEGER NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
  state      TEXT NOT NULL CHECK (state IN ('testing', 'landing', 'landed', 'failed', 'abandoned')),
  token      INTEGER NOT NULL DEFAULT 1,
  retries    INTEGER NOT NULL DEFAULT 0,
  is_pinned  INTEGER NOT NULL DEFAULT 0,
  ended_why  TEXT,
  created_at INTEGER NOT NULL,
  ended_at   INTEGER
) STRICT;

CREATE INDEX landing_candidates_above ON landing_candidates (stands_on) WHERE stands_on IS NOT NULL;

CREATE INDEX landing_candidates_by_run ON landing_candidates (run_id);

CREATE INDEX landing_candidates_live ON landing_candidates (repo_id, target) WHERE state IN ('testing', 'landing');

CREATE INDEX landing_candidates_pinned ON landing_candidates (state) WHERE is_pinned = 1;

CREATE TABLE landing_members (
  candidate_id INTEGER NOT NULL REFERENCES landing_candidates (id) ON DELETE CASCADE,
  position     INTEGER NOT NULL,
  landing_id   INTEGER NOT NULL REFERENCES landings (id) ON DELETE CASCADE,
  head_oid     TEXT NOT NULL,
  commit_oid   TEXT NOT NULL,
  method       TEXT NOT NULL CHECK (method IN ('merge', 'squash', 'fast-forward')),
  PRIMARY KEY (candidate_id, position)
) STRICT, WITHOUT ROWID;

CREATE INDEX landing_members_by_landing ON landing_members (landing_id);

CREATE TABLE landing_pauses (
  repo_id   INTEGER PRIMARY KEY REFERENCES repos (id) ON DELETE CASCADE,
  paused_at INTEGER NOT NULL,
  paused_by INTEGER REFERENCES accounts (id),
  reason    TEXT NOT NULL
) STRICT;

CREATE TABLE landings (
  id            INTEGER PRIMARY KEY,
  repo_id       INTEGER NOT NULL REFERENCES repos (id) ON DELETE CASCADE,
  branch_id     INTEGER NOT NULL REFERENCES branches (id) ON DELETE CASCADE,
  target        TEXT NOT NULL,
  head_oid      TEXT NOT NULL,
  revision      INTEGER NOT NULL,
  method        TEXT CHECK (method IN ('merge', 'squash', 'fast-forward')),
  message       TEXT,
  actor_id      INTEGER NOT NULL REFERENCES accounts (id),
  credential    TEXT NOT NULL,
  priority      INTEGER NOT NULL DEFAULT 0 CHECK (priority BETWEEN 0 AND 9),
  state         TEXT NOT NULL CHECK (state IN ('waiting', 'queued', 'testing', 'landing', 'landed', 'evicted', 'cancelled')),
  reason        TEXT CHECK (reason IN ('gate_held', 'ready', 'behind', 'rebuild', 'split', 'retry', 'lanes_running',
                  'candidate_ahead', 'target_busy', 'paused', 'landing')),
  reason_detail TEXT,
  reason_since  INTEGER,
  holds         TEXT NOT NULL DEFAULT '[]',
  candidate_id  INTEGER REFERENCES landing_candidates (id) ON DELETE SET NULL,
  part          INTEGER,
  retries       INTEGER NOT NULL DEFAULT 0,
  enqueued_at   INTEGER NOT NULL,
  deadline_at   INTEGER NOT NULL,
  ended_at      INTEGER,
  end_cause     TEXT CHECK (end_cause IN ('landed', 'lane_failed', 'run_failed', 'infrastructure', 'conflict',
                  'not_fast_forward', 'already_merged', 'refused', 'deadline', 'pushed', 'closed', 'retargeted',
                  'merged_by_hand', 'not_allowed', 'cancelled')),
  end_message   TEXT,
  end_way_out   TEXT,
  end_run_id    INTEGER REFERENCES runs (id) ON DELETE SET NULL,
  end_lane      TEXT,
  ahead_id      INTEGER REFERENCES branches (id) ON DELETE SET NULL,
  merge_oid     TEXT,
  ended_by      INTEGER REFERENCES accounts (id),
  CHECK ((state IN ('landed', 'evicted', 'cancelled')) = (end_cause IS NOT NULL)),
  CHECK ((state IN ('landed', 'evicted', 'cancelled')) = (reason IS NULL))
) STRICT;

CREATE INDEX landings_by_branch ON landings (branch_id);

CREATE INDEX landings_by_candidate ON landings (candidate_id) WHERE candidate_id IS NOT NULL;

CREATE INDEX landings_by_end_run ON landings (end_run_id) WHERE end_run_id IS NOT NULL;

CREATE INDEX landings_by_start ON landings (repo_id, enqueued_at);

CREATE INDEX landings_ended ON landings (repo_id, ended_at) WHERE ended_at IS NOT NULL;

CREATE INDEX landings_live ON landings (repo_id, target) WHERE state IN ('waiting', 'queued', 'testing', 'landing');

CREATE UNIQUE INDEX landings_once_per_branch ON landings (branch_id)
  WHERE state IN ('waiting', 'queued', 'testing', 'landing');

CREATE TABLE lane_agents (
  credential_hash TEXT NOT NULL PRIMARY KEY,
  attempt_id      INTEGER NOT NULL REFERENCES lane_attempts (id) ON DELETE CASCADE,
  issued_at       INTEGER NOT NULL,
  session_hash    TEXT UNIQUE,
  token           INTEGER,
  claimed_at      INTEGER,
  told_at         INTEGER,
  CHECK ((session_hash IS NULL) = (token IS NULL) AND (token IS NULL) = (claimed_at IS NULL))
) STRICT, WITHOUT ROWID;

CREATE INDEX lane_agents_by_attempt ON lane_agents (attempt_id);

CREATE INDEX lane_agents_by_claim ON lane_agents (claimed_at) WHERE claimed_at IS NOT NULL;

CREATE TABLE lane_attempts (
  id            INTEGER PRIMARY KEY,
  lane_id       INTEGER NOT NULL REFERENCES lanes (id) ON DELETE CASCADE,
  number        INTEGER NOT NULL,
  state         TEXT NOT NULL CHECK (state IN ('queued', 'running', 'cancelling', 'success', 'failed', 'cancelled', 'skipped')),
  reason        TEXT CHECK (reason IN ('ready', 'waiting_for_capacity', 'blocked_by_group', 'waiting_for_lane',
                  'target_unhealthy', 'paused', 'lease_expired', 'retry_backoff', 'unsatisfiable')),
  reason_detail TEXT,
  reason_since  INTEGER,
  token         INTEGER NOT NULL DEFAULT 0,
  owner         TEXT,
  lease_until   INTEGER,
  queued_at     INTEGER NOT NULL,
  started_at    INTEGER,
  first_output_at INTEGER,
  finished_at   INTEGER,
  exit_code     INTEGER,
  signal        TEXT,
  failure_kind  TEXT CHECK (failure_kind IN ('test_failure', 'timeout', 'idle_timeout', 'infrastructure', 'manifest',
                  'lost', 'unkillable', 'cancelled', 'operator')),
  skip_cause    TEXT CHECK (skip_cause IN ('path_filter', 'dependency_failed')),
  message       TEXT,
  sandbox       TEXT,
  log_bytes     INTEGER NOT NULL DEFAULT 0,
  requested_by  INTEGER REFERENCES accounts (id), not_before INTEGER, cause TEXT CHECK (cause IN ('push', 'rerun', 'retry', 'requeue', 'nightly')), kept_until INTEGER, wanted_end TEXT CHECK (wanted_end IN ('failed', 'cancelled', 'requeued')), wanted_by INTEGER REFERENCES accounts (id), log_removed_at INTEGER,
  UNIQUE (lane_id, number),
  CHECK (state <> 'queued' OR reason IS NOT NULL)
) STRICT;

CREATE INDEX lane_attempts_kept ON lane_attempts (kept_until) WHERE kept_until IS NOT NULL;

CREATE INDEX lane_attempts_live ON lane_attempts (state, queued_at) WHERE state IN ('queued', 'running', 'cancelling');

CREATE INDEX lane_attempts_started ON lane_attempts (started_at) WHERE started_at IS NOT NULL;

CREATE TABLE lane_shells (
  id         INTEGER PRIMARY KEY,
  attempt_id INTEGER NOT NULL REFERENCES lane_attempts (id) ON DELETE CASCADE,
  account_id INTEGER NOT NULL REFERENCES accounts (id),
  opened_at  INTEGER NOT NULL,
  ends_by    INTEGER NOT NULL,
  ended_at   INTEGER,
  ending     TEXT CHECK (ending IN ('left', 'time_limit', 'right_lost', 'stopped', 'over_limit', 'forge_stopped', 'forge_died'))
) STRICT;

CREATE INDEX lane_shells_attempt ON lane_shells (attempt_id, id);

CREATE UNIQUE INDEX lane_shells_one_open ON lane_shells (attempt_id) WHERE ended_at IS NULL;

CREATE TABLE lanes (
  id              INTEGER PRIMARY KEY,
  run_id          INTEGER NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
  position        INTEGER NOT NULL,
  key             TEXT NOT NULL,
  title           TEXT NOT NULL,
  command         TEXT NOT NULL,
  env             TEXT NOT NULL,
  needs           TEXT NOT NULL,
  group_name      TEXT,
  required        INTEGER NOT NULL,
  timeout_seconds INTEGER NOT NULL,
  idle_seconds    INTEGER NOT NULL, target TEXT NOT NULL DEFAULT 'local', spec TEXT NOT NULL DEFAULT '{}',
  UNIQUE (run_id, key)
) STRICT;

CREATE TABLE lfs_holdings (
  repo_id    INTEGER NOT NULL REFERENCES repos (id) ON DELETE CASCADE,
  oid        TEXT NOT NULL REFERENCES lfs_objects (oid),
  given_by   INTEGER REFERENCES accounts (id),
  given_at   INTEGER NOT NULL,
  PRIMARY KEY (repo_id, oid)
) STRICT, WITHOUT ROWID;

CREATE INDEX lfs_holdings_by_oid ON lfs_holdings (oid);

CREATE TABLE lfs_locks (
  id         INTEGER PRIMARY KEY,
  repo_id    INTEGER NOT NULL REFERENCES repos (id) ON DELETE CASCADE,
  path       TEXT NOT NULL,
  owner_id   INTEGER NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
  locked_at  INTEGER NOT NULL,
  UNIQUE (repo_id, path)
) STRICT;

CREATE TABLE lfs_objects (
  oid        TEXT PRIMARY KEY,
  size       INTEGER NOT NULL,
  created_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE login_links (
  hash       TEXT PRIMARY KEY,
  account_id INTEGER REFERENCES accounts (id) ON DELETE CASCADE,
  created_at INTEGER NOT NULL,
  expires_at INTEGER NOT NULL,
  used_at    INTEGER
, purpose TEXT NOT NULL DEFAULT 'sign-in' CHECK (purpose IN ('sign-in', 'recovery'))) STRICT;

CREATE TABLE mail_choices (
  account_id   INTEGER PRIMARY KEY REFERENCES accounts (id) ON DELETE CASCADE,
  address      TEXT NOT NULL,
  kinds        TEXT NOT NULL,
  asked_at     INTEGER NOT NULL,
  confirmed_at INTEGER
) STRICT;

CREATE TABLE mail_told (
  account_id INTEGER NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
  branch_id  INTEGER NOT NULL REFERENCES branches (id) ON DELETE CASCADE,
  kind       TEXT NOT NULL,
  key        TEXT NOT NULL,
  PRIMARY KEY (account_id, branch_id, kind)
) STRICT, WITHOUT ROWID;

CREATE INDEX mail_told_by_branch ON mail_told (branch_id);

CREATE TABLE mails (
  id          INTEGER PRIMARY KEY,
  account_id  INTEGER NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
  branch_id   INTEGER REFERENCES branches (id) ON DELETE CASCADE,
  state       TEXT NOT NULL DEFAULT 'queued' CHECK (state IN ('queued', 'sending', 'sent', 'failed')),
  due_at      INTEGER NOT NULL,
  token       INTEGER NOT NULL DEFAULT 0,
  lease_until INTEGER,
  attempts    INTEGER NOT NULL DEFAULT 0,
  message     TEXT,
  created_at  INTEGER NOT NULL,
  finished_at INTEGER
) STRICT;

CREATE INDEX mails_by_branch ON mails (branch_id);

CREATE INDEX mails_due ON mails (due_at) WHERE state = 'queued';

CREATE INDEX mails_ended ON mails (finished_at) WHERE finished_at IS NOT NULL;

CREATE INDEX mails_sending ON mails (lease_until) WHERE state = 'sending';

CREATE UNIQUE INDEX mails_waiting ON mails (account_id, coalesce(branch_id, 0)) WHERE state = 'queued';

CREATE TABLE merges (
  id          INTEGER PRIMARY KEY,
  repo_id     INTEGER NOT NULL REFERENCES repos (id) ON DELETE CASCADE,
  branch_id   INTEGER NOT NULL REFERENCES branches (id) ON DELETE CASCADE,
  method      TEXT NOT NULL CHECK (method IN ('merge', 'squash', 'fast-forward')),
  target      TEXT NOT NULL,
  target_oid  TEXT NOT NULL,
  head_oid    TEXT NOT NULL,
  merge_oid   TEXT NOT NULL,
  actor_id    INTEGER NOT NULL REFERENCES accounts (id),
  state       TEXT NOT NULL CHECK (state IN ('intended', 'done', 'abandoned')),
  created_at  INTEGER NOT NULL,
  finished_at INTEGER
, forced TEXT) STRICT;

CREATE INDEX merges_by_branch ON merges (branch_id);

CREATE INDEX merges_intended ON merges (state) WHERE state = 'intended';

CREATE TABLE mirror_pulled_refs (
  repo_id     INTEGER NOT NULL REFERENCES repos (id) ON DELETE CASCADE,
  ref         TEXT NOT NULL,
  brought_oid TEXT,
  there_oid   TEXT,
  state       TEXT NOT NULL CHECK (state IN ('in-step', 'ahead', 'diverged', 'kept', 'left-out')),
  message     TEXT,
  changed_at  INTEGER NOT NULL,
  PRIMARY KEY (repo_id, ref)
) STRICT, WITHOUT ROWID;

CREATE TABLE mirror_pulls (
  id          INTEGER PRIMARY KEY,
  repo_id     INTEGER NOT NULL REFERENCES repos (id) ON DELETE CASCADE,
  token       INTEGER NOT NULL,
  state       TEXT NOT NULL CHECK (state IN ('running', 'done', 'partial', 'failed', 'cancelled', 'interrupted')),
  started_at  INTEGER NOT NULL,
  finished_at INTEGER,
  created     INTEGER NOT NULL DEFAULT 0,
  moved       INTEGER NOT NULL DEFAULT 0,
  deleted     INTEGER NOT NULL DEFAULT 0,
  message     TEXT
) STRICT;

CREATE INDEX mirror_pulls_by_repo ON mirror_pulls (repo_id, id);

CREATE INDEX mirror_pulls_running ON mirror_pulls (repo_id) WHERE state = 'running';

CREATE TABLE mirror_refs (
  remote_id  INTEGER NOT NULL REFERENCES mirror_remotes (id) ON DELETE CASCADE,
  ref        TEXT NOT NULL,
  state      TEXT NOT NULL CHECK (state IN ('in-step', 'behind', 'diverged', 'refused')),
  here_oid   TEXT,
  there_oid  TEXT,
  ours_oid   TEXT,
  sent       TEXT NOT NULL DEFAULT '[]',
  message    TEXT,
  changed_at INTEGER NOT NULL,
  PRIMARY KEY (remote_id, ref)
) STRICT, WITHOUT ROWID;

CREATE INDEX mirror_refs_odd ON mirror_refs (remote_id, state) WHERE state <> 'in-step';

CREATE INDEX mirror_refs_there ON mirror_refs (remote_id, there_oid);

CREATE TABLE mirror_remotes (
  id          INTEGER PRIMARY KEY,
  repo_id     INTEGER NOT NULL REFERENCES repos (id) ON DELETE CASCADE,
  name        TEXT NOT NULL COLLATE NOCASE,
  url         TEXT NOT NULL,
  patterns    TEXT NOT NULL,
  credential  TEXT NOT NULL CHECK (credential IN ('none', 'token', 'key')),
  public_key  TEXT,
  sealed      BLOB,
  host_keys   TEXT,
  statuses    TEXT NOT NULL DEFAULT '',
  active      INTEGER NOT NULL CHECK (active IN (0, 1)),
  atomic      INTEGER CHECK (atomic IN (0, 1)),
  wanted      INTEGER NOT NULL DEFAULT 0,
  done        INTEGER NOT NULL DEFAULT 0,
  tried       INTEGER NOT NULL DEFAULT 0,
  wanted_at   INTEGER,
  synced_at   INTEGER,
  checked_at  INTEGER,
  token       INTEGER NOT NULL DEFAULT 0,
  lease_until INTEGER,
  failures    INTEGER NOT NULL DEFAULT 0,
  rests_until INTEGER,
  problem     TEXT,
  created_at  INTEGER NOT NULL,
  created_by  INTEGER REFERENCES accounts (id),
  updated_at  INTEGER NOT NULL,
  UNIQUE (repo_id, name)
) STRICT;

CREATE INDEX mirror_remotes_behind ON mirror_remotes (id) WHERE wanted > done;

CREATE INDEX mirror_remotes_held ON mirror_remotes (lease_until) WHERE lease_until IS NOT NULL;

CREATE TABLE mirror_statuses (
  remote_id   INTEGER NOT NULL REFERENCES mirror_remotes (id) ON DELETE CASCADE,
  oid         TEXT NOT NULL,
  state       TEXT NOT NULL CHECK (state IN ('pending', 'success', 'failure', 'error')),
  description TEXT NOT NULL,
  url         TEXT NOT NULL,
  told        INTEGER NOT NULL DEFAULT 0 CHECK (told IN (0, 1)),
  attempts    INTEGER NOT NULL DEFAULT 0,
  rests_until INTEGER,
  message     TEXT,
  updated_at  INTEGER NOT NULL,
  PRIMARY KEY (remote_id, oid)
) STRICT, WITHOUT ROWID;

CREATE INDEX mirror_statuses_untold ON mirror_statuses (remote_id) WHERE told = 0;

CREATE TABLE mirror_syncs (
  id          INTEGER PRIMARY KEY,
  remote_id   INTEGER NOT NULL REFERENCES mirror_remotes (id) ON DELETE CASCADE,
  token       INTEGER NOT NULL,
  generation  INTEGER NOT NULL,
  cause       TEXT NOT NULL CHECK (cause IN ('change', 'manual', 'check')),
  account_id  INTEGER REFERENCES accounts (id),
  state       TEXT NOT NULL CHECK (state IN ('running', 'done', 'partial', 'failed', 'interrupted')),
  started_at  INTEGER NOT NULL,
  finished_at INTEGER,
  pushed      INTEGER NOT NULL DEFAULT 0,
  deleted     INTEGER NOT NULL DEFAULT 0,
  refused     INTEGER NOT NULL DEFAULT 0,
  diverged    INTEGER NOT NULL DEFAULT 0,
  message     TEXT
) STRICT;

CREATE INDEX mirror_syncs_by_remote ON mirror_syncs (remote_id, id);

CREATE INDEX mirror_syncs_ended ON mirror_syncs (finished_at) WHERE finished_at IS NOT NULL;

CREATE TABLE mirror_upstreams (
  repo_id       INTEGER PRIMARY KEY REFERENCES repos (id) ON DELETE CASCADE,
  url           TEXT NOT NULL,
  patterns      TEXT NOT NULL,
  follows       INTEGER NOT NULL CHECK (follows IN (0, 1)),
  every_minutes INTEGER NOT NULL,
  rewrites      TEXT NOT NULL CHECK (rewrites IN ('follow', 'keep')),
  deletions     TEXT NOT NULL CHECK (deletions IN ('follow', 'keep')),
  credential    TEXT NOT NULL CHECK (credential IN ('none', 'token', 'key')),
  sealed        BLOB,
  public_key    TEXT,
  host_keys     TEXT,
  wanted        INTEGER NOT NULL DEFAULT 1,
  done          INTEGER NOT NULL DEFAULT 0,
  pulled_at     INTEGER,
  token         INTEGER NOT NULL DEFAULT 0,
  lease_until   INTEGER,
  failures      INTEGER NOT NULL DEFAULT 0,
  rests_until   INTEGER,
  problem       TEXT,
  created_at    INTEGER NOT NULL,
  created_by    INTEGER REFERENCES accounts (id)
) STRICT;

CREATE TABLE nostr_keys (
  id           INTEGER PRIMARY KEY,
  account_id   INTEGER NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
  public_key   TEXT NOT NULL UNIQUE,
  label        TEXT NOT NULL,
  created_at   INTEGER NOT NULL,
  last_used_at INTEGER
) STRICT;

CREATE INDEX nostr_keys_by_account ON nostr_keys (account_id);

CREATE TABLE passkeys (
  id            INTEGER PRIMARY KEY,
  account_id    INTEGER NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
  credential_id TEXT NOT NULL UNIQUE,
  public_key    TEXT NOT NULL,
  counter       INTEGER NOT NULL,
  transports    TEXT NOT NULL,
  label         TEXT NOT NULL,
  created_at    INTEGER NOT NULL,
  last_used_at  INTEGER
) STRICT;

CREATE INDEX passkeys_by_account ON passkeys (account_id);

CREATE TABLE protected_refs (
  repo_id INTEGER NOT NULL REFERENCES repos (id) ON DELETE CASCADE,
  pattern TEXT NOT NULL,
  PRIMARY KEY (repo_id, pattern)
) STRICT, WITHOUT ROWID;

CREATE TABLE repo_members (
  repo_id    INTEGER NOT NULL REFERENCES repos (id) ON DELETE CASCADE,
  account_id INTEGER NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
  role       TEXT NOT NULL CHECK (role IN ('read', 'write', 'maintain')),
  PRIMARY KEY (repo_id, account_id)
) STRICT, WITHOUT ROWID;

CREATE TABLE repo_retention (
  repo_id       INTEGER PRIMARY KEY REFERENCES repos (id) ON DELETE CASCADE,
  log_days      INTEGER CHECK (log_days > 0),
  artifact_days INTEGER CHECK (artifact_days > 0),
  run_days      INTEGER CHECK (run_days > 0),
  revision_days INTEGER CHECK (revision_days > 0)
) STRICT;

CREATE TABLE repos (
  id             INTEGER PRIMARY KEY,
  owner          TEXT NOT NULL COLLATE NOCASE,
  name           TEXT NOT NULL COLLATE NOCASE,
  description    TEXT NOT NULL DEFAULT '',
  visibility     TEXT NOT NULL CHECK (visibility IN ('private', 'public')),
  default_branch TEXT NOT NULL,
  merge_method   TEXT NOT NULL DEFAULT 'merge' CHECK (merge_method IN ('merge', 'squash', 'fast-forward')),
  next_branch    INTEGER NOT NULL DEFAULT 1,
  next_run       INTEGER NOT NULL DEFAULT 1,
  created_at     INTEGER NOT NULL,
  created_by     INTEGER REFERENCES accounts (id),
  pushed_at      INTEGER, default_chosen INTEGER NOT NULL DEFAULT 0 CHECK (default_chosen IN (0, 1)), takes_notes INTEGER NOT NULL DEFAULT 0 CHECK (takes_notes IN (0, 1)),
  UNIQUE (owner, name)
) STRICT;

CREATE TABLE retention_removals (
  day   TEXT NOT NULL,
  kind  TEXT NOT NULL,
  count INTEGER NOT NULL,
  bytes INTEGER NOT NULL,
  PRIMARY KEY (day, kind)
) STRICT, WITHOUT ROWID;

CREATE TABLE review_comments (
  id           INTEGER PRIMARY KEY,
  thread_id    INTEGER NOT NULL REFERENCES review_threads (id) ON DELETE CASCADE,
  account_id   INTEGER NOT NULL REFERENCES accounts (id),
  review_id    INTEGER REFERENCES reviews (id) ON DELETE SET NULL,
  body         TEXT NOT NULL,
  created_at   INTEGER NOT NULL,
  published_at INTEGER,
  edited_at    INTEGER,
  deleted_at   INTEGER
) STRICT;

CREATE INDEX review_comments_by_review ON review_comments (review_id) WHERE review_id IS NOT NULL;

CREATE INDEX review_comments_by_thread ON review_comments (thread_id, id);

CREATE INDEX review_comments_drafts ON review_comments (account_id, thread_id) WHERE published_at IS NULL;

CREATE TABLE review_mentions (
  id         INTEGER PRIMARY KEY,
  account_id INTEGER NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
  branch_id  INTEGER NOT NULL REFERENCES branches (id) ON DELETE CASCADE,
  comment_id INTEGER REFERENCES review_comments (id) ON DELETE CASCADE,
  review_id  INTEGER REFERENCES reviews (id) ON DELETE CASCADE,
  by_id      INTEGER NOT NULL REFERENCES accounts (id),
  at         INTEGER NOT NULL
) STRICT;

CREATE INDEX review_mentions_by_account ON review_mentions (account_id, id);

CREATE INDEX review_mentions_by_branch ON review_mentions (branch_id, account_id, id);

CREATE UNIQUE INDEX review_mentions_once ON review_mentions (account_id, ifnull(comment_id, 0), ifnull(review_id, 0));

CREATE TABLE review_requests (
  branch_id    INTEGER NOT NULL REFERENCES branches (id) ON DELETE CASCADE,
  account_id   INTEGER NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
  by_id        INTEGER NOT NULL REFERENCES accounts (id),
  after_review INTEGER NOT NULL,
  at           INTEGER NOT NULL,
  PRIMARY KEY (branch_id, account_id)
) STRICT, WITHOUT ROWID;

CREATE TABLE review_threads (
  id          INTEGER PRIMARY KEY,
  branch_id   INTEGER NOT NULL REFERENCES branches (id) ON DELETE CASCADE,
  kind        TEXT NOT NULL CHECK (kind IN ('branch', 'file', 'line')),
  path        TEXT,
  side        TEXT CHECK (side IN ('old', 'new')),
  first_line  INTEGER,
  last_line   INTEGER,
  revision    INTEGER NOT NULL,
  context     TEXT NOT NULL DEFAULT '[]',
  created_at  INTEGER NOT NULL,
  resolved_at INTEGER,
  resolved_by INTEGER REFERENCES accounts (id), step TEXT, run INTEGER, lane TEXT, attempt INTEGER
  CHECK ((attempt IS NULL) = (lane IS NULL) AND (attempt IS NULL) = (run IS NULL) AND (lane IS NULL OR step IS NULL)),
  CHECK ((kind = 'branch') = (path IS NULL)),
  CHECK ((kind = 'line') = (side IS NOT NULL AND first_line IS NOT NULL AND last_line IS NOT NULL))
) STRICT;

CREATE INDEX review_threads_by_branch ON review_threads (branch_id, id);

CREATE TABLE review_viewed_files (
  account_id INTEGER NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
  branch_id  INTEGER NOT NULL REFERENCES branches (id) ON DELETE CASCADE,
  path       TEXT NOT NULL,
  patch      TEXT NOT NULL,
  viewed_at  INTEGER NOT NULL,
  PRIMARY KEY (account_id, branch_id, path)
) STRICT, WITHOUT ROWID;

CREATE INDEX review_viewed_files_by_branch ON review_viewed_files (branch_id);

CREATE TABLE reviews (
  id         INTEGER PRIMARY KEY,
  branch_id  INTEGER NOT NULL REFERENCES branches (id) ON DELETE CASCADE,
  account_id INTEGER NOT NULL REFERENCES accounts (id),
  verdict    TEXT NOT NULL CHECK (verdict IN ('approve', 'changes', 'comment')),
  asked      TEXT NOT NULL CHECK (asked IN ('approve', 'changes', 'comment')),
  body       TEXT NOT NULL,
  revision   INTEGER NOT NULL,
  head_oid   TEXT NOT NULL,
  created_at INTEGER NOT NULL
) STRICT;

CREATE INDEX reviews_by_branch ON reviews (branch_id, account_id, id);

CREATE INDEX reviews_by_time ON reviews (created_at);

CREATE TABLE revision_patches (
  branch_id INTEGER NOT NULL REFERENCES branches (id) ON DELETE CASCADE,
  revision  INTEGER NOT NULL,
  patch     TEXT NOT NULL,
  PRIMARY KEY (branch_id, revision)
) STRICT, WITHOUT ROWID;

CREATE TABLE revisions (
  branch_id  INTEGER NOT NULL REFERENCES branches (id) ON DELETE CASCADE,
  number     INTEGER NOT NULL,
  head_oid   TEXT NOT NULL,
  base_oid   TEXT,
  target_oid TEXT,
  pushed_by  INTEGER REFERENCES accounts (id),
  pushed_at  INTEGER NOT NULL, unpinned_at INTEGER,
  PRIMARY KEY (branch_id, number)
) STRICT, WITHOUT ROWID;

CREATE TABLE runs (
  id         INTEGER PRIMARY KEY,
  repo_id    INTEGER NOT NULL REFERENCES repos (id) ON DELETE CASCADE,
  number     INTEGER NOT NULL,
  kind       TEXT NOT NULL CHECK (kind IN ('branch', 'landing', 'nightly')),
  branch_id  INTEGER REFERENCES branches (id) ON DELETE CASCADE,
  revision   INTEGER,
  head_oid   TEXT NOT NULL,
  tree_oid   TEXT NOT NULL,
  base_oid   TEXT,
  state      TEXT NOT NULL CHECK (state IN ('queued', 'running', 'success', 'failed', 'cancelled')),
  problem    TEXT,
  created_at INTEGER NOT NULL,
  finished_at INTEGER, nightly TEXT, due_at INTEGER, policy_oid TEXT, target TEXT, landing_branches TEXT,
  UNIQUE (repo_id, number)
) STRICT;

CREATE INDEX runs_by_branch ON runs (branch_id, revision);

CREATE INDEX runs_by_end ON runs (repo_id, finished_at) WHERE finished_at IS NOT NULL;

CREATE INDEX runs_by_head ON runs (repo_id, head_oid);

CREATE INDEX runs_by_tree ON runs (repo_id, tree_oid);

CREATE UNIQUE INDEX runs_once_per_nightly ON runs (repo_id, nightly, due_at) WHERE nightly IS NOT NULL;

CREATE UNIQUE INDEX runs_once_per_revision ON runs (branch_id, revision) WHERE kind = 'branch';

CREATE TABLE sessions (
  id           INTEGER PRIMARY KEY,
  account_id   INTEGER NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
  hash         TEXT NOT NULL UNIQUE,
  address      TEXT NOT NULL,
  user_agent   TEXT NOT NULL,
  created_at   INTEGER NOT NULL,
  expires_at   INTEGER NOT NULL,
  last_used_at INTEGER NOT NULL
) STRICT;

CREATE INDEX sessions_by_account ON sessions (account_id);

CREATE TABLE sign_in_approvals (
  hash        TEXT PRIMARY KEY,
  code        TEXT NOT NULL UNIQUE,
  program     TEXT NOT NULL,
  address     TEXT NOT NULL,
  created_at  INTEGER NOT NULL,
  expires_at  INTEGER NOT NULL,
  state       TEXT NOT NULL DEFAULT 'waiting' CHECK (state IN ('waiting', 'approved', 'denied', 'taken')),
  account_id  INTEGER REFERENCES accounts (id) ON DELETE CASCADE
, scope TEXT NOT NULL DEFAULT 'write' CHECK (scope IN ('read', 'write', 'admin'))) STRICT;

CREATE INDEX sign_in_approvals_by_end ON sign_in_approvals (expires_at);

CREATE TABLE slurm_jobs (
  id           INTEGER PRIMARY KEY,
  attempt_id   INTEGER NOT NULL REFERENCES lane_attempts (id) ON DELETE CASCADE,
  target       TEXT NOT NULL,
  -- Slurm's number; null until sbatch has answered.
  job_id       INTEGER,
  -- Of the claim that its agent took; null until then.
  token        INTEGER,
  node         TEXT,
  submitted_at INTEGER NOT NULL,
  released_at  INTEGER,
  ending       TEXT CHECK (ending IN ('over', 'refused', 'broken', 'lost', 'withdrawn')),
  gone_at      INTEGER,
  CHECK ((released_at IS NULL) = (ending IS NULL))
) STRICT;

CREATE INDEX slurm_jobs_attempt ON slurm_jobs (attempt_id);

CREATE UNIQUE INDEX slurm_jobs_current ON slurm_jobs (attempt_id) WHERE released_at IS NULL;

CREATE INDEX slurm_jobs_watched ON slurm_jobs (target) WHERE gone_at IS NULL;

CREATE TABLE ssh_keys (
  id           INTEGER PRIMARY KEY,
  account_id   INTEGER NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
  algorithm    TEXT NOT NULL,
  blob         TEXT NOT NULL UNIQUE,
  fingerprint  TEXT NOT NULL UNIQUE,
  label        TEXT NOT NULL,
  created_at   INTEGER NOT NULL,
  last_used_at INTEGER
) STRICT;

CREATE INDEX ssh_keys_by_account ON ssh_keys (account_id);

CREATE TABLE test_history (
  test_id     INTEGER NOT NULL REFERENCES tests (id) ON DELETE CASCADE,
  attempt_id  INTEGER NOT NULL REFERENCES lane_attempts (id) ON DELETE CASCADE,
  state       TEXT NOT NULL CHECK (state IN ('passed', 'failed', 'skipped', 'error')),
  duration_ms INTEGER,
  PRIMARY KEY (test_id, attempt_id)
) STRICT, WITHOUT ROWID;

CREATE INDEX test_history_by_attempt ON test_history (attempt_id);

CREATE TABLE test_results (
  attempt_id  INTEGER NOT NULL REFERENCES lane_attempts (id) ON DELETE CASCADE,
  position    INTEGER NOT NULL,
  suite       TEXT NOT NULL,
  name        TEXT NOT NULL,
  state       TEXT NOT NULL CHECK (state IN ('passed', 'failed', 'skipped', 'error')),
  duration_ms INTEGER,
  message     TEXT,
  output      TEXT,
  file        TEXT,
  line        INTEGER,
  PRIMARY KEY (attempt_id, position)
) STRICT, WITHOUT ROWID;

CREATE TABLE test_totals (
  attempt_id INTEGER PRIMARY KEY REFERENCES lane_attempts (id) ON DELETE CASCADE,
  repo_id    INTEGER NOT NULL REFERENCES repos (id) ON DELETE CASCADE,
  lane_key   TEXT NOT NULL,
  tree_oid   TEXT NOT NULL,
  passed     INTEGER NOT NULL,
  failed     INTEGER NOT NULL,
  errors     INTEGER NOT NULL,
  skipped    INTEGER NOT NULL,
  reports    TEXT NOT NULL,
  is_kept    INTEGER NOT NULL
) STRICT;

CREATE INDEX test_totals_by_tree ON test_totals (repo_id, lane_key, tree_oid);

CREATE INDEX test_totals_kept ON test_totals (repo_id, lane_key, attempt_id) WHERE is_kept = 1;

CREATE TABLE tests (
  id           INTEGER PRIMARY KEY,
  repo_id      INTEGER NOT NULL REFERENCES repos (id) ON DELETE CASCADE,
  lane_key     TEXT NOT NULL,
  suite        TEXT NOT NULL,
  name         TEXT NOT NULL,
  last_attempt INTEGER NOT NULL,
  last_state   TEXT NOT NULL CHECK (last_state IN ('passed', 'failed', 'skipped', 'error')),
  last_ms      INTEGER,
  flaky_at     INTEGER,
  UNIQUE (repo_id, lane_key, suite, name)
) STRICT;

CREATE INDEX tests_by_last ON tests (repo_id, lane_key, last_attempt);

CREATE TABLE tokens (
  id           INTEGER PRIMARY KEY,
  account_id   INTEGER NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
  hash         TEXT NOT NULL UNIQUE,
  scope        TEXT NOT NULL CHECK (scope IN ('read', 'write', 'admin')),
  label        TEXT NOT NULL,
  created_at   INTEGER NOT NULL,
  expires_at   INTEGER,
  last_used_at INTEGER,
  revoked_at   INTEGER
, repo_id INTEGER REFERENCES repos (id) ON DELETE CASCADE) STRICT;

CREATE INDEX tokens_by_account ON tokens (account_id);

CREATE INDEX tokens_by_repo ON tokens (repo_id) WHERE repo_id IS NOT NULL;

CREATE TABLE tutorial_costs (
  day           TEXT NOT NULL,
  writer        TEXT NOT NULL,
  model         TEXT NOT NULL,
  written       INTEGER NOT NULL,
  failed        INTEGER NOT NULL,
  input_tokens  INTEGER NOT NULL,
  output_tokens INTEGER NOT NULL,
  PRIMARY KEY (day, writer, model)
) STRICT, WITHOUT ROWID;

CREATE TABLE tutorial_viewed (
  account_id INTEGER NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
  branch_id  INTEGER NOT NULL REFERENCES branches (id) ON DELETE CASCADE,
  mark       TEXT NOT NULL,
  viewed_at  INTEGER NOT NULL,
  PRIMARY KEY (account_id, branch_id, mark)
) STRICT, WITHOUT ROWID;

CREATE INDEX tutorial_viewed_by_branch ON tutorial_viewed (branch_id);

CREATE TABLE tutorials (
  id          INTEGER PRIMARY KEY,
  branch_id   INTEGER NOT NULL REFERENCES branches (id) ON DELETE CASCADE,
  revision    INTEGER NOT NULL,
  state       TEXT NOT NULL CHECK (state IN ('queued', 'running', 'ready', 'failed')),
  writer      TEXT NOT NULL,
  token       INTEGER NOT NULL DEFAULT 0,
  lease_until INTEGER,
  body        TEXT,
  message     TEXT,
  created_at  INTEGER NOT NULL,
  finished_at INTEGER, attempts INTEGER NOT NULL DEFAULT 0, not_before INTEGER, usage TEXT,
  UNIQUE (branch_id, revision)
) STRICT;

CREATE INDEX tutorials_live ON tutorials (state) WHERE state IN ('queued', 'running');

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

CREATE INDEX webhook_deliveries_by_hook ON webhook_deliveries (webhook_id, id);

CREATE INDEX webhook_deliveries_ended ON webhook_deliveries (finished_at) WHERE finished_at IS NOT NULL;

CREATE INDEX webhook_deliveries_queued ON webhook_deliveries (webhook_id, id) WHERE state = 'queued';

CREATE INDEX webhook_deliveries_sending ON webhook_deliveries (webhook_id) WHERE state = 'sending';

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
