"""Where the page about replication is found; a project includes them under a path of its own."""

from django.urls import path, re_path

from routers.page import views

urlpatterns = [
    re_path(r"^replication/?$", views.page, name="replication"),
    re_path(r"^replication\.json$", views.as_json, name="replication-json"),
    path("replication/<str:alias>/<str:action>", views.change, name="replication-change"),
]
