"""Database URLs that name several hosts."""

import pytest

from drf_oms.database_urls import database


def test_one_host_is_as_ever():
    found = database("mysql://oms:se%2Ccret@one:3307/oms?ssl_mode=REQUIRED")

    assert (found["HOST"], found["PORT"], found["NAME"]) == ("one", 3307, "oms")
    assert (found["USER"], found["PASSWORD"]) == ("oms", "se,cret")
    assert found["OPTIONS"] == {"ssl_mode": "REQUIRED"}


@pytest.mark.parametrize("query", ["", "?ssl_mode=REQUIRED"])
def test_several_hosts_are_an_option(query):
    found = database(f"mysql://oms:secret@one:3306,two:3307,three/oms{query}")

    assert (found["HOST"], found["NAME"]) == ("one", "oms")
    assert found["OPTIONS"]["hosts"] == ["one:3306", "two:3307", "three"]
    assert ("ssl_mode" in found["OPTIONS"]) == bool(query)
