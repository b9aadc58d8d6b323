"""Where inputs come from, and which wins."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from pgrst_gate.errors import UsageError
from pgrst_gate.given import STEP_INPUTS, from_action, from_config, from_environment, with_config
from pgrst_gate.inputs import Given, read_inputs, secrets_of

CONFIG = """\
url: http://localhost:3000
timeout: 90
escalate: true
schema: [api, public]
expected-columns:
  scans: [ended_at, last_activity_at timestamptz]
  heartbeats: beat_at
expected-tables:
  - scans
  - heartbeats
headers: {X-A: b}
api-key:
"""


def config(tmp_path: Path, text: str) -> Path:
    """A config file with this text."""
    path = tmp_path / "gate.yml"
    path.write_text(text)
    return path


def test_a_config_file_says_the_same_as_inputs_do() -> None:
    """Lists and mappings become the lines one would write in an input."""
    inputs = read_inputs(from_config(Path("gate.yml"), CONFIG))

    assert (inputs.timeout, inputs.escalate, inputs.schema) == (90, True, ("api", "public"))
    assert [str(column) for column in inputs.expected_columns] == [
        "scans.ended_at",
        "scans.last_activity_at timestamptz",
        "heartbeats.beat_at",
    ]
    assert [str(table) for table in inputs.expected_tables] == ["scans", "heartbeats"]
    assert (inputs.headers, inputs.api_key) == ({"X-A": "b"}, "")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("tiemout: 2m", "gate.yml:1: there is no input `tiemout`; did you mean `timeout`?"),
        ("url: a\nurl: b", "gate.yml:2: `url` is given twice"),
        ("a: [", "gate.yml:1: not YAML"),
        ("- url", "gate.yml:1: expected a mapping"),
        ("\ntimeout: [1, 2]", "gate.yml:2: `timeout`: expected a text"),
        ("escalate: {a: b}", "gate.yml:1: `escalate`: expected true or false"),
        ("expected-tables:\n  - [nested]", "line 2 is nested too deep"),
        ("token: !!python/object:os.system x", "the tag tag:yaml.org,2002:python/object:os.system"),
        ("token: !mine x", "the tag !mine is not taken"),
        ("url: http://x\ntimeout: 2h", "gate.yml:2: `2h` is not valid: expected a duration"),
    ],
)
def test_a_config_file_that_does_not_read_is_told_with_its_line(
    tmp_path: Path, text: str, message: str
) -> None:
    """An error names file, line, key and the nearest valid one."""
    path = config(tmp_path, text)

    with pytest.raises(UsageError) as caught:
        read_inputs(with_config({"config": Given(str(path), "--config")}))

    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "No such file"),
        (b"\xff\xfe\x00", "is not UTF-8"),
        (b"a" * (1024 * 1024 + 1), "is larger than 1048576 bytes"),
    ],
)
def test_an_unreadable_config_file_is_told(
    tmp_path: Path, content: bytes | None, message: str
) -> None:
    """A file that is missing, too large or no text is a wrong input."""
    path = tmp_path / "gate.yml"
    if content is not None:
        path.write_bytes(content)

    with pytest.raises(UsageError) as caught:
        with_config({"config": Given(str(path), "input config")})

    assert message in str(caught.value)
    assert "input config" in str(caught.value)


def test_what_is_given_wins_over_the_config_file(tmp_path: Path) -> None:
    """A flag changes one thing of a file that says the rest."""
    path = config(tmp_path, CONFIG)

    given = with_config({"config": Given(str(path), ""), "timeout": Given("5", "--timeout")})

    assert (given["timeout"].place, given["url"].text) == ("--timeout", "http://localhost:3000")
    assert "config" not in given


def test_the_runner_passes_dashes_and_empty_values() -> None:
    """An input that was not given is an empty variable, and must not hide the config file's."""
    environment = {"INPUT_ADMIN-URL": "http://a", "INPUT_TIMEOUT": "", "PGRST_GATE_URL": "http://b"}

    assert from_action(environment) == {"admin-url": Given("http://a", "input admin-url")}
    assert from_environment(environment) == {"url": Given("http://b", "$PGRST_GATE_URL")}


def test_a_composite_action_hands_on_its_inputs_as_they_were_written() -> None:
    """Names in any case, values with whatever a shell would take for its own, nothing for empty."""
    hostile = "$(id)\n`id` \"'\\ %{x}"
    written = {"Admin-URL": "http://a", "expected-tables": hostile, "timeout": "", "unknown": "x"}

    assert from_action({STEP_INPUTS: json.dumps(written)}) == {
        "admin-url": Given("http://a", "input admin-url"),
        "expected-tables": Given(hostile, "input expected-tables"),
    }


@pytest.mark.parametrize("read", [from_environment, from_action])
def test_the_access_token_of_the_supabase_cli_is_taken(
    read: Callable[[Mapping[str, str]], dict[str, Given]],
) -> None:
    """A job that ran `supabase db push` has it set already; what is given to the gate wins."""
    of_cli = {"SUPABASE_ACCESS_TOKEN": "sbp_of_the_cli"}
    own = {"PGRST_GATE_ACCESS_TOKEN": "sbp_own", "INPUT_ACCESS-TOKEN": "sbp_own"}

    assert read(of_cli)["access-token"] == Given("sbp_of_the_cli", "$SUPABASE_ACCESS_TOKEN")
    assert read(of_cli | own)["access-token"].text == "sbp_own"
    assert "sbp_of_the_cli" in secrets_of(read(of_cli))
