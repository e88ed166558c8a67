"""The tables of members and of their sessions."""

from datetime import datetime
from typing import TYPE_CHECKING, Any

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.contrib.auth.models import PermissionsMixin
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from knox.models import AuthToken

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

    def get_by_natural_key(self, username: str | None) -> "Member":
        """The member with this email, letter by letter but for case.

        MySQL's collation takes more spellings for the same (full-width letters, invisible ones): each
        would be another key to whoever counts attempts by email.
        """
        member = self.get(email=(username or "").lower())
        if member.email != (username or "").lower():
            raise self.model.DoesNotExist
        return member


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

    email_verified_at = models.DateTimeField(null=True, editable=False)
    erased_at = models.DateTimeField(null=True, editable=False)

    # Set by accounts.selectors on members that are to be shown.
    last_order: "Order | None"
    order_count: int
    order_total: dict[str, str]

    USERNAME_FIELD = "email"
    REQUIRED_FIELDS = ["name", "nickname", "phone"]

    objects = MemberManager()

    class Meta:
        verbose_name, verbose_name_plural = _("member"), _("members")
        ordering = ("id",)
        indexes = [  # for those who look for somebody
            models.Index(fields=["name"], name="member_by_name"),
            models.Index(fields=["phone"], name="member_by_phone"),
        ]
        permissions = [("erase_member", "Can erase members")]

    def __str__(self) -> str:
        return f"member {self.pk}"  # not the email: this ends up in logs

    @property
    def email_verified(self) -> bool:
        return self.email_verified_at is not None


class Session(models.Model):
    """What a member may know of one of their tokens. It goes when the token does."""

    auth_token = models.OneToOneField(AuthToken, on_delete=models.CASCADE, related_name="session")
    user_agent = models.CharField(max_length=200, blank=True)

    last_used: datetime  # set by accounts.selectors on sessions that are to be shown

    def __str__(self) -> str:
        return f"session {self.pk}"
