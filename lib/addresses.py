"""Which addresses of the internet may be called on somebody else's behalf: those of a public host, and no others."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network

# IANA's special-purpose registry, multicast and what was never assigned. Written out, because Python's `is_global`
# changed its mind between patch releases (CVE-2024-4032).
_IPV4_OTHERS = [
    IPv4Network(network)
    for network in (
        "0.0.0.0/8",  # this network; Linux takes 0.0.0.0 for itself
        "10.0.0.0/8",
        "100.64.0.0/10",  # carriers' NAT; metadata of Alibaba Cloud
        "127.0.0.0/8",
        "168.63.129.16/32",  # Azure's platform, a public address that is answered from inside
        "169.254.0.0/16",  # link-local; metadata of most clouds
        "172.16.0.0/12",
        "192.0.0.0/24",  # protocol assignments; metadata of Oracle Cloud
        "192.0.2.0/24",  # documentation, as are 198.51.100.0/24 and 203.0.113.0/24
        "192.88.99.0/24",  # 6to4 relays
        "192.168.0.0/16",
        "198.18.0.0/15",  # benchmarks
        "198.51.100.0/24",
        "203.0.113.0/24",
        "224.0.0.0/4",  # multicast
        "240.0.0.0/4",  # reserved, with the broadcast address
    )
]
# Every public host lives in here; IPv4-mapped (::ffff:0:0/96), NAT64 (64:ff9b::/96), unique local, link-local and
# multicast addresses do not.
_IPV6_UNICAST = IPv6Network("2000::/3")
_IPV6_OTHERS = [
    IPv6Network(network)
    for network in (
        "2001::/23",  # protocol assignments, with Teredo, which carries an IPv4 address
        "2001:db8::/32",  # documentation, as is 3fff::/20
        "2002::/16",  # 6to4, which carries an IPv4 address
        "3fff::/20",
    )
]


def is_public(address: IPv4Address | IPv6Address) -> bool:
    """Whether this is a public host's own address: none that leads into a private network, nor one that carries another."""
    if isinstance(address, IPv4Address):
        return not any(address in network for network in _IPV4_OTHERS)
    return address in _IPV6_UNICAST and not any(address in network for network in _IPV6_OTHERS)
