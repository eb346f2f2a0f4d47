"""Drives a chat: chat_client.py URL, where URL is that of an empty room."""

import socket
import sys
from contextlib import contextmanager

from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

url = sys.argv[1]
room = url.rstrip("/").rpartition("/")[2]


@contextmanager
def enters(name):
    with connect(f"{url}?name={name}") as ws:
        ws.name = name
        hear(ws, f"Welcome to {room}, {name}")
        yield ws


def hear(ws, *all_said):
    for said in all_said:
        heard = listen(ws)
        assert heard == said, f"expected {said!r}, got {heard!r}"


def listen(ws):
    """What is said next. That somebody comes is told right before they subscribe: they may hear it or not."""
    heard = ws.recv(timeout=10)
    return heard if heard != f"{ws.name} comes" else ws.recv(timeout=10)


def hear_the_end(ws, code, reason):
    try:
        raise AssertionError(f"expected the end, got {listen(ws)!r}")
    except ConnectionClosed:
        assert (ws.close_code, ws.close_reason) == (code, reason), (ws.close_code, ws.close_reason)


with enters("ann") as ann:
    with enters("bob") as bob:
        hear(ann, "bob comes")
        ann.send("grüß dich")
        bob.send(["in ", "pieces ", "x" * 20_000])
        for ws in ann, bob:
            talk = {listen(ws), listen(ws)}  # in any order: two spoke at once
            assert talk == {"ann: grüß dich", "bob: in pieces " + "x" * 20_000}, talk
        assert ann.ping().wait(10), "a ping is answered"
        bob.send("/leave")
        hear_the_end(bob, 4000, "bye")
        hear(ann, "bob leaves")

    with enters("carl") as carl:
        carl.close(4001, "enough")
        hear_the_end(carl, 4001, "enough")
        hear(ann, "carl comes", "carl leaves")

    with enters("dora") as dora:
        dora.socket.shutdown(socket.SHUT_RDWR)
        hear(ann, "dora comes", "dora is lost")
hear_the_end(ann, 1000, "")
