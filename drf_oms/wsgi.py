"""WSGI entry point. It runs the system checks first: unsafe settings never serve a request."""

import io
import logging
import os

from django.core.management import call_command
from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "drf_oms.settings")

logging.captureWarnings(capture=True)  # they are lines of the log too, in its format
application = get_wsgi_application()
call_command("check", stdout=io.StringIO())
