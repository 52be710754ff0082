"""Sequence search inside a document query, through a driver, on the shipped collection."""

import urllib.request

import pytest
from pymongo.errors import OperationFailure


@pytest.fixture(scope="module")
def database(lab):
    with lab.client() as client:
        yield client["lab"]


@pytest.fixture(scope="module")
def genes(database):
    return {gene["_id"]: gene["sequence"] for gene in database.genes.find()}


def search(database, *rest, **argument):
    return list(database.samples.aggregate([{"$sequenceSearch": {"index": "genomes", **argument}}, *rest]))


def test_a_search_yields_the_sample_documents_with_their_score(database, genes):
    found = search(database, query=genes["mecA"], threshold=0.8)
    assert {sample["_id"] for sample in found} == {"S_aureus_N315", "S_aureus_JKD6008", "S_aureus_TW20"}
    first = found[0]
    assert first["_id"] == "S_aureus_N315" and first["species"] == "Staphylococcus aureus"
    assert first["sequenceMatch"]["score"] == 1.0
    assert first["sequenceMatch"]["found"] == first["sequenceMatch"]["kmers"] == 2007 - 30
    scores = [sample["sequenceMatch"]["score"] for sample in found]
    assert scores == sorted(scores, reverse=True)


def test_a_search_is_filtered_joined_and_grouped_like_any_documents(database, genes):
    rows = search(
        database,
        {"$match": {"year": {"$gte": 2000}}},
        {"$group": {"_id": "$country", "best": {"$max": "$sequenceMatch.score"}}},
        {"$sort": {"_id": 1}},
        query=genes["mecA"],
        threshold=0.5,
    )
    assert [row["_id"] for row in rows] == ["New Zealand", "United Kingdom"]


def test_many_queries_keep_their_names(database, genes):
    queries = [{"name": name, "sequence": sequence} for name, sequence in genes.items()]
    rows = search(database, {"$project": {"query": "$sequenceMatch.query"}}, queries=queries, threshold=0.9)
    assert {"_id": "phage_lambda", "query": "cI"} in rows
    assert {"_id": "H_pylori_Gambia94_24", "query": "cagA"} in rows


@pytest.mark.parametrize(
    "argument",
    [
        {"query": "ACGT"},
        {"query": "ACGT" * 20, "index": "nothing"},
        {"query": "ACGT" * 20, "threshold": 2},
        {"query": "ACGT" * 20, "thresold": 0.5},
        {"query": 5},
        {},
        {"query": "ACGT" * 20, "queries": ["ACGT" * 20]},
    ],
)
def test_a_wrong_argument_is_an_error_and_no_empty_answer(database, argument):
    with pytest.raises(OperationFailure) as error:
        search(database, **argument)
    assert error.value.code not in (None, 1), error.value


def test_a_search_stands_first_in_its_pipeline(database, genes):
    with pytest.raises(OperationFailure):
        list(database.samples.aggregate([{"$match": {}}, {"$sequenceSearch": {"index": "genomes", "query": genes["cI"]}}]))


def test_metrics_and_health(lab):
    with urllib.request.urlopen(f"{lab.http}/healthz", timeout=10) as answer:
        assert answer.status == 200
    with urllib.request.urlopen(f"{lab.http}/metrics", timeout=10) as answer:
        text = answer.read().decode()
    assert answer.headers["Content-Type"].startswith("text/plain")
    for line in text.splitlines():
        assert line.startswith("#") or len(line.rsplit(" ", 1)) == 2 and float(line.rsplit(" ", 1)[1]) >= 0, line
    assert "stroma_" in text
    with pytest.raises(Exception):
        urllib.request.urlopen(f"{lab.http}/nothing", timeout=10)
