"""Posting to addresses that tenants name, without becoming their way into private networks.

A URL is checked where it is stored (`check_whole`) and again where it is called (`post`), by the same code. Only one way to write
a URL is taken, so that no two parsers can read it differently. Each address that the name resolves to must be public, and the
connection goes to the one that was checked, with TLS still verified against the name. No redirect is followed, no proxy asked,
and nothing of an answer but its status and Retry-After is kept.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import ipaddress
import math
import re
import socket
import ssl
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, NamedTuple

from lib import settings
from lib.addresses import is_public

if TYPE_CHECKING:
    import httpx

URL_CHARS_MAX = 2_000
CONNECT_SECONDS = 3.0
TOTAL_SECONDS = 10.0
ANSWER_BYTES_MAX = 64 * 1024
ADDRESSES_TRIED_MAX = 3
LET_GO_SECONDS = 1.0
RETRY_AFTER_SECONDS_MAX = 24 * 3600
HTTPS_PORT = 443
PORT_MIN = 1024  # of those other than 443: below are services of the system (SSH, mail, …), which no receiver sits on
PORT_MAX = 65_535
USER_AGENT = "Sensra (+https://github.com/sensra/sensra)"
HOST_CHARS_MAX = 253
# Names of private networks: reserved for them, never delegated (ICANN on corp, home and mail), or what resolvers of clusters and
# routers answer from inside.
LOCAL_SUFFIXES = (
    *("localhost", "localdomain", "local", "internal", "intranet", "intra", "private", "corp", "home", "lan", "mail"),
    *("home.arpa", "test", "onion", "svc", "consul"),
)
# What a resolver says of a name that is not there, or has no address. All else says something of the resolver.
NO_SUCH_NAME = frozenset(getattr(socket, name) for name in ("EAI_NONAME", "EAI_NODATA") if hasattr(socket, name))

_PATH = r"A-Za-z0-9\-._~!$&'()*+,;=:@%/"
_HOST = r"\[[0-9a-f:.]+\]|[a-z0-9.-]+"
_URL = re.compile(rf"(https?)://({_HOST})(?::([1-9][0-9]{{0,4}}))?(/[{_PATH}]*)?(\?[{_PATH}?]*)?", re.IGNORECASE | re.ASCII)
_LABEL = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")
# As browsers decide it (WHATWG): a name that ends so is an IPv4 address in one of its many spellings.
_NUMBER = re.compile(r"[0-9]+|0x[0-9a-f]*")

_SECONDS = re.compile(r"[0-9]{1,9}(?:\.[0-9]{1,9})?")

Resolve = Callable[[str, int], Awaitable[Sequence[str]]]


class RefusedUrlError(Exception):
    """The URL is not one that may be called; the message says what to change, and is public."""


class UnreachableError(Exception):
    """There was no answer; the message says why, and is public."""


class UnknownNameError(UnreachableError):
    """The resolver says that there is no such name."""


class Endpoint(NamedTuple):
    """A URL in parts. host: a lower-case name, or an IP address without brackets. target: path and query."""

    scheme: str
    host: str
    port: int
    target: str

    @property
    def authority(self) -> str:
        """What the header Host says."""
        return _bracketed(self.host) + ("" if self.port == _default_port(self.scheme) else f":{self.port}")


class Answer(NamedTuple):
    """What is kept of an answer. retry_after_seconds: how long it asks to wait, where it does."""

    status: int
    retry_after_seconds: int | None


def check(url: object) -> Endpoint:
    """The URL in parts, where its text alone says nothing against it. Raises RefusedUrlError.

    OUTBOUND_PRIVATE_ALLOWED, for tests and development, lets http, any port and the machine's own networks pass.
    """
    if not isinstance(url, str) or not url:
        raise RefusedUrlError("Give the address as text: https://…")
    if len(url) > URL_CHARS_MAX:
        raise RefusedUrlError(f"An address may have {URL_CHARS_MAX} characters.")
    parts = _URL.fullmatch(url)
    if not parts:
        raise RefusedUrlError(
            "Write the address plainly: https://host/path, in ASCII (a name with other letters in its xn-- form), without"
            " user name, fragment, spaces or backslashes."
        )
    scheme, host = parts[1].lower(), parts[2].lower()
    endpoint = Endpoint(scheme, host.strip("[]"), int(parts[3] or _default_port(scheme)), (parts[4] or "/") + (parts[5] or ""))
    is_name = _is_name(host)
    if endpoint.port > PORT_MAX:
        raise RefusedUrlError(f"There is no port above {PORT_MAX}.")
    if not settings.current().outbound_private_allowed:
        _require_public(endpoint, is_name=is_name)
    return endpoint


async def check_whole(url: object, *, resolve: Resolve | None = None) -> None:
    """`check`, and that the name leads to public addresses now, as `post` looks at them. Takes CONNECT_SECONDS at most.

    To be called outside of any transaction. Raises RefusedUrlError; also for a name that there is not, which is a slip of whoever
    typed it. A resolver that fails, or does not answer in time, refuses nothing: it would stop people from setting up a channel
    while nothing is gained, since each call asks again. With OUTBOUND_PRIVATE_ALLOWED no name is asked for: a machine for
    development may have no network.
    """
    endpoint = check(url)
    if settings.current().outbound_private_allowed:
        return
    try:
        await _addresses(endpoint, resolve or _look_up)
    except UnknownNameError as error:
        raise RefusedUrlError(
            f"There is no host named {endpoint.host}: it resolves to no address. Look for a slip in the name, or save the channel"
            " once the name is known."
        ) from error
    except UnreachableError:
        return


async def post(
    url: str, body: bytes, headers: Mapping[str, str], *, resolve: Resolve | None = None, tls: ssl.SSLContext | None = None
) -> Answer:
    """POST once, within TOTAL_SECONDS. resolve, tls: stand-ins for the system's resolver and the public certificate authorities.

    Raises RefusedUrlError where the URL or an address that it leads to may not be called, UnreachableError where no answer comes.
    """
    endpoint = check(url)
    try:
        async with asyncio.timeout(TOTAL_SECONDS):
            addresses = await _addresses(endpoint, resolve or _look_up)
            return await _post_to_first(endpoint, addresses[:ADDRESSES_TRIED_MAX], body, headers, tls or public_authorities())
    except TimeoutError as error:
        raise UnreachableError(f"It did not answer within {TOTAL_SECONDS:.0f} seconds.") from error


# -- what a URL says -------------------------------------------------------------------------------------------------


def _default_port(scheme: str) -> int:
    return HTTPS_PORT if scheme == "https" else 80


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def _is_name(host: str) -> bool:
    """Whether it is a name; False for an IP address in its one canonical form. Raises RefusedUrlError for all others."""
    labels = host.split(".")
    if host.startswith("[") or _NUMBER.fullmatch(labels[-1]):
        try:
            ipaddress.ip_address(host.strip("[]"))
        except ValueError as error:
            raise RefusedUrlError("The host is no name, and no IP address in its usual form.") from error
        return False
    if len(host) > HOST_CHARS_MAX or not all(map(_LABEL.fullmatch, labels)):
        raise RefusedUrlError("The host is no valid name.")
    return True


def _require_public(endpoint: Endpoint, *, is_name: bool) -> None:
    if endpoint.scheme != "https":
        raise RefusedUrlError("The address must begin with https://.")
    if endpoint.port != HTTPS_PORT and endpoint.port < PORT_MIN:
        raise RefusedUrlError(f"The port must be {HTTPS_PORT}, or one from {PORT_MIN} to {PORT_MAX}.")
    if not is_name:
        _require_public_address(endpoint.host)
    elif "." not in endpoint.host or any(f".{endpoint.host}".endswith(f".{suffix}") for suffix in LOCAL_SUFFIXES):
        raise RefusedUrlError("The host is a name of a private network.")


def _require_public_address(address: str) -> None:
    try:
        found = ipaddress.ip_address(address)
    except ValueError as error:
        raise RefusedUrlError("The host leads to something that is no IP address.") from error
    if not is_public(found):
        raise RefusedUrlError("The host leads to an address that is not public.")


# -- where it leads --------------------------------------------------------------------------------------------------


async def _addresses(endpoint: Endpoint, resolve: Resolve) -> list[str]:
    """What the host resolves to, IPv4 first (Vercel's functions have no IPv6). One that is not public refuses them all."""
    if not _is_name(_bracketed(endpoint.host)):
        return [endpoint.host]
    try:
        async with asyncio.timeout(CONNECT_SECONDS):
            found = list(dict.fromkeys(await resolve(endpoint.host, endpoint.port)))
    except (OSError, UnicodeError) as error:  # TimeoutError is an OSError
        is_unknown = isinstance(error, socket.gaierror) and error.errno in NO_SUCH_NAME
        raise (UnknownNameError if is_unknown else UnreachableError)("Its name cannot be resolved.") from error
    if not found:
        raise UnknownNameError("Its name cannot be resolved.")
    if not settings.current().outbound_private_allowed:
        for address in found:
            _require_public_address(address)
    return sorted(found, key=lambda address: ":" in address)


async def _look_up(host: str, port: int) -> list[str]:
    infos = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [str(info[4][0]) for info in infos]


@functools.cache
def public_authorities() -> ssl.SSLContext:
    """Trust in the public certificate authorities. Made once: it takes 20 ms."""
    import httpx

    return httpx.create_ssl_context(trust_env=False)


async def _post_to_first(
    endpoint: Endpoint, addresses: Sequence[str], body: bytes, headers: Mapping[str, str], tls: ssl.SSLContext
) -> Answer:
    """Post to the first address that a connection can be made to. Raises UnreachableError."""
    import httpx

    timeout = httpx.Timeout(TOTAL_SECONDS, connect=CONNECT_SECONDS)
    failure: httpx.HTTPError | None = None
    async with httpx.AsyncClient(verify=tls, timeout=timeout, trust_env=False, follow_redirects=False) as client:
        for address in addresses:
            try:
                return await _exchange(client, _request(client, endpoint, address, body, headers))
            except (httpx.ConnectError, httpx.ConnectTimeout) as error:
                failure = error
            except httpx.HTTPError as error:
                raise UnreachableError(_why(error)) from error
    assert failure is not None  # noqa: S101 - there is at least one address
    raise UnreachableError(_why(failure)) from failure


def _request(
    client: httpx.AsyncClient, endpoint: Endpoint, address: str, body: bytes, headers: Mapping[str, str]
) -> httpx.Request:
    """The request goes to the address; Host, SNI and the certificate's verification stay with the name."""
    own = {
        "Host": endpoint.authority,
        "User-Agent": USER_AGENT,
        "Content-Type": "application/json",
        "Accept-Encoding": "identity",
    }
    url = f"{endpoint.scheme}://{_bracketed(address)}:{endpoint.port}{endpoint.target}"
    return client.build_request("POST", url, content=body, headers={**headers, **own}, extensions={"sni_hostname": endpoint.host})


async def _exchange(client: httpx.AsyncClient, request: httpx.Request) -> Answer:
    answer = await client.send(request, stream=True)
    try:
        await _let_go(answer)
    finally:
        await answer.aclose()
    return Answer(answer.status_code, retry_after(answer.headers.get("retry-after")))


async def _let_go(answer: httpx.Response) -> None:
    """Hear the other side out, up to a size and a time, so that it is not cut off half way; the status has already decided."""
    import httpx

    size = 0
    with contextlib.suppress(httpx.HTTPError, TimeoutError):
        async with asyncio.timeout(LET_GO_SECONDS):
            async for chunk in answer.aiter_raw():
                size += len(chunk)
                if size > ANSWER_BYTES_MAX:
                    return


def retry_after(value: str | None) -> int | None:
    """A Retry-After in whole seconds, at most a day's: from a number, which Discord gives with decimals, or from a date."""
    text = (value or "").strip()
    try:
        seconds = float(text) if _SECONDS.fullmatch(text) else parsedate_to_datetime(text).timestamp() - time.time()
    except (ValueError, TypeError, OverflowError):
        return None
    return min(max(math.ceil(seconds), 0), RETRY_AFTER_SECONDS_MAX)


def _why(error: Exception) -> str:
    import httpx

    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ssl.SSLCertVerificationError):
            return "Its TLS certificate is not valid for this name."
        cause = cause.__cause__ or cause.__context__
    if isinstance(error, httpx.TimeoutException):
        return "It did not answer in time."
    if isinstance(error, httpx.ConnectError):
        return "No connection can be made to it."
    return "It closed the connection without a whole answer."
