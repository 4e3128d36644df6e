-- A database at the first migration, with a few rows: pg_dump --inserts of PostgreSQL 15. Never changed.
--
-- PostgreSQL database dump
--


-- Dumped from database version 15.18 (Debian 15.18-0+deb12u1)
-- Dumped by pg_dump version 15.18 (Debian 15.18-0+deb12u1)

SET statement_timeout = 0;
SET lock_timeout = 0;
SET idle_in_transaction_session_timeout = 0;
SET client_encoding = 'UTF8';
SET standard_conforming_strings = on;
SELECT pg_catalog.set_config('search_path', '', false);
SET check_function_bodies = false;
SET xmloption = content;
SET client_min_messages = warning;
SET row_security = off;

--
-- Name: inbox_claim(text, text); Type: FUNCTION; Schema: public; Owner: -
--

CREATE FUNCTION public.inbox_claim(consumer text, message_id text) RETURNS boolean
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
#variable_conflict use_column
BEGIN
  INSERT INTO public.outbox_inbox (consumer, message_id) VALUES (inbox_claim.consumer, inbox_claim.message_id)
    ON CONFLICT (consumer, message_id) DO NOTHING;
  RETURN FOUND;
END $$;


--
-- Name: outbox_begin(text); Type: FUNCTION; Schema: public; Owner: -
--

CREATE FUNCTION public.outbox_begin(msg_log_id text) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
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


--
-- Name: outbox_cancel(bigint); Type: FUNCTION; Schema: public; Owner: -
--

CREATE FUNCTION public.outbox_cancel(id bigint) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
#variable_conflict use_column
DECLARE
  found_status smallint;
  found_confirmed boolean;
BEGIN
  SELECT status, confirmed INTO found_status, found_confirmed
    FROM public.message_record WHERE id = outbox_cancel.id FOR NO KEY UPDATE;
  IF NOT FOUND THEN
    RAISE EXCEPTION 'outbox_cancel: there is no message %', outbox_cancel.id USING ERRCODE = 'OB006';
  END IF;
  IF found_status = 3 THEN
    RETURN;
  END IF;
  IF found_confirmed OR found_status NOT IN (0, 2) THEN
    RAISE EXCEPTION 'outbox_cancel: message % cannot be cancelled, it is %', outbox_cancel.id,
      CASE found_status WHEN 1 THEN 'delivered' WHEN 4 THEN 'discarded' ELSE 'confirmed' END
      USING ERRCODE = 'OB005';
  END IF;
  UPDATE public.message_record SET status = 3, next_check_at = NULL WHERE id = outbox_cancel.id;
END $$;


--
-- Name: outbox_check_back(text); Type: FUNCTION; Schema: public; Owner: -
--

CREATE FUNCTION public.outbox_check_back(msg_log_id text) RETURNS text
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET lock_timeout TO '300ms'
    AS $$
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


--
-- Name: outbox_confirm(bigint); Type: FUNCTION; Schema: public; Owner: -
--

CREATE FUNCTION public.outbox_confirm(id bigint) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
#variable_conflict use_column
DECLARE
  found_status smallint;
  found_confirmed boolean;
BEGIN
  SELECT status, confirmed INTO found_status, found_confirmed
    FROM public.message_record WHERE id = outbox_confirm.id FOR NO KEY UPDATE;
  IF NOT FOUND THEN
    -- An id that was handed out once may have been delivered and purged since.
    IF outbox_confirm.id BETWEEN 1
       AND pg_sequence_last_value(pg_get_serial_sequence('public.message_record', 'id')::regclass) THEN
      RETURN;
    END IF;
    RAISE EXCEPTION 'outbox_confirm: there is no message %', outbox_confirm.id USING ERRCODE = 'OB006';
  END IF;
  IF found_status IN (3, 4) THEN
    RAISE EXCEPTION 'outbox_confirm: message % is already %', outbox_confirm.id,
      CASE found_status WHEN 3 THEN 'cancelled' ELSE 'discarded' END USING ERRCODE = 'OB005';
  END IF;
  IF found_confirmed OR found_status = 1 THEN
    RETURN;
  END IF;
  -- next_attempt_at puts the row into the index of due rows, so that the relay finds it at its next look there.
  UPDATE public.message_record
    SET status = 0, confirmed = true, next_attempt_at = clock_timestamp(), next_check_at = NULL
    WHERE id = outbox_confirm.id;
END $$;


--
-- Name: outbox_inbox_purge(interval); Type: FUNCTION; Schema: public; Owner: -
--

CREATE FUNCTION public.outbox_inbox_purge(older_than interval) RETURNS bigint
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
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


