"""Bad input: one clear error that names the file or field, a failing exit code, and nothing lost."""

import gzip
import json
import random
import resource
import signal
import subprocess

import pytest
from conftest import BINARY, EXAMPLES, Server, stroma

GENOME = ">g\n" + "ACGTTGCAAGCTTAGCCGATAACGGTTACAGTCCGATAGCATCGGCTAAGCTTGCATGCAAT" * 3 + "\n"


@pytest.fixture
def index(tmp_path):
    """A database with an index of one good sample."""
    data = tmp_path / "data"
    good = tmp_path / "good.fasta"
    good.write_text(GENOME)
    stroma("index", "add", "genomes", "--sample", "good", good, "--data", data)
    return data


def samples_of(data):
    listed = json.loads(stroma("index", "list", "genomes", "--json", "--data", data).stdout)
    return [sample["sample"] for sample in listed]


def fails(arguments, *named, code=1):
    """The command fails with one error on standard error that names all of `named`."""
    done = stroma(*arguments, check=False)
    assert done.returncode == code, (done.returncode, done.stdout, done.stderr)
    for name in named:
        assert str(name) in done.stderr, f"{name!r} is not in: {done.stderr}"
    assert "panicked" not in done.stderr
    return done.stderr


BAD_FILES = {
    "truncated.fa.gz": gzip.compress(GENOME.encode() * 50)[:-20],
    "corrupt.fa.gz": b"\x1f\x8b\x08\x00" + b"\x00" * 6 + b"\xff" * 50,
    "not-gzip.fa.gz": b"MZ\x90\x00 this is not what its name says",
    "no-sequence.fa": b">only a header\n",
    "empty.fa": b"",
    "binary.fa": bytes(range(256)) * 4,
    "letters.fa": b">x\nHELLO WORLD!\n",
    "quality.fq": b"@r\nACGT\n+\nII\n",
    "cut.fq": b"@r\nACGT\n+\n",
}


@pytest.mark.parametrize("name", BAD_FILES)
def test_a_bad_sequence_file_is_named_and_the_index_stays(index, tmp_path, name):
    file = tmp_path / name
    file.write_bytes(BAD_FILES[name])
    fails(["index", "add", "genomes", "--sample", "bad", file, "--data", index], name)
    assert samples_of(index) == ["good"]
    stroma("check", "--data", index)


def test_a_missing_file_is_named(index, tmp_path):
    missing = tmp_path / "missing.fa"
    fails(["index", "add", "genomes", "--sample", "bad", missing, "--data", index], missing)
    assert samples_of(index) == ["good"]


def test_a_duplicate_and_an_unknown_sample_are_named(index, tmp_path):
    fails(["index", "add", "genomes", "--sample", "good", tmp_path / "good.fasta", "--data", index], "good")
    fails(["index", "remove", "genomes", "--sample", "ghost", "--data", index], "ghost")
    fails(["index", "list", "nothing", "--data", index], "nothing")
    fails(["search", "nothing", "--sequence", "ACGT" * 20, "--data", index], "nothing")
    assert samples_of(index) == ["good"]


def test_a_manifest_with_the_same_sample_twice_adds_nothing(index, tmp_path):
    manifest = tmp_path / "samples.tsv"
    manifest.write_text("sample\tpaths\na\tgood.fasta\na\tgood.fasta\n")
    fails(["index", "add", "genomes", "--samples", manifest, "--data", index], "a", "samples.tsv")
    assert samples_of(index) == ["good"]


def test_a_manifest_without_its_columns_is_named(index, tmp_path):
    manifest = tmp_path / "samples.tsv"
    manifest.write_text("name\tfile\na\tgood.fasta\n")
    fails(["index", "add", "genomes", "--samples", manifest, "--data", index], "sample", "samples.tsv")


