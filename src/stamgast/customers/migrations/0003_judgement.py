"""What people say about who is one customer."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('customers', '0002_trait_search'),
    ]

    operations = [
        migrations.AlterField(
            model_name='link',
            name='cause',
            field=models.UUIDField(help_text='the activity or the judgement that made the link', null=True),
        ),
        migrations.CreateModel(
            name='Judgement',
            fields=[
                ('id', models.UUIDField(primary_key=True, serialize=False)),
                ('one_id', models.UUIDField()),
                ('other_id', models.UUIDField()),
                ('is_same', models.BooleanField()),
                ('made_at', models.DateTimeField()),
                ('actor', models.TextField()),
                ('reason', models.TextField()),
                ('withdrawn_at', models.DateTimeField(null=True)),
                ('withdrawn_by', models.TextField(default='')),
                ('withdrawn_reason', models.TextField(default='')),
            ],
            options={
                'indexes': [models.Index(fields=['one_id'], name='judgement_one'), models.Index(fields=['other_id'], name='judgement_other')],
                'constraints': [models.CheckConstraint(condition=models.Q(('one_id__lt', models.F('other_id'))), name='judgement_of_two')],
            },
        ),
    ]
