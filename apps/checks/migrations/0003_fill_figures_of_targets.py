"""Fill what the figures need of targets that were watched before, from their own record."""

import hashlib

from django.db import migrations
from django.db.models import Count, Max, OuterRef, Q, Subquery

CHUNK = 1000
SHOWS_ITEM = Q(outcome="available") | Q(
    outcome="restricted", reason__in=["gated", "age_wall", "labelled", "private", "archived"]
)


def account_key(platform, account):
    if not account:
        return 0
    digest = hashlib.sha256(f"{platform}\n{account}".encode()).digest()
    return int.from_bytes(digest[:8], signed=True) or 1


def fill(apps, schema_editor):
    Target = apps.get_model("checks", "Target")
    Check = apps.get_model("checks", "Check")
    Transition = apps.get_model("checks", "Transition")
    seen = Check.objects.filter(SHOWS_ITEM, target=OuterRef("pk"), manual=False).order_by()
    Target.objects.update(
        checker_present_at=Subquery(
            seen.values("target").annotate(last=Max("started_at")).values("last")[:1]
        )
    )
    removals = (
        Transition.objects.filter(to_status="removed", superseded_at=None)
        .values("target")
        .annotate(count=Count("pk"))
        .order_by()
    )
    for row in removals.iterator():
        Target.objects.filter(pk=row["target"]).update(removal_count=row["count"])
    batch = []
    for target in Target.objects.exclude(account="").only("pk", "platform", "account").iterator():
        target.account_key = account_key(target.platform, target.account)
        batch.append(target)
        if len(batch) >= CHUNK:
            Target.objects.bulk_update(batch, ["account_key"])
            batch.clear()
    Target.objects.bulk_update(batch, ["account_key"])


class Migration(migrations.Migration):
    dependencies = [("checks", "0002_figures_of_targets")]

    operations = [migrations.RunPython(fill, migrations.RunPython.noop)]
