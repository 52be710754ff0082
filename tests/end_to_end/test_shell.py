"""mongosh, unchanged, against the server: what a person types first."""

import json
import os
import subprocess

import pytest

MONGOSH = os.environ.get("STROMA_MONGOSH", "mongosh")


def shell(server, *scripts, database="test"):
    """Runs scripts in mongosh, one after the other, and returns what it printed."""
    done = subprocess.run(
        [MONGOSH, f"{server.uri}/{database}", "--quiet", "--norc", *(word for script in scripts for word in ("--eval", script))],
        capture_output=True,
        text=True,
        timeout=90,
        env={**os.environ, "HOME": str(server.data.parent), "MONGOSH_DISABLE_TELEMETRY": "1"},
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout.strip()


def answer(server, expression, database="test"):
    return json.loads(shell(server, f"print(EJSON.stringify({expression}))", database=database).splitlines()[-1])


def test_the_commands_people_type_first(server):
    assert "tests" in shell(server, "db.getSiblingDB('tests').a.insertOne({x: 1})", "show dbs")
    assert shell(server, "db.b.insertOne({x: 1})", "show collections").splitlines()[-1] == "b"
    assert answer(server, "db.hello().isWritablePrimary") is True
    assert answer(server, "db.version()").startswith("8.")
    assert answer(server, "db.adminCommand({ping: 1})")["ok"] == 1
    assert "uptime" in answer(server, "db.serverStatus()")


def test_documents_in_the_shell(server):
    script = """
      db.birds.drop();
      db.birds.insertMany([{_id: 1, name: 'wren', grams: 9}, {_id: 2, name: 'robin', grams: 18}, {_id: 3, name: 'crow'}]);
      db.birds.updateOne({name: 'wren'}, {$inc: {grams: 1}, $push: {seen: {$each: ['a', 'b']}}});
      db.birds.deleteOne({_id: 3});
      print(EJSON.stringify(db.birds.find({grams: {$gte: 10}}).sort({grams: -1}).toArray()))
    """
    assert json.loads(shell(server, script).splitlines()[-1]) == [
        {"_id": 2, "name": "robin", "grams": 18},
        {"_id": 1, "name": "wren", "grams": 10, "seen": ["a", "b"]},
    ]


def test_a_cursor_of_many_batches(server):
    script = """
      db.many.drop();
      db.many.insertMany([...Array(1000).keys()].map(i => ({_id: i})));
      print(EJSON.stringify(db.many.find().batchSize(7).toArray().length))
    """
    assert shell(server, script).splitlines()[-1] == "1000"


def test_an_index_is_used_and_explained(server):
    script = """
      db.plan.drop();
      db.plan.insertMany([...Array(100).keys()].map(i => ({a: i % 10, b: i})));
      db.plan.createIndex({a: 1, b: -1});
      print(EJSON.stringify(db.plan.find({a: 3}).explain('executionStats').executionStats.totalDocsExamined))
    """
    assert shell(server, script).splitlines()[-1] == "10"


def test_an_error_has_its_code_and_name(server):
    script = """
      db.unique.drop(); db.unique.createIndex({a: 1}, {unique: true}); db.unique.insertOne({a: 1});
      try { db.unique.insertOne({a: 1}) } catch (error) { print(error.code) }
      try { db.runCommand({nonsense: 1}) } catch (error) { print(error.codeName) }
    """
    assert shell(server, script).splitlines()[-2:] == ["11000", "CommandNotFound"]


@pytest.mark.parametrize("count", [1, 2])
def test_sequence_search_in_the_shell(lab, count):
    """Twice, so that the second search finds everything warm."""
    script = """
      const gene = db.genes.findOne({_id: 'mecA'}).sequence;
      print(EJSON.stringify(db.samples.aggregate([
        {$sequenceSearch: {index: 'genomes', query: gene, threshold: 0.8}},
        {$match: {species: 'Staphylococcus aureus', year: 2003}},
        {$sort: {_id: 1}}
      ]).toArray().map(sample => sample._id)))
    """
    printed = shell(lab, script, database="lab").splitlines()[-1]
    assert json.loads(printed) == ["S_aureus_JKD6008", "S_aureus_TW20"]
