"""Check digits and ranges: what tells a card, an account, an address or a wallet from any other row of digits.

Each check takes (text, start, end) of a match and sees what stands around it.
"""

from __future__ import annotations

import hashlib
import ipaddress
from typing import Final

CONTEXT_CHARS = 48

# ISO 13616 registry: total length by country.
IBAN_LENGTHS: Final = {
    country: int(length)
    for length, countries in {
        "15": "NO", "16": "BE", "18": "DK FO FI GL NL SD FK", "19": "MK SI", "20": "AT BA EE KZ LT LU XK MN",
        "21": "CH HR LI LV", "22": "BG BH CR DE GB GE IE ME RS VA", "23": "AE GI IL IQ TL OM SO",
        "24": "AD CZ ES MD PK RO SA SE SK TN VG DZ CV", "25": "LY PT ST AO MZ GW", "26": "IS TR",
        "27": "BF BI CF CG CM DJ FR GA GR IT MC MG MR SM TD KM GQ",
        "28": "AL AZ BJ BY CI CY DO GT HN HU LB MA ML NE NI PL SN SV TG",
        "29": "BR EG PS QA UA", "30": "JO KW MU YE", "31": "MT SC", "32": "LC", "33": "RU",
    }.items()
    for country in countries.split()
}  # fmt: skip
CARD_WORDS = ("card", "credit", "debit", "cc", "visa", "master", "maestro", "amex", "payment", "pan", "diners", "jcb")
NUMBER_WORDS = ("ssn", "social", "tax", "taxpayer", "itin", "security number")
NETWORK_WORDS = ("ip", "ipv6", "addr", "address", "src", "dst", "unspecified", "listen", "bind", "host", "loopback", "gateway")
HARDWARE_WORDS = ("mac", "hwaddr", "bssid", "ether", "ethernet", "hardware", "physical")
VERSION_WORDS = ("version", "versions", "ver", "v", "release", "build", "rev", "firmware", "sdk", "chrome", "agent")


def luhn(digits: str) -> bool:
    """ISO/IEC 7812-1 annex B."""
    total = sum(map(int, digits[-1::-2]))
    return (total + sum(sum(divmod(2 * int(digit), 10)) for digit in digits[-2::-2])) % 10 == 0


def words_before(text: str, start: int) -> set[str]:
    """Lower-case words shortly before `start`."""
    return set("".join(c if c.isalnum() else " " for c in text[max(0, start - CONTEXT_CHARS) : start].lower()).split())


def _named(text: str, start: int, names: tuple[str, ...]) -> bool:
    before = words_before(text, start)
    return any(word.startswith(names) for word in before) if names is CARD_WORDS else not before.isdisjoint(names)


def is_card(text: str, start: int, end: int) -> bool:
    """A payment card number: issuer prefix, length and Luhn. Rare lengths and prefixes need a word such as `card` before."""
    if _glued(text, start, end):
        return False
    digits = "".join(filter(str.isdigit, text[start:end].replace("%20", " ")))
    length = len(digits)
    if not 12 <= length <= 19 or len(set(digits)) < 2 or not luhn(digits):
        return False
    if _is_common_card(digits, length):
        return True
    return digits[0] in "123456" and _named(text, start, CARD_WORDS)


def _is_common_card(digits: str, length: int) -> bool:
    two, three = int(digits[:2]), int(digits[:3])
    if length == 16:
        return two in range(40, 70) or two == 35 or 2221 <= int(digits[:4]) <= 2720
    if length == 15:
        # 139 and 140 are where Linux maps memory: thread ids and pointers printed as numbers, not UATP cards.
        return two in {34, 37} or digits.startswith(("2131", "1800")) or (digits[0] == "1" and three not in {139, 140})
    return length == 14 and (300 <= three <= 305 or two in {36, 38, 39})


def _glued(text: str, start: int, end: int) -> bool:
    """Whether the number is part of something longer: an identifier, a decimal, a signed number, a UUID."""
    before, after = text[start - 1 : start], text[end : end + 1]
    if before.isalnum() or after.isalnum() or before in {"_", "."} or after == "_":
        return True
    if (before == "-" and not text[start - 2 : start - 1].isspace()) or (after == "-" and text[end + 1 : end + 2].isalnum()):
        return True
    return (
        after == "."
        and text[end + 1 : end + 2].isdigit()
        and not (text[end + 1] == "0" and not text[end + 2 : end + 3].isalnum())
    )


def locate_iban(text: str, start: int, end: int) -> tuple[int, int] | None:
    """ISO 13616: as many characters as the country's accounts have, then the remainder modulo 97 is 1."""
    wanted = IBAN_LENGTHS.get(text[start : start + 2].upper(), 0)
    iban, last = "", start
    while last < end and len(iban) < wanted:
        iban += text[last].upper() if text[last].isalnum() else ""
        last += 1
    if not wanted or len(iban) != wanted or text[last : last + 1].isalnum():
        return None
    if text[last : last + 1] == "-" and text[last + 1 : last + 2].isalnum():
        return None  # the beginning of a UUID
    return (start, last) if int("".join(str(int(c, 36)) for c in iban[4:] + iban[:4])) % 97 == 1 else None


def is_ssn(text: str, start: int, end: int) -> bool:
    """A US social security number or taxpayer number (9xx): the ranges the issuer never used are left alone."""
    if _glued(text, start, end):
        return False
    digits = "".join(filter(str.isdigit, text[start:end]))
    separators = {c for c in text[start:end] if not c.isdigit()}
    area, group, serial = digits[:3], digits[3:5], digits[5:]
    if area in {"000", "666"} or group == "00" or serial == "0000" or len(separators) > 1 or digits in {"123456789", "987654321"}:
        return False
    if separators == {"-"} and (area[0] != "9" or int(group) >= 50):
        return True
    return not words_before(text, start).isdisjoint(NUMBER_WORDS)


