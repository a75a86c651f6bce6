"""Messages: data goes, words stay."""

from lib.fingerprint import compute
from lib.fingerprint.v1.messages import normalise
from tests.cases import each
from tests.lib.fingerprint.build import message

SAME = [
    # ids, numbers, units
    ("Order 1234 is late", "Order 98 is late"),
    ("Order #1234 is late", "Order #7 is late"),
    ("job 3f2b8c1e-9d4a-4a55-8f0e-0c9b6d7e1a22 died", "job 0d1c2b3a-1111-4222-8333-444455556666 died"),
    ("commit deadbeef not found", "commit 3f2a1b9 not found"),
    ("object at 0x7f3a2c44 leaked", "object at 0x11 leaked"),
    ("took 12 ms", "took 3.5 s"),
    ("took 30s", "took 30 seconds"),
    ("wrote 900 B in 3 ms", "wrote 1.5 GB in 2 min"),
    ("lifetime <1 sec", "lifetime 12 sec"),
    ("balance is -1,234.50", "balance is 3"),
    # addresses and people
    ("connect to 10.0.0.7:5432 failed", "connect to 192.168.1.1:80 failed"),
    ("connect to fe80:0:0:1:2:3:4:5 failed", "connect to 10.0.0.7 failed"),
    ("mail to ann@example.com bounced", "mail to bob.smith+x@mail.example.org bounced"),
    ("mail to ann@example.com bounced", "mail to [redacted:email] bounced"),
    ("lookup of db1.example.internal failed", "lookup of www.example.co.uk failed"),
    ("session opened for user ann by root", "session opened for user bob by root"),
    ("Failed login for ann from 10.0.0.1", "Failed login for bob from 10.0.0.2"),
    ("Invalid user guest from 10.0.0.1", "Invalid user oracle from 10.0.0.1"),
    # paths and addresses of pages
    ("cannot open /var/lib/app/a.txt: denied", "cannot open /tmp/x: denied"),
    ("cannot open C:\\Users\\ann\\a.txt now", "cannot open D:\\b.txt now"),
    ("GET https://api.example.com/v1/users/7?full=1 failed", "GET https://example.org/ failed"),
    ("Not Found: /blog/hello", "Not Found: /shop?page=2"),
    ("upload of report.pdf failed", "upload of holiday-photo.jpeg failed"),
    # keys and values
    ("slow query duration=12ms table=users", "slow query duration=3s table=orders"),
    ('lock tag="View Lock" name=ann', 'lock tag="Other" name=bob'),
    ("auth logname= uid=0", "auth logname=ann uid=10"),
    ("cached: {'hits': 3}", "cached: {'hits': 5}"),
    # lists and dates
    ("shards 1 2 3 are down", "shards 4 are down"),
    ("shards [1, 2, 3] are down", "shards [4] are down"),
    ("started at Wed Jun 15 22:12:33 2005", "started at Mon Jan 3 02:10:00 2022"),
    ("2024-01-02T03:04:05.678Z boom", "2023-11-12 13:14:15 boom"),
    ("  padded   text ", "padded text"),
]

DIFFERENT = [
    ("payment declined", "payment refunded"),
    ("Payment 12 declined by 10.0.0.1", "Payment 12 refunded by 10.0.0.1"),
    ("the user deleted it", "the user created it"),
    ("user quota exceeded", "user name exceeded"),
    ("user deleted by admin", "user created by admin"),
    ("java.io.IOException: reset", "java.net.SocketException: reset"),
    ("com.example.shop.CartException in job", "com.example.shop.StockException in job"),
    ("got action android.intent.action.SCREEN_ON", "got action android.intent.action.SCREEN_OFF"),
    ("task moved from NEW to RUNNING", "task moved from NEW to FAILED"),
    ("IPv4 lookup failed", "IPv6 lookup failed"),
    ("status=failed for 3", "status=expired for 3"),  # a telling key
    ('level=error msg="disk full"', 'level=error msg="disk lost"'),
    ("relation missing", "column missing"),
    ("flush2DB failed", "flush2Disk failed"),
    ('"GET /a" refused', '"POST /a" refused'),
]


@each(("one", "other"), SAME)
def test_messages_that_differ_in_data_share_an_incident(one: str, other: str) -> None:
    assert normalise(one) == normalise(other)
    assert compute(message(one)).value == compute(message(other)).value


@each(("one", "other"), DIFFERENT)
def test_messages_that_differ_in_words_are_two_incidents(one: str, other: str) -> None:
    assert normalise(one) != normalise(other)
    assert compute(message(one)).value != compute(message(other)).value


def test_words_stay_readable() -> None:
    assert normalise("Order 1234 of ann@example.com is late by 3 days") == "Order <*> of <*> is late by <*>"
    assert normalise("No module named 'shop.cart'") == "No module named 'shop.cart'"


def test_a_template_with_parameters_decides_and_equals_its_text() -> None:
    templated = compute(message("Payment 7 of ann failed", "Payment %s of %(name)s failed", [7]))
    assert templated.rule == "message_template"
    assert templated.parts == ["message: Payment <*> of <*> failed"]
    assert templated.value == compute(message("Payment 9 of bob failed", "Payment %s of %(name)s failed", [9])).value
    assert compute(message("order 1 lost", "order %d lost", [1])).value == compute(message("order 2 lost")).value


def test_an_unformatted_message_without_parameters_is_no_template() -> None:
    assert compute(message("order 1 lost")).rule == "message"
    assert compute(message("order 1 lost", params=[])).rule == "message"


def test_a_message_with_a_stack_is_a_message() -> None:
    """@sentry/node's captureMessage: an exception without type, synthetic, and the text beside it."""

    def captured(text: str, function: str) -> dict[str, object]:
        stack = {"frames": [{"function": function, "filename": "/srv/a.js", "in_app": True}]}
        mechanism = {"type": "generic", "synthetic": True}
        return {"exception": {"values": [{"value": text, "mechanism": mechanism, "stacktrace": stack}]}, "message": text}

    assert compute(captured("quota 3 reached", "f")).rule == "message"
    assert compute(captured("quota 3 reached", "f")).value == compute(captured("quota 4 reached", "g")).value
    assert compute(captured("quota 3 reached", "f")).value != compute(captured("quota 3 passed", "f")).value
