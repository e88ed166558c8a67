"""GET /schema/: the OpenAPI description, in English for everybody."""

from django.utils import translation
from drf_spectacular.renderers import OpenApiJsonRenderer, OpenApiJsonRenderer2, OpenApiYamlRenderer
from drf_spectacular.views import SpectacularAPIView
from rest_framework.request import Request
from rest_framework.response import Response

LANGUAGE = "en"


class SchemaView(SpectacularAPIView):
    """The same document whatever language is asked for: programs are made of it, and compare it."""

    # JSON first: it is what curl and most tools get when they ask for nothing in particular.
    renderer_classes = [OpenApiJsonRenderer2, OpenApiJsonRenderer, OpenApiYamlRenderer]

    def _get_schema_response(self, request: Request) -> Response:
        with translation.override(LANGUAGE):
            response: Response = super()._get_schema_response(request)  # type: ignore[no-untyped-call]
        response["Content-Language"] = LANGUAGE
        return response