def test_a_short_query_is_reported_and_not_dropped(index, tmp_path):
    queries = tmp_path / "queries.fa"
    queries.write_text(">short\nACGT\n>long\n" + GENOME.split("\n")[1] + "\n")
    lines = stroma("search", "genomes", queries, "--format", "jsonl", "--data", index).stdout.splitlines()
    short, long = map(json.loads, lines)
    assert short["query"] == "short" and "hits" not in short and (short["status"], short["length"], short["k"]) == ("too-short", 4, 31)
    assert long["query"] == "long" and long["hits"][0]["share"] == 1.0
    table = stroma("search", "genomes", queries, "--format", "tsv", "--data", index).stdout
    assert "short" in table


@pytest.mark.parametrize("k", ["4", "65", "1", "0"])
def test_an_impossible_k_is_refused(tmp_path, k):
    good = tmp_path / "good.fasta"
    good.write_text(GENOME)
    done = stroma("index", "add", "g", "--k", k, "--sample", "s", good, "--data", tmp_path / "d", check=False)
    assert done.returncode in (1, 2) and "odd" in done.stderr


def test_another_k_than_the_index_has_is_refused(index, tmp_path):
    fails(["index", "add", "genomes", "--k", "21", "--sample", "s", tmp_path / "good.fasta", "--data", index], "31", code=2)


@pytest.mark.parametrize("threshold", ["-0.1", "1.5", "NaN"])
def test_a_threshold_outside_of_0_to_1_is_refused(index, threshold):
    done = stroma(
        "search", "genomes", "--sequence", "ACGT" * 20, f"--threshold={threshold}", "--data", index, check=False
    )
    assert done.returncode in (1, 2) and "threshold" in done.stderr.lower()


def test_bad_records_are_named_with_their_line(tmp_path):
    file = tmp_path / "bad.jsonl"
    file.write_text('{"_id": 1}\n{"_id": \n')
    data = tmp_path / "data"
    fails(["import", "a.b", file, "--data", data], "bad.jsonl", "line 2")
    table = tmp_path / "bad.csv"
    table.write_text("a,b\n1,2\n3\n")
    fails(["import", "a.b", table, "--data", data], "bad.csv", "line 3")
    fails(["import", "a.b", tmp_path / "unclear", "--data", data], "--format", code=2)
    fails(["import", "nodot", file, "--data", data], "nodot", "DATABASE.COLLECTION", code=2)
    array = tmp_path / "array.json"
    array.write_text('[{"a": 1}]\n')
    fails(["import", "a.b", array, "--data", data], "array.json", "one whole document")


def test_a_document_over_16_mib_is_refused(tmp_path):
    file = tmp_path / "large.jsonl"
    file.write_text(json.dumps({"_id": 1}) + "\n" + json.dumps({"_id": 2, "text": "x" * (17 << 20)}) + "\n")
    data = tmp_path / "data"
    fails(["import", "a.b", file, "--data", data], "16777216")
    assert stroma("export", "a.b", "--data", data).stdout.count("\n") <= 1


def test_a_database_that_is_not_there_or_is_none(tmp_path):
    fails(["export", "a.b", "--data", tmp_path / "none"], "none")
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "thesis.tex").write_text("x")
    fails(["import", "a.b", EXAMPLES / "samples.tsv", "--data", tmp_path / "other"], "other")
    assert [path.name for path in (tmp_path / "other").iterdir()] == ["thesis.tex"]


def test_a_database_opened_twice_to_write_is_refused(tmp_path):
    server = Server(tmp_path / "data")
    try:
        fails(["compact", "--data", tmp_path / "data"], "locked", server.process.pid)
        with server.client() as client:
            assert client.admin.command("ping")["ok"] == 1
    finally:
        assert server.stop() == 0
    stroma("check", "--data", tmp_path / "data")


def test_a_database_of_a_newer_format_is_left_alone(index):
    marker = index / "FORMAT"
    text = marker.read_text()
    marker.write_text(text.replace(" 1", " 99"))
    fails(["check", "--data", index], "99")
    marker.write_text(text)
    assert samples_of(index) == ["good"]


