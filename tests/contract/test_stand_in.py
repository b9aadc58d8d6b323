"""What tests, demo and bench rely on, beyond what the recordings show."""

import contextlib
import signal
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from pgrst_sandbox.dialect import RECORDED
from pgrst_sandbox.postgres import Postgres, postgres
from pgrst_sandbox.process import Server, run

SCHEMA = """
create role authenticator login noinherit;
create role anon nologin;
grant anon to authenticator;
grant usage on schema public to anon;
create table film (id int primary key, title text);
create table actor (id int primary key, name text, mentor int references actor);
create table role (
  film_id int references film, actor_id int references actor, primary key (film_id, actor_id));
create table remake (
  id int primary key,
  first int constraint first_fk references film, second int constraint second_fk references film);
create table quoted ("a""b" int, "c\\d" int);
insert into quoted values (1, 2);
create view starring as select id as number, name from actor;
create function rename(old text, new text) returns setof film language sql
  begin atomic update film set title = new where title = old returning *; end;
create function slow() returns int language sql begin atomic select 1 from pg_sleep(0.5); end;
create function keep(data json) returns json language sql begin atomic select data; end;
grant all on all tables in schema public to anon;
insert into film values (1, 'one'), (2, 'two');
insert into actor values (1, 'ann', null), (2, 'bob', 1);
insert into role values (1, 1), (1, 2), (2, 2);
"""
BEGUN = "Config reloaded"
LOADED = r"Schema cache loaded(?! \d)"


@pytest.fixture(scope="module")
def database() -> Iterator[Postgres]:
    """A PostgreSQL with a database `films`."""
    with postgres() as server:
        server.create_database("films")
        server.execute(SCHEMA, dbname="films")
        yield server


@pytest.fixture(scope="module")
def server(database: Postgres) -> Iterator[Server]:
    """A stand-in for 14.14 over it."""
    with run(dsn=database.dsn("films", "authenticator")) as server:
        yield server


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/film?select=title,actor(name)&id=eq.2", [{"title": "two", "actor": [{"name": "bob"}]}]),
        ("/role?select=actor(name)&film_id=eq.2", [{"actor": {"name": "bob"}}]),
        ("/actor?select=name,mentor(name)&id=eq.2", [{"name": "bob", "mentor": {"name": "ann"}}]),
        ("/actor?select=actor(name)&id=eq.1", [{"actor": [{"name": "bob"}]}]),
        ("/starring?select=role(film_id)&number=eq.1", [{"role": [{"film_id": 1}]}]),
        ("/remake?select=id,film!first_fk(title)", []),
        ('/quoted?select="a\\"b","c\\\\d"&"a\\"b"=eq.1', [{'a"b': 1, "c\\d": 2}]),
        ("/film?select=t:title,id::text&order=id.desc&limit=1", [{"t": "two", "id": "2"}]),
    ],
)  # fmt: skip
def test_embedded_rows_come_along(server: Server, path: str, expected: object) -> None:
    """Through one key, through a junction, within a table, and through a view."""
    assert httpx.get(f"{server.url}{path}").json() == expected


def test_an_embed_that_could_mean_two_keys_is_refused(server: Server) -> None:
    """300 PGRST201 names what to choose from."""
    response = httpx.get(f"{server.url}/remake?select=film(*)")

    assert (response.status_code, response.json()["code"]) == (300, "PGRST201")
    assert "'film!first_fk', 'film!second_fk'" in response.json()["hint"]


@pytest.mark.parametrize("path", ["/film?columns=id,title", "/rpc/rename?columns=old,new"])
def test_a_body_beside_columns_is_read_by_the_database_only(server: Server, path: str) -> None:
    """None at all is no JSON: PostgreSQL refuses it, and nothing is written or called."""
    before = httpx.get(f"{server.url}/film").json()

    response = httpx.post(f"{server.url}{path}", headers={"Content-Type": "application/json"})

    assert (response.status_code, response.json()["code"]) == (400, "22P02")
    assert httpx.get(f"{server.url}/film").json() == before


