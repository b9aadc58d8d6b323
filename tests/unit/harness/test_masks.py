"""Masks recognise a secret in the encodings that the runner knows, and hide nothing else."""

from __future__ import annotations

import base64
import json
from urllib.parse import quote

import pytest
from tests.harness.masks import Masks

SECRET = "pass/word & \"more\" + 'ü'"


@pytest.mark.parametrize(
    "shown",
    [
        SECRET,
        base64.b64encode(SECRET.encode()).decode(),
        base64.b64encode(SECRET.encode()[1:]).decode(),
        base64.b64encode(SECRET.encode()[2:]).decode(),
        quote(SECRET, safe=""),
        json.dumps(SECRET, ensure_ascii=False)[1:-1],
        "pass/word &amp; &quot;more&quot; + &apos;ü&apos;",
        SECRET.replace("'", "''"),
    ],
)
def test_encodings_are_hidden(shown: str) -> None:
    """A secret stays secret in a URL, in JSON, in XML, in SQL and in base64."""
    masks = Masks()
    masks.add(SECRET)

    assert masks.hide(f"<{shown}>") == "<***>"


def test_each_line_of_a_secret_is_hidden() -> None:
    """A key of several lines is logged line by line."""
    masks = Masks()
    masks.add("first line\nsecond line\n")

    assert masks.hide("a second line") == "a ***"


@pytest.mark.parametrize(
    ("text", "hidden"),
    [
        ("abcdef", "***"),
        ("abcdef abcdef", "*** ***"),
        ("cdefabcd", "***"),
        ("nothing", "nothing"),
        ("", ""),
    ],
)
def test_overlapping_secrets_are_hidden_as_one(text: str, hidden: str) -> None:
    """Where secrets overlap or touch, no letter between them shows."""
    masks = Masks()
    masks.add("abcd")
    masks.add("cdef")

    assert masks.hide(text) == hidden


def test_blanks_are_not_secrets() -> None:
    """An empty mask would star the whole log."""
    masks = Masks()
    masks.add(" \n")

    assert masks.hide("a b") == "a b"
