"""What repeats the tables is what the tables say."""

import json
from pathlib import Path

import pytest
import yaml
from jsonschema import Draft202012Validator

from pgrst_gate import generated
from pgrst_gate.given import STEP_INPUTS, from_config
from pgrst_gate.inputs import CONFIG, INPUTS, read_inputs
from pgrst_gate.reporters.outputs import OUTPUTS

ROOT = Path(__file__).parents[2]


def test_nothing_in_the_repository_differs_from_its_tables() -> None:
    """If this fails: `make generated`."""
    assert not generated.differing(ROOT)


@pytest.mark.parametrize("path", ["action.yml", "native/action.yml"])
def test_the_action_declares_every_input_and_output(path: str) -> None:
    """With no default, for a runner would pass it on as if it were given."""
    action = yaml.safe_load((ROOT / path).read_text())

    assert list(action["inputs"]) == [one.name for one in (*INPUTS, CONFIG)]
    assert list(action["outputs"]) == [one.name for one in OUTPUTS]
    assert not any("default" in one for one in action["inputs"].values())


def test_the_native_action_hands_on_what_its_gate_tells_and_is_told() -> None:
    """Each output is the step's of that name; the inputs come in one variable, read by no shell."""
    action = yaml.safe_load((ROOT / "native/action.yml").read_text())
    (step,) = action["runs"]["steps"]

    told = {name: f"${{{{ steps.{step['id']}.outputs.{name} }}}}" for name in action["outputs"]}
    assert {name: output["value"] for name, output in action["outputs"].items()} == told
    assert step["env"] == {STEP_INPUTS: "${{ toJSON(inputs) }}"}
    assert "${{" not in step["run"]


@pytest.mark.parametrize(
    ("config", "valid"),
    [
        ({"url": "http://x", "expected-tables": ["a", "b"], "timeout": 90}, True),
        ({"expected-columns": {"scans": ["a", "b int"], "t": "c"}, "escalate": True}, True),
        ({"headers": {"X-A": "b"}, "schema": ["api"], "runtime": "none"}, True),
        ({"tiemout": 1}, False),
        ({"runtime": "dockr"}, False),
        ({"timeout": ["1"]}, False),
        ({"escalate": "maybe"}, False),
    ],
)
def test_the_config_schema_takes_what_the_reader_takes(
    config: dict[str, object], *, valid: bool
) -> None:
    """An editor that knows the schema says what the gate would say."""
    schema = json.loads((ROOT / "schemas/config.schema.json").read_text())

    assert Draft202012Validator(schema).is_valid(config) is valid
    if valid:
        given = from_config(Path("gate.yml"), yaml.safe_dump({"url": "http://x"} | config))
        assert read_inputs(given).url == "http://x"


def test_a_readme_without_its_marks_is_told() -> None:
    """A generated part that was deleted is not silently left out."""
    with pytest.raises(ValueError, match=r"README.md has no part between"):
        generated.readme("# pgrst-gate")
