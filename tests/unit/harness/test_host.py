"""Of this machine's pip settings an image gets those that mean the same there."""

from __future__ import annotations

import pytest
from tests.harness.host import pip_options


@pytest.mark.parametrize(
    ("listed", "options"),
    [
        ("", {}),
        (
            "global.index-url='https://index.invalid/packages'",
            {"index-url": "https://index.invalid/packages"},
        ),
        (
            "global.extra-index-url='file:///packages https://a.invalid'",
            {"extra-index-url": "https://a.invalid"},
        ),
        (
            "global.extra-index-url='\\nhttps://a.invalid\\nhttps://b.invalid'",
            {"extra-index-url": "https://a.invalid\n    https://b.invalid"},
        ),
        ("global.cert='/etc/ssl/certs/company.pem'\nglobal.find-links='/wheels'", {}),
        (":env:.default-timeout='180'\nglobal.default-timeout='15'", {"default-timeout": "180"}),
        ("install.proxy='http://proxy.invalid'", {}),
    ],
    ids=["none", "index", "local index", "several", "paths", "environment wins", "one command's"],
)
def test_settings_that_travel(listed: str, options: dict[str, str]) -> None:
    """Addresses and times are taken over; paths and settings of single commands are not."""
    assert pip_options(listed) == options
