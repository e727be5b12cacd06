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

-- One number for all votes, exact in every transaction, by which a restored copy shows that its votes are those that
-- were stored: the sum of the two parts is the sum of each row's vote_hash. `since` is what these triggers have added,
-- `before` what was there when they began. Where there were votes already, nobody knows that yet: the database's primary
-- finds it out, without holding up those who store votes.
CREATE TABLE IF NOT EXISTS fingerprint (
    part text    PRIMARY KEY CHECK (part IN ('before', 'since')),
    hash numeric NOT NULL
) WITH (fillfactor = 50);

-- When a commit was last possible: what a reader sees here has reached a standby.
CREATE TABLE IF NOT EXISTS pulse (
    only_row boolean     PRIMARY KEY DEFAULT true CHECK (only_row),
    at       timestamptz NOT NULL
) WITH (fillfactor = 50);

-- The queue's word whether votes are taken, told by workers with the pulse: the result page cannot ask the queue.
-- A worker of a release that does not tell it goes on with the pulse alone.
CREATE TABLE IF NOT EXISTS intake (
    only_row boolean     PRIMARY KEY DEFAULT true CHECK (only_row),
    word     text        NOT NULL,
    at       timestamptz NOT NULL
) WITH (fillfactor = 50);

-- The tally as it was at the end of each half minute of the last hour, by the half minute's beginning.
CREATE TABLE IF NOT EXISTS history (
    at     timestamptz PRIMARY KEY,
    counts jsonb       NOT NULL
) WITH (fillfactor = 50);

-- The test votes of the last minute or so, by which the monitoring looks whether votes come through.
-- They are no votes: nothing counts them.
CREATE TABLE IF NOT EXISTS probe (
    id text        PRIMARY KEY,
    at timestamptz NOT NULL
);

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

-- The poll that there is: open, closed, final (all its votes are stored), archived (its numbers are kept for good).
-- Its revision grows with each change: whoever hears of two of them knows which is the newer.
CREATE TABLE IF NOT EXISTS poll (
    only_row   boolean     PRIMARY KEY DEFAULT true CHECK (only_row),
    revision   bigint      NOT NULL DEFAULT 1,
    number     integer     NOT NULL DEFAULT 1,
    state      text        NOT NULL DEFAULT 'open' CHECK (state IN ('open', 'closed', 'final', 'archived')),
    opened     timestamptz NOT NULL DEFAULT clock_timestamp(),
    closes     timestamptz,
    closed     timestamptz,
    -- The time to close that the settings named last: it counts once. While a poll is over, it is for the next one.
    configured  timestamptz,
    next_closes timestamptz
);
INSERT INTO poll DEFAULT VALUES ON CONFLICT DO NOTHING;

-- The numbers of polls that are over, as a JSON text, with the SHA-256 of its bytes.
CREATE TABLE IF NOT EXISTS archives (
    number   integer     PRIMARY KEY,
    at       timestamptz NOT NULL DEFAULT clock_timestamp(),
    document text        NOT NULL,
    checksum text        NOT NULL
);

-- What becomes of the votes that one process took for one poll, by the numbers that it gave them: which of them it
-- has acknowledged, which of those were put into the queue once more without a number, which are stored, and which
-- are dead letters, or were until a person deleted them. Whatever is acknowledged must be one of the others, or queued.
CREATE TABLE IF NOT EXISTS accounts (
    process      text           PRIMARY KEY,
    poll         integer        NOT NULL,
    acknowledged int8multirange NOT NULL DEFAULT '{}',
    unnumbered   int8multirange NOT NULL DEFAULT '{}',
    stored       int8multirange NOT NULL DEFAULT '{}',
    dead         int8multirange NOT NULL DEFAULT '{}',
    told         timestamptz, -- when the process last said what it has acknowledged: each half minute while it lives
    ended        boolean        NOT NULL DEFAULT false -- whether it has said that there will be no more
) WITH (fillfactor = 50);

-- When votes were last stored, or became dead letters, by a program that knows no accounts: of those that there were
-- nobody can say more.
CREATE TABLE IF NOT EXISTS uncounted (
    only_row   boolean     PRIMARY KEY DEFAULT true CHECK (only_row),
    last       timestamptz NOT NULL,
    statements bigint      NOT NULL
) WITH (fillfactor = 50);

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

