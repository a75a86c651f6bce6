"""Whatever a tenant names as address, only a public host is called: as text, after its name is resolved, and on the wire."""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import socket
import ssl
import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response, StreamingResponse
from starlette.routing import Route

from lib import outbound, settings
from lib.outbound import RefusedUrlError, UnreachableError
from local import serving
from local.loopback import NetworkBlockedError
from tests.cases import each

PUBLIC = "93.184.215.14"

ADDRESSES_REFUSED = [
    # loopback, this network, private, carriers' NAT, link-local with metadata, Oracle's, Alibaba's and Azure's metadata
    *("127.0.0.1", "127.8.8.8", "0.0.0.0", "0.1.2.3", "10.0.0.1", "172.16.0.1", "172.31.255.255", "192.168.1.1"),
    *("100.64.0.1", "100.100.100.200", "169.254.169.254", "169.254.170.2", "192.0.0.192", "168.63.129.16"),
    # documentation, benchmarks, 6to4 relays, multicast, reserved, broadcast
    *("192.0.2.1", "198.51.100.7", "203.0.113.9", "198.18.0.1", "198.19.255.255", "192.88.99.1"),
    *("224.0.0.1", "239.255.255.250", "240.0.0.1", "255.255.255.255"),
    # loopback, unspecified, IPv4-mapped and -compatible, NAT64, unique local (with AWS's metadata), link-local, site-local
    *("::1", "::", "::ffff:127.0.0.1", "::ffff:a9fe:a9fe", "::ffff:8.8.8.8", "::127.0.0.1", "64:ff9b::7f00:1"),
    *("64:ff9b:1::a00:1", "fd00:ec2::254", "fc00::1", "fe80::1", "fec0::1"),
    # multicast, documentation, 6to4, Teredo, ORCHID, discard-only, segment routing
    *("ff02::1", "2001:db8::1", "3fff::1", "2002:7f00:1::", "2002:a9fe:a9fe::1", "2001:0:7f00:1::1", "2001:20::1"),
    *("100::1", "5f00::1"),
]  # fmt: skip
ADDRESSES_TAKEN = [
    "8.8.8.8",
    PUBLIC,
    "172.32.0.1",
    "192.169.0.1",
    "100.128.0.1",
    "2606:4700::6810:84e5",
    "2a00:1450:4001:80b::200e",
]

