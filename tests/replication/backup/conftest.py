"""A source under load with a backup of it, and empty servers elsewhere."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.replication.backup.servers import Backup, EmptyServers, Servers, replica_at, values_in


@pytest.fixture(scope="package")
def source(cluster) -> Servers:
    """Where the service works."""
    source = Servers(cluster, Path(os.environ["CLUSTER_DIR"]))
    source.done("backup.sh", "--make-account", source["primary"])
    cluster.wait_for_replicas()
    return source


@pytest.fixture(scope="package")
def elsewhere(tmp_path_factory) -> Iterator[EmptyServers]:
    with EmptyServers(tmp_path_factory.mktemp("elsewhere") / "cluster") as servers:
        yield servers


@pytest.fixture
def target(elsewhere) -> EmptyServers:
    elsewhere.empty()
    return elsewhere


@pytest.fixture(scope="package")
def backup(source, crowd, tmp_path_factory) -> Backup:
    """Taken of one replica under load, while the other one waits to be brought to where it was taken."""
    with source.cluster.paused("replica2"):
        with crowd.part(4, sessions=False).at_work() as load:
            load.wait_for(operations=30)
            path = Path(source.done("backup.sh", source["replica1"], str(tmp_path_factory.mktemp("backups"))))
            load.wait_for(operations=30)
        assert not any(load.violations.values()), load.violations
        gtids = values_in(path / "manifest")["gtid_executed"]
        replica_at(source, "replica2", gtids)
        rows = source.rows("replica2")
    source.cluster.wait_for_replicas()
    return Backup(path, gtids, rows)
