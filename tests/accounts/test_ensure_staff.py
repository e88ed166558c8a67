"""manage.py ensure_staff"""

import io

import pytest
from django.core.management import CommandError, call_command

from accounts.models import Member

pytestmark = pytest.mark.django_db


@pytest.fixture
def run(monkeypatch, capsys):
    def run(email: str, password: str) -> None:
        monkeypatch.setattr("sys.stdin", io.StringIO(password + "\n"))
        call_command("ensure_staff", email=email)

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
