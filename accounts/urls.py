"""Routes of members and their sessions."""

from django.urls import re_path

from accounts.auth_views import (
    LoginView,
    LogoutAllView,
    LogoutView,
    PasswordResetConfirmView,
    PasswordResetView,
    PasswordView,
    SessionViewSet,
    VerificationConfirmView,
    VerificationView,
)
from accounts.member_orders import MemberOrdersViewSet
from accounts.views import MemberViewSet

urlpatterns = [
    re_path(r"^accounts/users/?$", MemberViewSet.as_view({"get": "list", "post": "create"})),
    re_path(
        r"^accounts/users/(?P<pk>[0-9]+)/?$",
        MemberViewSet.as_view({"get": "retrieve", "patch": "partial_update", "delete": "destroy"}),
    ),
    re_path(r"^accounts/users/(?P<pk>[0-9]+)/orders/?$", MemberOrdersViewSet.as_view({"get": "list"})),
    re_path(r"^auth/login/?$", LoginView.as_view()),
    re_path(r"^auth/logout/?$", LogoutView.as_view()),
    re_path(r"^auth/logoutall/?$", LogoutAllView.as_view()),
    re_path(r"^auth/sessions/?$", SessionViewSet.as_view({"get": "list"})),
    re_path(r"^auth/sessions/(?P<pk>[0-9]+)/?$", SessionViewSet.as_view({"delete": "destroy"})),
    re_path(r"^auth/password/?$", PasswordView.as_view()),
    re_path(r"^auth/password/reset/?$", PasswordResetView.as_view()),
    re_path(r"^auth/password/reset/confirm/?$", PasswordResetConfirmView.as_view()),
    re_path(r"^auth/email/verification/?$", VerificationView.as_view()),
    re_path(r"^auth/email/verification/confirm/?$", VerificationConfirmView.as_view()),
]
