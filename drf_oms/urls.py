"""Every route of the service. Each answers with and without a trailing slash."""

from django.urls import include, re_path
from drf_spectacular.renderers import (
    OpenApiJsonRenderer,
    OpenApiJsonRenderer2,
    OpenApiYamlRenderer,
)
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerView

# JSON first: it is what curl and most tools get when they ask for nothing in particular.
schema = SpectacularAPIView.as_view(
    renderer_classes=[OpenApiJsonRenderer2, OpenApiJsonRenderer, OpenApiYamlRenderer]
)

urlpatterns = [
    re_path(r"^", include("accounts.urls")),
    re_path(r"^", include("orders.urls")),
    re_path(r"^schema/?$", schema, name="schema"),
    re_path(r"^docs/?$", SpectacularSwaggerView.as_view(url_name="schema"), name="docs"),
]

handler400 = "drf_oms.errors.bad_request"
handler404 = "drf_oms.errors.not_found"
handler500 = "drf_oms.errors.server_error"