URLS_REFUSED = [
    # other schemes, and none
    *("http://example.com/", "ftp://example.com/", "file:///etc/passwd", "gopher://example.com:70/_x"),
    "javascript:alert(1)",
    *("//example.com/", "example.com", "https:example.com", "https:/example.com", "https:///example.com", "https://", ""),
    # credentials, and what parsers disagree about
    *("https://good@evil.example/", "https://user:pass@example.com/", "https://example.com@127.0.0.1/"),
    "https://@example.com/",
    *("https://evil.example#@example.com/", "https://example.com#", "https://example.com\\@127.0.0.1/"),
    "https:\\\\example.com\\",
    *("https://example.com\t/", "https://exam\nple.com/", "https://example.com/\r\nHost: a", " https://example.com/"),
    "https://example.com/ x",
    *("https://example.com/\0", "https://example.com%00.evil.example/", "https://example.com:443@127.0.0.1/"),
    "https://[::1]@example.com/",
    *("https://example.com;127.0.0.1/", "https://127.0.0.1,example.com/", "https://example.com?@127.0.0.1\\"),
    "https://ex ample.com/",
    # names: unicode dots, digits in circles, full width, percent-encoded, not LDH, single labels, empty labels, a trailing dot
    *("https://127。0。0。1/", "https://①②⑦.⓪.⓪.①/", "https://１２７.0.0.1/", "https://ｅxample.com/", "https://bücher.example/"),
    *("https://%31%32%37.0.0.1/", "https://127.0.0.1%2f.example.com/", "https://ex_ample.com/", "https://-a.example/"),
    "https://a-.example/",
    *("https://metadata/", "https://a..example/", "https://.example.com/", "https://example.com./"),
    f"https://{'a' * 64}.example/",
    f"https://{'.'.join(['abcdefgh'] * 30)}.example/",
    # names of private networks
    *("https://localhost/", "https://LOCALHOST/", "https://a.localhost/", "https://metadata.google.internal/"),
    "https://printer.local/",
    *("https://router.home.arpa/", "https://wiki.intranet/", "https://foo.corp/", "https://foo.home/", "https://mx.foo.mail/"),
    *("https://foo.lan/", "https://a.localdomain/", "https://a.private/", "https://a.intra/", "https://a.test/", "https://a.onion/"),
    *("https://kubernetes.default.svc/", "https://kubernetes.default.svc.cluster.local/", "https://vault.service.consul/"),
    # IPv4 in its other spellings: decimal, octal, hex, short, mixed, with a dot at the end, too large
    *("https://2130706433/", "https://017700000001/", "https://0x7f000001/", "https://0x7f.0.0.1/", "https://0177.0.0.1/"),
    *("https://127.1/", "https://127.0.1/", "https://127.0.0.01/", "https://0x7f.1/", "https://127.0.0.1./"),
    "https://256.0.0.1/",
    *("https://1.2.3.4.5/", "https://0x/", "https://0/", "https://2852039166/", "https://0xa9.0xfe.0xa9.0xfe/"),
    "https://08.8.8.8/",
    # IPv6: zones, IPv4 inside, no brackets, brackets around something else
    *("https://[fe80::1%25eth0]/", "https://[::ffff:127.0.0.1]/", "https://[0:0:0:0:0:ffff:7f00:1]/", "https://::1/"),
    "https://[127.0.0.1]x/",
    *("https://[::1]/", "https://[::]/", "https://[0000::0001]/", "https://[]/", "https://[example.com]/", "https://[::1/"),
    # ports
    *("https://example.com:22/", "https://example.com:25/", "https://example.com:80/", "https://example.com:0/"),
    "https://example.com:65536/",
    *("https://example.com:99999/", "https://example.com:-1/", "https://example.com:0443/"),
    *("https://example.com:４４３/", "https://example.com:/"),
    "https://example.com/" + "a" * 2_000,
]  # fmt: skip
URLS_TAKEN = [
    "https://example.com",
    "https://hooks.example.com/services/T0/B0/x?a=b&c=d",
    "HTTPS://Example.COM/",
    "https://example.com:8443/path/@me/;x=1",
    "https://xn--bcher-kva.example/",
    "https://example.com?token=a@b",
    f"https://{PUBLIC}/",
    "https://[2606:4700::6810:84e5]:8443/",
    "https://1.example.com/",
    "https://0x7f.example.com/",
    # no such suffix, but within a name
    *("https://svc.example.com/", "https://corp.example.com/", "https://example.homes/", "https://mail.example.com/"),
    *("https://lan.consul.example/", "https://notlan.example.com/"),
]


class Resolver:
    """Answers its lists one after the other, the last one for ever."""

    def __init__(self, *answers: Sequence[str]) -> None:
        self.answers = list(answers)
        self.asked: list[str] = []

    async def __call__(self, host: str, port: int) -> Sequence[str]:
        self.asked.append(host)
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]


def url_with(address: str) -> str:
    return f"https://[{address}]/" if ":" in address else f"https://{address}/"


