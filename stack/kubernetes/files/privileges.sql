CREATE ROLE result LOGIN;
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
GRANT CONNECT ON DATABASE votes TO worker, result;
REVOKE CREATE ON SCHEMA public FROM PUBLIC;
ALTER ROLE result CONNECTION LIMIT 24;
ALTER ROLE result SET temp_file_limit = '64MB';
