"""Everything that repeats the tables of inputs and outputs: written from them, or held to them.

    python -m pgrst_gate.generated           writes what differs
    python -m pgrst_gate.generated --check   names what differs, and exits 1

For developers in a checkout; the product does not use it.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import yaml

from pgrst_gate import __version__
from pgrst_gate.given import STEP_INPUTS
from pgrst_gate.inputs import CONFIG, INPUTS, Input
from pgrst_gate.reporters.outputs import OUTPUTS

_HEAD: Final = """\
# Written by `make generated` from src/pgrst_gate/inputs.py and reporters/outputs.py.
# yamllint disable rule:line-length rule:indentation
"""

_NAME: Final = "pgrst-gate"
_ABOUT: Final = (
    "Reload PostgREST's schema cache after a migration, and fail unless the API really serves the"
    " new schema"
)


def action_yml() -> str:
    """The container action's metadata."""
    outputs = {one.name: {"description": one.description} for one in OUTPUTS}
    return _metadata(_NAME, _ABOUT, outputs, {"using": "docker", "image": "Dockerfile"})


def native_action_yml() -> str:
    """The metadata of the same gate on the runner itself.

    A composite action's inputs come to no step by themselves. They are handed on as one variable:
    no shell reads them, and one that drops names with dashes drops none of them.
    """
    outputs = {
        one.name: {
            "description": one.description,
            "value": f"${{{{ steps.gate.outputs.{one.name} }}}}",
        }
        for one in OUTPUTS
    }
    gate = {
        "id": "gate",
        "shell": "sh",
        "env": {STEP_INPUTS: "${{ toJSON(inputs) }}"},
        "run": 'exec sh "$GITHUB_ACTION_PATH/gate.sh"',
    }
    about = f"{_ABOUT}; on the runner itself, not in a container"
    return _metadata(
        f"{_NAME} on the runner", about, outputs, {"using": "composite", "steps": [gate]}
    )


def _metadata(
    name: str, about: str, outputs: Mapping[str, Mapping[str, str]], runs: Mapping[str, Any]
) -> str:
    """An action's metadata.

    No input has a default here: the runner would hand it on as if it were given, and it would win
    over the config file. None is `required` either: the config file, or another input, may tell it.
    """
    metadata: dict[str, Any] = {
        "name": name,
        "description": about,
        "author": "pgrst-gate contributors",
        "branding": {"icon": "shield", "color": "green"},
        "inputs": {
            one.name: {"description": _described(one), "required": False}
            for one in (*INPUTS, CONFIG)
        },
        "outputs": outputs,
        "runs": runs,
    }
    return _HEAD + yaml.safe_dump(metadata, sort_keys=False, allow_unicode=True, width=100)


class _Filled(str):
    """A text that GitLab fills in before it reads the YAML; in quotes it stays one text."""

    __slots__ = ()


yaml.SafeDumper.add_representer(
    _Filled, lambda dumper, text: dumper.represent_scalar("tag:yaml.org,2002:str", text, style="'")
)

_NOT_GITLABS: Final = {"comment", "on-missing-secrets", "override-label", "report"}
"""Inputs for GitHub alone; and `report`, for the component knows what its artifacts are."""
_REPORTS: Final = {"json": "pgrst-gate-report.json", "junit": "pgrst-gate-junit.xml"}
_CODE_QUALITY: Final = "gl-code-quality-report.json"


def gitlab_component() -> str:
    """The component for GitLab CI: https://docs.gitlab.com/ci/components.

    Secrets are no inputs of it, for whoever may see a pipeline sees its inputs: they come as
    masked CI/CD variables, as does whatever else is set so.
    """
    taken = [
        one
        for one in (*INPUTS, CONFIG)
        if not (one.secret or one.is_source or one.name in _NOT_GITLABS)
    ]
    own = {
        "stage": {"description": "Stage of the job.", "default": "deploy"},
        "image": {
            "description": "The image of pgrst-gate.",
            "default": f"ghcr.io/OWNER/pgrst-gate:{__version__}",
        },
    }
    inputs = {one.name: {"description": _described(one), "default": ""} for one in taken}
    reports = _REPORTS | {"gitlab": _CODE_QUALITY}
    job = {
        "stage": "$[[ inputs.stage ]]",
        "image": {"name": "$[[ inputs.image ]]", "entrypoint": [""]},
        "variables": {
            **{one.variable: _Filled(f"$[[ inputs.{one.name} ]]") for one in taken},
            "PGRST_GATE_REPORT": ", ".join(f"{form}={path}" for form, path in reports.items()),
        },
        "script": ["pgrst-gate run"],
        "artifacts": {
            "when": "always",
            "paths": [_REPORTS["json"]],
            "reports": {"junit": _REPORTS["junit"], "codequality": _CODE_QUALITY},
        },
    }
    parts = ({"spec": {"inputs": own | inputs}}, {"pgrst-gate": job})
    return (
        _HEAD
        + "\n---\n".join(
            yaml.safe_dump(part, sort_keys=False, allow_unicode=True, width=100).strip()
            for part in parts
        )
        + "\n"
    )