@pytest.fixture(autouse=True)
def _public_only(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.delenv("OUTBOUND_PRIVATE_ALLOWED", raising=False)
    settings.current.cache_clear()
    yield
    settings.current.cache_clear()


@pytest.fixture
def private_allowed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OUTBOUND_PRIVATE_ALLOWED", "1")
    settings.current.cache_clear()


# -- where it is stored ----------------------------------------------------------------------------------------------


@each("url", [*URLS_REFUSED, *map(url_with, ADDRESSES_REFUSED)])
def test_an_address_that_could_lead_inside_is_refused_where_it_is_stored(url: str) -> None:
    with pytest.raises(RefusedUrlError):
        outbound.check(url)


@each("url", [*URLS_TAKEN, *map(url_with, ADDRESSES_TAKEN)])
def test_an_address_of_a_public_host_is_taken(url: str) -> None:
    endpoint = outbound.check(url)
    assert endpoint.host == endpoint.host.lower()
    assert endpoint.target.startswith("/")


@each("url", [None, 7, b"https://example.com/", ["https://example.com/"]])
def test_what_is_no_text_is_refused(url: object) -> None:
    with pytest.raises(RefusedUrlError):
        outbound.check(url)


@each("address", ADDRESSES_REFUSED)
async def test_a_name_that_leads_inside_is_refused_where_it_is_stored(address: str) -> None:
    """As 127.0.0.1.nip.io and localtest.me do."""
    for answer in ([address], [PUBLIC, address]):
        with pytest.raises(RefusedUrlError, match="not public"):
            await outbound.check_whole("https://hooks.example.com/", resolve=Resolver(answer))


@each("url", [*URLS_REFUSED, *map(url_with, [*ADDRESSES_REFUSED, *ADDRESSES_TAKEN])])
async def test_what_its_text_decides_is_not_looked_up_where_it_is_stored(url: str) -> None:
    resolver = Resolver([PUBLIC])
    is_taken = url in map(url_with, ADDRESSES_TAKEN)
    with contextlib.nullcontext() if is_taken else pytest.raises(RefusedUrlError):
        await outbound.check_whole(url, resolve=resolver)
    assert resolver.asked == []


async def test_a_name_of_a_public_host_is_stored() -> None:
    for address in ADDRESSES_TAKEN:
        resolver = Resolver([address])
        await outbound.check_whole("https://hooks.example.com/", resolve=resolver)
        assert resolver.asked == ["hooks.example.com"]


def failing(error: Exception) -> outbound.Resolve:
    """A resolver that raises this."""

    async def fail(_host: str, _port: int) -> Sequence[str]:
        raise error

    return fail


@each(
    "resolve", [failing(socket.gaierror(socket.EAI_NONAME, "x")), failing(socket.gaierror(socket.EAI_NODATA, "x")), Resolver([])]
)
async def test_a_name_that_there_is_not_is_refused_where_it_is_stored_and_told_what_to_do(resolve: outbound.Resolve) -> None:
    with pytest.raises(RefusedUrlError, match=r"no host named hoks\.example\.com.*slip"):
        await outbound.check_whole("https://hoks.example.com/", resolve=resolve)


async def test_a_resolver_that_fails_or_does_not_answer_in_time_refuses_nothing_where_it_is_stored(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for error in (socket.gaierror(socket.EAI_AGAIN, "x"), socket.gaierror(socket.EAI_FAIL, "x"), OSError("x"), TimeoutError()):
        await outbound.check_whole("https://hooks.example.com/", resolve=failing(error))

    async def hang(_host: str, _port: int) -> Sequence[str]:
        await asyncio.sleep(600)
        return ["127.0.0.1"]

    monkeypatch.setattr(outbound, "CONNECT_SECONDS", 0.05)
    async with asyncio.timeout(60):
        await outbound.check_whole("https://hooks.example.com/", resolve=hang)


@pytest.mark.usefixtures("private_allowed")
async def test_no_name_is_looked_up_where_private_networks_are_allowed() -> None:
    resolver = Resolver([])
    await outbound.check_whole("http://nothing.lan/", resolve=resolver)
    assert resolver.asked == []


# -- where it connects -----------------------------------------------------------------------------------------------


@each("url", [*URLS_REFUSED, *map(url_with, ADDRESSES_REFUSED)])
async def test_an_address_that_could_lead_inside_is_refused_where_it_is_called(url: str) -> None:
    resolver = Resolver([PUBLIC])
    with pytest.raises(RefusedUrlError):
        await outbound.post(url, b"{}", {}, resolve=resolver)
    assert resolver.asked == []


@each("address", ADDRESSES_REFUSED)
async def test_a_name_that_leads_inside_is_refused_before_anything_is_connected(address: str) -> None:
    with pytest.raises(RefusedUrlError, match="not public"):
        await outbound.post("https://hooks.example.com/", b"{}", {}, resolve=Resolver([address]))


@each("answer", [[PUBLIC, "127.0.0.1"], ["::1", PUBLIC], ["fe80::1%eth0"], ["nonsense"]])
async def test_one_address_that_is_not_public_refuses_all_of_a_name(answer: list[str]) -> None:
    with pytest.raises(RefusedUrlError):
        await outbound.post("https://hooks.example.com/", b"{}", {}, resolve=Resolver(answer))


async def test_the_connection_goes_to_the_address_that_was_checked_though_the_name_changes_meanwhile() -> None:
    """Rebinding: a resolver that answers a public address, then a private one."""
    resolver = Resolver([PUBLIC], ["127.0.0.1"])
    with pytest.raises(ExceptionGroup) as caught:
        await outbound.post("https://hooks.example.com/", b"{}", {}, resolve=resolver)
    assert caught.group_contains(NetworkBlockedError, match=PUBLIC)  # the tests' own guard: that is where it went
    assert resolver.asked == ["hooks.example.com"]
    with pytest.raises(RefusedUrlError):
        await outbound.post("https://hooks.example.com/", b"{}", {}, resolve=resolver)


async def test_a_name_that_cannot_be_resolved_may_be_tried_again() -> None:
    for resolve in (failing(socket.gaierror()), failing(socket.gaierror(socket.EAI_NONAME, "x")), Resolver([])):
        with pytest.raises(UnreachableError, match="resolved"):
            await outbound.post("https://hooks.example.com/", b"{}", {}, resolve=resolve)


@pytest.mark.usefixtures("private_allowed")
async def test_the_system_s_resolver_is_asked_where_none_is_given() -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        url = f"http://localhost:{closed.getsockname()[1]}/"
        with pytest.raises(UnreachableError, match="No connection"):
            await outbound.post(url, b"{}", {})


# -- on the wire -----------------------------------------------------------------------------------------------------


class Receiver:
    """Answers by path; keeps what it was sent."""

    def __init__(self) -> None:
        self.requests: list[tuple[str, dict[str, str], bytes]] = []
        self.app = Starlette(routes=[Route("/{path:path}", self._answer, methods=["GET", "POST"])])

    async def _answer(self, request: Request) -> Response:
        self.requests.append((request.url.path, dict(request.headers), await request.body()))
        path = request.url.path
        if path == "/redirect":
            return RedirectResponse("/inside", 302)
        if path == "/endless":
            return StreamingResponse(self._endless())
        if path == "/busy":
            return Response(status_code=429, headers={"Retry-After": request.query_params["after"]})
        return PlainTextResponse("secret of the inside", int(path[1:]) if path[1:].isdigit() else 200)

    async def _endless(self) -> Any:
        for _ in range(10_000):
            await asyncio.sleep(0.001)
            yield b"x" * 4_096


@pytest.fixture(scope="module")
def _receiver() -> Iterator[tuple[str, Receiver]]:
    made = Receiver()
    with serving.in_thread(made.app) as url:
        yield url, made


@pytest.fixture
def receiver(private_allowed: None, _receiver: tuple[str, Receiver]) -> tuple[str, Receiver]:
    """Sent nothing yet at the start of each test."""
    _receiver[1].requests.clear()
    return _receiver


async def test_a_post_arrives_as_it_was_meant(receiver: tuple[str, Receiver]) -> None:
    url, made = receiver
    answer = await outbound.post(f"{url}/hook?a=b", b'{"a":1}', {"webhook-id": "x", "Host": "forged.example"})
    assert answer == outbound.Answer(200, None)
    path, headers, body = made.requests[0]
    assert (path, body, headers["webhook-id"], headers["content-type"]) == ("/hook", b'{"a":1}', "x", "application/json")
    assert headers["host"] == url.removeprefix("http://")
    assert headers["user-agent"].startswith("Sensra")


async def test_a_redirect_is_not_followed(receiver: tuple[str, Receiver]) -> None:
    url, made = receiver
    assert (await outbound.post(f"{url}/redirect", b"{}", {})).status == 302
    assert [path for path, _, _ in made.requests] == ["/redirect"]


@pytest.mark.parametrize(("name", "value"), [("LET_GO_SECONDS", 8), ("ANSWER_BYTES_MAX", 1 << 40)])
async def test_an_endless_answer_is_cut_off_by_size_and_by_time(
    receiver: tuple[str, Receiver], monkeypatch: pytest.MonkeyPatch, name: str, value: int
) -> None:
    url, _ = receiver
    monkeypatch.setattr(outbound, name, value)  # only the other of the two is left
    began = time.monotonic()
    assert (await outbound.post(f"{url}/endless", b"{}", {})).status == 200
    assert time.monotonic() - began < 5


async def test_a_proxy_of_the_environment_is_not_asked(receiver: tuple[str, Receiver], monkeypatch: pytest.MonkeyPatch) -> None:
    url, made = receiver
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "https_proxy"):
        monkeypatch.setenv(name, f"{url}/proxy")
    with serving.in_thread(Receiver().app) as other:
        assert (await outbound.post(f"{other}/204", b"{}", {})).status == 204
    assert made.requests == []


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        *[("30", 30), ("0", 0), ("0.65", 1), ("99999999", 86_400), ("Wed, 21 Oct 2015 07:28:00 GMT", 0)],
        *[
            ("Wed, 21 Oct 2099 07:28:00 GMT", 86_400),
            ("soon", None),
            ("-1", None),
            ("9" * 30, None),
            ("nan", None),
            ("1e9", None),
        ],
    ],
)
async def test_retry_after_is_read_within_bounds(receiver: tuple[str, Receiver], value: str, seconds: int | None) -> None:
    url, _ = receiver
    answer = await outbound.post(f"{url}/busy?after={value.replace(' ', '+')}", b"{}", {})
    assert answer == outbound.Answer(429, seconds)


