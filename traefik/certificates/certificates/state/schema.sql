-- Applied at the start of every copy; every statement may meet what an earlier start made. Sent as one simple query,
-- it is one transaction. Keys are sealed: the database holds none that it could use.

-- Who may order certificates. Every writer names its fence: a copy that was thought dead cannot write any more.
CREATE TABLE IF NOT EXISTS certificates.lease (
    only_row boolean     PRIMARY KEY DEFAULT true CHECK (only_row),
    holder   text        NOT NULL,
    fence    bigint      NOT NULL,
    until    timestamptz NOT NULL
);

CREATE TABLE IF NOT EXISTS certificates.accounts (
    authority text        PRIMARY KEY,
    key       bytea       NOT NULL,
    key_id    text        NOT NULL, -- of the key that sealed it, as in every table
    url       text,                 -- null until the authority has it
    made      timestamptz NOT NULL DEFAULT clock_timestamp()
);

CREATE TABLE IF NOT EXISTS certificates.orders (
    id        bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    authority text        NOT NULL,
    names     text[]      NOT NULL,
    key       bytea       NOT NULL,
    key_id    text        NOT NULL,
    url       text,                 -- null until the authority has it
    replaces  text,
    outcome   text        NOT NULL DEFAULT 'open'
              CHECK (outcome IN ('open', 'issued', 'invalid', 'dropped')),
    problem   text        NOT NULL DEFAULT '',
    made      timestamptz NOT NULL DEFAULT clock_timestamp(),
    ended     timestamptz
);
-- One at a time: a second copy finds the first one's.
CREATE UNIQUE INDEX IF NOT EXISTS orders_open ON certificates.orders (authority, names) WHERE outcome = 'open';

CREATE TABLE IF NOT EXISTS certificates.challenges (
    token  text        PRIMARY KEY,
    answer text        NOT NULL,
    made   timestamptz NOT NULL DEFAULT clock_timestamp()
);

CREATE TABLE IF NOT EXISTS certificates.certificates (
    id         bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    authority  text        NOT NULL,
    names      text[]      NOT NULL,
    chain      text        NOT NULL,
    key        bytea       NOT NULL,
    key_id     text        NOT NULL,
    not_before timestamptz NOT NULL,
    not_after  timestamptz NOT NULL,
    renew_at   timestamptz NOT NULL,
    advised    boolean     NOT NULL DEFAULT false, -- renew_at is what the authority advises
    advice_at  timestamptz                         -- when to ask for its advice (again); null: at once
);

-- What the holder of the lease has in mind, for people to read, and for its successor to keep to.
CREATE TABLE IF NOT EXISTS certificates.outlook (
    only_row  boolean     PRIMARY KEY DEFAULT true CHECK (only_row),
    authority text        NOT NULL,
    names     text[]      NOT NULL,
    problem   text        NOT NULL DEFAULT '',
    warning   text        NOT NULL DEFAULT '',
    failures  integer     NOT NULL DEFAULT 0,
    next_try  timestamptz,
    caa       text        NOT NULL DEFAULT ''
);

CREATE OR REPLACE VIEW certificates.status AS
SELECT o.names, split_part(o.authority, '#', 1) AS issuer, c.not_before, c.not_after, c.renew_at,
       o.problem, o.warning, o.next_try, o.caa
FROM certificates.outlook AS o
LEFT JOIN LATERAL (
    SELECT not_before, not_after, renew_at FROM certificates.certificates
    WHERE authority = o.authority AND names = o.names ORDER BY id DESC LIMIT 1
) AS c ON true;

GRANT USAGE ON SCHEMA certificates TO observer;
GRANT SELECT ON certificates.status TO observer;
