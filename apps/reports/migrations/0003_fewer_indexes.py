import django.db.models.deletion
from django.db import migrations, models

from apps.core.index_operations import without_index


class Migration(migrations.Migration):

    dependencies = [
        ('reports', '0002_replies'),
    ]

    operations = [
        without_index(
            'item',
            'report',
            models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='items', to='reports.report'),
            column='report_id',
        ),
    ]
