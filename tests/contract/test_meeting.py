"""Who answers, and what is believed of the answers: the recorded servers as the gate meets them."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Final

import pytest
from tests.contract.recorded import VERSIONS, RecordedServer, by_either_lever

from pgrst_gate.postgrest import questions, server
from pgrst_gate.postgrest.answers import Answer, Plan, obstacle, plan
from pgrst_gate.postgrest.client import ANSWER_BYTES
from pgrst_gate.postgrest.questions import Question
from pgrst_gate.postgrest.survey import Survey
from pgrst_gate.postgrest.versions import dialect_of, parse
from pgrst_gate.schema import Argument, Column, Expectation, Function, Item, Relation
from pgrst_gate.verdicts import Cause

LINES: Final = {
    "10.2.0": "10",
    "11.2.2": "10",  # told by answers alone, 11 is asked as carefully as 10
    "12.2.12": "12",
    "13.0.8": "13 and later",
    "14.14": "13 and later",
    "16.2": "13 and later",
}


class Nameless(RecordedServer):
    """A recorded server behind a gateway that strips its name, and maybe closes the root."""

    root_is_open = True

    def ask(self, question: Question, *, most: int = ANSWER_BYTES) -> Answer:
        """The recorded answer without the header, or a refusal of the root."""
        if question.target == "/" and not self.root_is_open:
            return Answer(404, {}, b"{}")
        return replace(super().ask(question, most=most), headers={})


class Closed(Nameless):
    """One whose root is closed, too."""

    root_is_open = False


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize(
    ("kind", "told_by"), [(RecordedServer, "Server header"), (Nameless, "OpenAPI document")]
)
def test_the_version_is_told(kind: type[RecordedServer], told_by: str, version: str) -> None:
    """The version is read from the `Server` header, or from the API's description."""
    client = kind("migration", version, "fresh")

    identity = server.identify(client, *server.first_answer(client, "public"))

    assert (identity.version_text, identity.told_by) == (version, told_by)
    assert identity.dialect == dialect_of(parse(version) or ())


@pytest.mark.parametrize("version", VERSIONS)
def test_the_line_is_told_by_answers_alone(version: str) -> None:
    """Without name and description, the line is the right one, or one that is asked less."""
    client = Closed("migration", version, "fresh")

    identity = server.identify(client, *server.first_answer(client, "public"))

    assert (identity.dialect.line, identity.version, identity.told_by) == (
        LINES[version],
        None,
        "its answers",
    )


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize(
    ("scenario", "role", "schemas"),
    [("migration", "service_role", ("public",)), ("doors", "member", ("v1", "v2"))],
)
def test_the_exposed_schemas_are_learned(
    scenario: str, role: str, schemas: tuple[str, ...], version: str
) -> None:
    """The refusal of a schema that is not exposed names those that are, in every version."""
    client = RecordedServer(scenario, version, "fresh", role, schemas[0])

    assert server.exposed_schemas(client) == schemas


@pytest.mark.parametrize("version", VERSIONS)
def test_options_are_believed(version: str) -> None:
    """Every version refuses OPTIONS for names that do not exist, so its answers tell something."""
    client = RecordedServer("migration", version, "stale")

    assert server.options_of_relations(client, "public")
    assert server.options_of_functions(client, "public")


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize(
    ("role", "schema", "cause"),
    [
        ("", "v1", Cause.UNAUTHORIZED),
        ("Bearer junk", "v1", Cause.UNAUTHORIZED),
        ("nosuchrole", "v1", Cause.UNAUTHORIZED),
        ("member", "v1", None),
        ("member", "v2", None),
    ],
)
def test_a_closed_door_is_told(role: str, schema: str, cause: Cause | None, version: str) -> None:
    """No token, a broken one and one of a role that is not there are refusals of the key."""
    client = RecordedServer("doors", version, "fresh", role, "v1")

    answer = client.ask(questions.read_relation(schema, "items"))

    assert obstacle(answer) is cause


@pytest.mark.parametrize("version", VERSIONS)
def test_a_schema_that_is_not_exposed_is_told(version: str) -> None:
    """Asking for it is refused as such, whatever the code's wording."""
    client = RecordedServer("doors", version, "fresh", "member", "v1")

    assert obstacle(client.ask(questions.random_schema())) is Cause.NOT_EXPOSED


NAMESAKES: Final[tuple[tuple[Item, str, bool], ...]] = (
    (Column(Relation("v2", "items"), "extra"), "10", True),
    (Column(Relation("v1", "items"), "extra"), "11", False),
    (Function("v2", "fn", (Argument("a"),)), "11", True),
    (Function("v1", "fn", (Argument("a"),)), "11", False),
    (Relation("v2", "only_two"), "13", True),
)


def namesakes() -> Iterator[tuple[Item, bool, str]]:
    """Each item in the versions that can be asked for it."""
    for item, since, cached in NAMESAKES:
        for version in VERSIONS:
            if (parse(version) or ()) >= (int(since),):
                yield item, cached, version


@pytest.mark.parametrize(("item", "cached", "version"), list(namesakes()), ids=str)
def test_the_profile_tells_namesakes_apart(item: Item, version: str, *, cached: bool) -> None:
    """What another exposed schema has under the same name proves nothing."""
    dialect = dialect_of(parse(version) or ())
    assert dialect
    client = RecordedServer("doors", version, "fresh", "member", "v1")

    seen = Survey(client, dialect, Expectation((item,))).glance(item).facts[item]

    assert seen.cached is cached


@pytest.mark.parametrize("version", [one for one in VERSIONS if (parse(one) or ()) >= (12,)])
def test_either_lever_stops_a_request_after_its_plan(version: str) -> None:
    """A gateway that drops one of the levers changes nothing: both tell the same of the plan."""
    found = list(by_either_lever(version))

    plans = [(plan(question, one), plan(question, other)) for question, one, other in found]

    assert len(plans) >= 6
    assert all(one is other for one, other in plans)
    assert {one for one, _ in plans} == {Plan.PASSED, Plan.MISSING}
