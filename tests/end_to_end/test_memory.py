"""`stroma inspect --memory`: the segments of a running server, drawn from its HTTP port."""

import json
import os
import socket
import threading
import urllib.request

import pytest
from conftest import stroma


@pytest.fixture(scope="module")
def busy(server):
    """The server with some megabytes of documents in memory."""
    with server.client() as client:
        client["a"]["b"].insert_many({"_id": number, "text": "x" * 1000} for number in range(6000))
    return server


def test_the_memory_of_a_running_server_is_drawn(busy):
    drawn = stroma("inspect", "--memory", busy.http).stdout
    assert busy.http in drawn and "log:" in drawn and "free" in drawn and "memtables" in drawn
    assert any(block in drawn for block in "▁▂▃▄▅▆▇█")
    assert max(map(len, drawn.splitlines())) <= 80, "80 columns where nobody looks"


def test_the_figures_add_up_and_agree_with_the_metrics(busy):
    told = json.loads(stroma("inspect", "--memory", busy.http, "--json").stdout)
    in_segments = sum(segment["bytes"] for segment in told["segments"])
    assert told["used_bytes"] == in_segments + told["charged_bytes"] <= told["budget_bytes"]
    assert any(segment["owner"] == "log" and segment["live_bytes"] > 100_000 for segment in told["segments"])
    for segment in told["segments"]:
        assert segment["live_bytes"] <= segment["written_bytes"] <= segment["bytes"]
    metrics = urllib.request.urlopen(busy.http + "/metrics").read().decode()
    assert f"stroma_memory_budget_bytes {told['budget_bytes']}\n" in metrics
    assert 'stroma_memory_segments{owner="log"}' in metrics


def test_a_narrow_terminal_gets_narrow_lines(busy):
    environment = {**os.environ, "COLUMNS": "44"}
    drawn = stroma("inspect", "--memory", busy.http, env=environment).stdout
    assert max(map(len, drawn.splitlines())) <= 44, drawn


def test_nobody_there_is_an_error_with_an_exit_code():
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{unused.getsockname()[1]}"
        done = stroma("inspect", "--memory", url, check=False)
    assert done.returncode == 1 and url in done.stderr and "nobody listens" in done.stderr and done.stdout == ""


def test_the_port_of_the_drivers_is_told_apart(busy):
    done = stroma("inspect", "--memory", busy.uri, check=False)
    assert done.returncode == 2 and "drivers use that port" in done.stderr


@pytest.mark.parametrize(
    "answer, told",
    [
        (b"SSH-2.0-OpenSSH_9.2\r\n", "does not speak HTTP"),
        (b"HTTP/1.1 404 Not Found\r\nContent-Length: 5\r\n\r\nnone\n", "status 404: none"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}", "no map of memory"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 900\r\n\r\n{", "broke off"),
    ],
)
def test_something_else_that_answers_is_an_error(answer, told):
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve():
            connection, _ = listener.accept()
            with connection:
                connection.recv(1000)
                connection.sendall(answer)

        thread = threading.Thread(target=serve)
        thread.start()
        done = stroma("inspect", "--memory", f"127.0.0.1:{listener.getsockname()[1]}", check=False)
        thread.join()
    assert done.returncode == 1 and told in done.stderr, done.stderr
