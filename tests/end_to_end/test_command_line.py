"""The command line as a newcomer uses it: quickstart, import, export, index, search, inspect, compact, check."""

import gzip
import json
import random
import re
import shutil
import signal
import subprocess
import threading
import time

import pymongo
import pytest
from conftest import BINARY, EXAMPLES, Server, stroma

BASES = "".join(random.Random(3).choices("ACGT", k=5000))


def test_quickstart_answers_three_questions(quickstart):
    data, printed = quickstart
    for words in ["mecA", "S_aureus_N315", "S_aureus_TW20", "100.0", "stroma serve", "mongosh", "stroma search"]:
        assert words in printed.stdout, printed.stdout
    for stage in ["samples", "sequences"]:
        assert stage in printed.stderr.lower(), printed.stderr


def test_a_second_quickstart_finds_the_data_there(quickstart):
    data, _ = quickstart
    second = stroma("quickstart", "--data", data, "--collection", EXAMPLES)
    assert "already" in second.stdout + second.stderr
    assert "S_aureus_TW20" in second.stdout


def test_import_and_export_give_back_what_came(tmp_path):
    data = tmp_path / "data"
    stroma("import", "lab.samples", EXAMPLES / "samples.tsv", "--id", "sample", "--data", data)
    table = stroma(
        "export", "lab.samples", "--format", "tsv", "--fields", "_id,species,year", "--filter", '{"year": 2003}', "--data", data
    ).stdout.splitlines()
    assert table[0] == "_id\tspecies\tyear" and sorted(row.split("\t")[0] for row in table[1:]) == [
        "S_aureus_JKD6008",
        "S_aureus_TW20",
    ]
    lines = tmp_path / "out.jsonl"
    stroma("export", "lab.samples", "--output", lines, "--data", data)
    stroma("import", "lab.copy", lines, "--data", data)
    again = stroma("export", "lab.copy", "--data", data).stdout
    assert again == lines.read_text() and again.count("\n") == 17


def test_import_from_standard_input(tmp_path):
    stroma("import", "a.b", "-", "--format", "jsonl", "--data", tmp_path / "d", input='{"_id": 1}\n{"_id": 2}\n')
    assert stroma("export", "a.b", "--data", tmp_path / "d").stdout == '{"_id":1}\n{"_id":2}\n'


def test_an_index_from_files_and_standard_input(tmp_path):
    data = tmp_path / "data"
    (tmp_path / "one.fa").write_text(">x\n" + BASES + "\n")
    stroma("index", "add", "g", "--k", "21", "--sample", "one", tmp_path / "one.fa", "--data", data)
    reads = "".join(f"@r{i}\n{BASES[i:i+100].lower()}\n+\n{'I' * 100}\n" for i in range(0, 4900, 10)).replace("\n", "\r\n")
    piped = subprocess.run(
        [BINARY, "index", "add", "g", "--sample", "two", "-", "--minimum-count", "2", "--data", str(data)],
        input=gzip.compress(reads.encode()),
        capture_output=True,
        timeout=60,
    )
    assert piped.returncode == 0, piped.stderr
    listed = {sample["sample"]: sample for sample in json.loads(stroma("index", "list", "g", "--json", "--data", data).stdout)}
    assert list(listed) == ["one", "two"] and listed["one"]["kmers"] == 5000 - 20
    assert 0 < listed["two"]["kmers"] < listed["one"]["kmers"]
    hit = json.loads(stroma("search", "g", "--sequence", BASES[500:900], "--format", "jsonl", "--data", data).stdout)
    assert {h["sample"]: h["share"] for h in hit["hits"]} == {"one": 1.0, "two": 1.0}
    tsv = stroma("search", "g", "--sequence", BASES[500:900], "--format", "tsv", "--top", "1", "--data", data).stdout
    assert len(tsv.splitlines()) == 2 and tsv.splitlines()[0].split("\t")[:3] == ["query", "status", "sample"]
    stroma("index", "remove", "g", "--sample", "one", "--data", data)
    hit = json.loads(stroma("search", "g", "--sequence", BASES[500:900], "--format", "jsonl", "--data", data).stdout)
    assert [h["sample"] for h in hit["hits"]] == ["two"]
    stroma("index", "remove", "g", "--all", "--data", data)
    assert json.loads(stroma("index", "list", "--json", "--data", data).stdout) == []


