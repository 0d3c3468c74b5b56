from django.db import migrations, models
from django.db.models import Max, OuterRef, Subquery


def fill(apps, schema_editor):
    """From the record of the targets that were watched before."""
    Target = apps.get_model("checks", "Target")
    Check = apps.get_model("checks", "Check")
    suspended = Check.objects.filter(
        target=OuterRef("pk"), outcome="removed", reason="account_suspended"
    ).order_by()
    Target.objects.update(
        account_suspended_at=Subquery(
            suspended.values("target").annotate(last=Max("started_at")).values("last")[:1]
        )
    )


class Migration(migrations.Migration):
    dependencies = [("checks", "0003_fill_figures_of_targets")]

    operations = [
        migrations.AddField(
            model_name="target",
            name="account_suspended_at",
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.RunPython(fill, migrations.RunPython.noop),
    ]
