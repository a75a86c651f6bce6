"""What a model wrote, as plain text: nothing in it can be followed, fetched, rendered or hidden; code stays readable."""

from __future__ import annotations

import re
import time

from hypothesis import example, given, settings
from hypothesis import strategies as st

from lib.analysis.plain import plain, visible
from tests.cases import each

URL = re.compile(r"(?i)[a-z][a-z0-9+.-]+:\s?[/\\]{2}|\bwww\.\S|\b(?:javascript|data|mailto):[^\s)\]}]")
MARKUP = re.compile(r"<[A-Za-z/!?@#]|\]\(|!\[|&#?\w+;|```|~~~")
# As eager as any client: a name with a path, or with an ending of hosts.
HOST = re.compile(
    r"(?i)[\w-]\.(?:[a-z]{3,}|ly|pw|sh|рф)(?::\d+)?/|[\w-]\.(?:com|ly|pw|рф)(?![.。]?[\w-])|(?<![\w.])(?:\d{1,3}\.){3}\d{1,3}/"
)
HIDDEN = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff\U000e0000-\U000e007f]")


def assert_harmless(text: str) -> None:
    assert not URL.search(text), text
    assert not HOST.search(text), text
    assert not MARKUP.search(text), text
    assert not HIDDEN.search(text), repr(text)


@each(
    ("written", "left"),
    [
        ("See https://evil.example/?q=1 now", "See [link removed] now"),
        ("HTTP://EVIL.example", "[link removed]"),
        ("ftp://a/b wss://c", "[link removed] [link removed]"),
        ("hxxps://evil.example", "[link removed]"),
        ("http:\\\\evil.example", "[link removed]"),
        ("https : // evil.example", "[link removed] evil[.]example"),
        ("//evil.example/x.js", "[link removed]"),
        ("\\\\evil.example\\share", "[link removed]"),
        ("www.evil.example/a", "[link removed]"),
        ("ht\u200btps://evil.example", "[link removed]"),
        ("ｈｔｔｐｓ：／／evil.example", "[link removed]"),
        ("javascript:alert(1)", "[link removed]"),
        ("data:text/html;base64,xx", "[link removed]"),
        ("write to mailto:a@b.example", "write to [link removed]"),
        ("ask jane@corp.example", "ask [address removed]"),
        ("![x](https://evil.example/p.png)", "! [x] ([link removed]"),
        ("[click](/incidents/2)", "[click] (/incidents/2)"),
        ("<img src=x onerror=alert(1)>", "‹img src=x onerror=alert(1)>"),
        ("<https://evil.example|ok>", "<[link removed]"),  # Slack's form: nothing is left of it
        ("<!channel> <@U123>", "‹!channel> ‹@U123>"),
        ("hi @everyone", "hi @ everyone"),
        ("&lt;script&gt;", "& lt;script& gt;"),
        ("&#60;b&#62;", "& #60;b& #62;"),
        ("```diff\n- a\n+ b\n```", "- a\n+ b"),
        ("a\u202eb\u2066c\x1b[31md\x00", "abc[31md"),
        ("tag\U000e0041\U000e0042s", "tags"),
        ("a\u2028b\r\nc", "a\nb\nc"),
    ],
)
def test_what_could_do_something_is_taken_out(written: str, left: str) -> None:
    assert plain(written, 500) == left
    assert_harmless(left)


@each(
    ("written", "left"),
    [
        ("go to evil.example/login?x", "go to evil[.]example/login?x"),
        ("go to evil.com.", "go to evil[.]com."),
        ("EVIL.COM, (evil.com) evil.com() _evil.com_", "EVIL[.]COM, (evil[.]com) evil[.]com() _evil[.]com_"),
        ("login.evil.com:8080", "login[.]evil[.]com:8080"),
        ("evil.comfort/x", "evil[.]comfort/x"),  # an ending that nobody has yet
        ("bit.ly/abc?d=canary goo.gl/x t.ly/x evil.pw/a", "bit[.]ly/abc?d=canary goo[.]gl/x t[.]ly/x evil[.]pw/a"),
        # Endings of code, where no code goes on so.
        ("evil.sh/x?c=1 evil.id?canary evil.py:80/x", "evil[.]sh/x?c=1 evil[.]id?canary evil[.]py:80/x"),
        ("src/evil.sh/x canary.evil.sh", "src/evil[.]sh/x canary[.]evil[.]sh"),
        ("evil.link/ evil.app?d=canary", "evil[.]link/ evil[.]app?d=canary"),
        ("1.2.3.4/x?y=1 1.2.3.4:80/x 10.0.0.0/8", "1[.]2[.]3[.]4/x?y=1 1[.]2[.]3[.]4:80/x 10[.]0[.]0[.]0/8"),
        ("localhost:3000/x", "localhost[:]3000/x"),
        ("пример.рф/x пример.рф", "пример[.]рф/x пример[.]рф"),
        ("xn--e1afmkfd.xn--p1ai", "xn--e1afmkfd[.]xn--p1ai"),
        ("evil。com evil．com", "evil[.]com evil[.]com"),
        ("[x][1]\n[1]: foo.sh/x", "[x][1]\n[1] : foo[.]sh/x"),
        ("[x][1]\n  [1]: foo.sh", "[x][1]\n  [1] : foo.sh"),
        ("https:/evil.pw/x", "https:/evil[.]pw/x"),
        ("https  ://evil.pw/x", "https  :[link removed]"),
        ("\\\\evil\\share", "[link removed]"),  # a name of no dots is asked for a password all the same
        ("ms-word:ofe|u|x sip:eve xmpp:eve", "[link removed] [link removed] [link removed]"),
        ("eve@evil.sh/x a:eve@evil.com", "[address removed]/x a:[address removed]"),
        ('"eve"@evil.sh', '"eve"[@]evil.sh'),
        ("github.com/acme/shop.Total", "github[.]com/acme/shop.Total"),  # a package, and an address
        ("ASP.NET", "ASP[.]NET"),
        # What is one word before it is cut is none behind that.
        ("x " * 243 + "see evil.company or", "x " * 243 + "see..."),
    ],
)
def test_what_a_client_would_link_is_broken_up(written: str, left: str) -> None:
    assert plain(written, 500) == left
    assert_harmless(left)
    assert plain(left, 500) == left


