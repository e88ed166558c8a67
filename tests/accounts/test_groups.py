"""The groups of staff, and the migration that makes them."""

import importlib
from types import SimpleNamespace

import pytest
from django.apps import apps
from django.contrib.auth.models import Group, Permission
from django.core.management import call_command
from django.db import connection

from accounts.groups import GROUPS, make_missing_groups
from tests.factories import MemberFactory

pytestmark = pytest.mark.django_db

MEANT = {
    "viewer": {"orders.view_order", "accounts.view_member"},
    "order desk": {"orders.view_order", "accounts.view_member", "orders.add_order", "orders.change_order"},
    "refunds": {"orders.view_order", "accounts.view_member", "orders.refund_order"},
    "operations": {"routers.view_replication", "routers.drain_replica"},
    "administrator": {
        "routers.view_replication",
        "routers.drain_replica",
        "orders.view_order",
        "accounts.view_member",
        "orders.add_order",
        "orders.change_order",
        "orders.refund_order",
        "orders.import_order",
        "accounts.change_member",
        "accounts.erase_member",
    },
}


@pytest.fixture
def migrate():
    """The migration's own step, on the tables as they are."""
    migration = importlib.import_module("accounts.migrations.0004_groups")
    return lambda: migration.make_groups(apps, SimpleNamespace(connection=connection))


@pytest.mark.parametrize("group", MEANT)
def test_each_group_may_do_what_it_is_for(group):
    assert MemberFactory(is_staff=True, group=group).get_all_permissions() == MEANT[group]


def test_no_group_is_left_out():
    assert GROUPS.keys() == MEANT.keys()


def test_the_migration_makes_groups_and_permissions_where_there_are_none(migrate):
    Group.objects.all().delete()
    Permission.objects.all().delete()

    migrate()

    assert set(Group.objects.values_list("name", flat=True)) == MEANT.keys()
    assert Permission.objects.get(codename="refund_order").name == "Can refund orders"
    assert Permission.objects.get(codename="import_order").name == "Can import orders"


def test_who_was_staff_becomes_an_administrator_and_nobody_else(migrate, member):
    staff = MemberFactory(is_staff=True, group=None)

    migrate()
    migrate()

    assert staff.groups.get().name == "administrator"
    assert not member.groups.exists()


def test_django_makes_no_permission_a_second_time(migrate):
    migrate()
    before = Permission.objects.count()

    call_command("migrate", verbosity=0)  # which makes the permissions of all models

    assert Permission.objects.count() == before


def test_a_group_that_was_changed_stays_as_it_is():
    make_missing_groups()
    viewer = Group.objects.get(name="viewer")
    viewer.permissions.clear()

    make_missing_groups()

    assert not viewer.permissions.exists()
