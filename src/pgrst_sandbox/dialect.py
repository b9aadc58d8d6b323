"""What differs between the versions of PostgREST that the stand-in imitates: data, no behaviour.

Each record says what changed since the one before. What is recorded in tests/contract/recordings
is one version of each line; changes within a line are from PostgREST's changelog.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final, Literal

from pgrst_sandbox.wording import WORDINGS, Wording

RECORDED: Final = ("10.2.0", "11.2.2", "12.2.12", "13.0.8", "14.14", "16.2")
"""The versions that the stand-in is held to, by recordings."""

DescribesGet = Literal["none", "all", "readable"]


@dataclass(frozen=True, slots=True)
class Dialect:
    """One version. Each field names a difference to others."""

    version: str
    wording: Wording

    # Planning a request
    checks_columns: bool
    """Columns of a body are looked up in the cache; otherwise PostgreSQL answers for them."""
    missing_column: str
    """The message of PGRST204: column, relation."""
    checks_relations: bool
    """Relations that are read are looked up too, and what is not there is PGRST205."""
    negotiates_before_plan: bool
    """An `Accept` that cannot be met is refused before the cache is asked."""
    not_acceptable: int
    """The status of that: PGRST107."""
    options_are_csv: bool
    """`OPTIONS` cannot meet `Accept: application/json`."""
    plans_are_for: bool
    """A media type of execution plans is shown with what the plan is for."""
    knows_strict: bool
    """`handling=strict` makes unknown preferences an error."""
    argument_methods: frozenset[str]
    """With which methods a function's arguments stand in the query."""
    any_name_for_json: bool
    """A sole argument takes a whole body by its type even if it has a name."""
    name_similarity: float
    """How alike, of 1, a cached name must be to be offered as a hint."""

    # Running it
    passes_nulls_for_no_rows: bool
    """A call whose body is `[]` runs the function, with nulls; otherwise nothing is called."""
    limits_writes: bool
    """`limit` and `order` count for PATCH and DELETE."""
    counts_rows_of_void: bool
    """`Content-Range` of a function without a result tells whether it was called."""

    # Answering
    statuses: Mapping[str, int]
    """Of SQLSTATEs, or classes of them, whose status changed later."""
    no_connection: str
    """The message of PGRST000."""
    names_errors_in_header: bool
    """Errors bear `Proxy-Status`."""
    names_wrong_paths: bool
    """PGRST125 and 126; otherwise 404 with an empty object."""
    names_wrong_schema: bool
    """PGRST106 names the schema in the message and the exposed ones in the hint."""
    diagnoses_tokens: bool
    """Tokens are refused in PostgREST's own words, for their times with PGRST303; otherwise all
    with PGRST301 in those of the library."""
    applied_preferences: frozenset[str]
    """What `Preference-Applied` tells, if it was preferred."""
    unauthorized_without_role: bool
    """A role that PostgreSQL does not know is 401; otherwise 400."""
    retry_after_back_off: bool
    """`Retry-After` is the pause between attempts to connect; otherwise always 0."""
    sends_vary: bool

    # The API's description
    describes_get: DescribesGet
    """For which functions there is a GET: none, all, or those that are not volatile."""
    titled_by_comment: bool
    """The first line of the schema's comment is the title; otherwise all of it describes."""
    formats: Mapping[str, str]
    """Formats of types that are not PostgreSQL's names for them."""

    # The cache
    checks_schemas: bool
    """A load fails if a schema of `db-schemas` is not there."""
    has_timezones: bool
    """Timezone names are part of the cache and counted in the log."""
    sorts_keys: bool
    """`/schema_cache` has primary keys by name; otherwise in the order of the columns."""
    has_isolation_level: bool
    """Routines in `/schema_cache` bear `pdIsoLvl`."""
    serves_cache: bool
    """The admin server has `/schema_cache` and `/metrics`."""
    measures_milliseconds: bool
    """The duration of a load in `/metrics`; otherwise seconds."""

    # Loading
    opens_api_after_first_load: bool
    """The API port is closed until there is a cache; otherwise it answers 503 PGRST002."""
    keeps_cache_after_failed_load: bool
    """A failed load leaves the old cache in service; otherwise every answer is 503 PGRST002."""
    connects_before_load: bool
    """A load waits for a connection, with the old cache in service, and so does the listener."""
    names_connections: bool
    """Connections bear `application_name`."""
    seeks_primary: bool
    """The listener wants a server that takes writes, of those in the connection string."""
    pauses_after_failed_load: bool
    """Failed catalog queries are tried again after 1, 2, 4 ... 32 seconds, otherwise at once."""
    flushes_before_load: bool
    """Pooled connections are given up before each attempt to load; otherwise after success."""
    loses_triggers_while_loading: bool
    """Who asks for a load while one runs gets none; otherwise one more."""
    loads_when_unavailable: bool
    """Every 503 asks for a load; otherwise only where there is a cache."""
    drains_on_stop: bool
    """SIGTERM closes the ports and lets running requests finish; otherwise they are cut off."""


