"""What a search prints, against a naive count: tables and JSON lines, the best few, in the order of the queries; and counts
that KMC made."""

import collections
import json
import random
import shutil
import subprocess

import duckdb
import pytest
from conftest import BINARY, stroma
from sequences import canonical_kmers

K = 15
THRESHOLD = 0.3


@pytest.fixture(scope="module")
def relatives(tmp_path_factory):
    """An index of relatives and strangers, and queries: a dozen samples hold some of a query, some as much as another."""
    folder = tmp_path_factory.mktemp("relatives")
    draw = random.Random(5)
    ancestor = "".join(draw.choices("ACGT", k=3000))
    samples = {}
    for number in range(12):
        changed = list(ancestor)
        for _ in range(30 * number):
            changed[draw.randrange(3000)] = draw.choice("ACGT")
        samples[f"s{number:02}"] = "".join(changed)
    # Equal shares: the name decides.
    samples["twin b"] = samples["twin.a"] = samples["s03"]
    records = "".join(f">{name}\n{bases}\n" for name, bases in samples.items() if " " not in name)
    (folder / "records.fa").write_text(records)
    (folder / "twin.fa").write_text(f">x\n{samples['twin b']}\n")
    stroma("index", "add", "g", "--each-record", folder / "records.fa", "-k", K, "--data", folder / "d")
    stroma("index", "add", "g", "--sample", "twin b", folder / "twin.fa", "--data", folder / "d")
    queries = {f"q{number}": ancestor[start : start + 200] for number, start in enumerate(range(0, 2800, 140))}
    queries |= {"short": "ACG", "ambiguous": "ACGTN" * 20, "nowhere": "".join(draw.choices("ACGT", k=100)), "repeat": ancestor[:80] * 3}
    order = list(queries)
    draw.shuffle(order)
    (folder / "queries.fa").write_text("".join(f">{name} with words\n{queries[name]}\n" for name in order))
    return folder, samples, {name: queries[name] for name in order}


def expected(samples, query):
    """(sample, found) of the hits, in order; or why there can be none."""
    if len(query) < K:
        return "too-short"
    kmers = canonical_kmers(query, K)
    if not kmers:
        return "no-kmers"
    found = {name: len(kmers & canonical_kmers(bases, K)) for name, bases in samples.items()}
    hits = [(name, count) for name, count in found.items() if count > 0 and count / len(kmers) >= THRESHOLD]
    return sorted(hits, key=lambda hit: (-hit[1], hit[0]))


@pytest.mark.parametrize("top", [None, 1, 5, 100])
@pytest.mark.parametrize("threads", [1, 3])
def test_tables_and_json_lines_tell_the_best_hits_in_the_order_of_the_queries(relatives, top, threads):
    folder, samples, queries = relatives
    words = ["search", "g", folder / "queries.fa", "--threshold", THRESHOLD, "--threads", threads, "--data", folder / "d"]
    words += ["--top", top] if top else []
    lines = stroma(*words, "--format", "jsonl").stdout.splitlines()
    table = [line.split("\t") for line in stroma(*words, "--format", "tsv").stdout.splitlines()]
    assert table[0] == ["query", "status", "sample", "found", "kmers", "share"]
    rows = []
    for line, (name, query) in zip(lines, queries.items(), strict=True):
        answer = json.loads(line)
        kmers = len(canonical_kmers(query, K))
        assert (answer["query"], answer["length"], answer["kmers"]) == (name, len(query), kmers)
        hits = expected(samples, query)
        if isinstance(hits, str):
            assert answer["status"] == hits
            rows.append([name, hits, "-", "0", str(kmers), "-"])
            continue
        hits = hits[:top]
        assert [(hit["sample"], hit["found"], hit["share"]) for hit in answer["hits"]] == [(n, c, c / kmers) for n, c in hits]
        cut = lambda count: f"{count * 1_000_000 // kmers / 1_000_000:.6f}"
        rows += [[name, "hit", sample, str(count), str(kmers), cut(count)] for sample, count in hits]
        rows += [[name, "none", "-", "0", str(kmers), "-"]] if not hits else []
    assert table[1:] == rows
    piped = stroma(*[word if word != folder / "queries.fa" else "-" for word in words], "--format", "tsv", input=(folder / "queries.fa").read_text())
    assert [line.split("\t") for line in piped.stdout.splitlines()] == table


