"""The group of those who run the databases; administrators get its permissions too."""

from typing import Any

from django.db import migrations

from accounts.groups import ADMINISTRATOR, OPERATIONS, give, make_missing_groups


def make_group(apps: Any, schema_editor: Any) -> None:
    alias = schema_editor.connection.alias
    make_missing_groups(apps, using=alias)
    give(apps, alias, ADMINISTRATOR, OPERATIONS)


class Migration(migrations.Migration):
    dependencies = [("accounts", "0005_back_office"), ("routers", "0002_page_permissions")]

    operations = [migrations.RunPython(make_group, migrations.RunPython.noop)]
