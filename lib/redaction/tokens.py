"""Tokens that announce themselves: a prefix and a form that the vendor documents. One line per family."""
# ruff: noqa: SIM905 -- paragraphs of words are easier to read and to extend than lists

from __future__ import annotations

import re

from lib.redaction.values import is_hex, switches

# The prefix is proof enough.
CERTAIN = "|".join(
    r"""
    gh[oprsu]_[A-Za-z0-9_]{16,}
    github_pat_[A-Za-z0-9_]{20,}
    gl(?:pat|dt|rt|rtr|cbt|ptt|ft|fft|imt|agent|oas|soat|ffct|wt|gt|ksa)-[A-Za-z0-9_=.-]{16,}
    GR1348941[A-Za-z0-9_-]{20,}
    xox[a-z](?:\.xox[a-z])?-[A-Za-z0-9-]{8,}
    xapp-[A-Za-z0-9-]{16,}
    [prs]k_(?:live|test|prod)_[A-Za-z0-9]{10,}
    sk-(?:ant|proj|or|svcacct|admin|None)-[A-Za-z0-9_-]{16,}
    (?:AKIA|ASIA|ABIA|ACCA|AGPA|AIDA|AIPA|ANPA|ANVA|AROA|APKA|A3T[A-Z0-9])[A-Z0-9]{16}
    ABSK[A-Za-z0-9+/=]{60,}
    bedrock-api-key-[A-Za-z0-9+/=]{16,}
    AIza[A-Za-z0-9_-]{35}
    ya29\.[A-Za-z0-9_-]{20,}
    GOCSPX-[A-Za-z0-9_-]{20,}
    1//0[A-Za-z0-9_-]{30,}
    sq0[a-z]{3}-[A-Za-z0-9_-]{20,}
    shp(?:at|ca|pa|ss|ua|tka)_[A-Fa-f0-9]{30,}
    shippo_(?:live|test)_[A-Fa-f0-9]{30,}
    pypi-[A-Za-z0-9_-]{30,}
    rubygems_[a-f0-9]{40,}
    CLOJARS_[A-Za-z0-9]{40,}
    dckr_(?:pat|oat)_[A-Za-z0-9_-]{20,}
    hv[sbr]\.[A-Za-z0-9_-]{20,}
    [A-Za-z0-9]{14}\.atlasv1\.[A-Za-z0-9_=-]{50,}
    dt0[a-z][0-9]{2}\.[A-Z0-9a-z]{24}\.[A-Z0-9a-z]{60,}
    dp\.(?:pt|st|ct|sa|scim|audit)\.[A-Za-z0-9.]{30,}
    do[opr]_v1_[a-f0-9]{60,}
    SG\.[A-Za-z0-9_-]{16,32}\.[A-Za-z0-9_-]{30,}
    NR(?:AK|II|JS|AA|RA|IQ|BR)-[A-Za-z0-9]{19,}
    PMAK-[a-f0-9]{24}-[a-f0-9]{30,}
    PMAT-[A-Z0-9]{20,}
    glsa_[A-Za-z0-9]{32}_[A-Fa-f0-9]{8}
    sntry[su]_[A-Za-z0-9+/=_-]{40,}
    ops_ey[A-Za-z0-9+/=]{100,}
    A3-[A-Z0-9]{6}-[A-Z0-9-]{20,}
    AGE-(?:SECRET-KEY-1|PLUGIN-)[A-Z0-9-]{20,}
    pscale_(?:tkn|pw|oauth)_[A-Za-z0-9_=.-]{30,}
    lin_(?:api|oauth)_[A-Za-z0-9]{30,}
    (?:pat|sat)\.[A-Za-z0-9_-]{22}\.[A-Za-z0-9]{24}\.[A-Za-z0-9]{20}
    fio-u-[A-Za-z0-9_=-]{50,}
    FLW(?:PUB|SEC)K(?:_TEST)?-[A-Za-z0-9-]{12,}
    (?:xkeysib|xsmtpsib)-[a-f0-9]{60,}-[A-Za-z0-9]{12,}
    pplx-[A-Za-z0-9]{40,}
    (?:ATATT3|ATCTT3)[A-Za-z0-9_=+/-]{20,}
    HRKU-[A-Za-z0-9_-]{36,}
    tk-us-[A-Za-z0-9_-]{40,}
    sm_(?:aat|pat|sat)_[A-Za-z0-9]{16,}
    nvapi-[A-Za-z0-9_-]{50,}
    sha256~[A-Za-z0-9_-]{40,}
    (?:access|public|link)-(?:sandbox|development|production)-[a-f0-9-]{30,}
    [0-9]{8,10}(?::|%3[Aa])[A-Za-z0-9_-]{35}
    [A-Za-z0-9_~.]{3}[0-9]Q~[A-Za-z0-9_~.-]{31,34}
    sc_[a-z0-9]{5,}\.[a-z0-9]{4,}\.acc[_-][a-z0-9-]{8,}\.[A-Za-z0-9+/_=-]{30,}
    v1\.0-[a-f0-9]{24}-[a-f0-9]{100,}
    pat-(?:na|eu|ap)[0-9]-[a-f0-9-]{30,}
    (?:bkua|bkct|lsv2_pt|lsv2_sk)_[A-Za-z0-9_]{30,}
    tskey-[a-z]+-[A-Za-z0-9-]{20,}
    figd_[A-Za-z0-9_-]{30,}
    ExponentPushToken\[[A-Za-z0-9_-]+\]
    (?:st|pt)\.[a-f0-9]{24}\.[a-f0-9]{32}\.[a-f0-9]{32}
    PuTTY-User-Key-File-[23]
    [0-9a-f]{32}-us[0-9]{1,2}
    (?:SK|AC)[a-z0-9]{32}
    access_token\$(?:production|sandbox)\$[a-z0-9]{16}\$[a-f0-9]{32}
    (?:sdk|api|mob|rel)-[a-f0-9]{8}(?:-[a-f0-9]{4}){3}-[a-f0-9]{12}
    [0-9]/[0-9]{15,17}:[a-f0-9]{32}
    oy2[a-z0-9]{43}
    nsec1[a-z0-9]{58}
    SCW[A-Z0-9]{17}
""".split()
)
# The prefix is short or a word: what follows must look random too, and the whole must stand alone.
LIKELY = "|".join(
    r"""
    (?:whsec|sk|pk|rk|ek|secret|gsk|phc|phx|npm|hf|api_org|pnu|rdme|b|r8|dsn|key)_[A-Za-z0-9]{20,}
    sk-[A-Za-z0-9_-]{20,}
    (?:EAA|EZAK|EZTK|LTAI|AKID|AKCp|AQVN|AQAA|YC|t1|4b1d|cmVmd|ATBB|dapi)[A-Za-z0-9_-]{12,}
    AKC[A-Za-z0-9]{10,}
    AP[0-9][A-Za-z0-9]{8,}
    s\.[A-Za-z0-9]{24}
    sl\.[A-Za-z0-9_-]{60,}
    glc_[A-Za-z0-9+/]{32,}
    (?:pub|priv)?key-[a-f0-9]{32}
    (?:pul|ico|dnkey|p8e|xai|BBDC)-[A-Za-z0-9=_-]{20,}
    API-[A-Z0-9]{24,30}
    [a-f0-9]{32}-[a-f0-9]{8}-[a-f0-9]{8}
    ntn_[0-9]{11}[A-Za-z0-9]{30,}
    pat[A-Za-z0-9]{14}\.[a-f0-9]{64}
    tfp_[A-Za-z0-9_.=-]{40,}
    f(?:o1|m1a|m1r|m2)_[A-Za-z0-9+/=,_-]{40,}
    sgp_(?:[a-z0-9]+_)?[a-f0-9]{40}
    (?:sq[apu]|sbp)_[a-f0-9]{40}
    (?:live|test|sandbox)_(?:pub_|sec_|key_)?[A-Za-z0-9_=-]{30,}
    [MNO][A-Za-z0-9_-]{23,27}\.[A-Za-z0-9_-]{6}\.[A-Za-z0-9_-]{27,40}
    [0-9]{13,17}(?:\||%7C)[A-Za-z0-9_-]{27,40}
    [a-z]{2,10}_(?:live|test|prod|production|sandbox|dev|secret)_[A-Za-z0-9]{14,}
    [a-z]{0,8}key[-_](?:live|test|prod|production|sandbox|staging|dev)[-_][A-Za-z0-9]{20,}
    [ps]k\.[A-Za-z0-9]{60,}\.[A-Za-z0-9_-]{20,}
""".split()
)
# Addresses whose path is the credential.
WEBHOOKS = (
    r"(?:hooks\.slack\.com/(?:services|workflows|triggers)/|webhook\.office\.com/webhookb2/|(?:discord|discordapp)\.com/api/"
    r"(?:v\d+/)?webhooks/|hooks\.zapier\.com/hooks/catch/|maker\.ifttt\.com/trigger/[\w-]+/(?:json/)?with/key/|"
    r"outlook\.office\.com/webhook/|chat\.googleapis\.com/v1/spaces/|api\.telegram\.org/bot|softlayer\.com/soap/v[\d.]+/|"
    r"events\.pagerduty\.com/integration/|hooks\.chime\.aws/incomingwebhooks/|open\.larksuite\.com/open-apis/bot/v2/hook/)"
    r"([A-Za-z0-9_@:./?=&%+~-]{6,})"
)


