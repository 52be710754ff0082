"""Searches of the shipped collection equal a naive count, for 240 random queries: present, mutated, absent."""

import csv
import json
import math
import random

import pytest
from conftest import EXAMPLES, stroma
from sequences import canonical_kmers, records_of, reverse_complement

K = 31
THRESHOLDS = [0.0, 0.3, 0.8, 1.0]


@pytest.fixture(scope="module")
def collection():
    """Sample name -> sequences."""
    with open(EXAMPLES / "samples.tsv", newline="") as file:
        rows = list(csv.DictReader(file, delimiter="\t"))
    return {row["sample"]: [r for p in row["paths"].split(",") for r in records_of(EXAMPLES / p)] for row in rows}


def mutate(sequence, rate, random):
    return "".join(random.choice("ACGT") if random.random() < rate else base for base in sequence)


def make_queries(collection, random):
    """240 queries of 100 to 5,000 bases with their kind in the name."""
    genomes = [sequences[0] for sequences in collection.values() if len(sequences[0]) > 10_000]
    queries = []
    for number in range(240):
        length = random.randint(100, 5000)
        kind = ["present", "mutated", "absent"][number % 3]
        if kind == "absent":
            sequence = "".join(random.choice("ACGT") for _ in range(length))
        else:
            genome = random.choice(genomes)
            start = random.randrange(len(genome) - length)
            sequence = genome[start : start + length]
            if kind == "mutated":
                sequence = mutate(sequence, random.choice([0.001, 0.01, 0.05]), random)
            if random.random() < 0.5:
                sequence = reverse_complement(sequence.replace("N", "A"))
            if random.random() < 0.2:
                sequence = sequence[: length // 2] + "N" + sequence[length // 2 :]
            if random.random() < 0.2:
                sequence = sequence.lower()
        queries.append((f"{kind}-{number}", sequence))
    return queries


def test_search_equals_a_naive_count(quickstart, collection, tmp_path):
    data, _ = quickstart
    queries = make_queries(collection, random.Random(20261121))
    file = tmp_path / "queries.fasta"
    file.write_text("".join(f">{name}\n{sequence}\n" for name, sequence in queries))

    wanted_kmers = {name: canonical_kmers(sequence, K) for name, sequence in queries}
    everything = set().union(*wanted_kmers.values())
    found = {name: {} for name, _ in queries}
    for sample, sequences in collection.items():
        held = set()
        for sequence in sequences:
            held |= everything & canonical_kmers(sequence, K)
        for name, kmers in wanted_kmers.items():
            common = len(kmers & held)
            if common:
                found[name][sample] = common

    for threshold in THRESHOLDS:
        printed = stroma(
            "search", "genomes", file, "--data", data, "--threshold", threshold, "--format", "jsonl"
        ).stdout
        answers = [json.loads(line) for line in printed.splitlines()]
        assert [answer["query"] for answer in answers] == [name for name, _ in queries]
        for answer in answers:
            name = answer["query"]
            total = len(wanted_kmers[name])
            least = max(1, math.ceil(threshold * total))
            expected = {sample: common for sample, common in found[name].items() if common >= least}
            assert answer["kmers"] == total, name
            assert {hit["sample"]: hit["found"] for hit in answer["hits"]} == expected, (name, threshold)
    assert sum(bool(samples) for name, samples in found.items() if name.startswith("present")) == 80
    assert not any(samples for name, samples in found.items() if name.startswith("absent"))
