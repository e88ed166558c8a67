"""Every route of the service. Those of the API answer with and without a trailing slash."""

from django.contrib import admin
from django.urls import include, path, re_path
from django.views.generic import RedirectView
from drf_spectacular.views import SpectacularSwaggerView

from drf_oms.icon import icon
from drf_oms.schema_view import SchemaView

urlpatterns = [
    re_path(r"^", include("accounts.urls")),
    re_path(r"^", include("orders.urls")),
    path("ops/", include("routers.page.urls")),
    path("favicon.ico", icon),
    path("admin/", admin.site.urls),
    re_path(r"^admin$", RedirectView.as_view(pattern_name="admin:index")),
    re_path(r"^schema/?$", SchemaView.as_view(), name="schema"),
    re_path(r"^docs/?$", SpectacularSwaggerView.as_view(url_name="schema"), name="docs"),
]

handler400 = "drf_oms.errors.bad_request"
handler404 = "drf_oms.errors.not_found"
handler500 = "drf_oms.errors.server_error"
