"""Routes of members and their sessions."""

from django.urls import re_path

from accounts.views import LoginView, LogoutAllView, LogoutView, MemberViewSet

urlpatterns = [
    re_path(r"^accounts/users/?$", MemberViewSet.as_view({"get": "list", "post": "create"})),
    re_path(
        r"^accounts/users/(?P<pk>[0-9]+)/?$",
        MemberViewSet.as_view({"get": "retrieve", "patch": "partial_update"}),
    ),
    re_path(r"^auth/login/?$", LoginView.as_view()),
    re_path(r"^auth/logout/?$", LogoutView.as_view()),
    re_path(r"^auth/logoutall/?$", LogoutAllView.as_view()),
]
