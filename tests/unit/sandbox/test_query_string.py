"""The stand-in reads query strings as PostgREST does."""

import json

import pytest

from pgrst_sandbox.errors import ApiError
from pgrst_sandbox.query_string import Embed, Field, Filter, Order, parse


def test_a_select_nests() -> None:
    """Aliases, casts, hints and embeds within embeds are told apart."""
    query = parse("select=id,label:name::text,boss:people!inner!fk(id,tags(*))", call=False)

    assert query.select == (
        Field("id"),
        Field("name", alias="label", cast="text"),
        Embed(
            "people",
            alias="boss",
            hint="fk",
            inner=True,
            select=(Field("id"), Embed("tags", None, None, inner=False, select=(Field("*"),))),
        ),
    )


def test_columns_take_quoted_and_plain_names() -> None:
    """A percent-encoded name means the same with and without quotes."""
    assert parse("columns=Odd%20Col,%22Odd%20Col%22", call=False).columns == ("Odd Col", "Odd Col")


def test_filters_and_order_are_read() -> None:
    """A filter may be negated and may belong to an embed."""
    query = parse("id=gt.1&tags.name=not.in.(a,b)&order=id.desc.nullslast,n&limit=3", call=False)

    assert query.filters == (
        Filter((), "id", "gt", "1", negated=False),
        Filter(("tags",), "name", "in", "(a,b)", negated=True),
    )
    assert query.order == (Order("id", " DESC NULLS LAST"), Order("n", ""))
    assert query.limit == 3


def test_what_is_no_filter_is_an_argument_of_a_call() -> None:
    """Only for a call; a filter on its result stays a filter."""
    query = parse("a=1&b=eq.2", call=True)

    assert query.arguments == (("a", "1"),)
    assert [condition.column for condition in query.filters] == ["b"]


@pytest.mark.parametrize("text", ["columns=", "select=id(", "select=a)b", "id=1", "id=is.maybe"])
def test_what_does_not_parse_is_pgrst100(text: str) -> None:
    """A fault of the request is told as such, before any plan."""
    with pytest.raises(ApiError) as refused:
        parse(text, call=False)

    assert refused.value.status == 400
    assert json.loads(refused.value.body)["code"] == "PGRST100"
