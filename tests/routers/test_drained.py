"""Which replicas are drained, as one process knows it."""

import pytest
from django.core.cache import caches
from django.test import override_settings

from routers import drained
from routers.drained import Drained
from routers.store import StoreLost


@pytest.fixture
def process() -> Drained:
    return Drained()


@pytest.fixture
def broken_cache(settings, tmp_path):
    """A file that cannot be made: its directory is a file."""
    (tmp_path / "file").touch()
    broken = {**settings.CACHES["default"], "LOCATION": str(tmp_path / "file" / "cache.sqlite3")}
    with override_settings(CACHES={**settings.CACHES, "default": broken}):
        yield


def test_a_drained_replica_is_known_after_the_next_look(process):
    drained.drain("replica1")
    assert process.aliases == set()

    process.look()
    assert process.aliases == {"replica1"}
    assert drained.now() == {"replica1"}


def test_an_enabled_one_is_known_too(process):
    drained.drain("replica1")
    drained.drain("replica2")
    process.look()
    drained.enable("replica1")
    process.look()

    assert process.aliases == {"replica2"}


def test_what_the_cache_loses_is_kept_and_written_back(process):
    drained.drain("replica1")
    process.look()
    caches["default"].clear()
    process.look()

    assert process.aliases == drained.now() == {"replica1"}


def test_what_was_enabled_meanwhile_is_not_written_back(process):
    drained.drain("replica1")
    process.look()
    caches["default"].clear()
    drained.enable("replica1")
    process.look()

    assert process.aliases == drained.now() == set()


def test_a_cache_that_fails_changes_nothing(process, broken_cache):
    process.aliases = {"replica1"}
    process.look()

    assert process.aliases == {"replica1"}
    with pytest.raises(StoreLost):
        drained.drain("replica2")
