"""The service's errors, which are JSON, for people who look at a page."""

import json

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render


def error_page(request: HttpRequest, response: HttpResponse) -> HttpResponse:
    """The same status, headers and sentence, as HTML."""
    known = json.loads(response.content)
    detail = known.get("detail", "") if isinstance(known, dict) else ""
    shown = {"detail": detail, "status": response.status_code}
    page = render(request, "drf_oms/error.html", shown, status=response.status_code)
    for name, value in response.headers.items():
        if not name.startswith("Content-"):
            page.headers[name] = value
    page.cookies = response.cookies
    return page
