"""Tables of duplicates. Private to the room: other rooms call ``operations`` and ``queries``."""

from django.db import models


class Proposal(models.Model):
    """That two customers are likely one person, and what a person made of it. ``one_id`` is the smaller.

    Who is one customer stands in a judgement of ``customers``, which an accepted or refused proposal names.
    """

    id = models.UUIDField(primary_key=True)
    one_id = models.UUIDField()
    other_id = models.UUIDField()
    probability = models.FloatField()
    reasons = models.JSONField(help_text="codes, field:level, of what was compared")
    state = models.TextField()
    search_id = models.UUIDField(help_text="the search that found it last")
    found_at = models.DateTimeField()
    settled_at = models.DateTimeField(null=True)
    settled_by = models.TextField(default="")
    judgement_id = models.UUIDField(null=True)

    class Meta:
        constraints = (models.CheckConstraint(condition=models.Q(one_id__lt=models.F("other_id")), name="proposal_of_two"),)
        indexes = (
            models.Index(fields=("state", "probability", "id"), name="proposal_likeliest"),
            models.Index(fields=("one_id",), name="proposal_one"),
            models.Index(fields=("other_id",), name="proposal_other"),
        )


class Search(models.Model):
    """One search through all customers, in parts, so that it can be stopped and gone on with. At most one is open."""

    id = models.UUIDField(primary_key=True)
    wanted_at = models.DateTimeField()
    wanted_by = models.TextField()
    is_open = models.BooleanField(default=True)
    begun_at = models.DateTimeField(null=True)
    beat_at = models.DateTimeField(null=True, help_text="when whoever works on it last said so; null while nobody does")
    ended_at = models.DateTimeField(null=True)
    parts = models.IntegerField(default=0)
    parts_done = models.IntegerField(default=0)
    customers = models.IntegerField(default=0)
    found = models.IntegerField(default=0)
    learnt = models.JSONField(null=True, help_text="the odds, with which the later parts are compared like the first")
    left_out = models.JSONField(default=list, help_text="keys that too many customers shared, and how many did")

    class Meta:
        constraints = (models.UniqueConstraint(fields=("is_open",), name="search_one_open", condition=models.Q(is_open=True)),)
        indexes = (models.Index(fields=("wanted_at",), name="search_wanted"),)