--
-- Name: outbox_message_log_purge(interval); Type: FUNCTION; Schema: public; Owner: -
--

CREATE FUNCTION public.outbox_message_log_purge(older_than interval) RETURNS bigint
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
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


--
-- Name: outbox_prepare(text, text, text, jsonb, text, text); Type: FUNCTION; Schema: public; Owner: -
--

CREATE FUNCTION public.outbox_prepare(topic text, key text, body text, headers jsonb, msg_log_id text, msg_log_url text) RETURNS bigint
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
#variable_conflict use_column
DECLARE
  new_id bigint;
BEGIN
  IF current_setting('synchronous_commit') = 'off' THEN
    PERFORM set_config('synchronous_commit', 'on', true);
  END IF;
  INSERT INTO public.message_record (topic, message_key, body, headers, confirmed, msg_log_id, msg_log_url)
    VALUES (outbox_prepare.topic, outbox_prepare.key, outbox_prepare.body, outbox_prepare.headers, false,
            outbox_prepare.msg_log_id, outbox_prepare.msg_log_url)
    RETURNING id INTO new_id;
  RETURN new_id;
END $$;


--
-- Name: outbox_publish(text, text, text, jsonb); Type: FUNCTION; Schema: public; Owner: -
--

CREATE FUNCTION public.outbox_publish(topic text, key text, body text, headers jsonb DEFAULT NULL::jsonb) RETURNS bigint
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
#variable_conflict use_column
DECLARE
  new_id bigint;
BEGIN
  INSERT INTO public.message_record (topic, message_key, body, headers)
    VALUES (outbox_publish.topic, outbox_publish.key, outbox_publish.body, outbox_publish.headers)
    RETURNING id INTO new_id;
  RETURN new_id;
END $$;


SET default_tablespace = '';

SET default_table_access_method = heap;

--
-- Name: message_log; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.message_log (
    msg_log_id text NOT NULL,
    verdict text NOT NULL,
    at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    CONSTRAINT message_log_verdict_known CHECK ((verdict = ANY (ARRAY['committed'::text, 'rolled_back'::text])))
);


--
-- Name: TABLE message_log; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON TABLE public.message_log IS 'Barrier rows of business transactions. See schema/README.md.';


--
-- Name: message_record; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.message_record (
    id bigint NOT NULL,
    topic text NOT NULL,
    message_key text,
    body text,
    headers jsonb,
    status smallint DEFAULT 0 NOT NULL,
    confirmed boolean DEFAULT true NOT NULL,
    msg_log_id text,
    msg_log_url text,
    attempts integer DEFAULT 0 NOT NULL,
    next_attempt_at timestamp with time zone,
    checks integer DEFAULT 0 NOT NULL,
    unknown_checks integer DEFAULT 0 NOT NULL,
    first_check_at timestamp with time zone,
    next_check_at timestamp with time zone,
    fail_msg text,
    redrives smallint DEFAULT 0 NOT NULL,
    created_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    sent_at timestamp with time zone,
    sent_partition integer,
    sent_offset bigint,
    CONSTRAINT message_record_status_known CHECK (((status >= 0) AND (status <= 4)))
)
WITH (autovacuum_vacuum_scale_factor='0.01', autovacuum_vacuum_threshold='1000', autovacuum_vacuum_cost_delay='0', toast.autovacuum_vacuum_scale_factor='0.01', toast.autovacuum_vacuum_threshold='1000', toast.autovacuum_vacuum_cost_delay='0');


--
-- Name: TABLE message_record; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON TABLE public.message_record IS 'Transactional outbox: one row is one message. See schema/README.md.';


--
-- Name: message_record_id_seq; Type: SEQUENCE; Schema: public; Owner: -
--

ALTER TABLE public.message_record ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.message_record_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);


--
-- Name: outbox_alert; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.outbox_alert (
    source text NOT NULL,
    topic text NOT NULL,
    error_class text NOT NULL,
    message text NOT NULL,
    rows bigint DEFAULT 0 NOT NULL,
    since timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    notified_at timestamp with time zone,
    resolved_at timestamp with time zone
);


--
-- Name: outbox_audit; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.outbox_audit (
    audit_id bigint NOT NULL,
    at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    actor text NOT NULL,
    action text NOT NULL,
    detail jsonb,
    affected_rows bigint
);


--
-- Name: outbox_audit_audit_id_seq; Type: SEQUENCE; Schema: public; Owner: -
--

ALTER TABLE public.outbox_audit ALTER COLUMN audit_id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.outbox_audit_audit_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);


