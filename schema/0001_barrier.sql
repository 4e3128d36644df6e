-- Migration 1 of part "barrier": the check-back's race, closed. Lives in the database of the business transaction.
--
-- The business transaction and the check-back write the same row. Whoever commits it first has decided, for ever:
--   business first:    the check-back waits for it, then reads "committed" (or finds the row free after a rollback)
--   check-back first:  the business finds "rolled_back" and must give up (OB001)

CREATE TABLE public.message_log (
  msg_log_id text PRIMARY KEY,
  verdict    text NOT NULL CONSTRAINT message_log_verdict_known CHECK (verdict IN ('committed', 'rolled_back')),
  at         timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE INDEX message_log_at ON public.message_log USING brin (at) WITH (autosummarize = on);
COMMENT ON TABLE public.message_log IS 'Barrier rows of business transactions. See schema/README.md.';

-- First statement of the business transaction.
CREATE FUNCTION public.outbox_begin(msg_log_id text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
DECLARE
  writer xid;
  found_verdict text;
BEGIN
  IF outbox_begin.msg_log_id IS NULL THEN
    RAISE EXCEPTION 'outbox_begin: msg_log_id is null' USING ERRCODE = '22004';
  END IF;
  -- "committed" must not be seen by a check-back and then be lost in a crash.
  IF current_setting('synchronous_commit') = 'off' THEN
    PERFORM set_config('synchronous_commit', 'on', true);
  END IF;
  LOOP
    INSERT INTO public.message_log (msg_log_id, verdict) VALUES (outbox_begin.msg_log_id, 'committed')
      ON CONFLICT (msg_log_id) DO NOTHING;
    IF FOUND THEN
      -- A subtransaction writes its own number into the row, not the transaction's.
      SELECT xmin INTO writer FROM public.message_log WHERE msg_log_id = outbox_begin.msg_log_id;
      IF writer <> pg_current_xact_id()::xid THEN
        RAISE EXCEPTION 'outbox_begin was called inside a savepoint, whose rollback would undo the barrier alone'
          USING ERRCODE = 'OB003',
                HINT = 'Call it as the first statement after BEGIN. A driver that wraps each statement in a savepoint '
                       '(psqlODBC Protocol 7.4-2, JDBC autosave, Django atomic blocks) must not do so here.';
      END IF;
      RETURN;
    END IF;
    SELECT verdict, xmin INTO found_verdict, writer
      FROM public.message_log WHERE msg_log_id = outbox_begin.msg_log_id;
    -- Not found: the row was purged between the two statements; insert again.
    IF FOUND THEN
      IF found_verdict = 'rolled_back' THEN
        RAISE EXCEPTION 'the check-back has answered rolled_back for "%"', outbox_begin.msg_log_id
          USING ERRCODE = 'OB001', HINT = 'Roll back and do not repeat this business transaction.';
      END IF;
      IF writer = pg_current_xact_id()::xid THEN
        RETURN;  -- called twice in one transaction
      END IF;
      RAISE EXCEPTION 'a business transaction with msg_log_id "%" has committed', outbox_begin.msg_log_id
        USING ERRCODE = 'OB002', HINT = 'It is done: roll back and answer success.';
    END IF;
  END LOOP;
END $$;

-- For the owner's check-back handler: committed, rolled_back or in_progress. Answer only after COMMIT returned.
CREATE FUNCTION public.outbox_check_back(msg_log_id text) RETURNS text
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET lock_timeout = '300ms' AS $$
#variable_conflict use_column
DECLARE
  found_verdict text;
  writer_age integer;
BEGIN
  IF outbox_check_back.msg_log_id IS NULL THEN
    RAISE EXCEPTION 'outbox_check_back: msg_log_id is null' USING ERRCODE = '22004';
  END IF;
  IF current_setting('transaction_isolation') <> 'read committed' THEN
    RAISE EXCEPTION 'outbox_check_back needs READ COMMITTED, this transaction is %',
      upper(current_setting('transaction_isolation'))
      USING ERRCODE = 'OB004', HINT = 'An older snapshot would not see a commit it has waited for.';
  END IF;
  -- "rolled_back" is told later on the strength of this row alone: it must survive a crash.
  IF current_setting('synchronous_commit') = 'off' THEN
    PERFORM set_config('synchronous_commit', 'on', true);
  END IF;
  LOOP
    SELECT verdict, age(xmin) INTO found_verdict, writer_age
      FROM public.message_log WHERE msg_log_id = outbox_check_back.msg_log_id;
    IF FOUND THEN
      -- Rows of this transaction and of its subtransactions have its number or a later one, that is no positive age.
      -- They may yet be rolled back, so they tell nothing.
      IF pg_current_xact_id_if_assigned() IS NOT NULL AND writer_age <= 0 THEN
        RETURN 'in_progress';
      END IF;
      RETURN found_verdict;
    END IF;
    BEGIN
      INSERT INTO public.message_log (msg_log_id, verdict) VALUES (outbox_check_back.msg_log_id, 'rolled_back')
        ON CONFLICT (msg_log_id) DO NOTHING;
      IF FOUND THEN
        RETURN 'in_progress';  -- "rolled_back" is for the next call, when this row has been committed
      END IF;
    EXCEPTION WHEN lock_not_available THEN
      RETURN 'in_progress';  -- the business transaction is still open
    END;
  END LOOP;
END $$;

-- Deletes at most 1,000 old barrier rows and says how many; call it until it says 0. Without its barrier row a
-- business transaction can neither be told from one that never was, so less than 7 days is refused.
CREATE FUNCTION public.outbox_message_log_purge(older_than interval) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  purged bigint;
BEGIN
  IF older_than IS NULL OR older_than < interval '7 days' THEN
    RAISE EXCEPTION 'outbox_message_log_purge: rows younger than 7 days may still be asked for'
      USING ERRCODE = '22023', HINT = 'Pass interval ''7 days'' or more.';
  END IF;
  DELETE FROM public.message_log WHERE ctid = ANY (ARRAY(
    SELECT ctid FROM public.message_log WHERE at < clock_timestamp() - older_than
      LIMIT 1000 FOR UPDATE SKIP LOCKED));
  GET DIAGNOSTICS purged = ROW_COUNT;
  RETURN purged;
END $$;

REVOKE ALL ON FUNCTION public.outbox_begin(text), public.outbox_check_back(text),
  public.outbox_message_log_purge(interval) FROM PUBLIC;

-- The role of services, and what it may do. Whoever may not create roles is told what to run.
DO $$
DECLARE
  statement text;
BEGIN
  IF NOT EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = 'outbox_service') THEN
    BEGIN
      CREATE ROLE outbox_service NOLOGIN;
    EXCEPTION
      WHEN duplicate_object OR unique_violation THEN NULL;  -- made by a migration beside this one
      WHEN insufficient_privilege THEN
        RAISE NOTICE 'role outbox_service is missing and may not be created here; run as a role that may: '
                     'CREATE ROLE outbox_service NOLOGIN;';
    END;
  END IF;
  FOREACH statement IN ARRAY ARRAY[
    'GRANT USAGE ON SCHEMA public TO outbox_service',
    'GRANT EXECUTE ON FUNCTION public.outbox_begin(text), public.outbox_check_back(text), '
        'public.outbox_message_log_purge(interval) TO outbox_service']
  LOOP
    IF EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = 'outbox_service') THEN
      EXECUTE statement;
    ELSE
      RAISE NOTICE 'then run: %;', statement;
    END IF;
  END LOOP;
END $$;
