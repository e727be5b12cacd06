-- Applied at every start of a worker; every statement may meet what an earlier start made.
-- Sent as one simple query it is one transaction, and this lock, a number that nothing else uses, lets
-- workers that start together take turns.
SELECT pg_advisory_xact_lock(1987015781);

-- One row for each voter. The spare room lets a changed vote stay on its page (HOT update).
CREATE TABLE IF NOT EXISTS votes (
    id      text   PRIMARY KEY,
    vote    text   NOT NULL,
    version bigint NOT NULL
) WITH (fillfactor = 80);

-- How many voters chose what: always exactly what counting the rows of votes would give.
CREATE TABLE IF NOT EXISTS tally (
    vote  text   PRIMARY KEY,
    count bigint NOT NULL
) WITH (fillfactor = 50);

-- When a commit was last possible: what a reader sees here has reached a standby.
CREATE TABLE IF NOT EXISTS pulse (
    only_row boolean     PRIMARY KEY DEFAULT true CHECK (only_row),
    at       timestamptz NOT NULL
) WITH (fillfactor = 50);

-- The tally as it was at the end of each half minute of the last hour, by the half minute's beginning.
CREATE TABLE IF NOT EXISTS history (
    at     timestamptz PRIMARY KEY,
    counts jsonb       NOT NULL
) WITH (fillfactor = 50);

-- What could not be stored, in bytes, since it can be anything. They may be acknowledged votes, which an older
-- program does not understand: nothing but a person's word deletes them.
CREATE TABLE IF NOT EXISTS dead_letters (
    id     bytea       PRIMARY KEY, -- of the entry and the fields, so that a repetition is the same letter
    at     timestamptz NOT NULL DEFAULT clock_timestamp(),
    entry  bytea       NOT NULL,
    reason bytea       NOT NULL,
    size   bigint      NOT NULL, -- bytes of all fields
    fields bytea[]     NOT NULL  -- names and values in turn
);

CREATE OR REPLACE FUNCTION keep_tally() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    -- One INSERT … ON CONFLICT fires twice, for its inserts and for its updates. Rows alone would
    -- be locked in an order that differs between two workers; this lock comes before all of them.
    PERFORM pg_advisory_xact_lock('tally'::regclass::oid::bigint);

    IF TG_OP = 'TRUNCATE' THEN
        DELETE FROM tally;
    ELSIF TG_OP = 'INSERT' THEN
        INSERT INTO tally AS t (vote, count)
        SELECT vote, count(*) FROM new_rows GROUP BY vote
        ON CONFLICT (vote) DO UPDATE SET count = t.count + excluded.count;
    ELSIF TG_OP = 'DELETE' THEN
        UPDATE tally AS t SET count = t.count - gone.count
        FROM (SELECT vote, count(*) FROM old_rows GROUP BY vote) AS gone
        WHERE t.vote = gone.vote;
    ELSE
        INSERT INTO tally AS t (vote, count)
        SELECT vote, sum(change) FROM (
            SELECT vote, 1 AS change FROM new_rows
            UNION ALL
            SELECT vote, -1 FROM old_rows
        ) AS changes
        GROUP BY vote HAVING sum(change) <> 0
        ON CONFLICT (vote) DO UPDATE SET count = t.count + excluded.count;
    END IF;
    RETURN NULL;
END
$$;

CREATE OR REPLACE TRIGGER tally_insert AFTER INSERT ON votes
REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION keep_tally();

CREATE OR REPLACE TRIGGER tally_update AFTER UPDATE ON votes
REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
FOR EACH STATEMENT EXECUTE FUNCTION keep_tally();

CREATE OR REPLACE TRIGGER tally_delete AFTER DELETE ON votes
REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION keep_tally();

CREATE OR REPLACE TRIGGER tally_truncate AFTER TRUNCATE ON votes
FOR EACH STATEMENT EXECUTE FUNCTION keep_tally();

-- Stores votes, each voter's once: a newer one replaces an older one, never the other way round. This is all
-- that another account can be allowed to do to votes, so it runs as their owner.
CREATE OR REPLACE FUNCTION store_votes(ids text[], options text[], versions bigint[]) RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = public, pg_temp AS $$
    -- The row is locked even when the newer vote is already there, so that this commit, too, waits
    -- for the standby: a repetition is acknowledged only when what it repeats is safe.
    INSERT INTO votes AS known (id, vote, version)
    SELECT * FROM unnest(ids, options, versions)
    ON CONFLICT (id) DO UPDATE SET vote = excluded.vote, version = excluded.version
    WHERE excluded.version > known.version
$$;
REVOKE EXECUTE ON FUNCTION store_votes(text[], text[], bigint[]) FROM PUBLIC;

CREATE OR REPLACE FUNCTION keep_history() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    -- The pulse's row is locked by now, so workers take turns, and each statement here sees what was
    -- committed until then: an older tally never replaces a newer one, and no two wait for each other.
    -- Reading tally does not wait for a batch that is changing it.
    INSERT INTO history (at, counts)
    SELECT date_bin('30 seconds', clock_timestamp(), 'epoch'), coalesce(jsonb_object_agg(vote, count), '{}')
    FROM tally
    ON CONFLICT (at) DO UPDATE SET counts = excluded.counts;

    DELETE FROM history WHERE at < clock_timestamp() - interval '1 hour 30 seconds';
    RETURN NULL;
END
$$;

CREATE OR REPLACE TRIGGER pulse_history AFTER INSERT OR UPDATE ON pulse
FOR EACH ROW EXECUTE FUNCTION keep_history();

DO $$
BEGIN
    IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'result') THEN
        GRANT SELECT ON tally, pulse, history TO result;
        -- Until now it could read who voted what.
        REVOKE SELECT ON votes FROM result;
    END IF;
    IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'observer') THEN
        GRANT SELECT ON tally TO observer;
        -- Of these letters it replays and deletes what an operator says.
        GRANT SELECT, INSERT, UPDATE (reason), DELETE ON dead_letters TO observer;
        GRANT EXECUTE ON FUNCTION store_votes(text[], text[], bigint[]) TO observer;
    END IF;
END
$$;
