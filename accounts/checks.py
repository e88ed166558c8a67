"""What must hold so that the links in mails work, and that nobody else reads them."""

from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, Warning, register  # noqa: A004 - Django's name

LINKS = ("PASSWORD_RESET_URL", "EMAIL_VERIFICATION_URL")


@register
def check_links(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    return [
        Error(
            f"{name} makes no link.",
            hint="Write {uid} and {token} where the link is to carry them, and no other braces.",
            id="accounts.E001",
        )
        for name in LINKS
        if not _is_template(getattr(settings, name))
    ]


def _is_template(url: str) -> bool:
    try:
        made = url.format(uid="<uid>", token="<token>")  # noqa: S106 - a placeholder
    except (KeyError, IndexError, ValueError):
        return False
    return "<uid>" in made and "<token>" in made


@register(Tags.security, deploy=True)
def check_mails(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    if settings.EMAIL_BACKEND != "django.core.mail.backends.console.EmailBackend":
        return []
    return [
        Warning(
            "Mails are printed, with the links that open passwords.",
            hint="Set EMAIL_URL to the mail server, for instance smtp+tls://user:password@mail.example.com:587",
            id="accounts.W001",
        )
    ]
