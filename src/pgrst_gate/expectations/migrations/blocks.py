"""DO blocks: what PL/pgSQL runs in any case is read, the rest is put down as not readable."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from pgrst_gate.expectations.migrations import settings
from pgrst_gate.expectations.migrations.session import Session, Source

if TYPE_CHECKING:
    from postgast.pg_query_pb2 import DoStmt

DYNAMIC: Final = "dynamic SQL (EXECUTE)"
CONDITIONAL: Final = "conditional statement"
HANDLED: Final = "it may be undone: the block handles exceptions"

Step = Mapping[str, Any]
Run = Callable[[Session], None]

_IDLE: Final = {"PLpgSQL_stmt_null", "PLpgSQL_stmt_raise", "PLpgSQL_stmt_assign"}
_LEAVES: Final = {"PLpgSQL_stmt_return", "PLpgSQL_stmt_exit"}
_LOOPS: Final = {
    "PLpgSQL_stmt_loop", "PLpgSQL_stmt_while", "PLpgSQL_stmt_fori", "PLpgSQL_stmt_fors",
    "PLpgSQL_stmt_forc", "PLpgSQL_stmt_foreach_a", "PLpgSQL_stmt_dynfors",
}  # fmt: skip
_DUPLICATES: Final = {
    "duplicate_alias", "duplicate_column", "duplicate_function", "duplicate_object",
    "duplicate_schema", "duplicate_table",
}  # fmt: skip


def do(session: Session, statement: DoStmt, text: bytes, run: Run) -> None:
    """Read a DO block; ``text`` is the whole statement, ``run`` reads the session's source."""
    from postgast import PgQueryError, parse_plpgsql

    options = {one.def_elem.defname: one.def_elem for one in statement.args}
    language = options["language"].arg.string.sval if "language" in options else "plpgsql"
    if language.lower() != "plpgsql":
        session.dynamic(f"a DO block in {language}")
        return
    try:
        [parsed] = parse_plpgsql(text.decode())
    except (PgQueryError, ValueError) as error:
        session.dynamic(f"a DO block that cannot be read: {error}")
        return
    # PL/pgSQL counts lines from where the body's text begins.
    first = session.place(options["as"].location).line
    block = _Block(session, first, run)
    block.step(parsed["PLpgSQL_function"]["action"])
    settings.leave_block(session)


@dataclass(frozen=True, slots=True)
class _Block:
    """Walks through the statements of a body."""

    session: Session
    first: int
    run: Run

    def steps(self, steps: Iterable[Step]) -> None:
        todo = list(steps)
        for number, step in enumerate(todo, 1):
            self.step(step)
            if _may_leave(step):
                self._one_of(todo[number:], ())
                return

    def step(self, step: Step) -> None:
        [(kind, parts)] = step.items()
        match kind:
            case "PLpgSQL_stmt_block" if "exceptions" in parts:
                self._handled(parts)
            case "PLpgSQL_stmt_block":
                self.steps(parts.get("body", ()))
            case "PLpgSQL_stmt_execsql":
                self._sql(parts, parts["sqlstmt"])
            case "PLpgSQL_stmt_perform" | "PLpgSQL_stmt_call":
                self._sql(parts, parts["expr"])
            case "PLpgSQL_stmt_dynexecute":
                self._note(parts, DYNAMIC)
            case "PLpgSQL_stmt_if":
                elsifs = (one["PLpgSQL_if_elsif"] for one in parts.get("elsif_list", ()))
                bodies = (parts.get("then_body", ()), *(one.get("stmts", ()) for one in elsifs))
                self._one_of(*bodies, parts.get("else_body", ()))
            case "PLpgSQL_stmt_case":
                whens = (one["PLpgSQL_case_when"] for one in parts["case_when_list"])
                bodies = tuple(one.get("stmts", ()) for one in whens)
                self._one_of(*bodies, parts.get("else_stmts", ()))
            case _ if kind in _LOOPS:
                self._one_of(parts.get("body", ()), ())
            case "PLpgSQL_stmt_rollback":
                self._note(parts, "ROLLBACK in a DO block")
            case _:
                pass

    def _one_of(self, *branches: Iterable[Step]) -> None:
        with self.session.doubting(CONDITIONAL):
            self.session.perhaps(*(partial(self.steps, branch) for branch in branches))

    def _handled(self, parts: Step) -> None:
        """All of the body, or none of it and what the handler does."""
        body = parts.get("body", ())
        handlers = [
            one["PLpgSQL_exception"]
            for one in parts["exceptions"]["PLpgSQL_exception_block"].get("exc_list", ())
        ]
        caught = {
            condition["PLpgSQL_condition"]["condname"]
            for one in handlers
            for condition in one["conditions"]
        }
        if len(body) == 1 and caught <= _DUPLICATES and not any(_acts(one) for one in handlers):
            with self.session.tolerating():
                self.steps(body)
            return
        with self.session.doubting(HANDLED):
            actions = (partial(self.steps, one.get("action", ())) for one in handlers)
            self.session.perhaps(partial(self.steps, body), *actions)

    def _note(self, parts: Step, why: str) -> None:
        with self.session.inside(self._source(parts, "")):
            self.session.dynamic(why)

    def _sql(self, parts: Step, expression: Step) -> None:
        with self.session.inside(self._source(parts, expression["PLpgSQL_expr"]["query"])):
            self.run(self.session)

    def _source(self, parts: Step, text: str) -> Source:
        line = self.first + parts.get("lineno", 1) - 1
        return Source(self.session.source.path, text.encode(), line)


def _may_leave(step: Step) -> bool:
    """Whether the statement may end the block or the loop that it is in."""
    return not _LEAVES.isdisjoint(_kinds(step))


def _acts(handler: Step) -> bool:
    """Whether a handler does more than say so."""
    return any(not _IDLE.issuperset(_kinds(step)) for step in handler.get("action", ()))


def _kinds(value: Any) -> Iterator[str]:  # noqa: ANN401 - JSON
    if isinstance(value, list):
        for one in value:
            yield from _kinds(one)
    elif isinstance(value, dict):
        for key, one in value.items():
            if key.startswith("PLpgSQL_stmt_"):
                yield key
            yield from _kinds(one)
