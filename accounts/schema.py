"""How the OpenAPI description names our authentication."""

from drf_spectacular.contrib.knox_auth_token import KnoxTokenScheme


class TokenScheme(KnoxTokenScheme):  # type: ignore[no-untyped-call]  # registers by subclassing
    target_class = "accounts.authentication.TokenAuthentication"
    name = "token"
