"""Proposals of likely duplicates, and the searches that found them."""

from django.db import migrations, models


class Migration(migrations.Migration):

    initial = True

    dependencies = [
    ]

    operations = [
        migrations.CreateModel(
            name='Proposal',
            fields=[
                ('id', models.UUIDField(primary_key=True, serialize=False)),
                ('one_id', models.UUIDField()),
                ('other_id', models.UUIDField()),
                ('probability', models.FloatField()),
                ('reasons', models.JSONField(help_text='codes, field:level, of what was compared')),
                ('state', models.TextField()),
                ('search_id', models.UUIDField(help_text='the search that found it last')),
                ('found_at', models.DateTimeField()),
                ('settled_at', models.DateTimeField(null=True)),
                ('settled_by', models.TextField(default='')),
                ('judgement_id', models.UUIDField(null=True)),
            ],
            options={
                'indexes': [models.Index(fields=['state', 'probability', 'id'], name='proposal_likeliest'), models.Index(fields=['one_id'], name='proposal_one'), models.Index(fields=['other_id'], name='proposal_other')],
                'constraints': [models.CheckConstraint(condition=models.Q(('one_id__lt', models.F('other_id'))), name='proposal_of_two')],
            },
        ),
        migrations.CreateModel(
            name='Search',
            fields=[
                ('id', models.UUIDField(primary_key=True, serialize=False)),
                ('wanted_at', models.DateTimeField()),
                ('wanted_by', models.TextField()),
                ('is_open', models.BooleanField(default=True)),
                ('begun_at', models.DateTimeField(null=True)),
                ('beat_at', models.DateTimeField(help_text='when whoever works on it last said so; null while nobody does', null=True)),
                ('ended_at', models.DateTimeField(null=True)),
                ('parts', models.IntegerField(default=0)),
                ('parts_done', models.IntegerField(default=0)),
                ('customers', models.IntegerField(default=0)),
                ('found', models.IntegerField(default=0)),
                ('learnt', models.JSONField(help_text='the odds, with which the later parts are compared like the first', null=True)),
                ('left_out', models.JSONField(default=list, help_text='keys that too many customers shared, and how many did')),
            ],
            options={
                'indexes': [models.Index(fields=['wanted_at'], name='search_wanted')],
                'constraints': [models.UniqueConstraint(condition=models.Q(('is_open', True)), fields=('is_open',), name='search_one_open')],
            },
        ),
    ]