@pytest.mark.usefixtures("private_allowed")
async def test_one_that_hangs_is_left_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outbound, "TOTAL_SECONDS", 0.3)
    with serving.listen() as silent:  # it listens and never accepts
        began = time.monotonic()
        with pytest.raises(UnreachableError, match="did not answer"):
            await outbound.post(serving.url_of(silent), b"{}", {})
    assert time.monotonic() - began < 10


@pytest.mark.usefixtures("private_allowed")
async def test_one_that_answers_a_letter_at_a_time_is_left_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    async def trickle(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\n")
        while not writer.is_closing():
            writer.write(b"X: y\r\n")
            await asyncio.sleep(0.02)
        writer.close()
        ended.set()

    ended = asyncio.Event()
    monkeypatch.setattr(outbound, "TOTAL_SECONDS", 0.3)
    async with await asyncio.start_server(trickle, "127.0.0.1", 0) as server:
        began = time.monotonic()
        with pytest.raises(UnreachableError, match="did not answer"):
            await outbound.post(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/", b"{}", {})
        assert time.monotonic() - began < 10
        await ended.wait()


async def test_the_next_address_is_tried_where_one_does_not_listen(receiver: tuple[str, Receiver]) -> None:
    url, made = receiver
    port = url.rpartition(":")[2]
    answer = await outbound.post(
        f"http://hooks.example.com:{port}/", b"{}", {}, resolve=Resolver(["::1", "127.0.0.2", "127.0.0.1"])
    )
    assert answer.status == 200
    assert made.requests[0][1]["host"] == f"hooks.example.com:{port}"


# -- TLS -------------------------------------------------------------------------------------------------------------


@pytest.fixture
def tls_server(private_allowed: None, tmp_path: Path) -> Iterator[tuple[int, ssl.SSLContext]]:
    """A receiver whose certificate names hooks.example.com, and a context that trusts its authority."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "test")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name).issuer_name(name).public_key(key.public_key()).serial_number(1)
        .not_valid_before(now - timedelta(days=1)).not_valid_after(now + timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("hooks.example.com")]), critical=False)
        .sign(key, hashes.SHA256())
    )  # fmt: skip
    file = tmp_path / "server.pem"
    file.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        + certificate.public_bytes(serialization.Encoding.PEM)
    )
    trusting = ssl.create_default_context(cadata=certificate.public_bytes(serialization.Encoding.PEM).decode())
    with serving.in_thread(Receiver().app, tls_file=file) as url:
        yield int(url.rpartition(":")[2]), trusting


async def test_the_certificate_must_be_of_the_name_though_the_connection_goes_to_an_address(
    tls_server: tuple[int, ssl.SSLContext],
) -> None:
    port, trusting = tls_server
    resolver = Resolver(["127.0.0.1"])
    taken = await outbound.post(f"https://hooks.example.com:{port}/", b"{}", {}, resolve=resolver, tls=trusting)
    assert taken.status == 200
    for url in (f"https://other.example.com:{port}/", f"https://127.0.0.1:{port}/"):
        with pytest.raises(UnreachableError, match="certificate"):
            await outbound.post(url, b"{}", {}, resolve=resolver, tls=trusting)


async def test_an_authority_that_is_not_public_is_not_believed(tls_server: tuple[int, ssl.SSLContext]) -> None:
    port, _ = tls_server
    with pytest.raises(UnreachableError, match="certificate"):
        await outbound.post(f"https://hooks.example.com:{port}/", b"{}", {}, resolve=Resolver(["127.0.0.1"]))


# -- the local setting -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("url", ["http://127.0.0.1:3000/", "http://localhost/x", "https://10.0.0.1:22/", "http://[::1]:8080/"])
def test_the_machine_s_own_network_is_allowed_by_a_setting_that_vercel_never_has(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OUTBOUND_PRIVATE_ALLOWED", "1")
    settings.current.cache_clear()
    assert outbound.check(url)
    for forms in ("http://good@evil/", "http://0x7f.1/", "http://127.0.0.1:99999/"):
        with pytest.raises(RefusedUrlError):
            outbound.check(forms)
    monkeypatch.setenv("VERCEL", "1")
    settings.current.cache_clear()
    with pytest.raises(RefusedUrlError):
        outbound.check(url)


def test_the_corpus_is_as_large_as_promised() -> None:
    assert len({*URLS_REFUSED, *ADDRESSES_REFUSED}) >= 80
    assert all(ipaddress.ip_address(address) for address in (*ADDRESSES_REFUSED, *ADDRESSES_TAKEN))
