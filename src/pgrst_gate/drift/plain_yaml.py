"""YAML of texts, lists and mappings alone, in which everything knows its line.

No tags, anchors or aliases: they could make objects, or gigabytes of a few lines. Every scalar is
the text as it stands, so that a column named `null` or `on` is just that.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, NoReturn

import yaml

from pgrst_gate.errors import UsageError, nearest

DEEPEST: Final = 10
_LONGEST_LINE: Final = 2**31 - 1
"""The most that libyaml takes: no line is folded."""


@dataclass(frozen=True, slots=True)
class Place:
    """A line of a file."""

    file: str
    line: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}"

    def refuse(self, problem: str, hint: str = "") -> NoReturn:
        """Raise `UsageError` that names the place."""
        raise UsageError(f"{self}: {problem}", hint=hint)


@dataclass(frozen=True, slots=True)
class Node:
    """A text, a list or a mapping, and where it or its key stands."""

    value: str | Sequence[Node] | Mapping[str, Node]
    place: Place

    @property
    def text(self) -> str:
        """The text; refuses anything else."""
        if not isinstance(self.value, str):
            self.place.refuse("expected a text")
        return self.value

    @property
    def items(self) -> Sequence[Node]:
        """The members of a list; nothing at all is an empty one."""
        if isinstance(self.value, Mapping) or (isinstance(self.value, str) and self.value):
            self.place.refuse("expected a list")
        return self.value or ()

    @property
    def entries(self) -> Mapping[str, Node]:
        """The entries of a mapping; nothing at all is an empty one."""
        if not isinstance(self.value, Mapping):
            if self.value != "":
                self.place.refuse("expected a mapping")
            return {}
        return self.value

    def only(self, known: Sequence[str]) -> Mapping[str, Node]:
        """The entries of a mapping whose keys must be of these."""
        for key, node in self.entries.items():
            if key not in known:
                node.place.refuse(f"there is no key `{key}` here{nearest(key, known)}")
        return self.entries


def read(text: str, file: str) -> Node:
    """The one document of a file. Raises `UsageError` with file and line."""
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        return _Reading(file, yaml.parse(text, Loader=loader)).document()
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        Place(file, line).refuse(f"not YAML: {error.problem}")
    except yaml.YAMLError as error:
        Place(file, 1).refuse(f"not YAML: {error}")


def write(value: Mapping[str, Any]) -> str:
    """The text of mappings, lists and texts, in their order."""
    dumper = getattr(yaml, "CSafeDumper", yaml.SafeDumper)
    return str(
        yaml.dump(value, Dumper=dumper, sort_keys=False, allow_unicode=True, width=_LONGEST_LINE)
    )


class _Reading:
    """Turns the events of a YAML stream into nodes, without building anything they do not hold."""

    def __init__(self, file: str, events: Iterator[yaml.Event]) -> None:
        self._file = file
        self._events = events

    def document(self) -> Node:
        next(self._events)  # the start of the stream
        if isinstance(begin := next(self._events), yaml.StreamEndEvent):
            return Node("", self._place(begin))
        found = self._node(next(self._events), 0)
        next(self._events)  # the end of the document
        if not isinstance(more := next(self._events), yaml.StreamEndEvent):
            self._place(more).refuse("a second document begins here: expected one")
        return found

    def _node(self, event: yaml.Event, depth: int) -> Node:
        place = self._place(event)
        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
            place.refuse("anchors and aliases are not taken")
        if (tag := getattr(event, "tag", None)) is not None:
            place.refuse(f"the tag {tag} is not taken")
        if depth > DEEPEST:
            place.refuse("nested too deep")
        if isinstance(event, yaml.ScalarEvent):
            return Node(str(event.value), place)
        if isinstance(event, yaml.SequenceStartEvent):
            return Node(tuple(self._members(yaml.SequenceEndEvent, depth)), place)
        found: dict[str, Node] = {}
        members = self._members(yaml.MappingEndEvent, depth)
        for key in members:
            if key.text in found:
                key.place.refuse(f"`{key.text}` is here twice")
            found[key.text] = Node(next(members).value, key.place)
        return Node(found, place)

    def _members(self, end: type[yaml.Event], depth: int) -> Iterator[Node]:
        while not isinstance(event := next(self._events), end):
            yield self._node(event, depth + 1)

    def _place(self, event: yaml.Event) -> Place:
        mark = event.start_mark
        return Place(self._file, mark.line + 1 if mark else 1)
