"""What staff fill in to log in to the back office, and to change their password there."""

from typing import Any

from django.apps import apps
from django.contrib.admin import forms as plain
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from accounts.backoff import login_backoff
from accounts.errors import LoginRefused, TooManyFailures, WrongPassword
from accounts.passwords import reset_password
from accounts.throttles import client_address
from routers import consistency

if apps.is_installed("unfold"):
    from unfold import forms as styled
else:
    styled = plain

LoginForm: Any = getattr(styled, "AuthenticationForm", plain.AdminAuthenticationForm)
PasswordForm: Any = getattr(styled, "AdminOwnPasswordChangeForm", plain.AdminPasswordChangeForm)

TOO_MANY = _("Too many wrong passwords; try again in %(seconds)d s.")


class StaffLoginForm(LoginForm):
    """An email and a password; wrong ones cost the same time as over the API, and are counted with those."""

    def clean(self) -> Any:
        email = self.cleaned_data.get("username")
        if not email or not self.cleaned_data.get("password"):
            return self.cleaned_data
        try:
            with login_backoff.attempt(email=email, address=client_address(self.request)):
                return self._checked()
        except TooManyFailures as error:
            raise ValidationError(TOO_MANY, params={"seconds": int(error.wait) + 1}) from error
        except LoginRefused as error:
            raise self.get_invalid_login_error() from error

    def _checked(self) -> Any:
        """Also who is no staff is refused, and counted: a page tells nobody that a password was right."""
        try:
            return super().clean()
        except ValidationError as error:
            raise LoginRefused from error

    def confirm_login_allowed(self, user: Any) -> None:
        super().confirm_login_allowed(user)
        consistency.touches(user.pk)  # before the session is written: the next page must see it


class StaffPasswordForm(PasswordForm):
    """One's own password. A new one ends all other sessions and tokens."""

    def __init__(self, *args: Any, request: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.request = request

    def clean_old_password(self) -> Any:
        address = client_address(self.request)
        try:
            with login_backoff.attempt(email=self.user.email, address=address):
                if not self.user.check_password(self.cleaned_data["old_password"]):
                    raise WrongPassword
        except TooManyFailures as error:
            raise ValidationError(TOO_MANY, params={"seconds": int(error.wait) + 1}) from error
        except WrongPassword as error:
            raise self.wrong_password() from error
        return self.cleaned_data["old_password"]

    def wrong_password(self) -> ValidationError:
        return ValidationError(self.error_messages["password_incorrect"])

    def save(self, commit: bool = True) -> Any:
        """Raises `ResetLinkDead` when another request has changed it meanwhile."""
        reset_password(member=self.user, password=self.cleaned_data["new_password1"])
        self.user.refresh_from_db()
        return self.user
