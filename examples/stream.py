"""Follows the events of Hookshelf, and acts on each exactly once: python3 examples/stream.py stream.log

The last line of the file begins with the position to resume after. A script without a file starts now.
"""
import json, os, sys, time
from http.client import HTTPException
from urllib.error import HTTPError
from urllib.request import Request, urlopen

STREAM = os.environ.get("HOOKSHELF_URL", "http://127.0.0.1:9090") + "/v1/events/stream"
FILE = sys.argv[1]

def act(position, event=None):
    """Saves the action and its position in one write, so that no crash separates them."""
    action = "\t" + event["dedupe_key"] + "\t" + event["kind"] if event else ""
    with open(FILE, "a") as file:
        file.write(position + action + "\n")

def resume():
    """Returns the position of the last action, and removes a line that a crash cut off."""
    with open(FILE, "a+b") as file:
        file.seek(0)
        lines = file.read().split(b"\n")
        file.truncate(file.tell() - len(lines[-1]))
    return lines[-2].split(b"\t")[0].decode() if len(lines) > 1 else None

def follow(position):
    headers = {"Authorization": "Bearer " + os.environ["HOOKSHELF_TOKEN"]}
    if position:
        headers["Last-Event-ID"] = position
    block = {}
    for line in urlopen(Request(STREAM, headers=headers), timeout=60):
        name, _, value = line.rstrip(b"\n").partition(b": ")
        if name:
            block[name] = value
            continue
        id, data = block[b"id"].decode(), json.loads(block.get(b"data", b"null"))
        if b"event" in block:  # gap: the positions from `from` to `to` are gone; or caught_up
            print(block[b"event"].decode(), data, file=sys.stderr)
        if data and b"event" not in block:
            act(id, data)
        elif id != position:  # No event, but a later position
            act(id)
        position, block = id, {}

while True:
    try:
        follow(resume())
    except HTTPError as refusal:
        if refusal.code < 500 and refusal.code != 429:  # 401: token; 409: database restored
            sys.exit(refusal.read().decode())
    except (OSError, HTTPException) as error:
        print(error, file=sys.stderr)
    time.sleep(1)
