"""Where inputs come from: flags, the action's inputs, the environment, a config file.

A later layer wins over an earlier one, input by input, and an empty value counts as not given, for
a runner passes every input an action declares.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final

import yaml

from pgrst_gate import files
from pgrst_gate.errors import UsageError
from pgrst_gate.inputs import CONFIG, INPUTS, Given, Input, refuse, unknown

STEP_INPUTS: Final = "STEP_INPUTS"
"""The variable in which the composite action hands on its inputs, as one JSON object."""

CONFIG_BYTES: Final = 1024 * 1024
_PLAIN_TAGS: Final = frozenset(
    f"tag:yaml.org,2002:{kind}" for kind in ("str", "int", "float", "bool", "null", "timestamp")
)
_BY_NAME: Final = {one.name: one for one in INPUTS}


def from_environment(
    environment: Mapping[str, str], table: Iterable[Input] = (*INPUTS, CONFIG)
) -> dict[str, Given]:
    """`PGRST_GATE_TIMEOUT` and its kin."""
    asked = tuple(table)
    return _of_others(environment, asked) | {
        one.name: Given(environment[one.variable], f"${one.variable}")
        for one in asked
        if environment.get(one.variable, "").strip()
    }


def from_action(environment: Mapping[str, str]) -> dict[str, Given]:
    """The `with:` of a step.

    A container action gets `INPUT_ADMIN-URL` and its kin; dashes stay (actions/runner,
    ContainerActionHandler). Of a composite one the names are as the user wrote them, in any case.
    """
    if STEP_INPUTS in environment:
        written = json.loads(environment[STEP_INPUTS])
        texts = {name.lower(): str(text) for name, text in written.items()}
    else:
        texts = {
            one.name: environment.get(f"INPUT_{one.name.upper()}", "") for one in (*INPUTS, CONFIG)
        }
    return _of_others(environment, INPUTS) | {
        one.name: Given(texts[one.name], f"input {one.name}")
        for one in (*INPUTS, CONFIG)
        if texts.get(one.name, "").strip()
    }


def _of_others(environment: Mapping[str, str], table: Iterable[Input]) -> dict[str, Given]:
    """What other tools' variables say."""
    return {
        one.name: Given(environment[one.also_from], f"${one.also_from}")
        for one in table
        if environment.get(one.also_from, "").strip()
    }


def with_config(given: Mapping[str, Given]) -> dict[str, Given]:
    """The given inputs over those of the config file that they name.

    Raises `UsageError` with file, line and the nearest valid key for whatever does not read.
    """
    if CONFIG.name not in given:
        return dict(given)
    path = Path(given[CONFIG.name].text.strip())
    return from_config(
        path, files.read(path, most=CONFIG_BYTES, place=given[CONFIG.name].place)
    ) | {name: one for name, one in given.items() if name != CONFIG.name}


def from_config(path: Path, content: str) -> dict[str, Given]:
    """The inputs of a config file: a mapping from their names to texts, lists or mappings."""
    try:
        root = yaml.compose(content, Loader=yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise UsageError(f"{path}:{line}: not YAML: {error.problem}") from error
    except yaml.YAMLError as error:
        raise UsageError(f"{path}: not YAML: {error}") from error
    if root is None:
        return {}
    if not isinstance(root, yaml.MappingNode):
        raise UsageError(
            f"{path}:1: expected a mapping from inputs to values, such as `timeout: 2m`"
        )
    found: dict[str, Given] = {}
    problems: list[str] = []
    for key, value in root.value:
        place, name = f"{path}:{key.start_mark.line + 1}", str(key.value)
        if name in found:
            problems.append(f"{place}: `{name}` is given twice")
        elif one := _BY_NAME.get(name):
            try:
                found[name] = Given(_text(one, value), place)
            except ValueError as error:
                problems.append(f"{path}:{value.start_mark.line + 1}: `{name}`: {error}")
        else:
            problems.append(unknown(name, place))
    if problems:
        refuse(problems)
    return found


def _text(one: Input, node: yaml.Node) -> str:
    """The value in the grammar of the inputs: lists become lines, mappings `key: a, b`."""
    if isinstance(node, yaml.ScalarNode):
        return "" if node.tag == "tag:yaml.org,2002:null" else _scalar(node)
    if isinstance(node, yaml.SequenceNode) and one.shape not in {"text", "flag"}:
        return "\n".join(map(_scalar, node.value))
    if isinstance(node, yaml.MappingNode) and one.shape in {"columns", "headers"}:
        return "\n".join(f"{_scalar(key)}: {_entries(value)}" for key, value in node.value)
    expected = {"text": "a text", "flag": "true or false"}
    raise ValueError(f"expected {expected.get(one.shape, 'a text, or a list or mapping of texts')}")


def _entries(node: yaml.Node) -> str:
    if isinstance(node, yaml.SequenceNode):
        return ", ".join(map(_scalar, node.value))
    return _scalar(node)


def _scalar(node: yaml.Node) -> str:
    if not isinstance(node, yaml.ScalarNode):
        line = node.start_mark.line + 1
        raise ValueError(f"line {line} is nested too deep: expected a text")  # noqa: TRY004 - of the file, not of a caller
    if node.tag not in _PLAIN_TAGS:
        raise ValueError(f"the tag {node.tag} is not taken")
    return str(node.value)