def test_rows_are_written_changed_and_deleted(server: Server) -> None:
    """Writes return what they wrote if asked to, and are there for the next request."""
    representation = {"Prefer": "return=representation"}
    with httpx.Client(base_url=server.url) as client:
        made = client.post("/film", json={"id": 9, "title": "new"}, headers=representation)
        called = client.post("/rpc/rename", json={"old": "new", "new": "renamed"})
        changed = client.patch("/film?id=eq.9", json={"title": "x"}, headers=representation)
        deleted = client.delete("/film?id=eq.9")
        gone = client.get("/film?id=eq.9", headers={"Prefer": "count=exact"})

    assert (made.status_code, made.json()) == (201, [{"id": 9, "title": "new"}])
    assert called.json() == [{"id": 9, "title": "renamed"}]
    assert (changed.status_code, changed.json()) == (200, [{"id": 9, "title": "x"}])
    assert deleted.status_code == 204
    assert (gone.json(), gone.headers["content-range"]) == ([], "*/0")


@pytest.mark.parametrize("version", RECORDED[1:])
def test_triggers_during_a_load_make_one_more(database: Postgres, version: str) -> None:
    """Two signals and a NOTIFY while a load runs: it ends with the old schema, one more follows."""
    with slow_server(database, version) as server:
        start, during = load_while_more_is_asked_for(database, server, f"late_{version[:2]}")
        server.wait_for_log(LOADED, after=start)
        server.wait_for_log(LOADED, after=len(server.log))
        after = httpx.options(f"{server.url}/late_{version[:2]}").status_code
        with pytest.raises(TimeoutError):
            server.wait_for_log(BEGUN, after=len(server.log), timeout=0.4)

    assert (during, after) == (404, 200)


def test_10_does_not_hear_of_triggers_during_a_load(database: Postgres) -> None:
    """The same on 10: no other load follows, and what came meanwhile is never seen."""
    with slow_server(database, "10.2.0") as server:
        start, during = load_while_more_is_asked_for(database, server, "late_10")
        server.wait_for_log(LOADED, after=start)
        with pytest.raises(TimeoutError):
            server.wait_for_log(BEGUN, after=len(server.log), timeout=0.4)
        after = httpx.options(f"{server.url}/late_10").status_code

    assert (during, after) == (404, 404)


@contextlib.contextmanager
def slow_server(database: Postgres, version: str) -> Iterator[Server]:
    """A stand-in whose loads take half a second."""
    slow = {"PGRST_INTERNAL_SCHEMA_CACHE_QUERY_SLEEP": "500"}
    with run(dsn=database.dsn("films", "authenticator"), version=version, env=slow) as server:
        yield server


def load_while_more_is_asked_for(database: Postgres, server: Server, table: str) -> tuple[int, int]:
    """Start a load, and when it has read the catalog make a table and ask thrice.

    The length of the log before, and the status of OPTIONS on the table meanwhile.
    """
    start = len(server.log)
    server.signal(signal.SIGUSR1)
    database.wait_for(
        "select 1 from pg_stat_activity where state = 'active' and query like '%pg_sleep%'"
        " and pid <> pg_backend_pid()"
    )
    database.execute(f"create table {table} (id int)", dbname="films")
    server.signal(signal.SIGUSR1)
    server.signal(signal.SIGUSR1)
    database.execute("notify pgrst", dbname="films")
    return start, httpx.options(f"{server.url}/{table}").status_code


