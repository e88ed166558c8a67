"""Who is asking: knox tokens, read from a replica only where its word counts."""

from operator import attrgetter

from django.contrib.auth.base_user import AbstractBaseUser
from django.utils import timezone
from django.utils.translation import gettext as _
from knox.auth import TokenAuthentication as KnoxTokenAuthentication
from knox.crypto import hash_token
from knox.models import AuthToken
from rest_framework.exceptions import AuthenticationFailed

from accounts import last_used
from orders.prepared import Prepared
from routers import consistency, credentials

# The one statement that every request sends.
_TOKEN = Prepared(lambda digest: AuthToken.objects.select_related("user").filter(digest=digest)[:1], "digest")


class TokenAuthentication(KnoxTokenAuthentication):
    """`Authorization: Token <key>`; one statement on a replica for a token that nobody touched lately."""

    def authenticate_credentials(self, token: bytes) -> tuple[AbstractBaseUser, AuthToken]:
        digest = hash_token(token.decode("latin-1"))
        auth_token = credentials.looked_up(
            digest, lambda: _look_up(digest), owner_of=attrgetter("user_id"), unknown="token unknown"
        )
        if auth_token is None or _delete_if_expired(auth_token):
            raise AuthenticationFailed(_("Invalid token."))
        if auth_token.user.is_staff:
            consistency.may_ask_for_less()
        authenticated = self.validate_user(auth_token)
        last_used.note(auth_token)
        return authenticated


def _look_up(digest: str) -> AuthToken | None:
    found = _TOKEN.rows(AuthToken, digest)
    return found[0] if found else None


def _delete_if_expired(auth_token: AuthToken) -> bool:
    """knox promises that an expired token is gone once it was presented."""
    expired = auth_token.expiry is not None and auth_token.expiry <= timezone.now()
    if expired:
        auth_token.delete()
    return expired
