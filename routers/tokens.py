"""A write position that a client, or another process, carries: signed, small, and of no use elsewhere."""

from django.core import signing
from django.utils.translation import gettext as _

from routers import positions
from routers.conf import conf
from routers.gtid import GTIDSet, InvalidGTIDSet
from routers.store import StoreLost

SALT = "routers.position"
LONGEST = 1024  # characters; longer ones are not read


class BadToken(ValueError):
    """Not one of this service, or damaged."""

    def __init__(self) -> None:
        sentence = _("The consistency token is not one of this service, or is damaged; leave it out.")
        super().__init__(sentence)


def make(gtids: GTIDSet) -> str:
    """The token of these transactions; empty when they are too many for one, or the store is lost."""
    try:
        token = signing.dumps((positions.store.current_epoch(), str(gtids)), salt=SALT)
    except StoreLost:
        return ""
    return token if gtids and len(token) <= LONGEST else ""


def read(token: str) -> GTIDSet | None:
    """The transactions that a token names; None when it is of no use any more. Raises `BadToken`.

    Of no use is one older than positions live (every replica in service has them by then), or one
    from before positions were forgotten (see routers.store).
    """
    if len(token) > LONGEST:
        raise BadToken
    try:
        epoch, text = signing.loads(token, salt=SALT, max_age=conf().POSITION_SECONDS)
        return GTIDSet.parse(text) if epoch == positions.store.current_epoch() else None
    except (signing.SignatureExpired, StoreLost):
        return None
    except (signing.BadSignature, InvalidGTIDSet) as error:
        raise BadToken from error
