"""Members and their sessions over HTTP."""

from collections.abc import Sequence
from typing import Any, cast

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from knox.models import AuthToken
from rest_framework import mixins, status
from rest_framework.authentication import BaseAuthentication
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView
from rest_framework.viewsets import GenericViewSet

from accounts import selectors, services
from accounts.filters import MemberFilter
from accounts.models import Member
from accounts.serializers import (
    LoginSerializer,
    MemberSerializer,
    RegisterSerializer,
    SessionSerializer,
)
from accounts.throttles import LoginByAddress, LoginByEmail, RegisterByAddress, RegisterByEmail


class MemberViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, GenericViewSet[Member]):
    """Oneself; everybody for staff. Registering needs no token."""

    queryset = Member.objects.none()  # tells the schema the model
    serializer_class = MemberSerializer
    filterset_class = MemberFilter
    search_fields = ("email", "name")
    ordering_fields = ("id", "email", "name", "date_joined")

    def get_queryset(self) -> QuerySet[Member]:
        return selectors.members_visible_to(caller(self.request))

    def paginate_queryset(self, queryset: Any) -> list[Any]:
        return selectors.attach_last_orders(super().paginate_queryset(queryset) or [])

    def get_object(self) -> Member:
        return selectors.attach_last_orders([super().get_object()])[0]

    def get_authenticators(self) -> list[BaseAuthentication]:
        return [] if self._registers() else super().get_authenticators()

    def get_permissions(self) -> Sequence[Any]:
        return [AllowAny()] if self._registers() else super().get_permissions()

    def get_throttles(self) -> list[Any]:
        return [RegisterByAddress(), RegisterByEmail()] if self._registers() else []

    def _registers(self) -> bool:
        return self.request is not None and self.request.method == "POST"

    @extend_schema(request=RegisterSerializer, responses={201: SessionSerializer})
    def create(self, request: Request) -> Response:
        sent = RegisterSerializer(data=request.data)
        sent.is_valid(raise_exception=True)
        registered = services.register_member(**sent.validated_data)
        return Response(session(*registered), status=status.HTTP_201_CREATED)

    def partial_update(self, request: Request, pk: str) -> Response:
        member = self.get_object()
        sent = MemberSerializer(member, data=request.data, partial=True)
        sent.is_valid(raise_exception=True)
        services.change_member(member=member, **sent.validated_data)
        return Response(MemberSerializer(member).data)


class LoginView(APIView):
    """A new token for an email and a password."""

    authentication_classes = ()
    permission_classes = (AllowAny,)
    throttle_classes = (LoginByAddress, LoginByEmail)

    @extend_schema(request=LoginSerializer, responses=SessionSerializer)
    def post(self, request: Request) -> Response:
        sent = LoginSerializer(data=request.data)
        sent.is_valid(raise_exception=True)
        return Response(session(*services.log_in(sent.validated_data["member"])))


class LogoutView(APIView):
    """Revoke the token of this request."""

    @extend_schema(request=None, responses={204: None})
    def post(self, request: Request) -> Response:
        services.log_out(request.auth)
        return Response(status=status.HTTP_204_NO_CONTENT)


class LogoutAllView(APIView):
    """Revoke all tokens of the caller."""

    @extend_schema(request=None, responses={204: None})
    def post(self, request: Request) -> Response:
        services.log_out_everywhere(caller(request))
        return Response(status=status.HTTP_204_NO_CONTENT)


def caller(request: Request) -> Member:
    """The member behind a request that needs one."""
    return cast(Member, request.user)


def session(auth_token: AuthToken, key: str) -> dict[str, Any]:
    """`{user, token, expiry}`."""
    member = selectors.members_visible_to(auth_token.user).get(pk=auth_token.user.pk)
    selectors.attach_last_orders([member])
    return SessionSerializer({"user": member, "token": key, "expiry": auth_token.expiry}).data
