"""What PostgREST writes to its log about itself, by version: templates for `str.format`.

An empty template is a line that the version does not have. A line break makes two events.
"""

from dataclasses import dataclass, replace
from typing import Final


@dataclass(frozen=True, slots=True)
class Wording:
    """The lines of one version. What may stand in braces is named with each."""

    starting: str
    """The process starts: version."""
    listening: str
    """The API port opens: host, port."""
    admin_listening: str
    """The admin port opens: host, port."""
    begun: str
    """A load begins: version."""
    connected: str
    """There is a connection: postgres (its version), pool (connections at most)."""
    not_connected: str
    """There is none, or it broke: error (as JSON)."""
    no_settings: str
    """The settings in the database could not be read: error."""
    no_role_settings: str
    """Those of the roles could not be read: error."""
    queried: str
    """The catalog was read: milliseconds."""
    counted: str
    """The cache is built: relations, relationships, functions, handlers, timezones (counts)."""
    loaded: str
    """The cache is in service: milliseconds."""
    not_loaded: str
    """The load failed: schemas, error."""
    listens: str
    """The listener is connected: postgres, address, channel."""
    listens_no_more: str
    """The listener lost its connection, or got none: channel, error (libpq's), shown (quoted)."""
    listens_again: str
    """And when it tries again: milliseconds."""
    told_to_reload: str
    """NOTIFY asks for the cache to be loaded: channel."""
    told_to_reread: str
    """NOTIFY asks for the configuration to be read: channel."""
    stopping: str
    """A signal ends the process: signal."""
    logs_errors: bool
    """Errors of the server's own come as JSON before the line that tells of them."""
    logs_no_cache: bool
    """So does PGRST002, for every request that is refused."""
    logs_size: bool
    """The access log tells the length of an answer; otherwise a dash."""


_V10: Final = Wording(
    starting="",
    listening="Listening on port {port}",
    admin_listening="Admin server listening on port {port}",
    begun="Attempting to connect to the database...",
    connected="Connection successful",
    not_connected="{error}",
    no_settings="An error ocurred when trying to query database settings for the config parameters"
    "\n{error}",
    no_role_settings="",
    queried="",
    counted="",
    loaded="Schema cache loaded",
    not_loaded="An error ocurred when loading the schema cache\n{error}",
    listens="Listening for notifications on the {channel} channel",
    listens_no_more="Retrying listening for notifications on the {channel} channel..",
    listens_again="",
    told_to_reload="",
    told_to_reread="",
    stopping="",
    logs_errors=False,
    logs_no_cache=False,
    logs_size=False,
)
_V11: Final = replace(
    _V10,
    begun=f"Starting PostgREST {{version}}...\n{_V10.begun}",
    no_role_settings="An error ocurred when trying to query the role settings\n{error}",
)
_V12_0_3: Final = replace(_V11, starting="Starting PostgREST {version}...", begun=_V10.begun)
_V12_2: Final = replace(
    _V12_0_3,
    begun="",
    connected="Successfully connected to {postgres}",
    not_connected="Failed to query the PostgreSQL version. {error}",
    no_settings="Failed to query database settings for the config parameters.{error}",
    no_role_settings="Failed to query the role settings. {error}",
    queried="Schema cache queried in {milliseconds:.1f} milliseconds",
    counted="Schema cache loaded {relations} Relations, {relationships} Relationships,"
    " {functions} Functions, 0 Domain Representations, {handlers} Media Type Handlers,"
    " {timezones} Timezones",
    loaded="Schema cache loaded in {milliseconds:.1f} milliseconds",
    not_loaded="Failed to load the schema cache. {error}",
    listens='Listening for notifications on the "{channel}" channel',
    listens_no_more='Failed listening for notifications on the "{channel}" channel. Just {shown}\n'
    'Failed listening for notifications on the "{channel}" channel. ExitFailure 1',
    listens_again="Retrying listening for notifications in {milliseconds} milliseconds...",
    told_to_reload='Received a schema cache reload message on the "{channel}" channel',
    told_to_reread='Received a config reload message on the "{channel}" channel',
    logs_errors=True,
)
_V13: Final = replace(
    _V12_2,
    listening="API server listening on {host}:{port}",
    admin_listening="Admin server listening on {host}:{port}",
    connected="Successfully connected to {postgres}\n"
    "Connection Pool initialized with a maximum size of {pool} connections",
    listens=_V12_2.listens.replace("notifications", "database notifications"),
    listens_no_more=_V12_2.listens_no_more.replace("notifications", "database notifications"),
    listens_again=_V12_2.listens_again.replace("notifications", "database notifications"),
    logs_size=True,
)
_V13_0_1: Final = replace(
    _V13,
    not_loaded="Failed to load the schema cache using db-schemas={schemas}"
    " and db-extra-search-path=public. {error}",
)
_V13_0_6: Final = replace(
    _V13_0_1, listens_no_more=_V13_0_1.listens_no_more.replace("Just {shown}", "{error}")
)
_V14: Final = replace(_V13_0_6, logs_no_cache=True)
_V14_7: Final = replace(_V14, stopping="Received termination unix signal {signal}")
_V14_9: Final = replace(
    _V14_7,
    listens='Listener connected to {postgres} on "{address}" and listening for database'
    ' notifications on the "{channel}" channel',
)
_V14_11: Final = replace(_V14_9, counted=_V14_9.counted.replace("Functions", "RPCs"))
_V16: Final = replace(
    _V14_11,
    queried=f"{_V14_11.queried} ",
    counted=_V14_11.counted.removesuffix(", {timezones} Timezones"),
)

WORDINGS: Final = {
    (10,): _V10,
    (11,): _V11,
    (12, 0, 3): _V12_0_3,
    (12, 2): _V12_2,
    (13,): _V13,
    (13, 0, 1): _V13_0_1,
    (13, 0, 6): _V13_0_6,
    (14,): _V14,
    (14, 7): _V14_7,
    (14, 9): _V14_9,
    (14, 11): _V14_11,
    (16,): _V16,
}
"""By the version since which they are used."""