def test_compact_and_inspect_and_check(quickstart, tmp_path):
    data, _ = quickstart
    copy = tmp_path / "copy"
    shutil.copytree(data, copy)
    before = stroma("search", "genomes", EXAMPLES / "genes.fasta", "--data", copy, "--format", "tsv").stdout
    stroma("compact", "--data", copy)
    assert stroma("search", "genomes", EXAMPLES / "genes.fasta", "--data", copy, "--format", "tsv").stdout == before
    shown = json.loads(stroma("inspect", "--json", "--data", copy).stdout)
    assert shown["sequences"]["genomes"]["samples"] == 17
    assert shown["documents"]["levels"]
    tables = shown["documents"]["tables"]
    assert tables and all(table["index_kind"] and table["index_explanation"] for table in tables)
    assert "why they have these indexes" in stroma("inspect", "--data", copy).stdout
    assert "write amplification" in stroma("inspect", "--data", copy).stdout.lower()
    assert json.loads(stroma("check", "--json", "--data", copy).stdout)["damaged"] == []


def test_help_shows_examples_and_completions_come_out():
    text = stroma("--help").stdout
    for command in "quickstart serve import export index search inspect compact check repair dump completions".split():
        assert command in text
        assert "--help" in stroma(command, "--help").stdout
    for command in ["quickstart", "serve", "import", "export", "search", "inspect"]:
        assert "Example" in stroma(command, "--help").stdout, command
    for shell in ["bash", "zsh", "fish"]:
        assert "stroma" in stroma("completions", shell).stdout


def test_a_closed_pipe_is_no_error(quickstart, tmp_path):
    data = tmp_path / "data"
    stroma("import", "a.b", "-", "--format", "jsonl", "--data", data, input="".join(f'{{"_id": {i}}}\n' for i in range(50_000)))
    done = subprocess.run(f"{BINARY} export a.b --data {data} | head -1", shell=True, capture_output=True, text=True)
    assert done.stdout == '{"_id":0}\n' and done.stderr == ""


def test_what_a_driver_wrote_is_there_after_a_restart(tmp_path):
    server = Server(tmp_path / "data")
    with server.client() as client:
        client["a"]["b"].insert_many({"_id": number} for number in range(1000))
        client["a"]["b"].create_index("x")
    assert server.stop() == 0
    server = Server(tmp_path / "data")
    with server.client() as client:
        assert client["a"]["b"].count_documents({}) == 1000
        assert sorted(client["a"]["b"].index_information()) == ["_id_", "x_1"]
    assert server.stop() == 0


def test_commands_read_beside_a_running_server(quickstart, tmp_path):
    data = tmp_path / "data"
    shutil.copytree(quickstart[0], data)
    server = Server(data)
    with server.client() as client:
        client["a"]["b"].insert_many({"_id": number} for number in range(100))
        assert stroma("export", "a.b", "--data", data).stdout.count("\n") == 100
        assert "S_aureus_TW20" in stroma("search", "genomes", EXAMPLES / "genes.fasta", "--data", data).stdout
        for command in [["check"], ["inspect"], ["index", "list"]]:
            stroma(*command, "--data", data)
        reader = Server(data, "--read-only")
        with reader.client() as reading:
            assert reading.admin.command("hello")["readOnly"] is True
            client["a"]["b"].insert_one({"_id": 100})
            assert reading["a"]["b"].count_documents({}) == 100
            with pytest.raises(pymongo.errors.PyMongoError, match="read only"):
                reading["a"]["b"].insert_one({"_id": 101})
        assert reader.stop() == 0
        assert client["a"]["b"].count_documents({}) == 101
    assert server.stop() == 0


def test_everything_in_one_file(quickstart, tmp_path):
    data = tmp_path / "data"
    shutil.copytree(quickstart[0], data)
    before = stroma("export", "lab.samples", "--data", data).stdout
    hits = stroma("search", "genomes", EXAMPLES / "genes.fasta", "--data", data, "--format", "tsv").stdout
    file = tmp_path / "lab.stroma"
    server = Server(data)
    # A bare name is a file of the present folder.
    stroma("compact", "--into", file.name, "--data", data, cwd=file.parent)
    assert server.stop() == 0
    shutil.rmtree(data)
    again = stroma("compact", "--into", file, "--data", file, check=False)
    assert again.returncode == 1 and "exists" in again.stderr
    stroma("compact", "--into", file, "--replace", "--data", file)
    assert [path.name for path in tmp_path.iterdir()] == ["lab.stroma"]
    assert stroma("export", "lab.samples", "--data", file).stdout == before
    assert stroma("search", "genomes", EXAMPLES / "genes.fasta", "--data", file, "--format", "tsv").stdout == hits
    assert json.loads(stroma("check", "--json", "--data", file).stdout)["damaged"] == []
    assert "one file" in stroma("inspect", file).stdout
    assert "levels" in stroma("inspect", "--json", "--data", file).stdout
    refused = stroma("import", "lab.samples", EXAMPLES / "samples.tsv", "--data", file, check=False)
    assert refused.returncode == 1 and "file" in refused.stderr
    reader = Server(file, "--read-only")
    with reader.client() as client:
        assert client["lab"]["samples"].count_documents({"year": 2003}) == 2
        with pytest.raises(pymongo.errors.PyMongoError, match="read only"):
            client["lab"]["samples"].delete_many({})
    assert reader.stop() == 0
    damaged = bytearray(file.read_bytes())
    damaged[5000] ^= 1
    file.write_bytes(damaged)
    assert stroma("check", "--data", file, check=False).returncode == 3


