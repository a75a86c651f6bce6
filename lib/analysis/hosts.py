"""Names with dots: which of them a client would make a link of, broken up visibly (`evil[.]example/x`).

Mail and chat programs link whatever has an ending that they know, and code has names with dots everywhere. So what looks like
an address with a path, a query or a port is broken up whatever its ending is; a bare name only where its ending is one of hosts
rather than of code. What is left (`setup.sh`, `user.id`) nothing can tell from a host: messages break that up in their way.
"""

from __future__ import annotations

import re

# The full stop of Chinese and Japanese is one of hosts as well. `a?.b` chains, `a ? b` chooses: neither is a query.
_NAME = re.compile(
    r"(?<![\w\-])(?P<name>[\w\-]+(?:(?:\.|。(?=[a-z\d]))[\w\-]+)+)"
    r"(?P<port>:\d{1,5}(?![\w\-]|[.。][\w\-]))?(?P<path>/|\?(?=[\w%=&]))?",
    re.IGNORECASE,
)
# `localhost:3000/x`: no client links it without a path.
_PORT = re.compile(r"(?<![\w.\-\]])([a-z][\w\-]*):(?=\d{2,5}/)", re.IGNORECASE)
_DOTS = re.compile("[.。]")
_LATIN_MAX = "\u024f"
_OCTETS = 4


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_COUNTRIES = _words(
    "ac ad ae af ag ai al am ao aq ar as at au aw ax az ba bb bd be bf bg bh bi bj bm bn bo br bs bt bw by bz ca cc cd cf cg ch"
    " ci ck cl cm cn co cr cu cv cw cx cy cz de dj dk dm do dz ec ee eg er es et eu fi fj fk fm fo fr ga gb gd ge gf gg gh gi gl"
    " gm gn gp gq gr gs gt gu gw gy hk hm hn hr ht hu id ie il im in io iq ir is it je jm jo jp ke kg kh ki km kn kp kr kw ky kz"
    " la lb lc li lk lr ls lt lu lv ly ma mc md me mg mh mk ml mm mn mo mp mq mr ms mt mu mv mw mx my mz na nc ne nf ng ni nl no"
    " np nr nu nz om pa pe pf pg ph pk pl pm pn pr ps pt pw py qa re ro rs ru rw sa sb sc sd se sg sh si sk sl sm sn so sr ss st"
    " su sv sx sy sz tc td tf tg th tj tk tl tm tn to tr tt tv tw tz ua ug uk us uy uz va vc ve vg vi vn vu wf ws ye yt za zm"
    " zw"
)
# Of these, endings of source files: a file's own name has one dot.
_FILES = _words("ac am cc cl cu gd md ml mm mo pl pm py rs sh so")
# And what code calls or reads: `user.id`, `tensor.to(device)`, `by.gt`.
_MEMBERS = _words("as at by do ge gt id is lr lt ms mu ne no pk td to tr tz ws")
_UNDERSCORED = frozenset(("in_",))  # `column.in_(values)`
# Other endings of hosts, but for those that are words of code (app, click, info, inc, link, name, page, run, store, test, top …).
_HOSTS = _words(
    "com net org edu gov mil arpa onion example aero asia biz coop mobi museum xxx academy adult agency apartments auction autos"
    " bargains beauty berlin bet bid boats boutique buzz cab camp careers casino cfd cheap christmas church claims cleaning"
    " clinic clothing cloud club coffee college condos contractors cricket cruises cyou dating democrat dental dentist dev"
    " diamonds download estate exchange expert exposed faith fashion fishing florist football forex furniture futbol fyi gdn"
    " gifts glass gmbh gratis guitars guru hair haus healthcare holdings holiday homes horse hosting icu immo immobilien jetzt"
    " jewelry kaufen kim kitchen lawyer lgbt life limo live llc loan loans lol london love ltd ltda luxury maison makeup mba"
    " memorial miami moda moe mom monster mortgage moscow mov movie ngo ninja nyc ong online ooo paris party pharmacy photography"
    " pics pizza plumbing poker porn quest racing realtor rehab reisen rentals republican restaurant review rich rocks rodeo sale"
    " salon sbs schule science sexy singles site soccer software solutions space studio surgery tattoo taxi tech tennis theater"
    " tienda tips tires tokyo trade vacations vegas ventures viajes villas vin vip vodka voyage wang webcam website wedding wien"
    " win wine work world wtf xin xyz yachts yoga zip"
)


def broken_up(text: str) -> str:
    """The text with every name in it that a client would link broken up. Idempotent."""
    return _PORT.sub(r"\1[:]", _NAME.sub(_replaced, text))


def _replaced(found: re.Match[str]) -> str:
    parts = _DOTS.split(found["name"])
    if not _is_host(parts, is_followed=found["path"] is not None):
        return found[0]
    return "[.]".join(parts) + found[0][len(found["name"]) :]


def _is_host(parts: list[str], *, is_followed: bool) -> bool:
    ending = parts[-1].lower()
    if ending not in _UNDERSCORED:
        ending = ending.strip("_-")  # of emphasis: _evil.example_
    if ending.isdigit():  # a version, but for the address of a machine
        return is_followed and len(parts) >= _OCTETS and all(one.isdigit() for one in parts[-_OCTETS:])
    if ending in _COUNTRIES:
        return is_followed or not (ending in _MEMBERS or (ending in _FILES and len(parts) == 2))
    if ending.startswith("xn--") or ending[:1] > _LATIN_MAX:
        return True
    return ending in _HOSTS or (is_followed and len(ending) > 2 and ending.isalpha())
