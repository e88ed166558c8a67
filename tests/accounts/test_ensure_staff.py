"""manage.py ensure_staff"""

import io

import pytest
from django.contrib.auth.models import Group
from django.core.management import CommandError, call_command

from accounts.models import Member

pytestmark = pytest.mark.django_db


@pytest.fixture
def run(monkeypatch, capsys):
    def run(email: str, password: str, **options: str) -> None:
        monkeypatch.setattr("sys.stdin", io.StringIO(password + "\n"))
        call_command("ensure_staff", email=email, **options)

    return run


def test_makes_a_staff_member_once(run):
    run("Boss@example.com", "Correct-horse-7")
    run("boss@example.com", "Correct-horse-8")

    boss = Member.objects.get()
    assert boss.is_staff
    assert boss.check_password("Correct-horse-8")


def test_a_weak_password_is_refused(run):
    with pytest.raises(CommandError, match="too short"):
        run("boss@example.com", "weak")
    assert not Member.objects.exists()


def test_staff_are_administrators_unless_another_group_is_named(run):
    run("boss@example.com", "Correct-horse-7")
    run("desk@example.com", "Correct-horse-7", group="order desk")

    groups = {member.email: member.groups.get().name for member in Member.objects.all()}
    assert groups == {"boss@example.com": "administrator", "desk@example.com": "order desk"}


def test_another_group_is_added(run):
    run("desk@example.com", "Correct-horse-7", group="order desk")
    run("desk@example.com", "Correct-horse-7", group="refunds")

    assert Member.objects.get().has_perms(["orders.change_order", "orders.refund_order"])


def test_groups_that_are_gone_are_made_again(run):
    Group.objects.all().delete()

    run("boss@example.com", "Correct-horse-7")

    assert Member.objects.get().has_perm("accounts.erase_member")


@pytest.mark.django_db(transaction=True)  # what fails is rolled back
def test_an_unknown_group_is_refused_with_those_that_there_are(run):
    with pytest.raises(
        CommandError, match="no group 'boss'; there are: administrator, operations, order desk, refunds"
    ):
        run("boss@example.com", "Correct-horse-7", group="boss")
    assert not Member.objects.exists()