CREATE OR REPLACE FUNCTION vote_hash(id text, vote text, version bigint) RETURNS bigint
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT hashtextextended(id, hashtextextended(vote, version))
$$;

-- It has triggers of its own: those of the tally belong to releases, too, that know no fingerprint.
CREATE OR REPLACE FUNCTION keep_fingerprint() RETURNS trigger
LANGUAGE plpgsql AS $$
DECLARE
    change numeric;
BEGIN
    IF TG_OP = 'TRUNCATE' THEN
        DELETE FROM fingerprint;
        INSERT INTO fingerprint (part, hash) VALUES ('before', 0), ('since', 0);
        RETURN NULL;
    ELSIF TG_OP = 'INSERT' THEN
        SELECT sum(vote_hash(id, vote, version)) INTO change FROM new_rows;
    ELSIF TG_OP = 'DELETE' THEN
        SELECT -sum(vote_hash(id, vote, version)) INTO change FROM old_rows;
    ELSE
        SELECT (SELECT sum(vote_hash(id, vote, version)) FROM new_rows)
            - (SELECT sum(vote_hash(id, vote, version)) FROM old_rows) INTO change;
    END IF;
    IF change <> 0 THEN
        INSERT INTO fingerprint AS known (part, hash) VALUES ('since', change)
        ON CONFLICT (part) DO UPDATE SET hash = known.hash + excluded.hash;
    END IF;
    RETURN NULL;
END
$$;

-- By their names they come after the tally's lock.
CREATE OR REPLACE TRIGGER votes_hash_insert AFTER INSERT ON votes
REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION keep_fingerprint();

CREATE OR REPLACE TRIGGER votes_hash_update AFTER UPDATE ON votes
REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
FOR EACH STATEMENT EXECUTE FUNCTION keep_fingerprint();

CREATE OR REPLACE TRIGGER votes_hash_delete AFTER DELETE ON votes
REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION keep_fingerprint();

CREATE OR REPLACE TRIGGER votes_hash_truncate AFTER TRUNCATE ON votes
FOR EACH STATEMENT EXECUTE FUNCTION keep_fingerprint();

-- The triggers above have locked the votes.
INSERT INTO fingerprint (part, hash)
SELECT 'before', 0 WHERE NOT EXISTS (SELECT FROM votes) AND NOT EXISTS (SELECT FROM fingerprint);

-- Whoever stores votes with their numbers says so; a release that does not know accounts does not replace this.
CREATE OR REPLACE FUNCTION note_uncounted() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    IF current_setting('vote_app.counted', true) IS DISTINCT FROM 'on' THEN
        INSERT INTO uncounted AS known (last, statements) VALUES (clock_timestamp(), 1)
        ON CONFLICT (only_row) DO UPDATE SET last = excluded.last, statements = known.statements + 1;
    END IF;
    RETURN NULL;
END
$$;

-- Until now nobody was noted: those who stored the votes that there are may have known no accounts. The triggers above
-- have locked the votes.
INSERT INTO uncounted (last, statements)
SELECT clock_timestamp(), 1
WHERE NOT EXISTS (SELECT FROM pg_trigger WHERE tgrelid = 'votes'::regclass AND tgname = 'uncounted_votes')
    AND (EXISTS (SELECT FROM votes) OR EXISTS (SELECT FROM dead_letters))
ON CONFLICT (only_row) DO UPDATE SET last = excluded.last;

-- By its name it comes after the tally's lock.
CREATE OR REPLACE TRIGGER uncounted_votes AFTER INSERT ON votes
FOR EACH STATEMENT EXECUTE FUNCTION note_uncounted();

CREATE OR REPLACE TRIGGER uncounted_letters AFTER INSERT ON dead_letters
FOR EACH STATEMENT EXECUTE FUNCTION note_uncounted();