_V10: Final = Dialect(
    version="10.2",
    wording=WORDINGS[10,],
    checks_columns=False,
    missing_column="Column '{column}' of relation '{relation}' does not exist",
    checks_relations=False,
    negotiates_before_plan=True,
    not_acceptable=415,
    options_are_csv=True,
    plans_are_for=False,
    knows_strict=False,
    argument_methods=frozenset({"GET", "HEAD", "OPTIONS"}),
    any_name_for_json=True,
    name_similarity=0.33,
    passes_nulls_for_no_rows=True,
    limits_writes=True,
    counts_rows_of_void=True,
    statuses={"42P17": 400, "54": 413, "57P01": 500},
    no_connection="Database connection error. Retrying the connection.",
    names_errors_in_header=False,
    names_wrong_paths=False,
    names_wrong_schema=False,
    diagnoses_tokens=False,
    applied_preferences=frozenset(),
    unauthorized_without_role=False,
    retry_after_back_off=True,
    sends_vary=False,
    describes_get="none",
    titled_by_comment=False,
    formats={},
    checks_schemas=False,
    has_timezones=True,
    sorts_keys=False,
    has_isolation_level=False,
    serves_cache=False,
    measures_milliseconds=False,
    opens_api_after_first_load=False,
    keeps_cache_after_failed_load=False,
    connects_before_load=True,
    names_connections=False,
    seeks_primary=False,
    pauses_after_failed_load=False,
    flushes_before_load=True,
    loses_triggers_while_loading=True,
    loads_when_unavailable=True,
    drains_on_stop=False,
)
_V11: Final = replace(
    _V10,
    checks_columns=True,
    plans_are_for=True,
    argument_methods=frozenset({"GET", "HEAD"}),
    passes_nulls_for_no_rows=False,
    describes_get="all",
    titled_by_comment=True,
)
_V11_1: Final = replace(_V11, loses_triggers_while_loading=False)
_V11_2: Final = replace(
    _V11_1,
    options_are_csv=False,
    applied_preferences=frozenset({"return", "count"}),
    names_connections=True,
)
_V12: Final = replace(
    _V11_2,
    negotiates_before_plan=False,
    knows_strict=True,
    applied_preferences=frozenset({"return", "count", "handling"}),
    counts_rows_of_void=False,
)
_V12_0_3: Final = replace(
    _V12,
    not_acceptable=406,
    missing_column="Could not find the '{column}' column of '{relation}' in the schema cache",
    statuses={"54": 413, "57P01": 500},
)
_V12_2: Final = replace(
    _V12_0_3,
    statuses={},
    retry_after_back_off=False,
    serves_cache=True,
    connects_before_load=False,
    seeks_primary=True,
)
_V12_2_2: Final = replace(_V12_2, pauses_after_failed_load=True)
_V13: Final = replace(
    _V12_2_2,
    checks_relations=True,
    checks_schemas=True,
    limits_writes=False,
    names_errors_in_header=True,
    names_wrong_paths=True,
    diagnoses_tokens=True,
)
_V13_0_1: Final = replace(_V13, unauthorized_without_role=True)
_V13_0_5: Final = replace(_V13_0_1, describes_get="readable")
_V13_0_7: Final = replace(_V13_0_5, names_wrong_schema=True)
_V14: Final = replace(_V13_0_7, sorts_keys=True, loads_when_unavailable=False)
_V14_2: Final = replace(_V14, any_name_for_json=False, measures_milliseconds=True)
_V14_6: Final = replace(_V14_2, name_similarity=0.75)
_V14_8: Final = replace(
    _V14_6, formats={"smallint": "int32", "integer": "int32", "bigint": "int64"}
)
_V14_10: Final = replace(_V14_8, flushes_before_load=False)
_V14_13: Final = replace(_V14_10, no_connection="Database connection error.")
_V16: Final = replace(
    _V14_13,
    opens_api_after_first_load=True,
    keeps_cache_after_failed_load=True,
    drains_on_stop=True,
    sends_vary=True,
    has_timezones=False,
    has_isolation_level=True,
)

_SINCE: Final = {
    (10,): _V10,
    (11,): _V11,
    (11, 1): _V11_1,
    (11, 2): _V11_2,
    (12,): _V12,
    (12, 0, 3): _V12_0_3,
    (12, 2): _V12_2,
    (12, 2, 2): _V12_2_2,
    (13,): _V13,
    (13, 0, 1): _V13_0_1,
    (13, 0, 5): _V13_0_5,
    (13, 0, 7): _V13_0_7,
    (14,): _V14,
    (14, 2): _V14_2,
    (14, 6): _V14_6,
    (14, 8): _V14_8,
    (14, 10): _V14_10,
    (14, 13): _V14_13,
    (16,): _V16,
}
_LINES: Final = re.compile(r"(10\.2|11\.[0-2]|12\.[02]|13\.0|14|16)(\.\d+)*")


def dialect(version: str) -> Dialect:
    """The record of a version, recorded or not: "12.0" for instance, or "14.14".

    Raises ValueError for one that is unknown.
    """
    if not _LINES.fullmatch(version):
        raise ValueError(
            f"no PostgREST {version!r} is known: use {', '.join(RECORDED)},"
            " or another version of these lines"
        )
    number = tuple(map(int, version.split(".")))
    features = _SINCE[max(since for since in _SINCE if since <= number)]
    wording = WORDINGS[max(since for since in WORDINGS if since <= number)]
    return replace(features, version=version, wording=wording)
