"""What a Supabase project has before its first migration, as far as migrations lean on it.

Signatures are those of supabase/postgres and its services; bodies do no more than they must. Tables
of `public` are granted to nobody, as in projects since 2026; a migration that wants it says so.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final, LiteralString

PRELUDE: Final[LiteralString] = """
create role anon nologin noinherit;
create role authenticated nologin noinherit;
create role service_role nologin noinherit bypassrls;
create role authenticator login noinherit;
create role dashboard_user nologin;
create role supabase_admin superuser nologin;
create role supabase_auth_admin nologin;
create role supabase_storage_admin nologin;
create role supabase_realtime_admin nologin;
grant anon, authenticated, service_role to authenticator;
grant usage on schema public to anon, authenticated, service_role;
create schema extensions;
create schema auth;
create schema storage;
create schema realtime;
create schema vault;
grant usage on schema extensions, auth, storage to anon, authenticated, service_role;
create extension "uuid-ossp" schema extensions;
create extension pgcrypto schema extensions;
create publication supabase_realtime;

create function auth.jwt() returns jsonb language sql stable
    as $$ select nullif(current_setting('request.jwt.claims', true), '')::jsonb $$;
create function auth.uid() returns uuid language sql stable
    as $$ select (auth.jwt() ->> 'sub')::uuid $$;
create function auth.role() returns text language sql stable as $$ select auth.jwt() ->> 'role' $$;
create function auth.email() returns text language sql stable
    as $$ select auth.jwt() ->> 'email' $$;
create table auth.users (
    instance_id uuid, id uuid primary key, aud text, role text, email text,
    encrypted_password text, email_confirmed_at timestamptz, invited_at timestamptz,
    last_sign_in_at timestamptz, raw_app_meta_data jsonb, raw_user_meta_data jsonb,
    is_super_admin boolean, created_at timestamptz, updated_at timestamptz, phone text unique,
    phone_confirmed_at timestamptz, confirmed_at timestamptz, banned_until timestamptz,
    is_sso_user boolean not null default false, deleted_at timestamptz,
    is_anonymous boolean not null default false
);

create table storage.buckets (
    id text primary key, name text not null unique, owner uuid, public boolean default false,
    avif_autodetection boolean default false, file_size_limit bigint, allowed_mime_types text[],
    created_at timestamptz default now(), updated_at timestamptz default now(), owner_id text
);
create table storage.objects (
    id uuid primary key default gen_random_uuid(), bucket_id text references storage.buckets,
    name text, owner uuid, metadata jsonb, created_at timestamptz default now(),
    updated_at timestamptz default now(), last_accessed_at timestamptz default now(),
    path_tokens text[] generated always as (string_to_array(name, '/')) stored, version text,
    owner_id text, user_metadata jsonb
);
alter table storage.objects enable row level security;
create function storage.foldername(name text) returns text[] language sql immutable
    as $$ select trim_array(string_to_array(name, '/'), 1) $$;
create function storage.filename(name text) returns text language sql immutable
    as $$ select split_part(name, '/', -1) $$;
create function storage.extension(name text) returns text language sql immutable
    as $$ select split_part(name, '.', -1) $$;
alter database postgres set search_path = "$user", public, extensions;
"""

_STAND_INS: Final = {
    "uuid-ossp": """
create function uuid_nil() returns uuid language sql immutable
    as $$ select '00000000-0000-0000-0000-000000000000'::uuid $$;
create function uuid_generate_v1() returns uuid language sql as $$ select uuidv7() $$;
create function uuid_generate_v1mc() returns uuid language sql as $$ select uuidv7() $$;
create function uuid_generate_v3(namespace uuid, name text) returns uuid language sql immutable
    as $$ select md5(namespace || name)::uuid $$;
create function uuid_generate_v4() returns uuid language sql as $$ select gen_random_uuid() $$;
create function uuid_generate_v5(namespace uuid, name text) returns uuid language sql immutable
    as $$ select md5(namespace || name)::uuid $$;
""",
    "pgcrypto": """
create function digest(text, text) returns bytea language sql immutable strict
    as $$ select sha256($1::bytea) $$;
create function digest(bytea, text) returns bytea language sql immutable strict
    as $$ select sha256($1) $$;
create function hmac(text, text, text) returns bytea language sql immutable strict
    as $$ select sha256(($2 || $1)::bytea) $$;
create function hmac(bytea, bytea, text) returns bytea language sql immutable strict
    as $$ select sha256($2 || $1) $$;
create function crypt(text, text) returns text language sql immutable strict
    as $$ select md5($2 || $1) $$;
create function gen_salt(text) returns text language sql strict as $$ select md5($1) $$;
create function gen_salt(text, int) returns text language sql strict as $$ select md5($1) $$;
create function gen_random_bytes(int) returns bytea language sql strict
    as $$ select substr(sha256(gen_random_uuid()::text::bytea), 1, $1) $$;
create function pgp_sym_encrypt(text, text) returns bytea language sql strict
    as $$ select $1::bytea $$;
create function pgp_sym_decrypt(bytea, text) returns text language sql immutable strict
    as $$ select convert_from($1, 'utf8') $$;
""",
}
"""For the extensions that every project has and the embedded PostgreSQL lacks, which is built
without OpenSSL: functions of the same names that pretend."""


def stand_ins(directory: Path) -> None:
    """Write the extensions where `extension_control_path` may point (PostgreSQL 18)."""
    folder = directory / "extension"
    folder.mkdir()
    for name, script in _STAND_INS.items():
        (folder / f"{name}.control").write_text("default_version = '0'\nrelocatable = true\n")
        (folder / f"{name}--0.sql").write_text(script)
        for path in folder.iterdir():
            path.chmod(0o644)
    folder.chmod(0o755)
