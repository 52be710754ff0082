"""The commands of docs/sequence-search.md and the recipes beside it, run as they stand, on small data."""

import contextlib
import gzip
import io
import os
import random
import re
import shutil
import subprocess
import sys

import pytest
from conftest import BINARY, ROOT, Server, stroma

K = 23
NAMES = ["alpha", "beta", "gamma", "delta", "epsilon"]


def drawn(seed, length):
    return "".join(random.Random(seed).choices("ACGT", k=length))


@pytest.fixture
def folder(tmp_path):
    """What the reader of the page has: genomes, transcripts, metadata, reads; and `stroma` on the path."""
    genomes = tmp_path / "genomes"
    genomes.mkdir()
    shared = drawn(0, 1500)
    for name in [*NAMES, "late"]:
        parts = [drawn(name, 3000), shared if name in ("alpha", "delta", "late") else "", drawn(name * 2, 2000)]
        (genomes / f"{name}.fa").write_text(f">{name}\n{''.join(parts)}\n")
    rows = "".join(f"{name}\t{name}.fa\n" for name in NAMES)
    (genomes / "samples.tsv").write_text(f"sample\tpaths\n{rows}")
    transcripts = {"shared": shared[100:1100], "foreign": drawn(7, 500), "short": "ACGT"}
    (tmp_path / "transcripts.fa").write_text("".join(f">{name}\n{bases}\n" for name, bases in transcripts.items()))
    table = "".join(f"{name}\t{'Peru' if name == 'delta' else 'Chile'}\t{1995 + number}\n" for number, name in enumerate([*NAMES, "late"]))
    (tmp_path / "metadata.tsv").write_text(f"sample\tcountry\tyear\n{table}".replace("delta\tPeru\t1998", "delta\tPeru\t2003"))
    (tmp_path / "reads").mkdir()
    for mate in (1, 2):
        with gzip.open(tmp_path / f"reads/run1_{mate}.fq.gz", "wt") as file:
            for start in range(0, 1400, 5):
                file.write(f"@r{start}/{mate}\n{shared[start:start + 100]}\n+\n{'I' * len(shared[start:start + 100])}\n")
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin/stroma").symlink_to(BINARY)
    return tmp_path


def environment(folder, **more):
    return {**os.environ, "PATH": f"{folder / 'bin'}:{os.environ['PATH']}", **more}


def shell(folder, script, **more):
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script], cwd=folder, env=environment(folder, **more), capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, f"{script}\n{done.stdout}\n{done.stderr}"
    return done.stdout


def blocks(language):
    page = (ROOT / "docs/sequence-search.md").read_text()
    return re.findall(rf"```{language}\n(.*?)```", page, re.DOTALL)


def hits(path):
    """(query, status, sample) of each line of a table."""
    return [tuple(line.split("\t")[:3]) for line in path.read_text().splitlines()[1:]]


def test_the_walkthrough_runs(folder):
    scripts = blocks("sh")
    joined = next(number for number, script in enumerate(scripts) if "stroma import" in script) + 1
    for script in scripts[:joined]:
        shell(folder, script)
    none = [("foreign", "none", "-"), ("short", "too-short", "-")]
    assert hits(folder / "hits.tsv") == [("shared", "hit", name) for name in ("alpha", "delta", "late")] + none
    assert len((folder / "hits.jsonl").read_text().splitlines()) == 3
    assert f"0-{1000 - K + 1}" in (folder / "where.tsv").read_text()

    server = Server(folder / "stroma-data")
    (python,) = blocks("python")
    python = python.replace("mongodb://127.0.0.1:27017", server.uri).replace("transcripts.fa", str(folder / "transcripts.fa"))
    known = {}
    with contextlib.redirect_stdout(io.StringIO()) as printed:
        exec(python, known)
    assert server.stop() == 0
    assert [(row["_id"], row["country"], row["share"]) for row in known["answer"]] == [("delta", "Peru", 1.0), ("late", "Chile", 1.0)]
    assert "delta Peru 1" in printed.getvalue()

    for script in scripts[joined:]:
        shell(folder, script)
    two = [("shared", "hit", name) for name in ("alpha", "delta")]
    assert hits(folder / "after.tsv") == two + none == hits(folder / "merged.tsv")
    assert hits(folder / "abundances.tsv")[0] == ("shared", "hit", "run1")
    merged = stroma("index", "list", "genomes", "--data", folder / "merged").stdout
    assert all(name in merged for name in NAMES) and "late" not in merged


def test_the_slurm_recipe_runs(folder):
    """Without a cluster: each task of the array by itself, one of them twice, then the merge, twice."""
    recipes = ROOT / "examples/workflows"
    variables = {"TABLE": "genomes/samples.tsv", "SHARDS": "3", "K": str(K), "INTO": "whole"}
    for task in (0, 1, 1, 2):
        shell(folder, f"bash {recipes / 'shard.sbatch'}", SLURM_ARRAY_TASK_ID=str(task), **variables)
    for _ in range(2):
        shell(folder, f"bash {recipes / 'merge.sbatch'}", **variables)
    shell(folder, "stroma search genomes transcripts.fa --data whole > found.tsv")
    assert hits(folder / "found.tsv")[:2] == [("shared", "hit", name) for name in ("alpha", "delta")]


def test_the_snakemake_recipe_runs(folder):
    # Installed beside the tests' Python (requirements.txt).
    snakemake = shutil.which("snakemake", path=f"{os.path.dirname(sys.executable)}:{os.environ['PATH']}")
    assert snakemake, "snakemake is not installed"
    command = f"{snakemake} --cores 2 --snakefile {ROOT / 'examples/workflows/Snakefile'} --config table=genomes/samples.tsv shards=3 kmer={K} into=whole"
    shell(folder, command, HOME=str(folder))
    shell(folder, "stroma search genomes transcripts.fa --data whole > found.tsv")
    assert hits(folder / "found.tsv")[:2] == [("shared", "hit", name) for name in ("alpha", "delta")]
