"""A secret never leaves, in whatever form it got about."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.reporters.reports import OPEN

from pgrst_gate.redaction import Secrets
from pgrst_gate.report import Conclusion

SECRET = "p/w d&\"x'%41"


@pytest.mark.parametrize(
    "form",
    [
        SECRET,
        json.dumps(SECRET),
        quote(SECRET, safe=""),
        base64.b64encode(SECRET.encode()).decode(),
        "p/w\u200b d&\"x\x1b[0m'%41",
    ],
)
def test_forms(form: str) -> None:
    """A secret is hidden as given, in JSON, a URL or base64, and laced with what does not print."""
    assert Secrets([SECRET]).redact(f"<{form}>").replace('"', "") == "<***>"


@pytest.mark.parametrize(
    ("given_value", "secret"),
    [
        ("Bearer tok.en", "tok.en"),
        ("Basic dXNlcjpwdw==", "dXNlcjpwdw=="),
        ("postgresql://user:pass%2Fword@db:5432/app", "pass%2Fword"),
        ("postgresql://user:pass%2Fword@db:5432/app", "pass/word"),
        ("postgresql://user:pa/ss@db/app", "pa/ss"),
        ("postgresql://user:pa@ss@db/app?x=a@b", "pa@ss"),
        ("postgresql://db/app?user=me&password=hunter22", "hunter22"),
        ("https://token123@api.example.org/rest", "token123"),
        ("https://user:pass@api.example.org", base64.b64encode(b"user:pass").decode()),
        ("host=db user=me password='hunter 22'", "hunter 22"),
        ("line one\nline two", "line two"),
    ],
)
def test_parts(given_value: str, secret: str) -> None:
    """The secret part of a value is hidden where it stands alone."""
    assert Secrets([given_value]).redact(f"[{secret}]") == "[***]"


@pytest.mark.parametrize(
    ("given_value", "text"),
    [
        ("postgresql://app_user:hunter22@db.example.org/app", "app_user at db.example.org, app"),
        ("postgresql://postgres:postgres@db/postgres", "postgres, postgrest"),
        ("postgresql://app_user@db/app", "app_user at db"),
        ("https://api.example.org/rest/v1", "https://api.example.org/rest/v1"),
        ("abc", "abcdefg"),
        ("", "text"),
        ("\x00\x01\x02\x03", "text"),
    ],
)
def test_what_is_no_secret(given_value: str, text: str) -> None:
    """Hosts, users, what is shorter than four characters and the word postgres stay readable."""
    assert Secrets([given_value]).redact(text) == text


@pytest.mark.parametrize("text", ["abcdefghi", "abcdef", "defghi", "abcdefghijkl"])
def test_overlapping_secrets(text: str) -> None:
    """Of secrets that overlap in a text, or hold one another, no part is left."""
    secrets = Secrets(["abcdef", "defghi", "abcdefghijkl"])

    assert secrets.redact(f"x {text} y") == "x *** y"


@given(st.lists(st.text(min_size=4), min_size=1, max_size=4), st.text(), st.text())
def test_no_secret_is_left(values: list[str], before: str, after: str) -> None:
    """Whatever stands around a secret, it is not in the text any more."""
    secrets = Secrets(values)
    text = before + "".join(secrets.values) + after

    shown = secrets.redact(text).replace("***", "\n")

    assert not [value for value in secrets.values if value.isprintable() and value in shown]


def test_redacted_reaches_every_text() -> None:
    """A value is redacted through all of its parts, and keeps its types."""

    @dataclass(frozen=True, slots=True)
    class Part:
        texts: tuple[str, ...]
        number: int
        conclusion: Conclusion
        other: Part | None

    secrets = Secrets(["secret"])
    part = Part(
        ("a secret", "b"), 1, Conclusion.OPEN, Part(("secret",), 2, Conclusion.CLOSED, None)
    )

    shown = secrets.redacted(part)

    assert shown == Part(
        ("a ***", "b"), 1, Conclusion.OPEN, Part(("***",), 2, Conclusion.CLOSED, None)
    )
    assert isinstance(shown.conclusion, Conclusion)


def test_nothing_to_redact() -> None:
    """A report without secrets is shown as it is."""
    assert Secrets(["hunter22"]).redacted(OPEN) == OPEN


def test_secrets_do_not_show_themselves() -> None:
    """A traceback or a log of the registry holds no secret."""
    assert repr(Secrets(["hunter22"])) == "<Secrets: 1>"