def locate_certain(text: str, start: int, end: int) -> tuple[int, int] | None:
    """The whole token, unless it is masked."""
    return None if _is_masked(text[start:end]) else (start, end)


def _is_masked(value: str) -> bool:
    """Whether a prefix with its separator is followed by a mask (`xoxb-xxxx`): it tells which kind was configured."""
    kept = value.rstrip("xX*#.")
    return len(value) - len(kept) >= 8 and kept[-1:] in {"-", "_"}


def locate_likely(text: str, start: int, end: int) -> tuple[int, int] | None:
    """The same for a weaker prefix: the rest is mixed at random, and no identifier or file name goes on after it."""
    before, after = text[start - 1 : start], text[end : end + 1]
    if before == "." or after.isalnum() or after == "_" or (after == "." and text[end + 1 : end + 2].isalpha()):
        return None
    value = text[start:end]
    core = "".join(filter(str.isalnum, value))
    if is_hex(core) and (len(core) == 32 or before == "-"):
        return None  # an id, or a part of a UUID
    tail = core[4:]
    if len(set(tail.lower())) == 1:
        return None if _is_masked(value) else (start, end)
    if tail.isalpha():
        last = re.split("[_-]", value)[-1]
        return (start, end) if len(last) >= 30 and switches(last) * 100 >= 33 * len(last) else None
    mixed = switches(tail) * 100 >= 20 * len(tail) or is_hex(tail)
    return (start, end) if mixed else None
