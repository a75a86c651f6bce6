"""Words the normaliser of messages knows."""


def _words(listed: str) -> frozenset[str]:
    return frozenset(listed.split())


# Absorbed behind a number, as their scale varies with it.
UNITS = _words("""
    B KB MB GB TB PB KiB MiB GiB TiB kB Kb Mb Gb byte bytes % AM PM am pm
    ns us µs ms s sec secs second seconds min mins minute minutes h hr hrs hour hours d day days
    € £ $ EUR GBP USD
    UTC GMT EST EDT CST CDT MST MDT PST PDT CET CEST BST IST JST
""")

CALENDAR = _words("""
    Mon Tue Wed Thu Fri Sat Sun Monday Tuesday Wednesday Thursday Friday Saturday Sunday
    Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec
    January February March April June July August September October November December
""")

# Words that have a digit and are no data, in lower case.
TECHNICAL = _words("""
    2fa base64 ec2 h264 http2 http3 i18n ipv4 ipv6 k8s l10n log4j md5 mp3 mp4 oauth2 s3 sha1 sha256 sha512
    utf16 utf8 win32 x64 x86
""")

# What never is a name.
FUNCTION = _words("and are at by for from has in is may not of on or to was with")

# Words before "user" after which a name stands: "for user x"; but "the user deleted" is no name.
BEFORE_USER = _words("for invalid illegal unknown as by from")

# Words of authentication before "for", after which a name stands.
BEFORE_FOR = _words("failure failures login logon password passwords")

# A value behind one of these keys says what happened; behind any other key it is data.
TELLING_KEYS = _words("""
    action cause code err errno error event exception kind level message method msg op operation phase
    reason result state status type
""")
