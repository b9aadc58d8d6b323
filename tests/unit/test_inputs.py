"""The table of inputs, and what it makes of given texts."""

from dataclasses import fields
from typing import Any

import pytest

from pgrst_gate.errors import UsageError
from pgrst_gate.inputs import INPUTS, Given, Inputs, read_inputs, secrets_of, unknown
from pgrst_gate.report import Evidence

URL = "http://localhost:3000"


def read(**texts: str) -> Inputs:
    """Inputs from texts, by attribute names."""
    given = {name.replace("_", "-"): text for name, text in {"url": URL, **texts}.items()}
    return read_inputs({name: Given(text, f"--{name}") for name, text in given.items()})


def test_the_table_and_the_value_have_the_same_inputs() -> None:
    """Nothing can be declared and not read, or read and not declared."""
    assert [one.attribute for one in INPUTS] == [one.name for one in fields(Inputs)]


def test_defaults() -> None:
    """What is not given has the default that the table tells."""
    inputs = read()

    assert (inputs.runtime, inputs.method, inputs.db_channel) == ("auto", "auto", "pgrst")
    assert (inputs.timeout, inputs.interval, inputs.consecutive) == (120, 1, 1)
    assert inputs.require_evidence is Evidence.UNPROVEN
    assert not inputs.escalate


@pytest.mark.parametrize("one", INPUTS, ids=lambda one: one.name)
def test_every_default_reads(one: Any) -> None:  # noqa: ANN401 - Input is generic in what it reads
    """A default is written in the grammar of its input, and an empty text never crashes."""
    if not one.required:
        one.read(one.default)


@pytest.mark.parametrize(
    ("attribute", "text", "value"),
    [
        ("url", " https://x.supabase.co/rest/v1/ ", "https://x.supabase.co/rest/v1"),
        ("schema", "api, public\napi", ("api", "public")),
        ("headers", "X-A: b: c\n\nX-D:e", {"X-A": "b: c", "X-D": "e"}),
        ("timeout", "2m", 120),
        ("timeout", "30min", 1800),
        ("timeout", "1500ms", 1.5),
        ("timeout", "0.5", 0.5),
        ("interval", "100ms", 0.1),
        ("pid", "4711", 4711),
        ("workload", " statefulset/rest ", "statefulset/rest"),
        ("workload", "pods/app.kubernetes.io/name=rest", "pods/app.kubernetes.io/name=rest"),
        ("escalate", "Yes", True),
        ("dry_run", "0", False),
        ("require_evidence", "confirmed", Evidence.CONFIRMED),
        ("admin_url", "", ""),
        ("project_ref", " abcdefghijklmnopqrst ", "abcdefghijklmnopqrst"),
        ("supabase_api_url", "http://localhost:8080/", "http://localhost:8080"),
        ("host", " ssh://deploy@staging:22/ ", "ssh://deploy@staging:22"),
        ("host", "ssh://staging-1.internal", "ssh://staging-1.internal"),
        ("host", "ssh://[2001:db8::7]:2222", "ssh://[2001:db8::7]:2222"),
        (
            "restart_command",
            "systemctl --user restart 'my unit'",
            "systemctl --user restart 'my unit'",
        ),
    ],
)
def test_texts_become_values(attribute: str, text: str, value: object) -> None:
    """Each input reads its own small grammar."""
    assert getattr(read(**{attribute: text}), attribute) == value


