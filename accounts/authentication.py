"""Who is asking: knox tokens, read from a replica only where its word counts."""

from django.contrib.auth.base_user import AbstractBaseUser
from django.utils import timezone
from django.utils.translation import gettext as _
from knox.auth import TokenAuthentication as KnoxTokenAuthentication
from knox.crypto import hash_token
from knox.models import AuthToken
from rest_framework.exceptions import AuthenticationFailed

from accounts import last_used
from orders.prepared import Prepared
from routers import consistency

# The one statement that every request sends.
_TOKEN = Prepared(lambda digest: AuthToken.objects.select_related("user").filter(digest=digest)[:1], "digest")


class TokenAuthentication(KnoxTokenAuthentication):
    """`Authorization: Token <key>`; one statement on a replica for a token that nobody touched lately."""

    def authenticate_credentials(self, token: bytes) -> tuple[AbstractBaseUser, AuthToken]:
        auth_token = _find(hash_token(token.decode("latin-1")))
        if auth_token is None or _delete_if_expired(auth_token):
            raise AuthenticationFailed(_("Invalid token."))
        if auth_token.user.is_staff:
            consistency.may_ask_for_less()
        authenticated = self.validate_user(auth_token)
        last_used.note(auth_token)
        return authenticated


def _find(digest: str) -> AuthToken | None:
    """The token as the primary has it.

    A replica's "there is one" counts if the replica contains all that its member wrote, a revocation
    among it. Its "there is none" never counts: the token may be younger than the replica's state.
    """
    consistency.presents_token(digest)
    auth_token = _look_up(digest)
    if auth_token is None:
        if consistency.may_read_replica():
            consistency.require_primary("token unknown")
            auth_token = _look_up(digest)
        if auth_token is not None:
            consistency.acts_for(auth_token.user_id, token=digest)
        return auth_token
    if consistency.acts_for(auth_token.user_id, token=digest):
        return auth_token
    with consistency.for_credentials():
        return _look_up(digest)


def _look_up(digest: str) -> AuthToken | None:
    found = _TOKEN.rows(AuthToken, digest)
    return found[0] if found else None


def _delete_if_expired(auth_token: AuthToken) -> bool:
    """knox promises that an expired token is gone once it was presented."""
    expired = auth_token.expiry is not None and auth_token.expiry <= timezone.now()
    if expired:
        auth_token.delete()
    return expired
