"""Drives the WebSocket of a counter application: websocket_client.py URL VALUE, where VALUE is what it is now."""

import json
import sys

from websockets.sync.client import connect

url, value = sys.argv[1], int(sys.argv[2])


def hears(ws, value):
    told = json.loads(ws.recv(timeout=10))
    assert told == {"value": value}, f"expected {value}, got {told}"


with connect(url) as one, connect(url) as two:
    for ws in one, two:
        ws.send("value")
        hears(ws, value)
    assert one.ping().wait(10), "a ping is answered"
    one.send("add")
    two.send("add")
    for ws in one, two:
        hears(ws, value + 1)
        hears(ws, value + 2)
    two.close(4001)
    assert two.close_code == 4001, two.close_code
    one.send("value")
    hears(one, value + 2)
assert one.close_code == 1000, one.close_code
