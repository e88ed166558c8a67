"""Logging in, sessions, passwords and links over HTTP."""

from typing import Any

from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import extend_schema, inline_serializer
from rest_framework import mixins, serializers, status
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView
from rest_framework.viewsets import GenericViewSet

from accounts import passwords, selectors, services, verification
from accounts.auth_serializers import (
    ChangePasswordSerializer,
    EmailSerializer,
    LinkSerializer,
    LoggedInSerializer,
    LoginSerializer,
    ResetPasswordSerializer,
    SessionSerializer,
)
from accounts.models import Session
from accounts.throttles import (
    LoginByAddress,
    LoginByEmail,
    PasswordByMember,
    ResetByAddress,
    ResetByEmail,
    VerificationByMember,
)
from accounts.views import caller, logged_in, user_agent
from orders.openapi import refusals

MAIL_ON_ITS_WAY = inline_serializer("MailOnItsWay", {"detail": serializers.CharField()})


class LoginView(APIView):
    """A new token for an email and a password."""

    authentication_classes = ()
    permission_classes = (AllowAny,)
    throttle_classes = (LoginByAddress, LoginByEmail)

    @extend_schema(request=LoginSerializer, responses=LoggedInSerializer)
    def post(self, request: Request) -> Response:
        sent = LoginSerializer(data=request.data, context={"request": request})
        sent.is_valid(raise_exception=True)
        member = sent.validated_data["member"]
        return Response(logged_in(*services.log_in(member, user_agent=user_agent(request))))


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


class SessionViewSet(mixins.ListModelMixin, GenericViewSet[Session]):
    """Where the caller is logged in, newest first."""

    queryset = Session.objects.none()  # tells the schema the model
    serializer_class = SessionSerializer
    filter_backends = ()

    def get_queryset(self) -> QuerySet[Session]:
        return selectors.live_sessions_of(caller(self.request))

    def paginate_queryset(self, queryset: Any) -> list[Any]:
        return selectors.attach_last_used(super().paginate_queryset(queryset) or [])

    @extend_schema(request=None, responses={204: None})
    def destroy(self, request: Request, pk: str) -> Response:
        """Revoke the token of this session, from now on and everywhere."""
        services.log_out(self.get_object().auth_token)
        return Response(status=status.HTTP_204_NO_CONTENT)


class PasswordView(APIView):
    """Change the caller's password; their other tokens are revoked."""

    throttle_classes = (LoginByAddress, PasswordByMember)

    @extend_schema(request=ChangePasswordSerializer, responses={204: None})
    def post(self, request: Request) -> Response:
        sent = ChangePasswordSerializer(data=request.data, context={"request": request})
        sent.is_valid(raise_exception=True)
        passwords.change_password(
            member=caller(request), password=sent.validated_data["password"], keep=request.auth
        )
        return Response(status=status.HTTP_204_NO_CONTENT)


class PasswordResetView(APIView):
    """Mail a link to set a new password. The answer does not say whether there is such a member."""

    authentication_classes = ()
    permission_classes = (AllowAny,)
    throttle_classes = (ResetByAddress, ResetByEmail)

    @extend_schema(request=EmailSerializer, responses={202: MAIL_ON_ITS_WAY})
    def post(self, request: Request) -> Response:
        sent = EmailSerializer(data=request.data)
        sent.is_valid(raise_exception=True)
        passwords.ask_for_reset(email=sent.validated_data["email"])
        body = {"detail": _("If a member has this email, a link to set a new password is on its way.")}
        return Response(body, status=status.HTTP_202_ACCEPTED)


class PasswordResetConfirmView(APIView):
    """Set a new password by the link in a mail; all tokens are revoked."""

    authentication_classes = ()
    permission_classes = (AllowAny,)
    throttle_classes = (LoginByAddress,)

    @extend_schema(request=ResetPasswordSerializer, responses={204: None})
    def post(self, request: Request) -> Response:
        sent = ResetPasswordSerializer(data=request.data)
        sent.is_valid(raise_exception=True)
        passwords.reset_password(**sent.validated_data)
        return Response(status=status.HTTP_204_NO_CONTENT)


class VerificationView(APIView):
    """Mail the caller another link to verify their email."""

    throttle_classes = (VerificationByMember,)

    @extend_schema(request=None, responses={202: MAIL_ON_ITS_WAY, **refusals(409)})
    def post(self, request: Request) -> Response:
        verification.ask_for_verification(member=caller(request))
        body = {"detail": _("A link to verify your email is on its way.")}
        return Response(body, status=status.HTTP_202_ACCEPTED)


class VerificationConfirmView(APIView):
    """Verify an email by the link in a mail."""

    authentication_classes = ()
    permission_classes = (AllowAny,)
    throttle_classes = (LoginByAddress,)

    @extend_schema(request=LinkSerializer, responses={204: None})
    def post(self, request: Request) -> Response:
        sent = LinkSerializer(data=request.data)
        sent.is_valid(raise_exception=True)
        verification.verify_email(**sent.validated_data)
        return Response(status=status.HTTP_204_NO_CONTENT)