@pytest.mark.parametrize("more", [[], ["--positions"]])
def test_another_reader_finds_the_table_in_a_parquet_file(relatives, tmp_path, more):
    folder, _, _ = relatives
    if stroma("search", "--help").stdout.find("parquet") < 0:
        pytest.skip("built without the feature `parquet`")
    words = ["search", "g", folder / "queries.fa", "--threshold", THRESHOLD, "--data", folder / "d", *more, "--format"]
    header, *table = [line.split("\t") for line in stroma(*words, "tsv").stdout.splitlines()]
    file = tmp_path / "hits.parquet"
    with file.open("wb") as out:
        subprocess.run([BINARY, *map(str, words), "parquet"], stdout=out, check=True, timeout=120)
    read = duckdb.sql(f"select * from read_parquet('{file}')")
    assert read.columns == header
    assert read.types[:6] == ["VARCHAR", "VARCHAR", "VARCHAR", "BIGINT", "BIGINT", "DOUBLE"]
    rows = read.fetchall()
    assert len(rows) == len(table) and {row[1] for row in rows} == {"hit", "none", "too-short", "no-kmers"}
    for row, (query, status, sample, found, kmers, share, *positions) in zip(rows, table, strict=True):
        is_hit = status == "hit"
        assert row[:5] == (query, status, sample if is_hit else None, int(found), int(kmers))
        assert row[5] == (int(found) / int(kmers) if is_hit else None) and (share == "-") != is_hit
        assert list(row[6:]) == [place if is_hit else None for place in positions]
    summed = "select sample, count(*) from read_parquet(?) where status = 'hit' group by sample order by sample"
    counted = collections.Counter(row[2] for row in table if row[1] == "hit")
    assert duckdb.execute(summed, [str(file)]).fetchall() == sorted(counted.items())


def test_counts_of_kmc_are_imported(relatives, tmp_path):
    """The same answers, abundances and all, as from the sequences themselves."""
    folder, samples, _ = relatives
    if not shutil.which("kmc"):
        pytest.skip("kmc is not installed")
    chosen = ["s00", "s05", "twin.a"]
    for k in (15, 41):
        own, counted = tmp_path / f"own{k}", tmp_path / f"counted{k}"
        for name in chosen:
            text = f">a\n{samples[name]}\n>b\n{samples[name][:700]}\n>c\n{samples['s01'][500:900]}\n"
            (tmp_path / f"{name}.fa").write_text(text)
            stroma("index", "add", "g", "--sample", name, tmp_path / f"{name}.fa", "-k", k, "--minimum-count", 2, "--abundances", "--data", own)
            (tmp_path / "scratch").mkdir(exist_ok=True)
            count = ["kmc", f"-k{k}", "-ci2", "-cs1000", "-m2", "-t1", "-fm", tmp_path / f"{name}.fa", tmp_path / name, tmp_path / "scratch"]
            subprocess.run(count, check=True, capture_output=True)
        # kmc_tools writes the older format.
        old = ["kmc_tools", "-t1", "transform", tmp_path / "s05", "reduce", tmp_path / "again", "-ci2"]
        subprocess.run(old, check=True, capture_output=True)
        (tmp_path / "again.kmc_pre").rename(tmp_path / "s05.kmc_pre")
        (tmp_path / "again.kmc_suf").rename(tmp_path / "s05.kmc_suf")
        stroma("index", "import", "g", *[tmp_path / f"{name}.kmc_pre" for name in chosen], "--abundances", "--minimum-count", 2, "--data", counted)
        search = ["search", "g", folder / "queries.fa", "--threshold", 0, "--abundances", "--positions", "--format", "jsonl"]
        answers = stroma(*search, "--data", own).stdout
        assert "abundance" in answers and stroma(*search, "--data", counted).stdout == answers
    again = stroma("index", "import", "g", tmp_path / "s00.kmc_pre", "--data", counted, check=False)
    assert again.returncode == 1 and "is there already" in again.stderr
    other = stroma("index", "import", "g", tmp_path / "s00.kmc_pre", "--sample", "x", "--data", tmp_path / "own15", check=False)
    assert other.returncode == 1 and "41 bases, those of the index 15" in other.stderr, other.stderr
    (tmp_path / "s00.kmc_suf").write_bytes((tmp_path / "s00.kmc_suf").read_bytes()[:-9])
    cut = stroma("index", "import", "h", tmp_path / "s00.kmc_pre", "--data", counted, check=False)
    assert cut.returncode == 1 and "s00.kmc_suf, byte " in cut.stderr
    both = stroma("index", "import", "h", tmp_path / "s05.kmc_pre", tmp_path / "s05.kmc_suf", "--data", counted, check=False)
    assert both.returncode == 2 and "name only the .kmc_pre file" in both.stderr
    assert [row["index"] for row in json.loads(stroma("index", "list", "--json", "--data", counted).stdout)] == ["g"]
