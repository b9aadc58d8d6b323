"""The stand-in knows the versions of six lines, and no others."""

import pytest

from pgrst_sandbox.dialect import RECORDED, dialect


@pytest.mark.parametrize("version", [*RECORDED, "12.0", "12.0.3", "13.0.1", "14.1", "16.4"])
def test_a_version_of_a_known_line_names_itself(version: str) -> None:
    """Whether it was recorded or not."""
    assert dialect(version).version == version


@pytest.mark.parametrize("version", ["9.0.1", "10.1.2", "12.1", "15.0", "17.0", "14.x", ""])
def test_other_versions_are_refused_with_those_there_are(version: str) -> None:
    """Lines that are older or newer, that do not exist, and what is no version."""
    with pytest.raises(ValueError, match=r"10\.2\.0, 11\.2\.2, 12\.2\.12, 13\.0\.8, 14\.14, 16\.2"):
        dialect(version)


@pytest.mark.parametrize(
    ("feature", "before", "since"),
    [
        ("loses_triggers_while_loading", "11.0.1", "11.1.0"),
        ("options_are_csv", "11.1.0", "11.2.0"),
        ("not_acceptable", "12.0.2", "12.0.3"),
        ("pauses_after_failed_load", "12.2.1", "12.2.2"),
        ("describes_get", "13.0.4", "13.0.5"),
        ("names_wrong_schema", "13.0.6", "13.0.7"),
        ("any_name_for_json", "14.1", "14.2"),
        ("name_similarity", "14.5", "14.6"),
        ("formats", "14.7", "14.8"),
        ("flushes_before_load", "14.9", "14.10"),
    ],
)
def test_within_a_line_a_feature_changes_with_its_release(
    feature: str, before: str, since: str
) -> None:
    """As PostgREST's changelog dates it: 14.10 is later than 14.9."""
    assert getattr(dialect(before), feature) != getattr(dialect(since), feature)
