"""Acts, holds and what they use of lots; what is pending; which partner or charity. Nothing that is stored is rewritten: columns
come with defaults, and the rules over lots that are there already are checked afterwards (0004), while postings go on."""

import django.db.models.expressions
from django.contrib.postgres.operations import AddConstraintNotValid
from django.db import migrations, models

KEYS = """
ALTER TABLE ledger_contra_delta DROP CONSTRAINT ledger_contra_delta_pkey,
  ADD PRIMARY KEY (batch_id, account, reference, currency, day);
ALTER TABLE ledger_contra_daily DROP CONSTRAINT ledger_contra_daily_pkey,
  ADD PRIMARY KEY (account, reference, currency, day);
"""

RIGHTS = """
DO $$
BEGIN
  IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'stamgast_app') THEN
    REVOKE UPDATE, DELETE, TRUNCATE ON ledger_act FROM stamgast_app;
  END IF;
END
$$
"""


class Migration(migrations.Migration):

    dependencies = [
        ('ledger', '0002_storage_and_role'),
    ]

    operations = [
        migrations.CreateModel(
            name='Act',
            fields=[
                ('pk', models.CompositePrimaryKey('bucket', 'act_id', blank=True, editable=False, primary_key=True, serialize=False)),
                ('bucket', models.SmallIntegerField()),
                ('kind', models.SmallIntegerField()),
                ('act_id', models.UUIDField()),
                ('owner_id', models.UUIDField(help_text='whose it was when it was done')),
                ('anchor_id', models.UUIDField(help_text='the identifier whose link says whose it is now', null=True)),
                ('subject_id', models.UUIDField(help_text='the hold or the spend that it is about', null=True)),
                ('other_id', models.UUIDField(help_text='the other owner of a transfer', null=True)),
                ('content', models.BinaryField(help_text='digest of what was asked: the same key with another is refused')),
                ('currency', models.TextField(db_collation='C')),
                ('key', models.TextField(db_collation='C')),
                ('reference', models.TextField(help_text='which partner or charity')),
                ('asked', models.BigIntegerField()),
                ('amount', models.BigIntegerField(help_text='what was done of it; zero when it was refused')),
                ('available', models.BigIntegerField(help_text='what the owner had left after it')),
                ('occurred_at', models.DateTimeField()),
                ('posted_at', models.DateTimeField()),
                ('reason', models.TextField()),
                ('actor', models.TextField()),
                ('refusal', models.TextField(help_text='the code of the refusal; empty when it was done')),
                ('sentence', models.TextField()),
            ],
        ),
        migrations.CreateModel(
            name='Hold',
            fields=[
                ('pk', models.CompositePrimaryKey('bucket', 'owner_id', 'hold_id', blank=True, editable=False, primary_key=True, serialize=False)),
                ('bucket', models.SmallIntegerField()),
                ('state', models.SmallIntegerField()),
                ('owner_id', models.UUIDField()),
                ('hold_id', models.UUIDField(help_text='the act that made it')),
                ('currency', models.TextField(db_collation='C')),
                ('amount', models.BigIntegerField()),
                ('captured', models.BigIntegerField(db_default=0)),
                ('ends_at', models.DateTimeField()),
                ('ended_at', models.DateTimeField(null=True)),
            ],
        ),
        migrations.CreateModel(
            name='Use',
            fields=[
                ('pk', models.CompositePrimaryKey('bucket', 'owner_id', 'act_id', 'lot_id', blank=True, editable=False, primary_key=True, serialize=False)),
                ('bucket', models.SmallIntegerField()),
                ('owner_id', models.UUIDField()),
                ('act_id', models.UUIDField()),
                ('lot_id', models.UUIDField()),
                ('held', models.BigIntegerField()),
                ('used', models.BigIntegerField()),
            ],
        ),
        migrations.RemoveConstraint(
            model_name='lot',
            name='lot_adds_up',
        ),
        migrations.AddField(
            model_name='contradaily',
            name='reference',
            field=models.TextField(db_collation='C', db_default='', help_text='which partner or charity; empty for the others'),
        ),
        migrations.AddField(
            model_name='contradelta',
            name='reference',
            field=models.TextField(db_collation='C', db_default='', help_text='which partner or charity; empty for the others'),
        ),
        migrations.AddField(
            model_name='lot',
            name='available_at',
            field=models.DateTimeField(help_text='when what is pending becomes available', null=True),
        ),
        migrations.AddField(
            model_name='lot',
            name='pending',
            field=models.BigIntegerField(db_default=0),
        ),
        migrations.AddField(
            model_name='movement',
            name='act_id',
            field=models.UUIDField(help_text='the act that it belongs to; none where a programme decided', null=True),
        ),
        migrations.AddField(
            model_name='movement',
            name='reference',
            field=models.TextField(help_text='which partner or charity', null=True),
        ),
        migrations.SeparateDatabaseAndState(
            [
                migrations.RunSQL(KEYS, migrations.RunSQL.noop),
                migrations.RunSQL(RIGHTS, migrations.RunSQL.noop),
            ],
            [
                migrations.AlterField(
                    model_name='contradaily',
                    name='pk',
                    field=models.CompositePrimaryKey('account', 'reference', 'currency', 'day', blank=True, editable=False, primary_key=True, serialize=False),
                ),
                migrations.AlterField(
                    model_name='contradelta',
                    name='pk',
                    field=models.CompositePrimaryKey('batch_id', 'account', 'reference', 'currency', 'day', blank=True, editable=False, primary_key=True, serialize=False),
                ),
            ],
        ),
        AddConstraintNotValid(
            model_name='lot',
            constraint=models.CheckConstraint(condition=models.Q(('pending__gte', 0)), name='lot_pending_not_below_zero'),
        ),
        AddConstraintNotValid(
            model_name='lot',
            constraint=models.CheckConstraint(condition=models.Q(('given', django.db.models.expressions.CombinedExpression(django.db.models.expressions.CombinedExpression(django.db.models.expressions.CombinedExpression(django.db.models.expressions.CombinedExpression(models.F('remaining'), '+', models.F('pending')), '+', models.F('expired')), '+', models.F('used')), '-', models.F('owed')))), name='lot_amounts_add_up'),
        ),
        migrations.AddIndex(
            model_name='act',
            index=models.Index(fields=['bucket', 'owner_id', 'occurred_at'], name='act_owner'),
        ),
        migrations.AddIndex(
            model_name='hold',
            index=models.Index(condition=models.Q(('ended_at__isnull', True)), fields=['ends_at'], name='hold_ends'),
        ),
        migrations.AddConstraint(
            model_name='hold',
            constraint=models.CheckConstraint(condition=models.Q(('amount__gt', 0), ('captured__gte', 0), ('captured__lte', models.F('amount'))), name='hold_captures_no_more'),
        ),
        migrations.AddConstraint(
            model_name='use',
            constraint=models.CheckConstraint(condition=models.Q(('held__gte', 0), ('used__gte', 0)), name='use_not_below_zero'),
        ),
    ]