--
-- Name: outbox_event; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.outbox_event (
    event_id bigint NOT NULL,
    table_name text DEFAULT 'public.message_record'::text NOT NULL,
    message bigint NOT NULL,
    at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    kind text NOT NULL,
    detail text
);


--
-- Name: outbox_event_event_id_seq; Type: SEQUENCE; Schema: public; Owner: -
--

ALTER TABLE public.outbox_event ALTER COLUMN event_id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.outbox_event_event_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);


--
-- Name: outbox_inbox; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.outbox_inbox (
    consumer text NOT NULL,
    message_id text NOT NULL,
    at timestamp with time zone DEFAULT clock_timestamp() NOT NULL
);


--
-- Name: TABLE outbox_inbox; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON TABLE public.outbox_inbox IS 'Messages a consumer has handled. See schema/README.md.';


--
-- Name: outbox_lease; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.outbox_lease (
    table_name text NOT NULL,
    bucket integer DEFAULT 0 NOT NULL,
    owner uuid,
    epoch bigint DEFAULT 0 NOT NULL,
    beat bigint DEFAULT 0 NOT NULL
)
WITH (fillfactor='50', autovacuum_vacuum_threshold='50', autovacuum_vacuum_scale_factor='0');


--
-- Name: outbox_progress; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.outbox_progress (
    table_name text NOT NULL,
    bucket integer DEFAULT 0 NOT NULL,
    sink text NOT NULL,
    topic text NOT NULL,
    partition integer NOT NULL,
    cluster_id text,
    topic_id text,
    bound bigint NOT NULL,
    witness_offset bigint,
    witness_message text,
    clean boolean DEFAULT false NOT NULL
)
WITH (fillfactor='50', autovacuum_vacuum_threshold='200', autovacuum_vacuum_scale_factor='0');


--
-- Name: outbox_schema; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.outbox_schema (
    part text NOT NULL,
    version integer NOT NULL,
    oldest_relay integer NOT NULL,
    name text NOT NULL,
    applied_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL
);


--
-- Name: outbox_source; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.outbox_source (
    name text NOT NULL,
    table_name text NOT NULL,
    system_identifier bigint NOT NULL,
    timeline integer NOT NULL,
    table_oid oid NOT NULL,
    accepted_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL
);


--
-- Data for Name: message_log; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.message_log VALUES ('l', 'committed', '2026-11-21 10:03:25.027822+00');


--
-- Data for Name: message_record; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.message_record VALUES (1, 'orders', 'k1', 'body', '{"a": "b"}', 1, true, NULL, NULL, 0, NULL, 0, 0, NULL, NULL, NULL, 0, '2026-11-21 10:03:25.009789+00', NULL, NULL, NULL);
INSERT INTO public.message_record VALUES (2, 'orders', 'k2', 'body', '{"a": "b"}', 2, true, NULL, NULL, 0, NULL, 0, 0, NULL, NULL, NULL, 0, '2026-11-21 10:03:25.01005+00', NULL, NULL, NULL);
INSERT INTO public.message_record VALUES (3, 'orders', 'k3', 'body', '{"a": "b"}', 3, true, NULL, NULL, 0, NULL, 0, 0, NULL, NULL, NULL, 0, '2026-11-21 10:03:25.010123+00', NULL, NULL, NULL);
INSERT INTO public.message_record VALUES (4, 'orders', 'k4', 'body', '{"a": "b"}', 4, true, NULL, NULL, 0, NULL, 0, 0, NULL, NULL, NULL, 0, '2026-11-21 10:03:25.010127+00', NULL, NULL, NULL);
INSERT INTO public.message_record VALUES (5, 'orders', 'k5', 'body', '{"a": "b"}', 0, true, NULL, NULL, 0, NULL, 0, 0, NULL, NULL, NULL, 0, '2026-11-21 10:03:25.010129+00', NULL, NULL, NULL);


--
-- Data for Name: outbox_alert; Type: TABLE DATA; Schema: public; Owner: -
--



--
-- Data for Name: outbox_audit; Type: TABLE DATA; Schema: public; Owner: -
--



--
-- Data for Name: outbox_event; Type: TABLE DATA; Schema: public; Owner: -
--



--
-- Data for Name: outbox_inbox; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.outbox_inbox VALUES ('c', 'm', '2026-11-21 10:03:25.036801+00');


--
-- Data for Name: outbox_lease; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.outbox_lease VALUES ('public.message_record', 0, NULL, 0, 0);


--
-- Data for Name: outbox_progress; Type: TABLE DATA; Schema: public; Owner: -
--



