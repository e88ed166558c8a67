"""Every route of the service. Each answers with and without a trailing slash."""

from django.urls import include, re_path
from drf_spectacular.views import SpectacularSwaggerView

from drf_oms.schema_view import SchemaView

urlpatterns = [
    re_path(r"^", include("accounts.urls")),
    re_path(r"^", include("orders.urls")),
    re_path(r"^schema/?$", SchemaView.as_view(), name="schema"),
    re_path(r"^docs/?$", SpectacularSwaggerView.as_view(url_name="schema"), name="docs"),
]

handler400 = "drf_oms.errors.bad_request"
handler404 = "drf_oms.errors.not_found"
handler500 = "drf_oms.errors.server_error"
