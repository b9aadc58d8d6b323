"""How the functions of two surfaces differ, as calls by the names of arguments meet them."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence

from pgrst_gate.drift import lines, renames
from pgrst_gate.drift.grant_changes import compare_grants
from pgrst_gate.drift.rules import Change, Rule
from pgrst_gate.drift.type_changes import compared
from pgrst_gate.schema import Relation, quoted
from pgrst_gate.surface import FunctionShape, Parameter

Overloads = Sequence[FunctionShape]
Pair = tuple[FunctionShape, FunctionShape]


def compare_functions(
    before: Iterable[FunctionShape], after: Iterable[FunctionShape], *, whole: bool
) -> Iterator[Change]:
    """The changes of functions; the overloads of one name are compared with each other.

    Where a surface is not ``whole`` it has one of them, and nobody knows which.
    """
    old, new = _by_name(before), _by_name(after)
    removed, added = list[FunctionShape](), list[FunctionShape]()
    for name in sorted({*old, *new}):
        was, now = old.get(name, ()), new.get(name, ())
        if not whole and was and now and len(was) + len(now) > 2:  # noqa: PLR2004 - more than one each
            continue
        pairs, gone, come = _paired(was, now)
        removed += gone
        added += come
        for one, other in pairs:
            if one != other:
                yield from _function(one, other, whole=whole)
        yield from _ambiguity(name, was, now)
    yield from _came_and_went(removed, added)


def _by_name(functions: Iterable[FunctionShape]) -> dict[Relation, list[FunctionShape]]:
    found: dict[Relation, list[FunctionShape]] = {}
    for one in functions:
        found.setdefault(Relation(one.schema, one.name), []).append(one)
    return found


def _paired(
    before: Overloads, after: Overloads
) -> tuple[list[Pair], list[FunctionShape], list[FunctionShape]]:
    """Which overload became which; then those that are gone, and those that are new.

    The same arguments first, then the same names of them; one left on each side is the same too.
    """
    pairs, old, new = list[Pair](), [*before], [*after]
    keys: tuple[Callable[[FunctionShape], Hashable], ...] = (
        lambda one: one.parameters,
        lambda one: frozenset(_names(one)),
    )
    for key in keys:
        for one in [*old]:
            other = next((other for other in new if key(other) == key(one)), None)
            if other is not None:
                pairs.append((one, other))
                old.remove(one)
                new.remove(other)
    if len(old) == len(new) == 1:
        return [*pairs, (old[0], new[0])], [], []
    return pairs, old, new


def _came_and_went(removed: Overloads, added: Overloads) -> Iterator[Change]:
    old = {lines.signature(one): one for one in removed}
    new = {lines.signature(one): one for one in added}
    notes = renames.notes(
        renames.likely(
            {name: (one.schema, one.parameters, one.returns) for name, one in old.items()},
            {name: (one.schema, one.parameters, one.returns) for name, one in new.items()},
        )
    )
    for name, one in old.items():
        note = notes.get(name, "")
        yield Change(Rule.FUNCTION_REMOVED, _called(one), before=name, note=note)
    for name, one in new.items():
        note = notes.get(name, "")
        yield Change(Rule.FUNCTION_ADDED, _called(one), after=name, note=note)


def _function(before: FunctionShape, after: FunctionShape, *, whole: bool) -> Iterator[Change]:
    what = _called(before)
    yield from _arguments(what, before, after, whole=whole)
    if before.returns is not None and after.returns is not None:
        old, new = before.returns.removeprefix("setof "), after.returns.removeprefix("setof ")
        as_set = before.returns.startswith("setof ") is after.returns.startswith("setof ")
        if not as_set or compared(old, new, whole=whole) != "same":
            yield Change(Rule.RETURN_TYPE_CHANGED, what, before.returns, after.returns)
    yield from compare_grants(what, before.grants, after.grants)


def _arguments(
    what: str, before: FunctionShape, after: FunctionShape, *, whole: bool
) -> Iterator[Change]:
    old = {one.name: one for one in before.parameters}
    new = {one.name: one for one in after.parameters}
    removed = {name: one for name, one in old.items() if name not in new}
    added = {name: one for name, one in new.items() if name not in old}
    notes = renames.notes(
        renames.likely(
            {name: one.type for name, one in removed.items()},
            {name: one.type for name, one in added.items()},
        )
    )
    for name, one in removed.items():
        about, note = _of(name, what), notes.get(name, "")
        yield Change(Rule.ARGUMENT_REMOVED, about, before=lines.parameter(one), note=note)
    for name, one in added.items():
        about, note = _of(name, what), notes.get(name, "")
        rule = Rule.REQUIRED_ARGUMENT_ADDED if one.required else Rule.ARGUMENT_ADDED
        yield Change(rule, about, after=lines.parameter(one), note=note)
    for name, one in old.items():
        if name in new:
            yield from _parameter(_of(name, what), one, new[name], whole=whole)


def _parameter(what: str, before: Parameter, after: Parameter, *, whole: bool) -> Iterator[Change]:
    change = compared(before.type, after.type, whole=whole)
    if change != "same":
        widened = change == "widened"
        rule = Rule.ARGUMENT_TYPE_WIDENED if widened else Rule.ARGUMENT_TYPE_CHANGED
        yield Change(rule, what, before.type, after.type)
    if before.required is not after.required:
        rule = Rule.ARGUMENT_REQUIRED if after.required else Rule.ARGUMENT_OPTIONAL
        yield Change(rule, what, lines.parameter(before), lines.parameter(after))
    if whole and before.variadic is not after.variadic:
        yield Change(
            Rule.ARGUMENT_VARIADIC_CHANGED, what, lines.parameter(before), lines.parameter(after)
        )


def _ambiguity(name: Relation, before: Overloads, after: Overloads) -> Iterator[Change]:
    """A call that one function took and now several do: PostgREST answers it by PGRST203."""
    if len(after) < 2:  # noqa: PLR2004 - it takes two
        return
    required = [_required(one) for one in before]
    calls = [*required, *map(_names, before), *(_required(one) for one in after)]
    for names in dict.fromkeys(map(frozenset, calls)):
        now = sum(_takes(one, names) for one in after)
        if sum(_takes(one, names) for one in before) == 1 < now:
            call = f"{name}({', '.join(map(quoted, sorted(names)))})"
            yield Change(Rule.FUNCTION_AMBIGUOUS, call, "one function", f"{now} functions")
            return


def _takes(one: FunctionShape, names: frozenset[str]) -> bool:
    """Whether a call with exactly these names is one of it. A sole unnamed argument yields."""
    return _required(one) <= names <= _names(one) and "" not in _names(one)


def _names(one: FunctionShape) -> frozenset[str]:
    return frozenset(parameter.name for parameter in one.parameters)


def _required(one: FunctionShape) -> frozenset[str]:
    return frozenset(parameter.name for parameter in one.parameters if parameter.required)


def _called(one: FunctionShape) -> str:
    """As a client calls it: `public.finish(scan_id, note)`."""
    names = ", ".join(quoted(name) if name else "*" for name in (p.name for p in one.parameters))
    return f"{Relation(one.schema, one.name)}({names})"


def _of(argument: str, function: str) -> str:
    return f"{quoted(argument) if argument else '*'} of {function}"
