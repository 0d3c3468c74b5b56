from __future__ import annotations

from django.db import migrations

from apps.core.append_only import RefuseChanges


class Migration(migrations.Migration):
    dependencies = [
        ("checks", "0014_stretches"),
    ]

    operations = [
        RefuseChanges("stretch"),
    ]
