"""Make sure that a staff member can log in."""

import sys
from argparse import ArgumentParser
from typing import Any

from django.contrib.auth.models import Group
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError
from django.core.validators import validate_email

from accounts.groups import ADMINISTRATOR, GROUPS
from accounts.services import ensure_staff


class Command(BaseCommand):
    help = "Makes the staff member EMAIL with the password read from standard input; safe to repeat."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--email", required=True)
        parser.add_argument(
            "--group",
            default=ADMINISTRATOR,
            help="the group that says what they may do (%(default)s)",
        )

    def handle(self, *args: Any, email: str, group: str, **options: Any) -> None:
        # From standard input: arguments can be read by every user of the machine.
        password = sys.stdin.readline().rstrip("\n")
        try:
            validate_email(email)
            validate_password(password)
        except ValidationError as error:
            raise CommandError(" ".join(error.messages)) from error
        try:
            ensure_staff(email=email, password=password, group=group)
        except Group.DoesNotExist as error:
            there = {*GROUPS, *Group.objects.values_list("name", flat=True)}  # the former are made on demand
            known = ", ".join(sorted(there))
            raise CommandError(f"There is no group '{group}'; there are: {known}.") from error
        self.stdout.write(f"{email} is staff, in the group {group}.")
