"""The one transaction in which the copy's votes take the place of those that are there.

Nobody stores a vote meanwhile: the table is locked, and workers wait. The triggers count anew, and what they
have counted is compared with the copy; where it differs nothing is changed.
"""

from typing import LiteralString

# A second one that comes after it does nothing.
SWAP: LiteralString = """\
BEGIN;
SET LOCAL vote_app.counted = 'on';
-- Of the worker's schema: no tables are made at this time.
SELECT pg_advisory_xact_lock(1987015781);
LOCK TABLE public.votes IN ACCESS EXCLUSIVE MODE;
DO $$
DECLARE
    wrong bigint;
BEGIN
    IF (SELECT swapped IS NOT NULL FROM {mark}.note) THEN
        RETURN;
    END IF;
    -- Whoever archives a poll, or begins the next, waits for the table, or has done it by now.
    IF NOT EXISTS (
        SELECT FROM public.poll AS p JOIN {mark}.note AS n ON p.number = n.poll AND p.opened = n.opened
        WHERE p.state <> 'archived'
    ) THEN
        RAISE EXCEPTION 'the poll that the copy was brought for is over: the votes stay as they are';
    END IF;
    CREATE TABLE {mark}.former AS SELECT id, vote, version FROM public.votes;
    CREATE TABLE {mark}.later AS {newer};
    TRUNCATE public.votes;
    INSERT INTO public.votes (id, vote, version) SELECT id, vote, version FROM {mark}.copy;
    IF (SELECT anew FROM {mark}.note) THEN
        UPDATE public.poll AS p SET
            revision = greatest(p.revision, c.revision) + 1, number = c.number, state = c.state,
            opened = c.opened, closes = c.closes, closed = c.closed, configured = c.configured,
            next_closes = c.next_closes
        FROM {mark}.poll AS c;
        INSERT INTO public.archives SELECT * FROM {mark}.archives ON CONFLICT DO NOTHING;
        INSERT INTO public.dead_letters SELECT * FROM {mark}.dead_letters ON CONFLICT DO NOTHING;
        -- A process that lives on has told all that it acknowledged, and what was stored since the loss.
        INSERT INTO public.accounts AS known SELECT * FROM {mark}.accounts
        ON CONFLICT (process) DO UPDATE SET
            acknowledged = known.acknowledged + excluded.acknowledged,
            unnumbered = known.unnumbered + excluded.unnumbered,
            stored = known.stored + excluded.stored, dead = known.dead + excluded.dead
        WHERE known.poll = excluded.poll;
    END IF;
    SELECT count(*) INTO wrong
    FROM (SELECT vote, count(*) AS count FROM public.votes GROUP BY vote) AS counted
    FULL JOIN (SELECT vote, count FROM public.tally WHERE count <> 0) AS told USING (vote)
    WHERE counted.count IS DISTINCT FROM told.count;
    IF wrong > 0 THEN
        RAISE EXCEPTION 'the tally does not follow the votes: are the triggers of the table votes there?';
    END IF;
    IF (SELECT sum(hash) FROM public.fingerprint) IS DISTINCT FROM (SELECT hash FROM {mark}.note) THEN
        RAISE EXCEPTION 'the votes do not have the fingerprint of the copy';
    END IF;
    UPDATE {mark}.note SET swapped = clock_timestamp(), later = newer.count, later_versions = newer.sum
    FROM (SELECT count(*), coalesce(sum(version), 0) AS sum FROM {mark}.later) AS newer;
END
$$;
COMMIT
"""
# The votes that are there and newer than the copy: of voters that it does not know, or that voted again.
NEWER: LiteralString = """\
SELECT v.id, v.vote, v.version, c.vote AS restored
    FROM public.votes AS v LEFT JOIN {mark}.copy AS c USING (id)
    WHERE c.id IS NULL OR v.version > c.version"""
