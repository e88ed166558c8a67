"""ASGI entry point. It runs the system checks first: unsafe settings never serve a request."""

import io
import os

from django.core.asgi import get_asgi_application
from django.core.management import call_command

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "drf_oms.settings")

application = get_asgi_application()
call_command("check", stdout=io.StringIO())
