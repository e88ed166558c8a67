"""The shapes of members and their sessions."""

from typing import Any

from django.contrib.auth import authenticate
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError as DjangoValidationError
from knox.models import AuthToken
from rest_framework import serializers

from accounts.models import Member
from accounts.validators import normalize_name, normalize_phone, validate_name, validate_phone
from orders.immutable import ImmutableFieldsMixin
from orders.serializers import OrderSerializer


class NormalizedField(serializers.CharField):
    """Text that is normalized before it is validated."""

    def __init__(self, normalize: Any, **kwargs: Any) -> None:
        self.normalize = normalize
        super().__init__(**kwargs)

    def to_internal_value(self, data: Any) -> str:
        return self.normalize(super().to_internal_value(data))


class MemberSerializer(ImmutableFieldsMixin, serializers.ModelSerializer[Member]):
    """A member as every answer shows them; a PATCH may change what is not about logging in."""

    name = NormalizedField(normalize_name, validators=[validate_name])
    phone = NormalizedField(normalize_phone, validators=[validate_phone])
    last_order = OrderSerializer(read_only=True, allow_null=True)

    class Meta:
        model = Member
        fields = ("id", "email", "name", "nickname", "phone", "gender", "last_order")
        read_only_fields = ("email",)
        immutable_fields = ("id", "email", "password", "is_staff", "is_superuser", "is_active", "last_order")


class RegisterSerializer(serializers.ModelSerializer[Member]):
    """What a client sends to register."""

    name = NormalizedField(normalize_name, validators=[validate_name])
    phone = NormalizedField(normalize_phone, validators=[validate_phone])
    email = serializers.EmailField(max_length=254)
    password = serializers.CharField(max_length=128, trim_whitespace=False, write_only=True)

    class Meta:
        model = Member
        fields = ("email", "password", "name", "nickname", "phone", "gender")

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        details = {name: value for name, value in attrs.items() if name != "password"}
        try:
            validate_password(attrs["password"], user=Member(**details))
        except DjangoValidationError as error:
            raise serializers.ValidationError({"password": error.messages}) from error
        return attrs


class LoginSerializer(serializers.Serializer[Any]):
    """What a client sends to log in; validates to `{"member": Member}`."""

    email = serializers.CharField(max_length=254)
    password = serializers.CharField(max_length=128, trim_whitespace=False)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        # Django hashes the password for an unknown email too: both answers take the same time.
        member = authenticate(username=attrs["email"].lower(), password=attrs["password"])
        if member is None:
            raise serializers.ValidationError("No active member has this email and password.")
        return {"member": member}


class SessionSerializer(serializers.Serializer[AuthToken]):
    """The answer to registering and logging in; the key is shown this once."""

    user = MemberSerializer()
    token = serializers.CharField()
    expiry = serializers.DateTimeField()
