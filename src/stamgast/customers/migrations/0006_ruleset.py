"""The rules of identity as data."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('customers', '0005_trait_values'),
    ]

    operations = [
        migrations.CreateModel(
            name='Ruleset',
            fields=[
                ('id', models.AutoField(primary_key=True, serialize=False)),
                ('made_at', models.DateTimeField()),
                ('actor', models.TextField()),
                ('reason', models.TextField()),
                ('document', models.JSONField()),
                ('applied_at', models.DateTimeField(help_text='when the customers of before had followed', null=True)),
                ('reread_until', models.UUIDField(help_text='up to which anchor the evidence was read again', null=True)),
            ],
        ),
    ]
