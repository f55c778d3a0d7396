"""Tables of customers. Private to the room: other rooms call ``operations`` and ``queries``."""

from django.db import models

from stamgast.customers.consent.models import ConsentChange as ConsentChange
from stamgast.customers.consent.models import ConsentText as ConsentText
from stamgast.customers.erasure.models import Erasure as Erasure
from stamgast.customers.erasure.models import ErasureKey as ErasureKey
from stamgast.customers.erasure.models import ErasureTrace as ErasureTrace
from stamgast.customers.erasure.models import Tombstone as Tombstone


class Customer(models.Model):
    """One person, known or half known. A merged customer keeps its row and names the customer that it is now part of."""

    id = models.UUIDField(primary_key=True)
    bucket = models.SmallIntegerField()
    created_at = models.DateTimeField()
    first_seen = models.DateTimeField()
    last_seen = models.DateTimeField()
    merged_into = models.UUIDField(null=True)
    erased_at = models.DateTimeField(null=True)

    class Meta:
        indexes = (
            models.Index(fields=("last_seen", "id"), name="customer_last_seen", condition=models.Q(merged_into__isnull=True)),
            models.Index(fields=("merged_into",), name="customer_merged_into", condition=models.Q(merged_into__isnull=False)),
        )


class Identifier(models.Model):
    """A value that points at a customer, normalised. The id derives from kind and value, so it needs no look-up."""

    id = models.UUIDField(primary_key=True)
    kind = models.TextField()
    value = models.TextField()
    first_at = models.DateTimeField()

    class Meta:
        indexes = (models.Index(fields=("value",), name="identifier_value", opclasses=("text_pattern_ops",)),)


class Link(models.Model):
    """That an identifier points at a customer, from a moment to a moment; the open one is in force.

    Which customer an activity belongs to is read over these rows, so that a merge moves links and nothing else.
    """

    id = models.BigAutoField(primary_key=True)
    identifier_id = models.UUIDField()
    customer_id = models.UUIDField()
    began_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)
    cause = models.UUIDField(null=True, help_text="the activity or the judgement that made the link")
    actor = models.TextField()
    reason = models.TextField()

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=("identifier_id",), name="link_one_open", condition=models.Q(ended_at__isnull=True)),
        )
        indexes = (
            models.Index(fields=("customer_id",), name="link_customer"),
            models.Index(fields=("identifier_id",), name="link_former", condition=models.Q(ended_at__isnull=False)),
        )


class Evidence(models.Model):
    """That two identifiers came in together, and the earliest activity that says so; ``first`` was its anchor.

    The customers are a pure function of these rows: see ``docs/algorithms/identity.md``.
    """

    pk = models.CompositePrimaryKey("first_id", "second_id")
    first_id = models.UUIDField()
    second_id = models.UUIDField()
    first_at = models.DateTimeField()
    activity_id = models.UUIDField()
    is_explicit = models.BooleanField(default=False, help_text="an alias, which may join two user ids")

    class Meta:
        # With both columns: by the first alone a plan could walk everything that a shared device was ever seen with.
        indexes = (models.Index(fields=("second_id", "first_id"), name="evidence_second"),)


class Judgement(models.Model):
    """That somebody said of two identifiers whether they are one customer's. Never edited: it gets an end.

    In force of a pair is the latest that is not withdrawn. ``one_id`` is the smaller.
    """

    id = models.UUIDField(primary_key=True)
    one_id = models.UUIDField()
    other_id = models.UUIDField()
    is_same = models.BooleanField()
    made_at = models.DateTimeField()
    actor = models.TextField()
    reason = models.TextField()
    withdrawn_at = models.DateTimeField(null=True)
    withdrawn_by = models.TextField(default="")
    withdrawn_reason = models.TextField(default="")

    class Meta:
        constraints = (models.CheckConstraint(condition=models.Q(one_id__lt=models.F("other_id")), name="judgement_of_two"),)
        indexes = (
            models.Index(fields=("one_id",), name="judgement_one"),
            models.Index(fields=("other_id",), name="judgement_other"),
        )


class Ruleset(models.Model):
    """The rules of identity as somebody set them; the last is in force. Never edited."""

    id = models.AutoField(primary_key=True)
    made_at = models.DateTimeField()
    actor = models.TextField()
    reason = models.TextField()
    document = models.JSONField()
    applied_at = models.DateTimeField(null=True, help_text="when the customers of before had followed")
    reread_until = models.UUIDField(null=True, help_text="up to which anchor the evidence was read again")


class HouseholdTold(models.Model):
    """That an identifier's customer is in a household from a moment on; None: in none.

    Keyed by the identifier, so that households follow the links. ``told_id`` is the activity, or the act of a person.
    """

    pk = models.CompositePrimaryKey("anchor_id", "told_id")
    anchor_id = models.UUIDField()
    told_id = models.UUIDField()
    occurred_at = models.DateTimeField()
    household = models.TextField(null=True)
    actor = models.TextField()
    reason = models.TextField(default="")

    class Meta:
        db_table = "customers_household_told"
        indexes = (models.Index(fields=("household",), name="household_told", condition=models.Q(household__isnull=False)),)


class Trait(models.Model):
    """The latest value of one trait that came in with one identifier, with its source and moment.

    Keyed by the identifier and not by the customer, so that traits follow the links. The index that searches use is made
    by the migration ``0002_trait_search``.
    """

    pk = models.CompositePrimaryKey("anchor_id", "name")
    anchor_id = models.UUIDField()
    name = models.TextField()
    value = models.JSONField()
    occurred_at = models.DateTimeField()
    source = models.TextField()
    activity_id = models.UUIDField()


class TraitValue(models.Model):
    """One value that one source ever told of a trait of one identifier, from when to when it told it.

    Who said what when, the values that lost included; one row however often a source says the same. What holds is ``Trait``.
    """

    pk = models.CompositePrimaryKey("anchor_id", "name", "source", "digest")
    anchor_id = models.UUIDField()
    name = models.TextField()
    source = models.TextField()
    digest = models.UUIDField(help_text="MD5 of the value, because a value may be longer than an index can hold")
    value = models.JSONField()
    first_at = models.DateTimeField()
    last_at = models.DateTimeField()

    class Meta:
        db_table = "customers_trait_value"


class Swallowing(models.Model):
    """The last count of customers with more identifiers than the rules call alarming. One row: counting looks at everybody."""

    id = models.SmallIntegerField(primary_key=True)
    counted_at = models.DateTimeField()
    above = models.IntegerField()
    total = models.IntegerField()
    largest = models.JSONField(help_text="[customer, number of identifiers], the largest first")
