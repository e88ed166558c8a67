"""The picture in a browser's tab, which asks for it where a page names none."""

from django.http import HttpRequest, HttpResponse

# One node, and two that follow it
ICON = """<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 16 16">
  <rect width="16" height="16" rx="3" fill="#6d28d9"/>
  <path d="M12 4.5 4 8l8 3.5" fill="none" stroke="#fff"/>
  <g fill="#fff">
    <circle cx="4" cy="8" r="2"/>
    <circle cx="12" cy="4.5" r="2"/>
    <circle cx="12" cy="11.5" r="2"/>
  </g>
</svg>
"""


def icon(request: HttpRequest) -> HttpResponse:
    headers = {"Cache-Control": "public, max-age=86400"}
    return HttpResponse(ICON, content_type="image/svg+xml", headers=headers)
