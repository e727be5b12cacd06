"""What the accounts may not do in the database of the votes, whatever a session sets for itself."""

from typing import Any, LiteralString

import psycopg

# PostgreSQL lets everybody call these. They hold up whoever stores votes (advisory locks, sleep), fill the
# disk without the right to write a table (large objects, WAL, notifications, snapshots), use up transaction
# numbers, or end somebody else's session. Only what a worker's schema and an operator need is given back.
_REVOKE: LiteralString = r"""
DO $$
DECLARE
    callable regprocedure;
BEGIN
    FOR callable IN
        SELECT oid FROM pg_proc
        WHERE pronamespace = 'pg_catalog'::regnamespace
          AND proname LIKE ANY (ARRAY[
              'pg\_advisory\_%', 'pg\_try\_advisory\_%', 'pg\_sleep%', 'lo\_%', 'loread', 'lowrite',
              'pg\_notify', 'pg\_export\_snapshot', 'pg\_logical\_emit\_message', 'txid\_current',
              'pg\_current\_xact\_id', 'pg\_cancel\_backend', 'pg\_terminate\_backend'])
          AND has_function_privilege('public', oid, 'EXECUTE')
    LOOP
        EXECUTE format('REVOKE EXECUTE ON FUNCTION %s FROM PUBLIC', callable);
    END LOOP;
END
$$;
GRANT EXECUTE ON FUNCTION
    pg_advisory_xact_lock(bigint), pg_cancel_backend(int), pg_terminate_backend(int, bigint) TO worker;
REVOKE USAGE ON LANGUAGE plpgsql FROM PUBLIC;
GRANT USAGE ON LANGUAGE plpgsql TO worker;
REVOKE ALL ON DATABASE votes FROM PUBLIC;
GRANT CONNECT ON DATABASE votes TO worker, result, observer, certificates, pgpool, monitor;
-- Statistics and settings of the server, and of no table a row.
GRANT pg_monitor TO monitor;
ALTER ROLE monitor SET temp_file_limit = '64MB';
ALTER ROLE monitor SET statement_timeout = '5s';
REVOKE CREATE ON SCHEMA public FROM PUBLIC;
ALTER ROLE result CONNECTION LIMIT 24;
ALTER ROLE result SET temp_file_limit = '64MB';
ALTER ROLE observer SET temp_file_limit = '64MB';
ALTER ROLE certificates SET temp_file_limit = '64MB';
-- Its program makes the tables, and says which of them the observer may read.
CREATE SCHEMA IF NOT EXISTS certificates AUTHORIZATION certificates;
GRANT USAGE ON SCHEMA certificates TO observer
"""

# A worker's schema gives the same with its tables; these were made before there was this account.
_LET_OBSERVE: LiteralString = """
DO $$
BEGIN
    IF to_regclass('public.tally') IS NOT NULL THEN
        GRANT SELECT ON public.tally TO observer;
    END IF;
    IF to_regclass('public.dead_letters') IS NOT NULL THEN
        GRANT SELECT, INSERT, UPDATE (reason), DELETE ON public.dead_letters TO observer;
    END IF;
    IF to_regprocedure('public.store_votes(text[], text[], bigint[])') IS NOT NULL THEN
        GRANT EXECUTE ON FUNCTION public.store_votes(text[], text[], bigint[]) TO observer;
    END IF;
END
$$
"""


def restrict(connection: psycopg.Connection[Any]) -> None:
    """Take from every account what it does not need; doing it again changes nothing.

    Expects every account, and a superuser's connection to the database of the votes. Raises psycopg.Error.
    """
    # Sent as one query it is one transaction: no worker ever misses what it needs.
    connection.execute(_REVOKE)
    connection.execute(_LET_OBSERVE)