def test_one_collection_is_compacted(tmp_path):
    data = tmp_path / "data"
    stroma("import", "a.b", EXAMPLES / "samples.tsv", "--data", data)
    stroma("compact", "--collection", "a.b", "--data", data)
    assert "no such" in stroma("compact", "--collection", "a.typo", "--data", data).stderr
    assert stroma("export", "a.b", "--data", data).stdout.count("\n") == 17


def test_a_damaged_database_is_repaired(quickstart, tmp_path):
    data = tmp_path / "data"
    shutil.copytree(quickstart[0], data)
    before = stroma("export", "lab.samples", "--data", data).stdout
    for blob in (data / "documents" / "manifest").iterdir():
        blob.unlink()
    assert stroma("check", "--data", data, check=False).returncode == 3
    repair = stroma("repair", "--json", "--data", data, "--into", tmp_path / "rescued", check=False)
    assert repair.returncode == 3 and "losses" in repair.stderr
    report = json.loads(repair.stdout)
    assert not report["whole"] and report["manifest"] and report["kept_indexes"] == ["genomes"]
    assert stroma("export", "lab.samples", "--data", tmp_path / "rescued").stdout == before
    assert "repaired" in stroma("repair", "--data", data, check=False).stdout
    assert stroma("export", "lab.samples", "--data", data).stdout == before
    assert (tmp_path / "data.damaged" / "documents").is_dir()
    assert stroma("check", "--data", data).returncode == 0


def test_documents_whose_catalog_is_lost_are_told_and_reached(tmp_path):
    data, lines = tmp_path / "data", "".join(f'{{"_id": {i}, "padding": "{i * 7919:x}"}}\n' for i in range(3000))
    stroma("import", "a.b", "-", "--format", "jsonl", "--data", data, input=lines)
    [table] = (data / "documents" / "layers").iterdir()
    damaged = bytearray(table.read_bytes())
    damaged[40] ^= 1
    table.write_bytes(damaged)
    assert stroma("check", "--data", data, check=False).returncode == 3
    repair = stroma("repair", "--json", "--data", data, "--into", tmp_path / "rescued", check=False)
    assert repair.returncode == 3, repair.stderr
    report = json.loads(repair.stdout)
    assert report["renamed_keyspaces"] == [{"number": 1, "name": "documents"}], report
    assert report["renamed_collections"] == ["recovered.collection-1"], report
    repair = stroma("repair", "--data", data, check=False)
    assert repair.returncode == 3 and "with losses" in repair.stderr
    assert "its documents are in recovered.collection-1 now" in repair.stdout and "renameCollection" in repair.stdout
    stroma("import", "a.b", "-", "--format", "jsonl", "--data", data, input='{"_id": 1}\n')
    assert stroma("check", "--data", data).returncode == 0
    assert 1000 < stroma("export", "recovered.collection-1", "--data", data).stdout.count("\n") < 3000
    assert stroma("export", "a.b", "--data", data).stdout.count("\n") == 1


def test_entries_and_files_are_dumped(quickstart, tmp_path):
    data = tmp_path / "data"
    stroma("import", "a.b", "-", "--format", "jsonl", "--data", data, input='{"_id": 1}\n{"_id": 2}\n')
    lines = [json.loads(line) for line in stroma("dump", "--json", "--data", data).stdout.splitlines()]
    assert sum(line["what"] == "put" and "a.b" in line["key"] for line in lines) >= 1
    assert len(stroma("dump", "--limit", "1", "--data", data).stdout.splitlines()) == 1
    (log,) = (data / "documents" / "log").iterdir()
    whole = stroma("dump", log).stdout
    # Its entries are in tables by now.
    assert "segment" in whole and "damage" not in whole
    log.write_bytes(log.read_bytes()[:-3])
    assert "damage" in stroma("dump", log).stdout
    (data / "note").write_text("x")
    assert stroma("dump", data / "note", check=False).returncode == 1