def test_a_flipped_byte_is_found(index):
    layers = [path for path in (index / "sequences" / "genomes" / "layers").iterdir()]
    content = bytearray(layers[0].read_bytes())
    content[len(content) // 2] ^= 1
    layers[0].write_bytes(content)
    checked = stroma("check", "--data", index, check=False)
    assert checked.returncode == 3 and checked.stdout.startswith("damaged")
    assert layers[0].name in checked.stdout
    done = stroma("inspect", layers[0], check=False)
    assert layers[0].name in done.stdout + done.stderr
    assert done.returncode != 0


def test_inspect_says_what_a_file_is(index, tmp_path):
    for path in sorted(path for path in index.rglob("*") if path.is_file() and path.name != "LOCK"):
        done = stroma("inspect", path, check=False)
        assert done.returncode == 0, (path, done.stdout, done.stderr)
        assert "whole" in done.stdout, (path, done.stdout)
    done = stroma("inspect", tmp_path / "good.fasta", check=False)
    assert done.returncode != 0 and "good.fasta" in done.stderr


def test_a_full_disk_ends_the_import_and_keeps_the_database(tmp_path):
    """The system refuses files over 2 MiB, as a full disk would; afterwards all is as it was."""
    data = tmp_path / "data"
    first = tmp_path / "first.jsonl"
    first.write_text("".join(json.dumps({"_id": number}) + "\n" for number in range(100)))
    stroma("import", "a.b", first, "--data", data)
    second = tmp_path / "second.jsonl"
    # Nothing that can be compressed: else all of it is smaller than what the system refuses.
    noise = random.Random(7)
    second.write_text(
        "".join(
            json.dumps({"_id": 1000 + number, "text": noise.randbytes(640).hex()}) + "\n" for number in range(20_000)
        )
    )

    def limit():
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (2 << 20, 2 << 20))

    done = subprocess.run(
        [BINARY, "import", "a.b", str(second), "--data", str(data)],
        capture_output=True,
        text=True,
        timeout=120,
        preexec_fn=limit,
        restore_signals=False,
    )
    assert done.returncode == 1, done.stdout + done.stderr
    assert "panicked" not in done.stderr and str(data) in done.stderr, done.stderr
    stroma("check", "--data", data)
    kept = [json.loads(line)["_id"] for line in stroma("export", "a.b", "--data", data).stdout.splitlines()]
    assert set(range(100)) <= set(kept)
    # Whatever of the second import was acknowledged batch by batch is there as a prefix, with no gap.
    rest = sorted(number - 1000 for number in kept if number >= 1000)
    assert rest == list(range(len(rest)))


def test_unknown_words_are_usage_errors():
    for words in (["nonsense"], ["search"], ["index"], ["serve", "--port", "99999"]):
        assert stroma(*words, check=False).returncode == 2


def test_a_sample_that_cannot_be_added_is_named_and_those_before_it_stay(index, tmp_path):
    manifest = tmp_path / "samples.tsv"
    manifest.write_text("sample\tpaths\nfirst\tgood.fasta\nsecond\tmissing.fasta\nthird\tgood.fasta\n")
    fails(["index", "add", "genomes", "--samples", manifest, "--data", index], "second", "missing.fasta", "--skip-existing")
    # Samples are added side by side: the third may have been under way.
    assert sorted(set(samples_of(index)) - {"third"}) == ["first", "good"]
    (tmp_path / "missing.fasta").write_text(GENOME)
    stroma("index", "add", "genomes", "--samples", manifest, "--skip-existing", "--data", index)
    assert sorted(samples_of(index)) == ["first", "good", "second", "third"]


def test_an_index_that_got_no_sample_is_not_left_behind(index, tmp_path):
    fails(["index", "add", "new", "--sample", "s", tmp_path / "missing.fa", "--data", index], "missing.fa")
    assert [one["index"] for one in json.loads(stroma("index", "list", "--json", "--data", index).stdout)] == ["genomes"]


