"""Tokens from before there were sessions get theirs, so that members find and revoke them."""

from typing import Any

from django.db import migrations

ROWS = 1000


def make_sessions(apps: Any, schema_editor: Any) -> None:
    alias = schema_editor.connection.alias
    tokens = apps.get_model("knox", "AuthToken").objects.using(alias).filter(session=None)
    sessions = apps.get_model("accounts", "Session").objects.using(alias)
    digests = list(tokens.order_by("created", "digest").values_list("digest", flat=True))
    sessions.bulk_create([sessions.model(auth_token_id=digest) for digest in digests], batch_size=ROWS)


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0002_sessions_verification_erasure"),
    ]

    operations = [migrations.RunPython(make_sessions, migrations.RunPython.noop)]