--
-- Data for Name: outbox_schema; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.outbox_schema VALUES ('outbox', 1, 1, '0001_outbox.sql', '2026-11-21 10:03:24.854441+00');
INSERT INTO public.outbox_schema VALUES ('barrier', 1, 1, '0001_barrier.sql', '2026-11-21 10:03:24.882366+00');
INSERT INTO public.outbox_schema VALUES ('inbox', 1, 1, '0001_inbox.sql', '2026-11-21 10:03:24.907743+00');


--
-- Data for Name: outbox_source; Type: TABLE DATA; Schema: public; Owner: -
--



--
-- Name: message_record_id_seq; Type: SEQUENCE SET; Schema: public; Owner: -
--

SELECT pg_catalog.setval('public.message_record_id_seq', 5, true);


--
-- Name: outbox_audit_audit_id_seq; Type: SEQUENCE SET; Schema: public; Owner: -
--

SELECT pg_catalog.setval('public.outbox_audit_audit_id_seq', 1, false);


--
-- Name: outbox_event_event_id_seq; Type: SEQUENCE SET; Schema: public; Owner: -
--

SELECT pg_catalog.setval('public.outbox_event_event_id_seq', 1, false);


--
-- Name: message_log message_log_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.message_log
    ADD CONSTRAINT message_log_pkey PRIMARY KEY (msg_log_id);


--
-- Name: message_record message_record_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.message_record
    ADD CONSTRAINT message_record_pkey PRIMARY KEY (id);


--
-- Name: outbox_alert outbox_alert_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.outbox_alert
    ADD CONSTRAINT outbox_alert_pkey PRIMARY KEY (source, topic, error_class);


--
-- Name: outbox_audit outbox_audit_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.outbox_audit
    ADD CONSTRAINT outbox_audit_pkey PRIMARY KEY (audit_id);


--
-- Name: outbox_event outbox_event_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.outbox_event
    ADD CONSTRAINT outbox_event_pkey PRIMARY KEY (event_id);


--
-- Name: outbox_inbox outbox_inbox_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.outbox_inbox
    ADD CONSTRAINT outbox_inbox_pkey PRIMARY KEY (consumer, message_id);


--
-- Name: outbox_lease outbox_lease_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.outbox_lease
    ADD CONSTRAINT outbox_lease_pkey PRIMARY KEY (table_name, bucket);


--
-- Name: outbox_progress outbox_progress_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.outbox_progress
    ADD CONSTRAINT outbox_progress_pkey PRIMARY KEY (table_name, bucket, sink, topic, partition);


--
-- Name: outbox_schema outbox_schema_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.outbox_schema
    ADD CONSTRAINT outbox_schema_pkey PRIMARY KEY (part, version);


--
-- Name: outbox_source outbox_source_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.outbox_source
    ADD CONSTRAINT outbox_source_pkey PRIMARY KEY (name);


--
-- Name: message_log_at; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX message_log_at ON public.message_log USING brin (at) WITH (autosummarize='on');


--
-- Name: message_record_check; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX message_record_check ON public.message_record USING btree (COALESCE(next_check_at, created_at)) WHERE ((status = 0) AND (NOT confirmed));


--
-- Name: message_record_dead; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX message_record_dead ON public.message_record USING btree (id) WHERE (status = 2);


--
-- Name: message_record_open; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX message_record_open ON public.message_record USING btree (id) WHERE (status = ANY (ARRAY[0, 2]));


--
-- Name: message_record_retry; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX message_record_retry ON public.message_record USING btree (next_attempt_at) WHERE ((status = 0) AND (next_attempt_at IS NOT NULL));


--
-- Name: outbox_event_at; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX outbox_event_at ON public.outbox_event USING brin (at) WITH (autosummarize='on');


--
-- Name: outbox_event_message; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX outbox_event_message ON public.outbox_event USING btree (message, event_id);


--
-- Name: outbox_inbox_at; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX outbox_inbox_at ON public.outbox_inbox USING brin (at) WITH (autosummarize='on');


--
-- Name: outbox_lease_epoch; Type: INDEX; Schema: public; Owner: -
--

CREATE UNIQUE INDEX outbox_lease_epoch ON public.outbox_lease USING btree (table_name, bucket, epoch);


--
-- Name: SCHEMA public; Type: ACL; Schema: -; Owner: -
--

GRANT USAGE ON SCHEMA public TO outbox_service;
GRANT USAGE ON SCHEMA public TO outbox_relay;


--
-- Name: FUNCTION inbox_claim(consumer text, message_id text); Type: ACL; Schema: public; Owner: -
--

REVOKE ALL ON FUNCTION public.inbox_claim(consumer text, message_id text) FROM PUBLIC;
GRANT ALL ON FUNCTION public.inbox_claim(consumer text, message_id text) TO outbox_service;


