"""The service without django-unfold: the back office as Django itself draws it."""

from drf_oms.settings import *  # noqa: F403
from drf_oms.settings import INSTALLED_APPS

INSTALLED_APPS = [app for app in INSTALLED_APPS if not app.startswith("unfold")]
