"""Sign everybody out once, so that each session is on its owner's list and can be ended from there."""

from django.db import migrations


def end_all_sessions(apps, schema_editor):
    apps.get_model("sessions.Session").objects.all().delete()


class Migration(migrations.Migration):
    dependencies = [("accounts", "0001_initial"), ("sessions", "0001_initial")]
    operations = [migrations.RunPython(end_all_sessions, migrations.RunPython.noop)]