def is_ipv4(text: str, start: int, end: int) -> bool:
    """Four numbers under 256 that stand alone and are not called a version."""
    octets = text[start:end].split(".")
    numbers = list(map(int, octets))
    if max(numbers) > 255 or ".".join(map(str, numbers)) != text[start:end]:
        return False
    before, after = text[start - 1 : start], text[end : end + 1]
    if before.isalpha() or before in {"_", "."} or after.isalnum() or after == "_":
        return False
    if (before == "-" and text[start - 2 : start - 1].isalnum()) or (after == "-" and text[end + 1 : end + 2].isalpha()):
        return False
    if before == "/" and text[start - 2 : start - 1].isalpha() and octets[2:] == ["0", "0"] and after != ":":
        return False  # a product and its version, Chrome/141.0.0.0
    return before not in {" ", "=", ":", '"', "'"} or not _is_version(text, start)


def _is_version(text: str, start: int) -> bool:
    before = text[max(0, start - 16) : start].lower().rstrip(" =:\"'").rsplit(None, 1)
    return bool(before) and before[-1].rsplit("/", 1)[-1].strip("\"'(,;_-.") in VERSION_WORDS


def is_ipv6(text: str, start: int, end: int) -> bool:
    """An IPv6 address that stands alone; `::` only where the words before speak of addresses."""
    before, after = text[start - 1 : start], text[end : end + 1]
    if before.isalnum() or before in {":", "_", "."} or after.isalnum() or after in {":", "_"}:
        return False
    if after == "." and text[end + 1 : end + 2].isdigit():
        return False
    address = text[start:end]
    if address == "::":
        return (not after or after in " ,;)]'\"\n") and not words_before(text, start).isdisjoint(NETWORK_WORDS)
    try:
        ipaddress.IPv6Address(address.split("%", 1)[0])
    except ValueError:
        return False
    return address.count(":") > 2 or len(address) > 4 or address[2:].isdigit()


def is_mac(text: str, start: int, end: int) -> bool:
    """Six pairs of hexadecimal digits that stand alone."""
    before, after = text[start - 1 : start], text[end : end + 1]
    if before.isalnum() or after.isalnum() or before in {":", "-", "_"} or after in {":", "-", "_"}:
        return False
    return text[start + 2] == ":" or not words_before(text, start).isdisjoint(HARDWARE_WORDS)


_BASE58 = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
_BECH32 = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"


def is_wallet(text: str, start: int, end: int) -> bool:
    """A Bitcoin address: base58check, or bech32 and bech32m (BIP 173, BIP 350)."""
    address = text[start:end]
    return _bech32(address.lower()) if address[:3].lower() == "bc1" else _base58check(address)


def _base58check(address: str) -> bool:
    number = 0
    for char in address:
        number = number * 58 + _BASE58.find(char)
    if number >= 1 << 200:
        return False
    raw = number.to_bytes(25, "big")
    return hashlib.sha256(hashlib.sha256(raw[:21]).digest()).digest()[:4] == raw[21:]


def _bech32(address: str) -> bool:
    values = [_BECH32.find(char) for char in address[3:]]
    if -1 in values:
        return False
    checksum = 1
    for value in [3, 3, 0, 2, 3, *values]:
        top = checksum >> 25
        checksum = (checksum & 0x1FFFFFF) << 5 ^ value
        for bit, generator in enumerate((0x3B6A57B2, 0x26508E6D, 0x1EA119FA, 0x3D4233DD, 0x2A1462B3)):
            checksum ^= generator if top >> bit & 1 else 0
    return checksum in {1, 0x2BC830A3}


def is_email(text: str, start: int, end: int) -> bool:
    """Not an address of a repository, not a file's name."""
    if text[start:end].startswith("git@"):
        return False
    domain = text[start:end].rpartition("@")[2]
    return not domain.lower().endswith((".png", ".jpg", ".jpeg", ".gif", ".svg", ".webp", ".js", ".css", ".py", ".service"))


def is_phone(text: str, start: int, end: int) -> bool:
    """A telephone number: international with +, or in a national notation after a word such as `phone`."""
    digits = "".join(filter(str.isdigit, text[start:end]))
    if not 7 <= len(digits) <= 15 or (_glued(text, start, end) and text[start - 1 : start] != "-"):
        return False
    if text[start : start + 2] == "00" and text[max(0, start - 4) : start].rstrip()[-1:].isdigit():
        return False  # a group of digits in a longer number
    if text[start] in "+(" or text[start : start + 2] == "00":
        return len(digits) >= 10 or (text[start] == "+" and len(digits) >= 8)
    if len(digits) == 10 and text[start + 3] in "-. " and text[start + 3] == text[end - 5]:
        return digits[0] not in "01" and (text[start + 3] == "-" or _named(text, start, PHONE_WORDS))
    return _named(text, start, PHONE_WORDS)


PHONE_WORDS = ("phone", "telephone", "tel", "mobile", "cell", "fax", "handy", "whatsapp", "sms", "telefon")


def is_formed(text: str, start: int, end: int) -> bool:
    """The number of a US employer, a Canadian social insurance number (Luhn), or a foreigner's in Spain (its letter)."""
    number = text[start:end].upper().replace("-", "").replace(" ", "")
    if number[0] in "XYZ":
        return "TRWAGMYFPDXBNJZSQVHLCKE"[int(str("XYZ".index(number[0])) + number[1:-1]) % 23] == number[-1]
    return text[start + 2] == "-" or luhn(number)
