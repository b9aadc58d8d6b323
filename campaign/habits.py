"""The checks people write today, for comparison. They run functions; that is counted."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import quote

import httpx

from campaign.bases import quoted
from pgrst_gate.schema import ANY_KEYS, Column, Function, Item, Relation, Relationship

READ: Final = "GET ?select=…&limit=1"
CALL: Final = "POST /rpc/… {…}"
ROOT: Final = "OpenAPI root lists it"
NAMES: Final = (READ, CALL, ROOT)

_VALUES: Final[Mapping[str, Any]] = {
    "text": "x", "boolean": True, "integer": 1, "bigint": 1, "numeric": 1, "json": {}, "jsonb": {},
    "uuid": "00000000-0000-0000-0000-000000000000", "integer[]": [1], "api.mood": "good",
    "timestamp with time zone": "2026-01-01T00:00:00Z", "api.positive": 1,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Check:
    """What one check said of an item: `passed` is its "it is there"."""

    habit: str
    item: Item
    passed: bool


@dataclass(frozen=True, slots=True)
class Asking:
    """Whom to ask, and as whom."""

    client: httpx.Client
    url: str
    headers: Mapping[str, str]

    def __call__(
        self, method: str, path: str, headers: Mapping[str, str], body: object = None
    ) -> httpx.Response:
        """One answer."""
        given = {**self.headers, **headers}
        if method == "GET":
            return self.client.get(self.url + path, headers=given)
        return self.client.post(self.url + path, headers=given, json=body)


def check(
    ask: Asking, items: tuple[Item, ...], types: Mapping[tuple[str, str, str], str]
) -> Iterator[Check]:
    """All checks of the items. `types` has those of arguments: (schema, function, argument)."""
    roots: dict[str, Any] = {}
    for item in items:
        profile = {"Accept-Profile": item.schema, "Content-Profile": item.schema}
        if isinstance(item, Function):
            body = {
                one.name: _VALUES.get(types.get((item.schema, item.name, one.name), ""), "1")
                for one in item.arguments
                if one.name != ANY_KEYS
            }
            path = f"/rpc/{quote(item.name, safe='')}"
            yield Check(CALL, item, _good(ask("POST", path, profile, body)))
        else:
            yield Check(READ, item, _good(ask("GET", _read(item), profile)))
        if item.schema not in roots:
            answer = ask("GET", "/", profile | {"Accept": "application/openapi+json"})
            roots[item.schema] = answer.json() if _good(answer) else {}
        if not isinstance(item, Relationship):
            yield Check(ROOT, item, _listed(item, roots[item.schema]))


def _good(answer: httpx.Response) -> bool:
    return answer.is_success


def _read(item: Relation | Column | Relationship) -> str:
    match item:
        case Relation():
            return f"/{quote(item.name, safe='')}?limit=1"
        case Column():
            select = quote(quoted(item.name), safe="")
            return f"/{quote(item.relation.name, safe='')}?select={select}&limit=1"
        case Relationship():
            select = quote(quoted(item.target), safe="")
            return f"/{quote(item.origin.name, safe='')}?select={select}(*)&limit=1"


def _listed(item: Relation | Column | Function, root: Any) -> bool:  # noqa: ANN401 - a foreign document
    definitions = root.get("definitions", {})
    match item:
        case Relation():
            return item.name in definitions
        case Column():
            return item.name in definitions.get(item.relation.name, {}).get("properties", {})
        case Function():
            return f"/rpc/{item.name}" in root.get("paths", {})