@each(
    "code",
    [
        "Use cart.get('id') and return None where it is missing.",
        "--- a/shop/pay.py\n+++ b/shop/pay.py\n@@ -42 +42 @@\n-    return cart['id'] * 2\n+    return cart.get('id', 0) * 2",
        "if a < b && c > d: x[i][j] = f(**kw) # __init__",
        "java.lang.NullPointerException at com.acme.shop.Pay.total(Pay.java:42)",
        "os.path.join(root, 'a/b'), C:/srv/app, C:\\srv\\app, C:\\\\srv\\\\app, r'\\\\d+\\.'",
        "std::vector<int> v; a::b",  # but for its `<`
        "Überprüfe 日本語 значение. エラー。次は値。",
        # Names of files, with lines, in folders and packages.
        "cart.py:12, shop/cart.py:12:5, ./main.rs, ../setup.sh, README.md; lib.so.1, app.min.js, a.tar.gz, index.d.ts",
        "node_modules/@babel/core/lib/index.js:12, node_modules/chart.js/dist/x.js, /usr/lib/python3.11/site-packages/x.py",
        "/etc/nginx/conf.d, .github/workflows/ci.yml, *.py, configure.ac",
        # Versions and packages.
        "1.2.3, v1.2.3-rc.1, >=1.2,<2, 1.2.3.4, python3.11, HTTP/1.1, Chrome/120.0.0.0, @babel/core@7.0.0, shop@1.4.2",
        "numpy.linalg.LinAlgError, psycopg.errors.UniqueViolation, java.net.SocketException, System.Net.Http.HttpClient",
        # Members, calls and chains.
        "user.id, self.request.user.pk, tensor.to(device), column.in_(ids), dt.tz, Op.gt, By.id",
        "a.b.c(), items.map(f).filter(g), requests.post(url), logger.info('x'), regex.test(x), button.click(), counter.inc()",
        "user.address?.city, a.b ? c.d : e.f, is it cart.py? self.total / self.count, total/count, ...args, $this->pay",
        '@app.route("/x"), "@app.route", @pytest.fixture, f(@org.junit.Test), root@db',
        # Sentences and numbers.
        "e.g. this, i.e. that, etc. It failed.Then it went on. and/or 3.5/4, 16:9/4, 10:30, 1,234.56, 2026-11-27T10:00:00+00:00",
        "It listens on localhost:5432.",
    ],
)
def test_code_stays_readable(code: str) -> None:
    assert plain(code, 500) == code.replace("<int", "‹int")


def test_a_text_is_cut_at_its_limit() -> None:
    assert plain("word " * 100, 20) == "word word word wo..."


@given(st.text(max_size=400))
@settings(deadline=None)
def test_whatever_is_written_is_harmless_and_stays_as_it_is_then(text: str) -> None:
    once = plain(text, 300)
    assert_harmless(once)
    assert plain(once, 300) == once
    assert len(once) <= 300


PIECES = [
    "http",
    "s:",
    "//",
    "evil",
    ".",
    "com",
    "/x",
    "[",
    "](",
    "!",
    "<",
    "a",
    ">",
    "&",
    "lt;",
    "`",
    "```",
    "\n",
    " ",
    "@",
    "\u200b",
    "：",
    "／",
    "\\",
    "javascript:",
    "www.",
    ".sh",
    "рф",
    "ly",
    "1.2.3.4",
    ":80",
    "?q=1",
    "。",
    "_",
]


@given(st.lists(st.sampled_from(PIECES), max_size=40).map("".join))
@example("1.2.3.4:80.sh//")  # what may be a port may be the next name's beginning
@settings(deadline=None, max_examples=500)
def test_pieces_of_links_and_markup_never_join_to_one(text: str) -> None:
    once = plain(text, 300)
    assert_harmless(once)
    assert plain(once, 300) == once


def test_what_is_sent_hides_nothing_either() -> None:
    assert visible("a\u200b\u202eb\x00\U000e0041c\r\nd\te") == "abc\nd\te"


@each(
    "text",
    [
        "a." * 8_000,
        "a@" * 8_000,
        "http" * 4_000,
        "<" * 16_000,
        "[" * 16_000,
        "a" * 16_000 + "@",
        "/" * 16_000,
        "`" * 16_000,
        "a.com/" * 3_000,
        "a-" * 8_000,
        "\\\\a" * 5_000,
        "]:" * 8_000,
        "1." * 8_000,
        ")@a." * 4_000,
        "a。" * 8_000,
    ],
)
def test_the_time_it_takes_is_bounded(text: str) -> None:
    began = time.process_time()
    plain(text, 4_000)
    assert time.process_time() - began < 1
