"""The stand-in knows which columns of tables a view passes on."""

from pgrst_sandbox.view_columns import origins

TABLE, VIEW, OUTER = 10, 20, 30
COLUMNS = {TABLE: {1: "id", 2: "name"}}


def rule(*entries: tuple[int, int, int]) -> str:
    """A rule whose target list has these (column number, table, column of the table)."""
    targets = " ".join(
        f"{{TARGETENTRY :expr {{VAR :varno 1}} :resno {number} :resname x\\) :ressortgroupref 0"
        f" :resorigtbl {table} :resorigcol {column} :resjunk false}}"
        for number, table, column in entries
    )
    inner = "{QUERY :targetList ({TARGETENTRY :resno 1 :resorigtbl 99 :resorigcol 9})}"
    return f"({{QUERY :rtable ({inner}) :targetList ({targets}) :jointree <>}})"


def test_a_view_exposes_the_columns_it_passes_on() -> None:
    """Renamed or not, but neither expressions nor those of queries within."""
    text = rule((1, TABLE, 2), (2, 0, 0), (3, TABLE, 1))

    view = origins([(VIEW, text, [(1, "title"), (2, "sum"), (3, "key")])], COLUMNS)[VIEW]

    assert view.exposed == {(TABLE, "name"): ("title",), (TABLE, "id"): ("key",)}
    assert view.names_of(TABLE, ["id", "name"]) == ("key", "title")
    assert view.names_of(TABLE, ["id", "gone"]) is None
    assert view.primary_key({TABLE: ["id"]}) == ["key"]


def test_a_view_over_a_view_leads_to_the_table() -> None:
    """The origin is the table's column, under the outer view's name."""
    inner = VIEW, rule((1, TABLE, 1)), [(1, "key")]
    outer = OUTER, rule((1, VIEW, 1)), [(1, "number")]

    assert origins([outer, inner], COLUMNS)[OUTER].exposed == {(TABLE, "id"): ("number",)}