@pytest.mark.parametrize("round", range(5))
def test_acknowledged_writes_survive_a_killed_server(tmp_path, round):
    """kill -9 while clients write; the engine's own loop does this hundreds of times, here the whole house stands."""
    server = Server(tmp_path / "data")
    acknowledged = []

    def work(number):
        with server.client(retryWrites=False) as client:
            mine = client["a"].get_collection("b", write_concern=pymongo.WriteConcern(j=True))
            try:
                for step in range(10_000):
                    mine.insert_one({"_id": f"{number}-{step}", "step": step})
                    acknowledged.append(f"{number}-{step}")
            except Exception:
                return

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    time.sleep(0.5 + 0.13 * round)
    server.stop(signal.SIGKILL)
    for thread in threads:
        thread.join()
    server = Server(tmp_path / "data")
    with server.client() as client:
        kept = {document["_id"] for document in client["a"]["b"].find()}
    assert server.stop() == 0
    assert acknowledged and set(acknowledged) <= kept


def test_every_type_comes_back_from_a_canonical_export(tmp_path):
    data = tmp_path / "data"
    line = (
        '{"_id":{"$oid":"507f1f77bcf86cd799439011"},"double":{"$numberDouble":"1.0"},"nan":{"$numberDouble":"NaN"},'
        '"int":{"$numberInt":"1"},"long":{"$numberLong":"1"},"decimal":{"$numberDecimal":"1.10"},'
        '"binary":{"$binary":{"base64":"AQID","subType":"04"}},"time":{"$timestamp":{"t":1,"i":2}},'
        '"pattern":{"$regularExpression":{"pattern":"a","options":"i"}},"date":{"$date":{"$numberLong":"-99999999999999"}},'
        '"least":{"$minKey":1},"most":{"$maxKey":1},"null":null,"code":{"$code":"x"},"symbol":{"$symbol":"s"},'
        '"array":[{"$numberInt":"1"},[{"$numberLong":"2"}]],"text":"e","":true}\n'
    )
    stroma("import", "a.b", "-", "--format", "jsonl", "--data", data, input="\ufeff" + line)
    assert stroma("export", "a.b", "--canonical", "--data", data).stdout == line


def test_awkward_tables_are_read(tmp_path):
    data = tmp_path / "data"
    table = tmp_path / "awkward.csv"
    table.write_bytes('\ufeff_id,größe,note\r\nA,1,"x, ""y"""\r\nB,,"two\nlines"\r\n'.encode())
    stroma("import", "a.b", table, "--data", data)
    assert [json.loads(line) for line in stroma("export", "a.b", "--data", data).stdout.splitlines()] == [
        {"_id": "A", "größe": 1, "note": 'x, "y"'},
        {"_id": "B", "note": "two\nlines"},
    ]