def test_each_file_of_a_database_that_is_changed_is_noticed(index):
    """A flipped byte anywhere but in the log: `check` says 3 and names it, and no command answers wrongly."""
    files = sorted(path for path in index.rglob("*") if path.is_file() and path.name != "LOCK" and path.parent.name != "log")
    answer = stroma("search", "genomes", "--sequence", GENOME.split("\n")[1], "--data", index).stdout
    for number, path in enumerate(files):
        if not path.exists():
            continue
        whole = path.read_bytes()
        for position in {0, len(whole) // 3 + number, len(whole) - 1}:
            position = min(position, len(whole) - 1)
            path.write_bytes(whole[:position] + bytes([whole[position] ^ 0x10]) + whole[position + 1 :])
            checked = stroma("check", "--data", index, check=False)
            assert checked.returncode != 0 and "panicked" not in checked.stderr, (path, position, checked.stdout)
            assert path.name in checked.stdout + checked.stderr, (path, position, checked.stdout, checked.stderr)
            found = stroma("search", "genomes", "--sequence", GENOME.split("\n")[1], "--data", index, check=False)
            assert found.returncode != 0 or found.stdout == answer, (path, position)
            path.write_bytes(whole)
    stroma("check", "--data", index)


def test_an_index_without_its_entry_and_a_database_without_its_format_are_named(index):
    entry = index / "indexes" / "genomes"
    text = entry.read_bytes()
    entry.unlink()
    checked = stroma("check", "--data", index, check=False)
    assert checked.returncode == 3 and "indexes/genomes" in checked.stdout
    entry.write_bytes(text)
    (index / "FORMAT").unlink()
    fails(["search", "genomes", "--sequence", "ACGT" * 20, "--data", index], "FORMAT")
    fails(["import", "a.b", EXAMPLES / "samples.tsv", "--data", index], "FORMAT")
    (index / "FORMAT").write_text("stromatolite 1\n")
    assert samples_of(index) == ["good"]


def test_a_log_that_was_cut_is_told(tmp_path):
    data = tmp_path / "data"
    stroma("import", "a.b", EXAMPLES / "samples.tsv", "--data", data)
    (log,) = (path for path in (data / "documents" / "log").iterdir())
    log.write_bytes(log.read_bytes()[:-7])
    done = stroma("export", "a.b", "--data", data)
    assert "left out" in done.stderr and log.name in done.stderr


def test_a_failed_export_leaves_the_file_that_was_there(tmp_path):
    data = tmp_path / "data"
    stroma("import", "a.b", EXAMPLES / "samples.tsv", "--data", data)
    target = tmp_path / "out.csv"
    target.write_text("mine")
    fails(["export", "a.b", "--output", target, "--data", data], "--fields", code=2)
    assert target.read_text() == "mine"
    done = stroma("export", "a.typo", "--data", data)
    assert "a.typo" in done.stderr and done.stdout == ""


def test_a_file_where_a_folder_should_be_is_named(tmp_path):
    file = tmp_path / "notes.txt"
    file.write_text("x")
    fails(["import", "a.b", EXAMPLES / "samples.tsv", "--data", file], "notes.txt", "not a folder")
    fails(["check", "--data", file], "notes.txt", "not a folder")
    fails(["inspect", tmp_path / "nothing"], "nothing", "no file")


def test_letters_that_are_no_bases_are_refused(index):
    fails(["search", "genomes", "--sequence", "HELLO", "--data", index], "--sequence", "column 2", code=2)


def test_a_full_or_closed_output_is_no_panic(index):
    for words in (["check"], ["inspect"], ["inspect", str(index / "FORMAT")], ["index", "list"]):
        with open("/dev/full", "w") as full:
            done = subprocess.run(
                [BINARY, *words, "--data", str(index)], stdout=full, stderr=subprocess.PIPE, text=True, timeout=60
            )
        assert done.returncode == 1 and "panicked" not in done.stderr, (words, done.stderr)
