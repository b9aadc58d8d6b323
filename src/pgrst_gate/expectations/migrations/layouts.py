"""Which files of a folder are migrations, and in which order a tool applies them."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal, get_args

from pgrst_gate.errors import UsageError

Layout = Literal[
    "supabase", "plain", "flyway", "dbmate", "golang-migrate", "sqitch", "prisma", "drizzle"
]
LAYOUTS: Final[tuple[Layout, ...]] = get_args(Layout)

# supabase/cli pkg/migration/file.go@078ef54, golang-migrate/migrate source/parse.go@3a4ea1e,
# documentation.red-gate.com/fd/versioned-migrations-273973333.html
_SUPABASE: Final = re.compile(r"(?P<version>[0-9]+)_.*\.sql")
_FLYWAY: Final = re.compile(r"(?:(?P<kind>[VB])(?P<version>[0-9]+(?:[._][0-9]+)*)|R)__.*\.sql")
_NUMBERED: Final = re.compile(r"(?P<version>[0-9]+).*\.sql")
_GOLANG: Final = re.compile(r"(?P<version>[0-9]+)_.*\.up\.sql")


_COMMANDS: Final[Mapping[Layout, str]] = {
    "supabase": "supabase db push",
    "flyway": "flyway migrate",
    "dbmate": "dbmate up",
    "golang-migrate": 'migrate -path {folder} -database "$DATABASE_URL" up',
    "sqitch": "sqitch deploy",
    "prisma": "prisma migrate deploy",
    "drizzle": "drizzle-kit migrate",
}


# What has a tool apply a file that later ones overtook, where it must be told: the flag of
# `supabase db push`, Flyway's parameter of that name.
_OVERTAKEN: Final[Mapping[Layout, str]] = {
    "supabase": " --include-all",
    "flyway": " -outOfOrder=true",
}


def command(folder: str, layout: Layout, *, overtaken: bool = False) -> str:
    """What applies all that is not applied yet; empty for `plain`, which is no tool's."""
    option = _OVERTAKEN.get(layout, "") if overtaken else ""
    return _COMMANDS.get(layout, "").replace("{folder}", shlex.quote(folder)) + option


@dataclass(frozen=True, slots=True)
class Migration:
    """A migration file; ``version`` is what the tool's history calls it."""

    path: Path
    name: str
    """The file's path in the folder, with slashes."""
    version: str

    @property
    def names(self) -> frozenset[str]:
        """All by which lists of migrations call it."""
        stem = self.name.removesuffix(".sql")
        return frozenset({self.version, self.name, stem, Path(self.name).name, str(self.path)})


def migrations(folder: Path, layout: Layout) -> tuple[Migration, ...]:
    """The migrations of the folder in order. Raises UsageError where there are none."""
    if not folder.is_dir():
        raise UsageError(
            f"there is no folder {folder}",
            hint="name the folder of the migrations, from where it runs",
        )
    found = tuple(_LISTS[layout](folder))
    if not found:
        others = sorted(path.name for path in folder.iterdir())[:3]
        beside = f"; it has {', '.join(others)}" if others else ""
        raise UsageError(
            f"no migration of the layout `{layout}` is in {folder}{beside}",
            hint=f"check the folder, and the layout: one of {', '.join(LAYOUTS)}",
        )
    return found


def text(migration: Migration, layout: Layout) -> str:
    """The SQL that applies it, with all its lines in place. Raises UsageError if it is no UTF-8."""
    content = migration.path.read_bytes()
    try:
        whole = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise UsageError(
            f"{migration.path}:{line}: not UTF-8", hint="save the file as UTF-8"
        ) from error
    return _up(whole) if layout == "dbmate" else whole


def _up(whole: str) -> str:
    """The up section: from `-- migrate:up` to `-- migrate:down`, each at the start of a line.

    As amacneil/dbmate pkg/dbmate/migration.go@0b6e2ee splits them.
    """
    lines, up = [], False
    for line in whole.split("\n"):
        words = line[2:].split() if line.startswith("--") else []
        if words and words[0] in {"migrate:up", "migrate:down"}:
            up = words[0] == "migrate:up"
        lines.append(line if up else "")
    return "\n".join(lines)


