import json
from datetime import UTC, datetime, timedelta
import pytest
import secrets
from tests.properties import test_any_order as t
from tests.properties import oracle
from stamgast.kit.database import open_cursor, transaction
from stamgast.activities.operations import store, ensure_source
from stamgast.activities.messages import Reader
from stamgast.activities.queries import *
from stamgast.programmes.operations import publish
from stamgast.segments.operations import define_segment
from stamgast.flows.decide_pending import decide_pending
NOW=t.NOW

def setup(cursor):
    publish(cursor, t.DOCUMENT, effective_from=t.BEGINNING, at=NOW, actor="test", reason="test")
    define_segment(cursor, name="Few", condition={"balance": "score", "over": t.OVER}, at=NOW, actor="test")

@pytest.mark.django_db
def test_stays():
    rows=[(("user_id:u1",), NOW-timedelta(days=110), oracle.COUPON, "o", None), (("user_id:u1",), NOW-timedelta(days=100), oracle.COUPON, "o", None)]
    with transaction() as cursor:
        setup(cursor)
        acts, msgs = t.read(cursor, rows)
    for a in acts:
        with transaction() as cursor:
            store(cursor,[a],[])
        t.drain(100)
    with open_cursor() as cursor:
        assert t.found(cursor)==t.expected(msgs)

def put(raw, n="x"):
    with transaction() as cursor:
        source=ensure_source(cursor,"Shop",at=NOW,actor="t")
        r=Reader(load_catalogue(cursor),currency="EUR",region="NL").read_message(raw,source=source,received_at=NOW,fallback_id=n)
        store(cursor,[r],[])
        return r

@pytest.mark.django_db
def test_big_number_live():
    with transaction() as cursor: setup(cursor)
    r=put(b'{"type":"track","event":"Foo","userId":"1","properties":{"x":1e400}}')
    with open_cursor() as cursor: print(list_latest(cursor))

@pytest.mark.django_db
def test_big_number_traits():
    with transaction() as cursor: setup(cursor)
    r=put(b'{"type":"identify","userId":"1","traits":{"x":1e400}}')
    decide_pending(at=NOW,actor="t",limit=10)

@pytest.mark.django_db
def test_long_trait():
    with transaction() as cursor: setup(cursor)
    r=put(json.dumps({"type":"identify","userId":"1","traits":{secrets.token_hex(6000):1}}).encode())
    decide_pending(at=NOW,actor="t",limit=10)

@pytest.mark.django_db
def test_deep_trait():
    with transaction() as cursor: setup(cursor)
    r=put(b'{"type":"identify","userId":"1","traits":{"x":'+b'['*900+b']'*900+b'}}')
    decide_pending(at=NOW,actor="t",limit=10)

@pytest.mark.django_db
def test_long_kind():
    with transaction() as cursor: setup(cursor)
    import random
    rnd=random.Random(1)
    word="".join(chr(rnd.randrange(0x20000,0x2a000)) for _ in range(255))
    r=put(json.dumps({"type":"track","event":word,"userId":"".join(chr(rnd.randrange(0x20000,0x2a000)) for _ in range(500)),"properties":{"order_id":word}}).encode())
    decide_pending(at=NOW,actor="t",limit=10)
    r=put(json.dumps({"type":"track","event":"X","userId":"u","context":{"externalIds":[{"type":"card","id":"".join(chr(rnd.randrange(0x20000,0x2a000)) for _ in range(500))}]}}).encode(),"y")
    decide_pending(at=NOW,actor="t",limit=10)
@pytest.mark.django_db
def test_bad_amount():
    with transaction() as cursor: setup(cursor)
    r=put(b'{"type":"track","event":"Order Completed","userId":"1","properties":{"order_id":"1","total":"5.00","products":[{"price":1e400,"quantity":1}]}}')
    decide_pending(at=NOW,actor="t",limit=10)
    with open_cursor() as cursor: print(list_latest(cursor))
@pytest.mark.django_db
def test_cursors(client):
    from stamgast.kit.paging import encode_cursor
    from stamgast.kit.errors import StamgastError
    from stamgast.segments.queries import get_segment, list_members, list_changes
    with transaction() as cursor: setup(cursor)
    bad=[]
    from django.db import transaction as dt
    def trial(name,f):
        try:
            with dt.atomic():
                with open_cursor() as c: f(c)
        except StamgastError as e: pass
        except Exception as e: bad.append((name,type(e).__name__))
    for c in (encode_cursor("x","y"), encode_cursor("2026-01-01","y"), encode_cursor("\x00","y")):
        trial("members",lambda cur: list_members(cur,get_segment(cur,"few"),after=c,limit=5))
        trial("latest",lambda cur: list_latest(cur,after=c))
        trial("activities",lambda cur: list_activities(cur,[],before=c))
        trial("refusals",lambda cur: list_refusals(cur,after=c))
    trial("changes",lambda cur: list_changes(cur,get_segment(cur,"few"),before=encode_cursor(2**70),limit=5))
    from stamgast.customers.queries import find_customer, list_customers
    from stamgast.ledger.queries import list_movements
    from uuid import UUID
    trial("customers",lambda cur: list_customers(cur,after=encode_cursor(2**70,"00")))
    trial("customers",lambda cur: list_customers(cur,after=encode_cursor(-10**17,UUID(int=1).hex)))
    trial("movements",lambda cur: list_movements(cur,UUID(int=1),after=encode_cursor(-6*10**16,UUID(int=1).hex)))
    for ref in ("user_id:a\x00b","a\x00:b","x"*9000, "user_id:\ud800", "email:\ud800@x.nl", "\ud800"):
        trial(ref,lambda cur: find_customer(cur,ref))
    for s in ("a\x00","\ud800"):
        trial(s,lambda cur: list_customers(cur,search=s))
        trial("seg",lambda cur: get_segment(cur,s))
    assert not bad, bad
