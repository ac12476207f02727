-- Accounts of people who watch and administer. The only table that is not a projection: it is written here and nowhere
-- else, so it is what a backup of this database must save.

CREATE TABLE accounts (
    name                text PRIMARY KEY,
    -- PHC string of Argon2id.
    password_hash       text        NOT NULL,
    role                text        NOT NULL CHECK (role IN ('viewer', 'supervisor', 'admin')),
    is_active           boolean     NOT NULL,
    -- Limited to these stations; null: all.
    stations            uuid[],
    created_at          timestamptz NOT NULL DEFAULT now(),
    updated_at          timestamptz NOT NULL DEFAULT now(),
    password_changed_at timestamptz NOT NULL DEFAULT now()
);
-- "Admin" must not be mistaken for "admin".
CREATE UNIQUE INDEX accounts_by_lower_name ON accounts (lower(name));
