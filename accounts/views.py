"""Members over HTTP."""

from collections.abc import Sequence
from typing import Any, cast

from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import extend_schema
from knox.models import AuthToken
from rest_framework import mixins, status
from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import PermissionDenied
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import GenericViewSet

from accounts import erasure, selectors, services
from accounts.auth_serializers import LoggedInSerializer
from accounts.filters import MemberFilter
from accounts.models import Member
from accounts.permissions import CHANGE, ERASE, staff_may
from accounts.serializers import MemberSerializer, RegisterSerializer
from accounts.throttles import RegisterByAddress, RegisterByEmail
from orders.openapi import refusals


class MemberViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, GenericViewSet[Member]):
    """Oneself; everybody for staff who may view members. Registering needs no token."""

    queryset = Member.objects.none()  # tells the schema the model
    serializer_class = MemberSerializer
    filterset_class = MemberFilter
    search_fields = ("email", "name")
    ordering_fields = ("id", "email", "name", "date_joined")

    def get_queryset(self) -> QuerySet[Member]:
        return selectors.members_visible_to(caller(self.request))

    def paginate_queryset(self, queryset: Any) -> list[Any]:
        return selectors.attach_orders(super().paginate_queryset(queryset) or [])

    def get_object(self) -> Member:
        return selectors.attach_orders([super().get_object()])[0]

    def get_authenticators(self) -> list[BaseAuthentication]:
        return [] if self._registers() else super().get_authenticators()

    def get_permissions(self) -> Sequence[Any]:
        return [AllowAny()] if self._registers() else super().get_permissions()

    def get_throttles(self) -> list[Any]:
        return [RegisterByAddress(), RegisterByEmail()] if self._registers() else []

    def _registers(self) -> bool:
        return self.request is not None and self.request.method == "POST"

    @extend_schema(request=RegisterSerializer, responses={201: LoggedInSerializer})
    def create(self, request: Request) -> Response:
        sent = RegisterSerializer(data=request.data)
        sent.is_valid(raise_exception=True)
        registered = services.register_member(user_agent=user_agent(request), **sent.validated_data)
        return Response(logged_in(*registered), status=status.HTTP_201_CREATED)

    @extend_schema(responses={200: MemberSerializer, **refusals(403, 409)})
    def partial_update(self, request: Request, pk: str) -> Response:
        member = self._get_object_for(CHANGE)
        sent = MemberSerializer(member, data=request.data, partial=True)
        sent.is_valid(raise_exception=True)
        services.change_member(member=member, **sent.validated_data)
        return Response(MemberSerializer(member).data)

    @extend_schema(request=None, responses={204: None, **refusals(403)})
    def destroy(self, request: Request, pk: str) -> Response:
        """Erase a member: their personal data goes, their orders stay. Staff may repeat it."""
        member = self._get_object_for(ERASE)
        erasure.erase_member(member=member)
        return Response(status=status.HTTP_204_NO_CONTENT)

    def _get_object_for(self, permission: str) -> Member:
        """The member, if it is the caller, or the caller is staff with this permission."""
        member, asks = self.get_object(), caller(self.request)
        if member != asks and not staff_may(asks, permission):
            raise PermissionDenied(_("You may see this member, and not do this to them."))
        return member


def caller(request: Request) -> Member:
    """The member behind a request that needs one."""
    return cast(Member, request.user)


def logged_in(auth_token: AuthToken, key: str) -> dict[str, Any]:
    """`{user, token, expiry}`."""
    [member] = selectors.attach_orders([selectors.members().get(pk=auth_token.user_id)])
    return LoggedInSerializer({"user": member, "token": key, "expiry": auth_token.expiry}).data


def user_agent(request: Request) -> str:
    return request.headers.get("User-Agent", "")