-- Stores votes, each voter's once: a newer one replaces an older one, never the other way round. This is all
-- that another account can be allowed to do to votes, so it runs as their owner.
CREATE OR REPLACE FUNCTION store_votes(ids text[], options text[], versions bigint[], of_poll integer)
RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    present poll%ROWTYPE;
BEGIN
    -- Whoever archives a poll, or begins the next, holds a lock against this one. So what is read next stays true.
    LOCK TABLE votes IN ROW EXCLUSIVE MODE;
    SELECT * INTO STRICT present FROM poll;
    IF of_poll < present.number OR (of_poll = present.number AND present.state = 'archived') THEN
        RAISE EXCEPTION 'poll % is over', of_poll USING ERRCODE = 'VP001';
    ELSIF of_poll > present.number THEN
        -- A database that was promoted by force may lack the last beginning; such letters can be replayed later.
        RAISE EXCEPTION 'poll % has not begun', of_poll USING ERRCODE = 'VP001';
    END IF;

    -- The row is locked even when the newer vote is already there, so that this commit, too, waits
    -- for the standby: a repetition is acknowledged only when what it repeats is safe.
    INSERT INTO votes AS known (id, vote, version)
    SELECT * FROM unnest(ids, options, versions)
    ON CONFLICT (id) DO UPDATE SET vote = excluded.vote, version = excluded.version
    WHERE excluded.version > known.version;
END
$$;
REVOKE EXECUTE ON FUNCTION store_votes(text[], text[], bigint[], integer) FROM PUBLIC;

-- The same, with what that adds to the accounts, or that alone. The rows are locked after the tally, so that no two
-- workers wait for each other, and in order, for whoever buries letters. `ends` says whether a process has ended, NULL
-- where it was not heard of: what it says may come late, so its last word stays.
CREATE OR REPLACE FUNCTION store_votes(
    ids text[], options text[], versions bigint[], of_poll integer, processes text[],
    more_acknowledged int8multirange[], more_unnumbered int8multirange[], more_stored int8multirange[], ends boolean[]
) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    PERFORM set_config('vote_app.counted', 'on', true);
    IF cardinality(ids) > 0 THEN
        PERFORM store_votes(ids, options, versions, of_poll);
    ELSE
        -- A poll that is archived takes no votes, but its processes are still there, and say so.
        LOCK TABLE votes IN ROW EXCLUSIVE MODE;
    END IF;
    INSERT INTO accounts AS known (process, poll, acknowledged, unnumbered, stored, told, ended)
    SELECT added.process, of_poll, added.acknowledged, added.unnumbered, added.stored,
        CASE WHEN added.ended IS NOT NULL THEN clock_timestamp() END, coalesce(added.ended, false)
    FROM unnest(processes, more_acknowledged, more_unnumbered, more_stored, ends)
        AS added (process, acknowledged, unnumbered, stored, ended)
    JOIN poll ON of_poll >= poll.number
    ORDER BY added.process
    ON CONFLICT (process) DO UPDATE SET
        acknowledged = known.acknowledged + excluded.acknowledged,
        unnumbered = known.unnumbered + excluded.unnumbered,
        stored = known.stored + excluded.stored,
        told = coalesce(excluded.told, known.told),
        ended = known.ended OR excluded.ended;
END
$$;
REVOKE EXECUTE ON FUNCTION store_votes(
    text[], text[], bigint[], integer, text[], int8multirange[], int8multirange[], int8multirange[], boolean[])
    FROM PUBLIC;

-- Notes the numbers of votes that became dead letters; those of a poll that is over are in no account. A database that
-- was promoted by force may lack the beginning of their poll: they count when it has begun again.
CREATE OR REPLACE FUNCTION note_dead(processes text[], polls integer[], numbers int8multirange[]) RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = public, pg_temp AS $$
    INSERT INTO accounts AS known (process, poll, dead)
    SELECT added.process, added.poll, range_agg(added.numbers)
    FROM unnest(processes, polls, numbers) AS added (process, poll, numbers)
    JOIN poll ON added.poll >= poll.number
    GROUP BY added.process, added.poll ORDER BY added.process
    ON CONFLICT (process) DO UPDATE SET dead = known.dead + excluded.dead WHERE known.poll = excluded.poll
$$;
REVOKE EXECUTE ON FUNCTION note_dead(text[], integer[], int8multirange[]) FROM PUBLIC;

-- Stores votes for workers of a release that knew but one poll.
CREATE OR REPLACE FUNCTION store_votes(ids text[], options text[], versions bigint[]) RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT store_votes(ids, options, versions, 1)
$$;
REVOKE EXECUTE ON FUNCTION store_votes(text[], text[], bigint[]) FROM PUBLIC;

