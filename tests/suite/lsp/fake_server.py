"""A language server that does what a test has it do: its words are in AIM_FAKE, separated by spaces."""

import json
import os
import sys
import time

WORDS = os.environ.get("AIM_FAKE", "").split()
OUT, IN = sys.stdout.buffer, sys.stdin.buffer


def send(message):
    body = json.dumps({"jsonrpc": "2.0", **message}).encode()
    OUT.write(b"Content-Length: %d\r\n\r\n" % len(body) + body)
    OUT.flush()


def read():
    length = None
    while True:
        line = IN.readline()
        if not line:
            sys.exit(0)
        if line == b"\r\n" and length is not None:
            return json.loads(IN.read(length))
        if line.lower().startswith(b"content-length:"):
            length = int(line.split(b":")[1])


if "exits" in WORDS:
    print("no licence", file=sys.stderr)
    sys.exit(7)
if "deaf" in WORDS:
    time.sleep(600)
if "child" in WORDS:
    import subprocess
    subprocess.Popen(["sleep", "600"])
if "chatty" in WORDS:
    print("hello from the server", flush=True)

generation = json.load(open("env_meta.json"))["generation"] if os.path.exists("env_meta.json") else 0
texts = {}
while True:
    message = read()
    method, ident = message.get("method"), message.get("id")
    params = message.get("params") or {}
    if method == "initialize":
        if "mute" in WORDS:
            continue
        send({"id": ident, "result": {"capabilities": {}, "serverInfo": {"name": "fake"}}})
        if "chatty" in WORDS:
            OUT.write(b"Content-Length: 4\r\n\r\nnope")
            OUT.write(b"Content-Length: x\r\n\r\nwarning: text without an end")
    elif method in ("textDocument/didOpen", "textDocument/didChange"):
        document = params["textDocument"]
        text = document.get("text")
        texts[document["uri"]] = params["contentChanges"][-1]["text"] if text is None else text
        words = [{"message": "generation %d" % generation}]
        send({"method": "textDocument/publishDiagnostics", "params": {"uri": document["uri"], "diagnostics": words}})
    elif method == "workspace/didChangeConfiguration":
        generation = json.load(open("env_meta.json"))["generation"]
        for uri in texts:
            words = [{"message": "generation %d" % generation}]
            send({"method": "textDocument/publishDiagnostics", "params": {"uri": uri, "diagnostics": words}})
    elif method == "fake/crash":
        os._exit(3)
    elif method == "shutdown":
        send({"id": ident, "result": None})
    elif method == "exit":
        if "stays" in WORDS:
            time.sleep(600)
        sys.exit(0)
    elif method == "fake/texts":
        send({"id": ident, "result": {"texts": texts, "pid": os.getpid(), "generation": generation}})
    elif ident is not None and method:
        send({"id": ident, "result": {"echo": params, "generation": generation}})
