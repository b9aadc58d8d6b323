"""Reads the server's own schema cache, as its admin server shows it from 12.2 on."""

from collections.abc import Iterator, Mapping
from typing import Any

import httpx

from campaign.surface import Embed, Name, Overload, Parameter, Surface


def read(client: httpx.Client, admin_url: str) -> Surface | None:
    """What the server has cached; None while it has no cache.

    Raises `httpx.TransportError` when nobody answers, `KeyError` and the like for another shape.
    """
    answer = client.get(f"{admin_url}/schema_cache")
    if answer.status_code != httpx.codes.OK or not answer.content:
        return None
    document = answer.json()
    return Surface(
        {_name(key): _columns(table) for key, table in document["dbTables"]},
        {_name(key): tuple(map(_overload, group)) for key, group in document["dbRoutines"]},
        tuple(sorted(_embeds(document["dbRelationships"]))),
    )


def _name(key: Mapping[str, str]) -> Name:
    return Name(key["qiSchema"], key["qiName"])


def _columns(table: Mapping[str, Any]) -> Mapping[str, frozenset[str]]:
    return {
        name: frozenset({column["colType"], column["colNominalType"]})
        for name, column in table["tableColumns"].items()
    }


def _overload(routine: Mapping[str, Any]) -> Overload:
    return Overload(
        tuple(
            Parameter(one["ppName"], one["ppType"], one["ppReq"], one["ppVar"])
            for one in routine["pdParams"]
        )
    )


def _embeds(groups: Any) -> Iterator[Embed]:  # noqa: ANN401 - a foreign document
    for (origin, _), group in groups:
        for one in group:
            how = one["relCardinality"]
            if one["relIsSelf"] and how["tag"] == "M2O":
                continue  # by the relation's own name the way to the many is meant
            if how["tag"] == "M2M":
                inner = how["contents"]
                near = tuple(pair[0] for pair in inner["junColsSource"])
                far = tuple(pair[0] for pair in inner["junColsTarget"])
                junction: tuple[str, ...] = _name(inner["junTable"])
            else:
                near = tuple(pair[0] for pair in how["relColumns"])
                far = tuple(pair[1] for pair in how["relColumns"])
                junction = ()
            yield Embed(_name(origin), _name(one["relForeignTable"]), near, far, junction)
