"""A real primary, two real replicas, a real service."""

import itertools
import os
import subprocess
import sys
import uuid
from collections.abc import Callable, Iterator

import pytest

from tests.replication.checker import Crowd
from tests.replication.cluster import ROOT, Client, Cluster, Service
from tests.replication.group import Group
from tests.replication.roles import Roles, migrate


@pytest.fixture(scope="session")
def cluster() -> Cluster:
    """`scripts/test.sh` has brought it up; here its database gets the tables."""
    environment = {
        **os.environ,
        "DATABASE_URL": os.environ["MIGRATION_DATABASE_URL"],
        "DJANGO_SETTINGS_MODULE": "drf_oms.settings",
    }
    command = [sys.executable, "manage.py", "migrate", "--verbosity", "0"]
    subprocess.run(command, cwd=ROOT, env=environment, check=True)
    cluster = Cluster()
    cluster.wait_for_replicas()
    return cluster


@pytest.fixture(scope="package")
def group() -> Iterator[Group]:
    """Three nodes of Group Replication, with the service's tables."""
    with Group(ROOT / "var" / "test-group") as group:
        migrate(**group.settings())
        yield group


@pytest.fixture(scope="package")
def roles() -> Iterator[Roles]:
    """A primary and two replicas that may change their roles, with the service's tables."""
    with Roles(ROOT / "var" / "test-roles") as roles:
        yield roles


@pytest.fixture(scope="session")
def staff(cluster) -> tuple[str, str]:
    """Email and password of somebody of the staff."""
    email, password = "staff@example.com", "Correct-horse-7"
    environment = {**os.environ, "DJANGO_SETTINGS_MODULE": "drf_oms.settings"}
    command = [sys.executable, "manage.py", "ensure_staff", "--email", email]
    subprocess.run(command, cwd=ROOT, env=environment, input=password, text=True, check=True)
    return email, password


@pytest.fixture(scope="session")
def service(cluster, tmp_path_factory):
    with Service(tmp_path_factory.mktemp("service")) as service:
        yield service


@pytest.fixture(scope="session")
def crowd(service, staff) -> Crowd:
    """Made once, for each of its passwords costs the service a second; `crowd.part` takes some of them."""
    return Crowd(service.url, staff=staff)


@pytest.fixture(scope="session")
def new_email() -> Callable[[], str]:
    """Emails that no earlier run has registered: the cluster keeps its data."""
    run, numbers = uuid.uuid4().hex[:8], itertools.count()
    return lambda: f"m{next(numbers)}.{run}@example.com"


@pytest.fixture
def registered(service, new_email) -> Client:
    client = Client(service)
    assert client.register(new_email()).status_code == 201
    return client