@pytest.mark.parametrize(
    ("attribute", "text", "part"),
    [
        ("url", "localhost:3000", "--url: `localhost:3000` is not valid: expected an http://"),
        ("url", "http://user:pw@host", "use `headers` or `token`"),
        ("url", "http://host/?a=1", "without `?` and `#`"),
        ("url", "http://host:99999", "the port is not a number"),
        ("project_ref", "My-Project", "expected the 20 lower-case letters"),
        ("supabase_api_url", "http://api.example.com", "could read the access token"),
        ("timeout", "31m", "at most 30m"),
        ("timeout", "0", "more than 0"),
        ("timeout", "soon", "expected a duration"),
        ("interval", "2m", "10ms to 60s"),
        ("consecutive", "0", "a whole number from 1 up"),
        ("consecutive", "-1", "a whole number from 1 up"),
        ("pid", "1e3", "a whole number from 1 up"),
        ("workload", "postgrest", "expected deployment/NAME, statefulset/NAME or pods/LABEL=VALUE"),
        ("workload", "deployment/Rest", "such as deployment/postgrest"),
        ("workload", "pods/rest", "or pods/LABEL=VALUE"),
        ("runtime", "dockr", "did you mean `docker`?"),
        ("require_evidence", "confirm", "did you mean `confirmed`?"),
        ("escalate", "maybe", "expected true or false"),
        ("headers", "no colon", "expected one `Name: value` a line"),
        ("expected_columns", "scans", "--expected-columns: line 1, `scans`: expected `:`"),
        ("restart_command", "a 'b", "No closing quotation"),
        ("host", "deploy@staging", "expected an ssh:// address, such as ssh://deploy@staging:22"),
        ("host", "ssh://-oProxyCommand=x", "expected an ssh:// address"),
        ("host", "ssh://a;b@staging", "expected an ssh:// address"),
        ("host", "ssh://staging/path", "expected an ssh:// address"),
        ("host", "ssh://deploy:pw@staging", "it may hold no password"),
    ],
)
def test_what_does_not_read_is_told_with_its_place(attribute: str, text: str, part: str) -> None:
    """A wrong input names where it was given, what it was, and what would be right."""
    with pytest.raises(UsageError) as caught:
        read(**{attribute: text})

    assert part in str(caught.value)
    assert "nothing was touched" in caught.value.hint


def test_a_project_tells_its_address() -> None:
    """The address of the API may be left out where the project is named, and wins where it is."""
    ref = Given("abcdefghijklmnopqrst", "--project-ref")
    own = Given("https://api.example.com", "--url")

    assert (
        read_inputs({"project-ref": ref}).url == "https://abcdefghijklmnopqrst.supabase.co/rest/v1"
    )
    assert read_inputs({"project-ref": ref, "url": own}).url == "https://api.example.com"


def test_all_wrong_inputs_are_told_at_once() -> None:
    """Nobody has to run the gate once for each of their mistakes."""
    with pytest.raises(UsageError) as caught:
        read_inputs({"timeout": Given("x", "a"), "pid": Given("y", "b")})

    assert len(str(caught.value).splitlines()) == len(["url is missing", "timeout", "pid"])


def test_a_secret_that_does_not_read_is_not_repeated() -> None:
    """An error message must not hold what was to be kept secret."""
    with pytest.raises(UsageError) as caught:
        read(headers="a-secret-without-a-colon")

    assert "a-secret" not in str(caught.value)


def test_secrets_are_found_before_anything_is_read() -> None:
    """Keys, tokens, database URLs and the values of headers, but not their names."""
    given = {
        "api-key": Given("sb_secret_1", ""),
        "headers": Given("X-Key: hush\nX-Other: quiet", ""),
        "kubeconfig": Given("clusters:\n- user: {token: silent}", ""),
        "url": Given(URL, ""),
        "ssh-key": Given("-----BEGIN X-----\nabc\n", ""),
    }

    assert secrets_of(given) == ("sb_secret_1", "hush", "quiet", "-----BEGIN X-----\nabc", "silent")


def test_the_path_of_a_key_is_no_secret() -> None:
    """Where a key is looked for may be told; the key may not."""
    blob = "c2VjcmV0" * 40

    assert secrets_of({"ssh-key": Given("~/.ssh/id_ed25519", "")}) == ()
    assert secrets_of({"ssh-key": Given(blob, "")}) == (blob,)


def test_secrets_do_not_show_in_a_repr() -> None:
    """Nor does a traceback that prints locals give them away."""
    inputs = read(api_key="sb_secret_1", token="t0ken", database_url="postgres://u:pw@h/d")

    shown = repr(inputs) + repr(Given("sb_secret_1", "--api-key"))

    assert not any(secret in shown for secret in ("sb_secret_1", "t0ken", "pw@"))


def test_an_unknown_name_gets_the_nearest_one() -> None:
    """A slip of the finger is told what was meant."""
    assert "did you mean `expected-columns`?" in unknown("expected_column", "gate.yml:3")