@pytest.mark.parametrize(("version", "status"), [("14.14", None), ("16.2", 200)])
def test_only_16_lets_requests_finish_when_it_is_stopped(
    database: Postgres, version: str, status: int | None
) -> None:
    """SIGTERM in the middle of a request: the older line cuts it off."""
    answers: list[int | None] = []

    def ask(url: str) -> None:
        try:
            answers.append(httpx.post(f"{url}/rpc/slow", json={}).status_code)
        except httpx.TransportError:
            answers.append(None)

    with run(dsn=database.dsn("films", "authenticator"), version=version) as server:
        asking = threading.Thread(target=ask, args=[server.url])
        asking.start()
        database.wait_for(
            "select 1 from pg_stat_activity where query like '%\"slow\"%'"  # noqa: S608 - constants
            f" and application_name = 'PostgREST {version}'"
        )
        server.signal(signal.SIGTERM)
        exit_status = server.process.wait(10)
        asking.join()

    assert (answers, exit_status) == ([status], 0)


@pytest.mark.parametrize(
    ("version", "expected"), [("11.1.0", 415), ("11.2.0", 200), ("12.0.2", 200)]
)
def test_options_cannot_be_json_before_11_2(
    database: Postgres, version: str, expected: int
) -> None:
    """It had only CSV to offer, so that whoever accepts JSON alone learns nothing of the cache."""
    with run(dsn=database.dsn("films", "authenticator"), version=version) as server:
        answer = httpx.options(f"{server.url}/film", headers={"Accept": "application/json"})

    assert answer.status_code == expected


@pytest.mark.parametrize(("version", "code"), [("14.1", "42883"), ("14.2", "PGRST202")])
def test_a_named_json_argument_takes_any_body_until_14_1(
    database: Postgres, version: str, code: str
) -> None:
    """The plan passes with a name that the function does not have; PostgreSQL knows better."""
    with run(dsn=database.dsn("films", "authenticator"), version=version) as server:
        answer = httpx.post(f"{server.url}/rpc/keep", json={"other": 1})

    assert (answer.status_code, answer.json()["code"]) == (404, code)


@pytest.mark.parametrize(
    ("version", "fails"), [("12.2.12", False), ("13.0.8", True), ("16.2", True)]
)
def test_a_schema_that_is_not_there_fails_the_load_from_13_on(
    database: Postgres, version: str, *, fails: bool
) -> None:
    """Older versions expose nothing of it, and serve the rest."""
    schemas = {"PGRST_DB_SCHEMAS": "public, nowhere"}
    with run(
        dsn=database.dsn("films", "authenticator"), version=version, env=schemas, wait=False
    ) as server:
        outcome = server.wait_for_log(r"Failed to load the schema cache|Schema cache loaded in")

    assert ('schema \\"nowhere\\" does not exist' in outcome) == fails


def test_whether_somebody_listens_can_be_seen(database: Postgres, server: Server) -> None:
    """The listener's connection shows in `pg_stat_activity`, by query and application."""
    database.wait_for(
        "select 1 from pg_stat_activity where datname = 'films'"
        " and query = 'LISTEN \"pgrst\"' and application_name = 'PostgREST 14.14'"
    )

    assert server.process.poll() is None


def test_a_script_of_that_name_is_a_process_called_postgrest(
    database: Postgres, tmp_path: Path
) -> None:
    """Whoever looks for the process by name finds it, as the real binary."""
    script = tmp_path / "postgrest"
    script.write_text(
        f"#!{sys.executable}\n"
        "import runpy\n"
        "runpy.run_module('pgrst_sandbox', run_name='__main__')\n"
    )
    script.chmod(0o755)

    with run(dsn=database.dsn("films", "authenticator"), command=[str(script)]) as server:
        name = Path(f"/proc/{server.pid}/comm").read_text(encoding="utf-8")

    assert name == "postgrest\n"


def test_a_failed_start_is_told_with_its_reason(database: Postgres) -> None:
    """A server that ends at once is not waited for."""
    unusable = {"PGRST_OPENAPI_MODE": "sometimes"}
    with (
        pytest.raises(RuntimeError, match="exit status 2"),
        run(dsn=database.dsn("films", "authenticator"), env=unusable),
    ):
        pass
