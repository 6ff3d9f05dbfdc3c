"""Whose address counts."""

from ipaddress import ip_network

import pytest

from gateway.client_address import ClientAddress

BALANCERS = ClientAddress([ip_network("10.0.0.0/8"), ip_network("fd00::/8")])


@pytest.mark.parametrize(
    ("remote", "forwarded", "client"),
    [
        pytest.param("203.0.113.9", "198.51.100.1", "203.0.113.9", id="a client that claims to be a proxy's"),
        pytest.param("10.0.0.1", "198.51.100.1", "198.51.100.1", id="behind one proxy"),
        pytest.param("10.0.0.1", "198.51.100.1, 10.0.0.2", "198.51.100.1", id="behind two"),
        pytest.param("10.0.0.1", "1.1.1.1, 198.51.100.1", "198.51.100.1", id="what the client wrote itself"),
        pytest.param("10.0.0.1", "1.1.1.1, 10.0.0.7, 198.51.100.1", "198.51.100.1", id="a proxy that is none"),
        pytest.param("::ffff:10.0.0.1", "2001:db8::1", "2001:db8::1", id="IPv6"),
        pytest.param("10.0.0.1", "10.0.0.3", "10.0.0.3", id="from within"),
        pytest.param("10.0.0.1", "", "10.0.0.1", id="no header"),
        pytest.param("10.0.0.1", "198.51.100.1, unknown", "10.0.0.1", id="an odd entry"),
        pytest.param("10.0.0.1", "198.51.100.1:4711", "10.0.0.1", id="a port"),
    ],
)
def test_only_what_a_trusted_proxy_wrote_is_believed(remote: str, forwarded: str, client: str) -> None:
    assert BALANCERS.of({"REMOTE_ADDR": remote, "HTTP_X_FORWARDED_FOR": forwarded}) == client


def test_without_proxies_nothing_is_believed() -> None:
    environ = {"REMOTE_ADDR": "127.0.0.1", "HTTP_X_FORWARDED_FOR": "198.51.100.1"}
    assert ClientAddress([]).of(environ) == "127.0.0.1"