def config_schema() -> str:
    """The JSON schema of the config file, for editors."""
    schema: dict[str, Any] = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "pgrst-gate config file",
        "type": "object",
        "additionalProperties": False,
        "properties": {one.name: _property(one) for one in INPUTS},
    }
    return json.dumps(schema, indent=2) + "\n"


def _described(one: Input) -> str:
    return f"{one.about} Default: `{one.default}`." if one.default else one.about


_TEXT: Final[dict[str, Any]] = {"type": ["string", "number"]}
_LINES: Final[dict[str, Any]] = {"type": "array", "items": _TEXT}
_SHAPES: Final[dict[str, list[dict[str, Any]]]] = {
    "text": [_TEXT],
    "words": [_TEXT, _LINES],
    "lines": [_TEXT, _LINES],
    "headers": [_TEXT, _LINES, {"type": "object", "additionalProperties": _TEXT}],
    "columns": [
        _TEXT,
        _LINES,
        {"type": "object", "additionalProperties": {"anyOf": [_TEXT, _LINES]}},
    ],
    "flag": [{"type": "boolean"}],
}


def _property(one: Input) -> dict[str, Any]:
    found: dict[str, Any] = {"description": _described(one)}
    if one.choices:
        return found | {"enum": list(one.choices)}
    return found | {"anyOf": _SHAPES[one.shape]}


def inputs_table() -> str:
    """The table of inputs in the README."""
    return _table(
        ("input", "what it says", "default"),
        (
            (f"`{one.name}`", one.about, f"`{one.default}`" if one.default else "")
            for one in (*INPUTS, CONFIG)
        ),
    )


def outputs_table() -> str:
    """The table of outputs in the README."""
    return _table(("output", "what it is"), ((f"`{one.name}`", one.description) for one in OUTPUTS))


def _table(header: tuple[str, ...], rows: Iterator[tuple[str, ...]]) -> str:
    def line(cells: tuple[str, ...]) -> str:
        return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |\n"

    return line(header) + line(("---",) * len(header)) + "".join(map(line, rows))


def readme(text: str) -> str:
    """The README with its generated parts written anew."""
    for name, table in (("inputs", inputs_table()), ("outputs", outputs_table())):
        begin, end = f"<!-- {name}: generated by make generated -->", f"<!-- end of {name} -->"
        before, found, rest = text.partition(begin)
        _, closed, after = rest.partition(end)
        if not (found and closed):
            raise ValueError(f"README.md has no part between `{begin}` and `{end}`")
        text = f"{before}{begin}\n\n{table}\n{end}{after}"
    return text


FILES: Final[dict[str, Callable[[str], str]]] = {
    "action.yml": lambda _: action_yml(),
    "templates/pgrst-gate.yml": lambda _: gitlab_component(),
    "native/action.yml": lambda _: native_action_yml(),
    "schemas/config.schema.json": lambda _: config_schema(),
    "README.md": readme,
}
"""Path in the repository → the content it must have, from the content it has."""


def differing(root: Path) -> dict[Path, str]:
    """The files below the root that are not as they must be, with what they must hold."""
    found: dict[Path, str] = {}
    for name, make in FILES.items():
        path = root / name
        present = path.read_text(encoding="utf-8") if path.exists() else ""
        if (wanted := make(present)) != present:
            found[path] = wanted
    return found


def main() -> int:
    """Write or check; gives the exit code."""
    different = differing(Path())
    for path, wanted in different.items():
        if "--check" in sys.argv:
            sys.stderr.write(f"{path} is not what its tables say: run `make generated`\n")
        else:
            path.parent.mkdir(exist_ok=True)
            path.write_text(wanted, encoding="utf-8")
            sys.stdout.write(f"wrote {path}\n")
    return int("--check" in sys.argv and bool(different))


if __name__ == "__main__":
    sys.exit(main())
