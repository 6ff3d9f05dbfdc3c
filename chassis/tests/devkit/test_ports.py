import socket

import pytest

from devkit import ports


def test_two_blocks_that_are_held_never_share_a_port() -> None:
    one, other = ports.PortBlock.take(), ports.PortBlock.take()
    try:
        assert abs(one.start - other.start) >= ports.SIZE
    finally:
        one.release()
        other.release()


def test_a_block_that_was_let_go_can_be_had_again_by_its_owner() -> None:
    block = ports.PortBlock.take()
    block.release()
    again = ports.PortBlock.take(preferred=block.start)
    again.release()
    assert again.start == block.start


@pytest.fixture
def stranger() -> socket.socket:
    return socket.socket()


def test_a_block_with_a_port_of_somebody_else_is_passed_over(stranger: socket.socket) -> None:
    block = ports.PortBlock.take()
    block.release()
    with stranger:
        stranger.bind(("127.0.0.1", block.start + 5))
        stranger.listen()
        other = ports.PortBlock.take(preferred=block.start)
        other.release()
        assert other.start != block.start


def test_it_is_known_who_listens(stranger: socket.socket) -> None:
    with stranger:
        stranger.bind(("127.0.0.1", 0))
        stranger.listen()
        port = stranger.getsockname()[1]
        assert not ports.is_free(port)
        assert ports.listeners(port) != []
    assert ports.is_free(port)
