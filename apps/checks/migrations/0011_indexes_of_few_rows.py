"""Built while rows are written, so not in one transaction."""

from django.db import migrations, models

from apps.core.index_operations import AddIndexBesideWriters


class Migration(migrations.Migration):

    atomic = False

    dependencies = [
        ('checks', '0010_fewer_indexes'),
    ]

    operations = [
        AddIndexBesideWriters(
            model_name='check',
            index=models.Index(models.F('person'), condition=models.Q(('person__isnull', False)), name='check_person'),
        ),
        AddIndexBesideWriters(
            model_name='transition',
            index=models.Index(models.OrderBy(models.F('by'), descending=True), models.OrderBy(models.F('id'), descending=True), condition=models.Q(('superseded_at__isnull', True)), name='transition_latest'),
        ),
    ]
