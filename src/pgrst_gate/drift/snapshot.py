"""The snapshot of a surface: a YAML file that is reviewed in a pull request like any other.

    pgrst-gate-snapshot: 1
    schemas: [public]
    relations:
      public.scans:
        kind: table
        columns:
          id: bigint not null default
          project_id: bigint
        grants:
          anon: select
    functions:
    - public.finish(scan_id bigint, note text default) -> void for anon
    embeds:
      public.scans: [projects]

Everything is in order of its name, but for the schemas, of which the first is where requests go
that name none. What the source did not show is left out. No server, host or day is told of.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Final, TypeVar, get_args

from pgrst_gate.drift import lines, plain_yaml
from pgrst_gate.drift.plain_yaml import Node, Place
from pgrst_gate.errors import UsageError, nearest
from pgrst_gate.schema import Relation, Relationship
from pgrst_gate.surface import Grants, RelationKind, RelationShape, Surface

Found = TypeVar("Found")

FORMAT: Final = 1
_MARK: Final = "pgrst-gate-snapshot"
_KEYS: Final = (_MARK, "schemas", "whole", "relations", "functions", "embeds")
_RELATION_KEYS: Final = ("kind", "columns", "grants")
_KINDS: Final[Mapping[str, RelationKind]] = {kind: kind for kind in get_args(RelationKind)}


def write(surface: Surface) -> str:
    """The text of a snapshot: the same for the same surface, whatever order its source had."""
    document: dict[str, Any] = {_MARK: FORMAT, "schemas": [*surface.schemas]}
    if not surface.whole:
        document["whole"] = False
    document["relations"] = {
        str(relation): _relation(surface.relations[relation])
        for relation in sorted(surface.relations)
    }
    document["functions"] = sorted(map(lines.function, surface.functions))
    if surface.relationships is not None:
        document["embeds"] = _embeds(surface.relationships)
    return plain_yaml.write(document)


def read(text: str, file: str) -> Surface:
    """The surface that a snapshot tells of; ``file`` is its name for errors.

    Raises `UsageError` with file and line for whatever does not read.
    """
    root = plain_yaml.read(text, file)
    _of_this_format(root)
    document = root.only(_KEYS)
    functions = (_told(one, lines.read_function, one.text) for one in _part(document, "functions"))
    return Surface(
        tuple(one.text for one in _part(document, "schemas")),
        dict(_relations(document.get("relations"))),
        tuple(functions),
        dict(_relationships(document["embeds"])) if "embeds" in document else None,
        whole="whole" not in document or _whole(document["whole"]),
    )


def _relation(shape: RelationShape) -> dict[str, Any]:
    found: dict[str, Any] = {"kind": shape.kind} if shape.kind else {}
    columns = sorted(shape.columns, key=lambda one: one.name)
    found["columns"] = {one.name: lines.column(one) for one in columns}
    if shape.grants is not None:
        found["grants"] = {
            role: lines.privileges(shape.grants[role]) for role in sorted(shape.grants)
        }
    return found


def _embeds(relationships: Mapping[Relationship, int]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for one in sorted(relationships):
        found.setdefault(str(one.origin), []).append(lines.embed(one.target, relationships[one]))
    return found


def _of_this_format(root: Node) -> None:
    try:
        format_of = root.entries[_MARK].text
    except (KeyError, UsageError):
        root.place.refuse(f"not a snapshot: it has no `{_MARK}: {FORMAT}`", _HOW_TO_MAKE_ONE)
    if not format_of.isdecimal():
        root.place.refuse(f"`{_MARK}` must be a number such as {FORMAT}", _HOW_TO_MAKE_ONE)
    if int(format_of) != FORMAT:
        root.entries[_MARK].place.refuse(
            f"format {format_of} was made by a newer pgrst-gate; this one reads {FORMAT}",
            "update pgrst-gate, or make the snapshot again with this one",
        )


_HOW_TO_MAKE_ONE: Final = "make one by `pgrst-gate snapshot SOURCE --out api.snapshot.yml`"


def _part(document: Mapping[str, Node], key: str) -> Iterable[Node]:
    return document[key].items if key in document else ()


def _relations(node: Node | None) -> Iterator[tuple[Relation, RelationShape]]:
    for name, about in node.entries.items() if node else ():
        relation = _told(about, lines.relation, name)
        parts = about.only(_RELATION_KEYS)
        columns = parts["columns"].entries.items() if "columns" in parts else ()
        yield (
            relation,
            RelationShape(
                relation,
                _kind(parts["kind"]) if "kind" in parts else None,
                tuple(lines.read_column(column, line.text) for column, line in columns),
                _grants(parts["grants"]) if "grants" in parts else None,
            ),
        )


def _relationships(node: Node) -> Iterator[tuple[Relationship, int]]:
    for name, targets in node.entries.items():
        origin = _told(targets, lines.relation, name)
        for one in targets.items:
            target, ways = _told(one, lines.read_embed, one.text)
            yield Relationship(origin, target), ways


def _grants(node: Node) -> Grants:
    return {role: lines.read_privileges(line.text) for role, line in node.entries.items()}


def _kind(node: Node) -> RelationKind:
    if node.text not in _KINDS:
        node.place.refuse(f"there is no kind `{node.text}`{nearest(node.text, _KINDS)}")
    return _KINDS[node.text]


def _whole(node: Node) -> bool:
    if node.text not in {"true", "false"}:
        node.place.refuse("expected true or false")
    return node.text == "true"


def _told(node: Node, read_line: Callable[[str], Found], line: str) -> Found:
    """What a line tells; its problem gets the place."""
    try:
        return read_line(line)
    except lines.Unreadable as problem:
        place: Place = node.place
        place.refuse(f"`{line}`: {problem}")