def _matching(
    pattern: re.Pattern[str], key: Callable[[Migration], Any]
) -> Callable[[Path], Iterable[Migration]]:
    def listed(folder: Path) -> Iterable[Migration]:
        found = (
            Migration(path, path.name, match.groupdict().get("version") or path.name)
            for path in folder.glob("*.sql")
            if (match := pattern.fullmatch(path.name))
        )
        return sorted(found, key=key)

    return listed


def _by_name(migration: Migration) -> str:
    return migration.name


def _by_number(migration: Migration) -> tuple[int, str]:
    return int(migration.version), migration.name


def _flyway(folder: Path) -> Iterable[Migration]:
    """Versions in the order of their numbers, then repeatable ones by their descriptions.

    A baseline stands for the versions up to its own: it is read where those are not there any
    more. Undo migrations are left out.
    """
    found = [
        (match["kind"], _parts(match["version"] or ""), Migration(
            path, path.relative_to(folder).as_posix(), match["version"] or path.name
        ))
        for path in folder.rglob("*.sql")
        if (match := _FLYWAY.fullmatch(path.name))
    ]  # fmt: skip
    oldest = min((parts for kind, parts, _ in found if kind == "V"), default=())
    kept = [
        one for one in found if one[0] != "B" or not oldest or one[1] < oldest
    ]  # fmt: skip
    kept.sort(key=lambda one: (one[0] is None, one[1], one[2].path.name))
    return [migration for _, _, migration in kept]


def _parts(version: str) -> tuple[int, ...]:
    return tuple(map(int, re.split(r"[._]", version))) if version else ()


def _plain(folder: Path) -> Iterable[Migration]:
    return [Migration(path, path.name, path.stem) for path in sorted(folder.glob("*.sql"))]


def _sqitch(folder: Path) -> Iterator[Migration]:
    """As the plan has it. A change that is reworked later has its script under the next tag."""
    plan = folder / "sqitch.plan"
    if not plan.is_file():
        raise UsageError(f"there is no {plan}", hint="name the folder with sqitch.plan and deploy/")
    lines = [
        (number, words[0])
        for number, line in enumerate(plan.read_text("utf-8").splitlines(), 1)
        if (words := line.split("#")[0].split()) and not words[0].startswith("%")
    ]
    for at, (number, change) in enumerate(lines):
        if change.startswith("@"):
            continue
        later = [name for _, name in lines[at + 1 :]]
        tag = next((name for name in later if name.startswith("@")), "") if change in later else ""
        path = folder / "deploy" / f"{change}{tag}.sql"
        if not path.is_file():
            raise UsageError(f"{plan}:{number}: there is no {path}", hint="restore the script")
        yield Migration(path, path.relative_to(folder).as_posix(), f"{change}{tag}")


def _prisma(folder: Path) -> Iterable[Migration]:
    return [
        Migration(path, path.relative_to(folder).as_posix(), path.parent.name)
        for path in sorted(folder.glob("*/migration.sql"))
    ]


def _drizzle(folder: Path) -> Iterable[Migration]:
    """As drizzle-team/drizzle-orm drizzle-orm/src/migrator.ts@016e07d reads the journal."""
    journal = folder / "meta" / "_journal.json"
    if not journal.is_file():
        return [Migration(path, path.name, path.stem) for path in sorted(folder.glob("*.sql"))]
    try:
        entries = json.loads(journal.read_text("utf-8"))["entries"]
        tags = [(str(entry["tag"]), str(entry["when"])) for entry in entries]
    except (ValueError, KeyError, TypeError) as error:
        raise UsageError(
            f"{journal}: not a journal of Drizzle ({error})", hint="write it anew with drizzle-kit"
        ) from error
    found = [Migration(folder / f"{tag}.sql", f"{tag}.sql", when) for tag, when in tags]
    for one in found:
        if not one.path.is_file():
            raise UsageError(f"{journal}: there is no {one.path}", hint="restore the file")
    return found


_LISTS: Final[Mapping[Layout, Callable[[Path], Iterable[Migration]]]] = {
    "supabase": _matching(_SUPABASE, _by_name),
    "plain": _plain,
    "flyway": _flyway,
    "dbmate": _matching(_NUMBERED, _by_name),
    "golang-migrate": _matching(_GOLANG, _by_number),
    "sqitch": _sqitch,
    "prisma": _prisma,
    "drizzle": _drizzle,
}
