-- Migration 1 of part "inbox": a consumer that handles a message at most once. Lives in the consumer's database.

CREATE TABLE public.outbox_inbox (
  consumer   text NOT NULL,
  message_id text NOT NULL,
  at         timestamptz NOT NULL DEFAULT clock_timestamp(),
  PRIMARY KEY (consumer, message_id)
);
CREATE INDEX outbox_inbox_at ON public.outbox_inbox USING brin (at) WITH (autosummarize = on);
COMMENT ON TABLE public.outbox_inbox IS 'Messages a consumer has handled. See schema/README.md.';

-- In the consumer's transaction, before its work: true: do it; false: it has been done, go on.
CREATE FUNCTION public.inbox_claim(consumer text, message_id text) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
BEGIN
  INSERT INTO public.outbox_inbox (consumer, message_id) VALUES (inbox_claim.consumer, inbox_claim.message_id)
    ON CONFLICT (consumer, message_id) DO NOTHING;
  RETURN FOUND;
END $$;

-- Deletes at most 1,000 old claims and says how many; call it until it says 0.
CREATE FUNCTION public.outbox_inbox_purge(older_than interval) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  purged bigint;
BEGIN
  IF older_than IS NULL OR older_than < interval '1 day' THEN
    RAISE EXCEPTION 'outbox_inbox_purge: messages younger than 1 day may still be delivered again'
      USING ERRCODE = '22023', HINT = 'Pass interval ''1 day'' or more.';
  END IF;
  DELETE FROM public.outbox_inbox WHERE ctid = ANY (ARRAY(
    SELECT ctid FROM public.outbox_inbox WHERE at < clock_timestamp() - older_than
      LIMIT 1000 FOR UPDATE SKIP LOCKED));
  GET DIAGNOSTICS purged = ROW_COUNT;
  RETURN purged;
END $$;

REVOKE ALL ON FUNCTION public.inbox_claim(text, text), public.outbox_inbox_purge(interval) FROM PUBLIC;

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
    'GRANT EXECUTE ON FUNCTION public.inbox_claim(text, text), public.outbox_inbox_purge(interval) TO outbox_service']
  LOOP
    IF EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = 'outbox_service') THEN
      EXECUTE statement;
    ELSE
      RAISE NOTICE 'then run: %;', statement;
    END IF;
  END LOOP;
END $$;
