"""Values that look like secrets and are none: made when the tests run, so that nothing here looks like a leak."""

import base64
import random
import string

BASE62 = string.ascii_letters + string.digits
BASE36 = string.ascii_lowercase + string.digits
UPPER = string.ascii_uppercase + string.digits
HEX = "0123456789abcdef"


def random_text(length: int, alphabet: str = BASE62, seed: int = 1) -> str:
    """Mixed text with at least one digit and one letter of each case the alphabet has."""
    source = random.Random(f"{length} {alphabet} {seed}")
    sure = [
        next(c for c in alphabet if c in group)
        for group in (string.digits, string.ascii_lowercase, string.ascii_uppercase)
        if set(group) & set(alphabet)
    ]
    rest = [source.choice(alphabet) for _ in range(length - len(sure))]
    source.shuffle(mixed := sure + rest)
    return "".join(mixed)


def tokens(seed: int = 1) -> dict[str, str]:
    """One token of each family, by a short name."""

    def r(length: int, alphabet: str = BASE62) -> str:
        return random_text(length, alphabet, seed)

    return {
        "github": "gh" + "p_" + r(36),
        "github fine": "github" + "_pat_" + r(60),
        "gitlab": "glp" + "at-" + r(20),
        "slack": "xox" + "b-" + r(12, string.digits) + "-" + r(24),
        "slack app": "xap" + "p-1-" + r(11, UPPER) + "-" + r(13, string.digits) + "-" + r(64, HEX),
        "stripe": "sk" + "_live_" + r(24),
        "openai": "sk" + "-proj-" + r(48),
        "anthropic": "sk" + "-ant-api03-" + r(90) + "AA",
        "aws": "AKI" + "A" + r(16, UPPER),
        "google": "AIz" + "a" + r(35),
        "npm": "np" + "m_" + r(36),
        "pypi": "pyp" + "i-" + r(80),
        "huggingface": "h" + "f_" + r(34),
        "vault": "hv" + "s." + r(90),
        "sendgrid": "S" + "G." + r(22) + "." + r(43),
        "shopify": "shp" + "at_" + r(32, HEX),
        "telegram": r(9, "123456789") + ":" + r(35),
        "twilio": "S" + "K" + r(32, HEX),
        "digitalocean": "do" + "p_v1_" + r(64, HEX),
        "databricks": "dap" + "i" + r(32, HEX),
        "jwt": "ey" + "JhbGciOiJIUzI1NiJ9." + "ey" + "JzdWIiOiIxIn0." + r(43),
        "jwt again": base64.b64encode(("ey" + "JhbGciOiJIUzI1NiJ9." + "ey" + "JzdWIiOiIxIn0." + r(43)).encode()).decode(),
        "unknown vendor": "acme_prod_" + r(32),
        "no prefix": r(44),
    }


def cards() -> list[str]:
    """Test numbers that the card schemes publish."""
    return [
        "4" + "1" * 15,
        "5555 5555" + " 5555 4444",
        "3782-822463-" + "10005",
        "6011" + "0009" + "9013" + "9424",
        "3056930902" + "5904",
    ]


def pem() -> str:
    """A private key in form only."""
    body = "\n".join(random_text(64, BASE62, seed) for seed in range(4))
    return f"-----BEGIN RSA {'PRIVATE'} KEY-----\n{body}\n-----END RSA {'PRIVATE'} KEY-----"


def basic(user: str = "bob", password: str = "") -> str:
    """The credentials of HTTP basic authentication."""
    return base64.b64encode(f"{user}:{password or random_text(9)}".encode()).decode()
