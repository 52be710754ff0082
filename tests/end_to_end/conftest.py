"""What the end-to-end tests share: the built program, a server on a free port, the shipped collection."""

import os
import pathlib
import re
import shutil
import signal
import subprocess

import pymongo
import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
EXAMPLES = ROOT / "examples"
BINARY = os.environ.get("STROMA_BINARY", str(ROOT / "target/release/stroma"))


def stroma(*arguments, check=True, **options):
    """Runs the program; with check, fails the test when it fails."""
    options.setdefault("timeout", 120)
    done = subprocess.run([BINARY, *map(str, arguments)], capture_output=True, text=True, **options)
    if check:
        assert done.returncode == 0, f"{arguments}: exit {done.returncode}\n{done.stdout}\n{done.stderr}"
    return done


class Server:
    """A running `stroma serve`."""

    def __init__(self, data, *arguments):
        self.data = data
        self.process = subprocess.Popen(
            [BINARY, "serve", "--data", str(data), "--port", "0", "--http-port", "0", *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self.output = []
        self.uri = self._address(r"(mongodb://[0-9.:]+)")
        self.http = self._address(r"(http://[0-9.:]+)")

    def _address(self, pattern):
        for line in self.process.stdout:
            self.output.append(line)
            found = re.search(pattern, line)
            if found:
                return found.group(1)
        raise AssertionError(f"the server did not come up:\n{''.join(self.output)}")

    @property
    def port(self):
        return int(self.uri.rsplit(":", 1)[1])

    def client(self, **options):
        return pymongo.MongoClient(self.uri, serverSelectionTimeoutMS=10_000, **options)

    def stop(self, how=signal.SIGTERM):
        if self.process.poll() is None:
            self.process.send_signal(how)
        self.process.stdout.close()
        return self.process.wait(timeout=30)


@pytest.fixture
def run():
    return stroma


@pytest.fixture(scope="session")
def quickstart(tmp_path_factory):
    """A database as `stroma quickstart` makes it, and what it printed. Not to be changed by a test."""
    data = tmp_path_factory.mktemp("quickstart") / "stroma-data"
    printed = stroma("quickstart", "--data", data, "--collection", EXAMPLES)
    return data, printed


@pytest.fixture(scope="session")
def lab(quickstart):
    """A server on a copy of the quickstart's database, shared by tests that only read `lab`."""
    data, _ = quickstart
    copy = data.with_name("served")
    shutil.copytree(data, copy)
    server = Server(copy)
    yield server
    assert server.stop() == 0


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """A server on an empty database, one for each file of tests."""
    server = Server(tmp_path_factory.mktemp("server") / "data")
    yield server
    assert server.stop() == 0


@pytest.fixture
def collection(server, request):
    """An empty collection of the test's own."""
    with server.client() as client:
        collection = client["tests"][request.node.name.replace("[", "-").replace("]", "")]
        collection.drop()
        yield collection
