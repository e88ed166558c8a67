"""The members table."""

from typing import TYPE_CHECKING, Any

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.contrib.auth.models import PermissionsMixin
from django.db import models
from django.utils import timezone

from accounts.validators import validate_name, validate_nickname, validate_phone

if TYPE_CHECKING:
    from orders.models import Order


class MemberManager(BaseUserManager["Member"]):
    """Creates members with a hashed password."""

    def create_user(self, email: str, password: str | None = None, **fields: Any) -> "Member":
        member = self.model(email=email.lower(), **fields)
        member.set_password(password)
        member.save(using=self._db)
        return member

    def create_superuser(self, email: str, password: str | None = None, **fields: Any) -> "Member":
        return self.create_user(email, password, is_staff=True, is_superuser=True, **fields)


class Member(AbstractBaseUser, PermissionsMixin):
    """Somebody who may log in. Emails are stored in lower case and compared without case."""

    # as_ci: no case, but an accent makes another address (the default collation would merge them).
    email = models.EmailField(unique=True, db_collation="utf8mb4_0900_as_ci")
    name = models.CharField(max_length=20, validators=[validate_name])
    nickname = models.CharField(max_length=30, validators=[validate_nickname])
    phone = models.CharField(max_length=20, validators=[validate_phone])
    gender = models.CharField(max_length=20, null=True, blank=True, default=None)  # noqa: DJ001 - null: not said
    is_staff = models.BooleanField(default=False)
    is_active = models.BooleanField(default=True)
    date_joined = models.DateTimeField(default=timezone.now, editable=False)

    last_order: "Order | None"  # set by accounts.selectors on members that are to be shown

    USERNAME_FIELD = "email"
    REQUIRED_FIELDS = ["name", "nickname", "phone"]

    objects = MemberManager()

    class Meta:
        ordering = ("id",)

    def __str__(self) -> str:
        return f"member {self.pk}"  # not the email: this ends up in logs
