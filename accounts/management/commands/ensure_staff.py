"""Make sure that a staff member can log in."""

import sys
from argparse import ArgumentParser
from typing import Any

from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError
from django.core.validators import validate_email

from accounts.services import ensure_staff


class Command(BaseCommand):
    help = "Makes the staff member EMAIL with the password read from standard input; safe to repeat."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--email", required=True)

    def handle(self, *args: Any, email: str, **options: Any) -> None:
        # From standard input: arguments can be read by every user of the machine.
        password = sys.stdin.readline().rstrip("\n")
        try:
            validate_email(email)
            validate_password(password)
        except ValidationError as error:
            raise CommandError(" ".join(error.messages)) from error
        ensure_staff(email=email, password=password)
        self.stdout.write(f"{email} is staff.")