def test_a_quickstart_that_was_killed_is_completed_by_the_next(quickstart, tmp_path):
    expected = quickstart[1].stdout.split("\n", 1)[1].split("To go on")[0]
    data = tmp_path / "data"
    for pause in (0.02, 0.4, 1.5):
        process = subprocess.Popen(
            [BINARY, "quickstart", "--data", str(data), "--collection", str(EXAMPLES)],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        time.sleep(pause)
        process.kill()
        process.wait()
    done = stroma("quickstart", "--data", data, "--collection", EXAMPLES)
    assert done.stdout.split("\n", 1)[1].split("To go on")[0] == expected
    stroma("check", "--data", data)


def test_the_examples_of_the_help_run(quickstart, tmp_path):
    """From the folder of the source, with the database of the quickstart, as a newcomer would try them."""
    copy = tmp_path / "copy"
    shutil.copytree(quickstart[0], copy)
    ran = 0
    for words in ("import", "export", "index list", "search", "inspect", "compact", "check", "index remove"):
        # Wide, so that no example is wrapped.
        wide = {"COLUMNS": "200", "PATH": "/usr/bin:/bin"}
        for line in stroma(*words.split(), "--help", env=wide).stdout.splitlines():
            command = line.strip()
            if not line.startswith("  stroma ") and " | stroma " not in line:
                continue
            command = command.replace("stroma-data/", f"{copy}/").replace("stroma-data", str(copy))
            command = command.replace("lab.samples examples", "lab.again examples")
            for name in ("samples.jsonl", "samples.stroma"):
                command = command.replace(name, str(tmp_path / name))
            if any(words in command for words in ("events.jsonl", "index remove", "--memory")):
                continue
            environment = {"PATH": "/usr/bin:/bin", "STROMA_DATA": str(copy)}
            command = command.replace("stroma ", f"{BINARY} ", 1) if command.startswith("stroma ") else command.replace("| stroma", f"| {BINARY}")
            done = subprocess.run(command, shell=True, cwd=EXAMPLES.parent, env=environment, capture_output=True, text=True, timeout=120)
            assert done.returncode == 0, (command, done.stdout, done.stderr)
            ran += 1
    assert ran >= 12, ran


def test_a_merge_of_shards_says_that_kmers_stay_hot_for_want_of_memory(tmp_path):
    shards = []
    for number in range(4):
        fasta = tmp_path / f"s{number}.fa"
        fasta.write_text(f">x\n{''.join(random.Random(number).choices('ACGT', k=80_000))}\n")
        shards.append(tmp_path / f"shard{number}")
        stroma("index", "add", "g", "--sample", f"s{number}", fasta, "-k", "21", "--cold", "never", "--data", shards[-1])

    def merged(memory, into):
        done = stroma("index", "merge", "g", *shards, "--cold", "always", "--memory", memory, "--threads", 1, "--data", into)
        query = stroma("search", "g", tmp_path / "s1.fa", "--threshold", 0, "--format", "tsv", "--data", into).stdout
        return done.stderr, stroma("inspect", "--data", into).stdout, query

    warned, little_inspected, little = merged("2M", tmp_path / "little")
    assert "the k-mers were not made into strings" in warned, warned
    assert re.search(r"that needs about \S+ \S+, and --memory allows", warned), warned
    quiet, much_inspected, much = merged("64M", tmp_path / "much")
    assert "strings" not in quiet, quiet
    assert "cold" in much_inspected and "cold" not in little_inspected
    assert little == much and little.splitlines()[1].split("\t")[2] == "s1"
    assert stroma("check", "--data", tmp_path / "little").returncode == 0


def test_an_index_of_many_files_with_long_kmers_and_abundances(tmp_path):
    data = tmp_path / "data"
    for name, copies in [("one.v2", 1), ("two words", 5)]:
        with gzip.open(tmp_path / f"{name}.fna.gz", "wt") as file:
            file.write(f">x\n{BASES}\n" * copies)
    files = sorted(tmp_path.glob("*.fna.gz"))
    words = ["--each-file", *files, "-k", "63", "--abundances", "--threads", "2", "--memory", "64M", "--data", data]
    stroma("index", "add", "g", *words)
    again = stroma("index", "add", "g", *words, check=False)
    assert again.returncode == 1 and "is there already" in again.stderr
    stroma("index", "add", "g", *words, "--skip-existing")
    query = ["search", "g", "--sequence", BASES[100:300] + "N" + BASES[300:400], "--positions", "--abundances", "--data", data]
    hits = json.loads(stroma(*query, "--format", "jsonl").stdout)["hits"]
    assert [(hit["sample"], hit["found"], hit["abundance"]) for hit in hits] == [("one.v2", 176, 1), ("two words", 176, 4)]
    assert hits[0]["positions"] == [[0, 138], [201, 239]]
    table = [line.split("\t") for line in stroma(*query, "--format", "tsv").stdout.splitlines()]
    assert table[0][-2:] == ["abundance", "positions"] and table[2][-2:] == ["4.000", "0-138,201-239"]
    records = tmp_path / "records.fa"
    records.write_text(f">first\n{BASES[:100]}\n>second gene\n{BASES[100:200]}\n")
    stroma("index", "add", "h", "--each-record", records, "-k", "21", "--format", "fasta", "--data", data)
    assert [row["sample"] for row in json.loads(stroma("index", "list", "h", "--json", "--data", data).stdout)] == ["first", "second"]
    refused = stroma("index", "add", "h", "--sample", "x", records, "--format", "fastq", "--data", data, check=False)
    assert refused.returncode == 1 and "said to be FASTQ, but the content is FASTA" in refused.stderr
    short = stroma("index", "add", "h", "--sample", "x", "-", "--data", data, check=False, input=">a\nACGT\n")
    assert short.returncode == 1 and "has no k-mer" in short.stderr and "longest of 4 bases" in short.stderr
