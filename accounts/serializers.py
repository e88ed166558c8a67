"""The shapes of members."""

from typing import Any

from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError as DjangoValidationError
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


class PasswordField(serializers.CharField):
    """A password is taken as it is, and shown to nobody."""

    def __init__(self) -> None:
        super().__init__(max_length=128, trim_whitespace=False, write_only=True)


def check_new_password(password: str, member: Member) -> None:
    """Raises the `password` errors of a password that is too weak for this member."""
    try:
        validate_password(password, user=member)
    except DjangoValidationError as error:
        raise serializers.ValidationError({"password": error.messages}) from error


class MemberSerializer(ImmutableFieldsMixin, serializers.ModelSerializer[Member]):
    """A member as every answer shows them; a PATCH may change what is not about logging in."""

    name = NormalizedField(normalize_name, validators=[validate_name])
    phone = NormalizedField(normalize_phone, validators=[validate_phone])
    email_verified = serializers.BooleanField(read_only=True)
    last_order = OrderSerializer(read_only=True, allow_null=True)
    order_count = serializers.IntegerField(read_only=True)
    order_total = serializers.DictField(
        child=serializers.CharField(),
        read_only=True,
        help_text='What was paid and not given back, by currency: `{"KRW": "12000"}`.',
    )

    class Meta:
        model = Member
        fields = (
            "id",
            "email",
            "email_verified",
            "name",
            "nickname",
            "phone",
            "gender",
            "last_order",
            "erased_at",
            "order_count",
            "order_total",
        )
        read_only_fields = ("email", "erased_at")
        immutable_fields = (
            "id",
            "email",
            "email_verified",
            "password",
            "is_staff",
            "is_superuser",
            "is_active",
            "last_order",
            "erased_at",
            "order_count",
            "order_total",
        )


class RegisterSerializer(serializers.ModelSerializer[Member]):
    """What a client sends to register."""

    name = NormalizedField(normalize_name, validators=[validate_name])
    phone = NormalizedField(normalize_phone, validators=[validate_phone])
    email = serializers.EmailField(max_length=254)
    password = PasswordField()

    class Meta:
        model = Member
        fields = ("email", "password", "name", "nickname", "phone", "gender")

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        details = {name: value for name, value in attrs.items() if name != "password"}
        check_new_password(attrs["password"], Member(**details))
        return attrs
