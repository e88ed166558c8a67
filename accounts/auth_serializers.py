"""The shapes of what proves who somebody is: passwords, sessions, links."""

from typing import Any

from django.contrib.auth import authenticate
from knox.models import AuthToken
from rest_framework import serializers

from accounts.backoff import login_backoff
from accounts.errors import LoginRefused, WrongPassword
from accounts.models import Session
from accounts.passwords import member_for_reset
from accounts.serializers import MemberSerializer, PasswordField, check_new_password
from accounts.throttles import client_address


class LoginSerializer(serializers.Serializer[Any]):
    """What a client sends to log in; validates to `{"member": Member}`."""

    email = serializers.CharField(max_length=254)
    password = PasswordField()

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        address = client_address(self.context["request"])
        with login_backoff.attempt(email=attrs["email"], address=address):
            # Django hashes the password for an unknown email too: both answers take the same time.
            member = authenticate(username=attrs["email"].lower(), password=attrs["password"])
            if member is None:
                raise LoginRefused
        return {"member": member}


class LoggedInSerializer(serializers.Serializer[AuthToken]):
    """The answer to registering and logging in; the key is shown this once."""

    user = MemberSerializer()
    token = serializers.CharField()
    expiry = serializers.DateTimeField()


class SessionSerializer(serializers.ModelSerializer[Session]):
    """One of the caller's logins; `current` is the one of this request."""

    created = serializers.DateTimeField(source="auth_token.created", read_only=True)
    last_used = serializers.DateTimeField(read_only=True, help_text="To the minute.")
    expiry = serializers.DateTimeField(source="auth_token.expiry", read_only=True, allow_null=True)
    current = serializers.SerializerMethodField()

    class Meta:
        model = Session
        fields = ("id", "created", "last_used", "expiry", "user_agent", "current")

    def get_current(self, session: Session) -> bool:
        return session.auth_token_id == self.context["request"].auth.pk


class ChangePasswordSerializer(serializers.Serializer[Any]):
    """What a member sends to change their password: the one they have, and a new one."""

    current_password = PasswordField()
    password = PasswordField()

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        request = self.context["request"]
        with login_backoff.attempt(email=request.user.email, address=client_address(request)):
            if not request.user.check_password(attrs["current_password"]):
                raise WrongPassword
        check_new_password(attrs["password"], request.user)
        return attrs


class EmailSerializer(serializers.Serializer[Any]):
    """Whose password is to be reset."""

    email = serializers.EmailField(max_length=254)


class LinkSerializer(serializers.Serializer[Any]):
    """What stands in the link of a mail."""

    uid = serializers.CharField(max_length=64)
    token = serializers.CharField(max_length=128)


class ResetPasswordSerializer(LinkSerializer):
    """What stands in the link, and the password that is to be; validates to `{"member", "password"}`."""

    password = PasswordField()

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        member = member_for_reset(uid=attrs["uid"], token=attrs["token"])
        check_new_password(attrs["password"], member)
        return {"member": member, "password": attrs["password"]}
