"""How often somebody may try to register or log in: per address, and per email whatever the address."""

import hashlib

from django.core.cache import caches
from django.utils.connection import ConnectionProxy
from rest_framework.request import Request
from rest_framework.throttling import SimpleRateThrottle
from rest_framework.views import APIView


class Throttle(SimpleRateThrottle):
    """Counts in the cache of this host."""

    cache = ConnectionProxy(caches, "local")  # type: ignore[assignment]  # as DRF does it itself


class AddressThrottle(Throttle):
    """Counts by the client's address (`TRUSTED_PROXIES` says how many proxies stand before us)."""

    def get_cache_key(self, request: Request, view: APIView) -> str:
        return f"throttle:{self.scope}:address:{self.get_ident(request)}"


class EmailThrottle(Throttle):
    """Counts by the email in the body, hashed: the cache holds no personal data."""

    def get_cache_key(self, request: Request, view: APIView) -> str | None:
        email = request.data.get("email") if isinstance(request.data, dict) else None
        if not isinstance(email, str):
            return None
        digest = hashlib.sha256(email.strip().lower().encode()).hexdigest()
        return f"throttle:{self.scope}:email:{digest}"


class RegisterByAddress(AddressThrottle):
    scope = "register"


class RegisterByEmail(EmailThrottle):
    scope = "register"


class LoginByAddress(AddressThrottle):
    scope = "login"


class LoginByEmail(EmailThrottle):
    scope = "login"
