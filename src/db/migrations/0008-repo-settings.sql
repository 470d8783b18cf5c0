-- Whether somebody chose the default branch by name. If nobody did, the first push to an empty repository does.
ALTER TABLE repos ADD COLUMN default_chosen INTEGER NOT NULL DEFAULT 0 CHECK (default_chosen IN (0, 1));

-- Whether refs/notes/… may be pushed.
ALTER TABLE repos ADD COLUMN takes_notes INTEGER NOT NULL DEFAULT 0 CHECK (takes_notes IN (0, 1));
