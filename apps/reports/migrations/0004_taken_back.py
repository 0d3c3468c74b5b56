"""Built while rows are written, so not in one transaction."""

from django.db import migrations, models

from apps.core.index_operations import AddIndexBesideWriters


class Migration(migrations.Migration):

    atomic = False

    dependencies = [
        ('reports', '0003_fewer_indexes'),
    ]

    operations = [
        AddIndexBesideWriters(
            model_name='errormark',
            index=models.Index(models.F('taken_back_at'), condition=models.Q(('taken_back_at__isnull', False)), name='error_mark_taken_back'),
        ),
        AddIndexBesideWriters(
            model_name='reply',
            index=models.Index(models.F('taken_back_at'), condition=models.Q(('taken_back_at__isnull', False)), name='reply_taken_back'),
        ),
    ]
