"""How often somebody may try what can be guessed or costs a mail: per address, and per email or member
whatever the address."""

import hashlib
from ipaddress import IPv6Address, ip_address, ip_network

from django.core.cache import caches
from django.utils.connection import ConnectionProxy
from rest_framework.request import Request
from rest_framework.throttling import BaseThrottle, SimpleRateThrottle
from rest_framework.views import APIView


class Throttle(SimpleRateThrottle):
    """Counts in the cache of this host."""

    cache = ConnectionProxy(caches, "local")  # type: ignore[assignment]  # as DRF does it itself
    duration: int  # seconds of the rate's period, set by DRF

    def wait(self) -> float:
        """Seconds for `Retry-After`, which DRF leaves out where it cannot tell (a rate was lowered)."""
        seconds = super().wait()
        return self.duration if seconds is None else max(seconds, 1.0)


class AddressThrottle(Throttle):
    """Counts by the client's address (`TRUSTED_PROXIES` says how many proxies stand before us)."""

    def get_cache_key(self, request: Request, view: APIView) -> str:
        return f"throttle:{self.scope}:address:{client_address(request)}"


class EmailThrottle(Throttle):
    """Counts by the email in the body, hashed: the cache holds no personal data."""

    def get_cache_key(self, request: Request, view: APIView) -> str | None:
        email = request.data.get("email") if isinstance(request.data, dict) else None
        if not isinstance(email, str):
            return None
        digest = hashlib.sha256(email.strip().lower().encode()).hexdigest()
        return f"throttle:{self.scope}:email:{digest}"


class MemberThrottle(Throttle):
    """Counts by the member who asks."""

    def get_cache_key(self, request: Request, view: APIView) -> str:
        return f"throttle:{self.scope}:member:{request.user.pk}"


def client_address(request: Request) -> str:
    """Who asks, as far as addresses tell: of IPv6 the /64, for each of its addresses belongs to the same."""
    given = BaseThrottle().get_ident(request)
    try:
        address = ip_address(given)
    except ValueError:
        return given
    return str(ip_network((address, 64), strict=False)) if isinstance(address, IPv6Address) else given


class RegisterByAddress(AddressThrottle):
    scope = "register"


class RegisterByEmail(EmailThrottle):
    scope = "register"


class LoginByAddress(AddressThrottle):
    scope = "login"


class LoginByEmail(EmailThrottle):
    scope = "login"


class PasswordByMember(MemberThrottle):
    scope = "login"


class ResetByAddress(AddressThrottle):
    scope = "password_reset"


class ResetByEmail(EmailThrottle):
    scope = "password_reset"


class VerificationByMember(MemberThrottle):
    scope = "email_verification"