-- Each of these changes the poll, says with its number which one is meant, and does nothing where that is not the
-- one that there is, or not in the state that it needs.
CREATE OR REPLACE FUNCTION close_poll(meant integer) RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = public, pg_temp AS $$
    UPDATE poll SET state = 'closed', closed = clock_timestamp(), revision = revision + 1
    WHERE number = meant AND state = 'open'
$$;
REVOKE EXECUTE ON FUNCTION close_poll(integer) FROM PUBLIC;

CREATE OR REPLACE FUNCTION open_poll(meant integer) RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = public, pg_temp AS $$
    UPDATE poll SET state = 'open', closed = NULL, next_closes = NULL, revision = revision + 1,
        -- While a poll is over, settings that name no time any more leave its own where it is.
        closes = CASE WHEN configured IS NOT NULL AND coalesce(next_closes, closes) > clock_timestamp()
            THEN coalesce(next_closes, closes) END
    WHERE number = meant AND (state IN ('closed', 'final') OR (state = 'open' AND closes <= clock_timestamp()))
$$;
REVOKE EXECUTE ON FUNCTION open_poll(integer) FROM PUBLIC;

-- Keeps the numbers, if they are those that are told: they were read before this lock.
CREATE OR REPLACE FUNCTION archive_poll(meant integer, told jsonb, document text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    LOCK TABLE votes IN SHARE MODE;
    IF told <> (SELECT coalesce(jsonb_object_agg(vote, count), '{}') FROM tally) THEN
        RAISE EXCEPTION 'votes were stored since the numbers were read';
    END IF;
    IF EXISTS (SELECT FROM dead_letters) THEN
        RAISE EXCEPTION 'there are dead letters, which may be votes';
    END IF;
    UPDATE poll SET state = 'archived', revision = revision + 1 WHERE number = meant AND state = 'final';
    IF NOT FOUND THEN
        RAISE EXCEPTION 'poll % is not final', meant;
    END IF;
    INSERT INTO archives (number, document, checksum)
    VALUES (meant, document, encode(sha256(convert_to(document, 'UTF8')), 'hex'));
END
$$;
REVOKE EXECUTE ON FUNCTION archive_poll(integer, jsonb, text) FROM PUBLIC;

-- Begins the next poll at zero; the votes of the one before are deleted, its numbers are in the archive.
CREATE OR REPLACE FUNCTION begin_poll(after integer) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    -- A pulse that is under way would write the old numbers into the history once more.
    PERFORM FROM pulse FOR UPDATE;
    LOCK TABLE votes IN ACCESS EXCLUSIVE MODE;
    UPDATE poll SET number = after + 1, state = 'open', opened = clock_timestamp(), closed = NULL,
        closes = CASE WHEN next_closes > clock_timestamp() THEN next_closes END, next_closes = NULL,
        revision = revision + 1
    WHERE number = after AND state = 'archived';
    IF FOUND THEN
        TRUNCATE votes;
        DELETE FROM history;
        DELETE FROM accounts WHERE poll <= after;
        DELETE FROM uncounted;
    END IF;
END
$$;
REVOKE EXECUTE ON FUNCTION begin_poll(integer) FROM PUBLIC;

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
        GRANT SELECT ON tally, pulse, intake, history, poll, archives, probe TO result;
        -- Until now it could read who voted what.
        REVOKE SELECT ON votes FROM result;
    END IF;
    IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'observer') THEN
        GRANT SELECT ON tally, pulse, poll, archives, accounts, uncounted TO observer;
        -- Of these letters it replays and deletes what an operator says.
        GRANT SELECT, INSERT, UPDATE (reason), DELETE ON dead_letters TO observer;
        GRANT EXECUTE ON FUNCTION store_votes(text[], text[], bigint[], integer), close_poll(integer),
            open_poll(integer), archive_poll(integer, jsonb, text), begin_poll(integer),
            store_votes(text[], text[], bigint[], integer,
                text[], int8multirange[], int8multirange[], int8multirange[], boolean[]),
            note_dead(text[], integer[], int8multirange[]) TO observer;
    END IF;
END
$$;
