--
-- PostgreSQL database dump
--
\restrict abcDEF123
SET statement_timeout = 0;
SET client_encoding = 'UTF8';
SELECT pg_catalog.set_config('search_path', '', false);
SET check_function_bodies = false;

CREATE TABLE public.dumped (
    id integer NOT NULL,
    created_at timestamp without time zone DEFAULT now(),
    owner_id integer
);
CREATE SEQUENCE public.dumped_id_seq
    AS integer
    START WITH 1;
ALTER SEQUENCE public.dumped_id_seq OWNED BY public.dumped.id;
ALTER TABLE ONLY public.dumped ALTER COLUMN id SET DEFAULT nextval('public.dumped_id_seq'::regclass);
ALTER TABLE ONLY public.dumped
    ADD CONSTRAINT dumped_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.dumped
    ADD CONSTRAINT dumped_owner_fkey FOREIGN KEY (owner_id) REFERENCES public.films(id);
SELECT pg_catalog.setval('public.dumped_id_seq', 1, false);
\unrestrict abcDEF123
