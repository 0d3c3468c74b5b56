import hashlib
import json
import zlib

import django.db.models.deletion
from django.db import migrations, models

PIECE = 1 << 20
# `person_id` of an edition stays free to be emptied when an account is erased: see 0003.
FROZEN = {
    "exports_editionfile": ["edition_id", "name", "media_type", "public", "size", "sha256"],
    "exports_editionpiece": ["file_id", "number", "packed"],
}
WORDS = "An edition never changes. Publish another one, and put a correction note on this one."


def let_files_change(apps, schema_editor):
    """The trigger names the column that goes."""
    on = " ON exports_editionfile" if schema_editor.connection.vendor == "postgresql" else ""
    schema_editor.execute(f"DROP TRIGGER exports_editionfile_stays{on}")


def let_nothing_of_files_change(apps, schema_editor):
    """As 0003 has it."""
    _refuse(schema_editor, "exports_editionfile", [*FROZEN["exports_editionfile"], "packed"])


def cut(apps, schema_editor):
    """Put each file into pieces. The public ones keep their bytes; the heads that the site keeps become lines."""
    File = apps.get_model("exports", "EditionFile")
    Piece = apps.get_model("exports", "EditionPiece")
    for file in File.objects.order_by("pk").iterator(1):
        content = zlib.decompress(file.packed)
        if file.name == "ledger-trail.json" and not file.public:
            heads = json.loads(content)
            content = "".join(json.dumps(head, separators=(",", ":")) + "\n" for head in heads).encode()
            File.objects.filter(pk=file.pk).update(
                name="ledger-trail.jsonl",
                media_type="application/jsonl; charset=utf-8",
                size=len(content),
                sha256=hashlib.sha256(content).hexdigest(),
            )
        for number, start in enumerate(range(0, len(content), PIECE)):
            packed = zlib.compress(content[start : start + PIECE], 9)
            Piece.objects.create(file_id=file.pk, number=number, packed=packed)
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute("SET CONSTRAINTS ALL IMMEDIATE")  # else no table may change its columns


def refuse_changes(apps, schema_editor):
    """Let the database itself refuse to change what was published."""
    for table, columns in FROZEN.items():
        _refuse(schema_editor, table, columns)


def _refuse(schema_editor, table, columns):
    refuse = (
        "EXECUTE FUNCTION exports_edition_stays()"
        if schema_editor.connection.vendor == "postgresql"
        else f"BEGIN SELECT RAISE(ABORT, '{WORDS}'); END"
    )
    schema_editor.execute(
        f"CREATE TRIGGER {table}_stays BEFORE UPDATE OF {', '.join(columns)} ON {table} FOR EACH ROW {refuse}"
    )


def allow_changes(apps, schema_editor):
    for table in FROZEN:
        on = f" ON {table}" if schema_editor.connection.vendor == "postgresql" else ""
        schema_editor.execute(f"DROP TRIGGER {table}_stays{on}")


class Migration(migrations.Migration):
    """It can be undone while there are no editions."""

    dependencies = [
        ('exports', '0003_editions'),
    ]

    operations = [
        migrations.RunPython(let_files_change, let_nothing_of_files_change),
        migrations.CreateModel(
            name='EditionPiece',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('number', models.PositiveIntegerField()),
                ('packed', models.BinaryField()),
                ('file', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='pieces', to='exports.editionfile')),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('file', 'number'), name='edition_piece_once')],
            },
        ),
        migrations.RunPython(cut, migrations.RunPython.noop),
        migrations.RemoveField(
            model_name='editionfile',
            name='packed',
        ),
        migrations.RunPython(refuse_changes, allow_changes),
    ]