--
-- Name: FUNCTION outbox_begin(msg_log_id text); Type: ACL; Schema: public; Owner: -
--

REVOKE ALL ON FUNCTION public.outbox_begin(msg_log_id text) FROM PUBLIC;
GRANT ALL ON FUNCTION public.outbox_begin(msg_log_id text) TO outbox_service;


--
-- Name: FUNCTION outbox_cancel(id bigint); Type: ACL; Schema: public; Owner: -
--

REVOKE ALL ON FUNCTION public.outbox_cancel(id bigint) FROM PUBLIC;
GRANT ALL ON FUNCTION public.outbox_cancel(id bigint) TO outbox_service;


--
-- Name: FUNCTION outbox_check_back(msg_log_id text); Type: ACL; Schema: public; Owner: -
--

REVOKE ALL ON FUNCTION public.outbox_check_back(msg_log_id text) FROM PUBLIC;
GRANT ALL ON FUNCTION public.outbox_check_back(msg_log_id text) TO outbox_service;


--
-- Name: FUNCTION outbox_confirm(id bigint); Type: ACL; Schema: public; Owner: -
--

REVOKE ALL ON FUNCTION public.outbox_confirm(id bigint) FROM PUBLIC;
GRANT ALL ON FUNCTION public.outbox_confirm(id bigint) TO outbox_service;


--
-- Name: FUNCTION outbox_inbox_purge(older_than interval); Type: ACL; Schema: public; Owner: -
--

REVOKE ALL ON FUNCTION public.outbox_inbox_purge(older_than interval) FROM PUBLIC;
GRANT ALL ON FUNCTION public.outbox_inbox_purge(older_than interval) TO outbox_service;


--
-- Name: FUNCTION outbox_message_log_purge(older_than interval); Type: ACL; Schema: public; Owner: -
--

REVOKE ALL ON FUNCTION public.outbox_message_log_purge(older_than interval) FROM PUBLIC;
GRANT ALL ON FUNCTION public.outbox_message_log_purge(older_than interval) TO outbox_service;


--
-- Name: FUNCTION outbox_prepare(topic text, key text, body text, headers jsonb, msg_log_id text, msg_log_url text); Type: ACL; Schema: public; Owner: -
--

REVOKE ALL ON FUNCTION public.outbox_prepare(topic text, key text, body text, headers jsonb, msg_log_id text, msg_log_url text) FROM PUBLIC;
GRANT ALL ON FUNCTION public.outbox_prepare(topic text, key text, body text, headers jsonb, msg_log_id text, msg_log_url text) TO outbox_service;


--
-- Name: FUNCTION outbox_publish(topic text, key text, body text, headers jsonb); Type: ACL; Schema: public; Owner: -
--

REVOKE ALL ON FUNCTION public.outbox_publish(topic text, key text, body text, headers jsonb) FROM PUBLIC;
GRANT ALL ON FUNCTION public.outbox_publish(topic text, key text, body text, headers jsonb) TO outbox_service;


--
-- Name: TABLE message_record; Type: ACL; Schema: public; Owner: -
--

GRANT INSERT ON TABLE public.message_record TO outbox_service;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.message_record TO outbox_relay;


--
-- Name: COLUMN message_record.id; Type: ACL; Schema: public; Owner: -
--

GRANT SELECT(id) ON TABLE public.message_record TO outbox_service;


--
-- Name: TABLE outbox_alert; Type: ACL; Schema: public; Owner: -
--

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.outbox_alert TO outbox_relay;


--
-- Name: TABLE outbox_audit; Type: ACL; Schema: public; Owner: -
--

GRANT SELECT,INSERT ON TABLE public.outbox_audit TO outbox_relay;


--
-- Name: TABLE outbox_event; Type: ACL; Schema: public; Owner: -
--

GRANT SELECT,INSERT,DELETE ON TABLE public.outbox_event TO outbox_relay;


--
-- Name: TABLE outbox_lease; Type: ACL; Schema: public; Owner: -
--

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.outbox_lease TO outbox_relay;


--
-- Name: TABLE outbox_progress; Type: ACL; Schema: public; Owner: -
--

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.outbox_progress TO outbox_relay;


--
-- Name: TABLE outbox_schema; Type: ACL; Schema: public; Owner: -
--

GRANT SELECT ON TABLE public.outbox_schema TO outbox_relay;


--
-- Name: TABLE outbox_source; Type: ACL; Schema: public; Owner: -
--

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.outbox_source TO outbox_relay;


--
-- PostgreSQL database dump complete
--


