"""Small questions whose answers MongoDB documents: what matches, how values sort, which code an error has."""

import datetime

import bson
import pytest
from pymongo.errors import OperationFailure

VALUES = {
    1: {"a": None},
    2: {},
    3: {"a": []},
    4: {"a": [None]},
    5: {"a": 1},
    6: {"a": [1, 2]},
    7: {"a": [[1, 2]]},
    8: {"a": "x"},
    9: {"a": {"b": 1}},
    10: {"a": [{"b": 1}, {"b": 2}]},
    11: {"a": {"b": [1, 3]}},
    12: {"a": [5, 10]},
    13: {"a": bson.Int64(5)},
    14: {"a": float("nan")},
    15: {"a": bson.MinKey()},
}
ALL = list(VALUES)


def but(*absent):
    return [number for number in ALL if number not in absent]


@pytest.mark.parametrize("index", [None, "a", "a.b"])
def test_what_matches_with_and_without_an_index(collection, index):
    collection.insert_many({"_id": number, **fields} for number, fields in VALUES.items())
    if index:
        collection.create_index(index)
    for query, expected in [
        ({"a": None}, [1, 2, 4]),
        ({"a": {"$ne": None}}, but(1, 2, 4)),
        ({"a": {"$exists": False}}, [2]),
        ({"a": {"$in": [None, 1]}}, [1, 2, 4, 5, 6]),
        ({"a": {"$gte": None}}, [1, 2, 4]),
        ({"a": {"$gt": None}}, []),
        ({"a": []}, [3]),
        ({"a": {"$size": 2}}, [6, 10, 12]),
        ({"a": 1.0}, [5, 6]),
        ({"a": [1, 2]}, [6, 7]),
        ({"a": {"$gt": 1, "$lt": 2}}, [6]),
        ({"a": {"$gt": 6, "$lt": 9}}, [12]),
        ({"a": {"$elemMatch": {"$gt": 6, "$lt": 9}}}, []),
        ({"a": {"$elemMatch": {"b": 1}}}, [10]),
        ({"a.b": 1}, [9, 10, 11]),
        ({"a.0": 1}, [6, 7]),
        ({"a.0.b": 1}, [10]),
        ({"a": float("nan")}, [14]),
        ({"a": {"$not": {"$gt": 1}}}, but(6, 12, 13)),
        ({"a": {"$type": "array"}}, [3, 4, 6, 7, 10, 12]),
        ({"a": {"$all": [{"$elemMatch": {"b": 1}}, {"$elemMatch": {"b": 2}}]}}, [10]),
        ({"a": {"$gt": bson.MinKey()}}, but(15)),
        ({"$nor": [{"a": 1}, {"a": None}]}, but(1, 2, 4, 5, 6)),
    ]:
        found = sorted(document["_id"] for document in collection.find(query))
        assert found == expected, query


def test_values_of_all_types_have_one_order(collection):
    ordered = [
        bson.MinKey(), None, -3, bson.Int64(2), 2.5, bson.Decimal128("7"), "", "a", {}, {"a": 1}, b"x",
        bson.ObjectId("0" * 24), False, True, datetime.datetime(1970, 1, 1), bson.Timestamp(1, 1),
        bson.Regex("a"), bson.MaxKey(),
    ]  # fmt: skip
    collection.insert_many({"_id": place * 7 % len(ordered), "a": ordered[place * 7 % len(ordered)]} for place in range(len(ordered)))
    for _ in range(2):
        for direction in (1, -1):
            found = [document["_id"] for document in collection.find().sort("a", direction)]
            assert found == list(range(len(ordered)))[::direction]
        collection.create_index("a")


@pytest.mark.parametrize(
    "before, update, after",
    [
        ({"a": 2147483647}, {"$inc": {"a": 1}}, {"a": bson.Int64(2147483648)}),
        ({"a": 3}, {"$mul": {"a": 1.5, "b": 2}}, {"a": 4.5, "b": 0}),
        ({"a": 5}, {"$max": {"a": "text sorts later"}}, {"a": "text sorts later"}),
        ({"a": [1, 2]}, {"$set": {"a.3": 9}}, {"a": [1, 2, None, 9]}),
        ({"a": [1, 2, 3]}, {"$unset": {"a.1": ""}}, {"a": [1, None, 3]}),
        ({"a": 1, "b": 2}, {"$rename": {"a": "b"}}, {"b": 1}),
        ({"a": [1]}, {"$addToSet": {"a": {"$each": [1.0, 2, 2]}}}, {"a": [1, 2]}),
        ({"a": [{"x": 1, "y": 2}, {"x": 2}]}, {"$pull": {"a": {"x": 1}}}, {"a": [{"x": 2}]}),
        ({"a": [1, 2]}, {"$push": {"a": {"$each": [8], "$position": -1}}}, {"a": [1, 8, 2]}),
        ({"a": [{"b": [1]}, {"b": [2]}]}, {"$inc": {"a.$[].b.$[]": 1}}, {"a": [{"b": [2]}, {"b": [3]}]}),
        ({"a": {"b": 1}}, [{"$replaceWith": "$a"}], {"b": 1}),
    ],
)
def test_updates(collection, before, update, after):
    collection.insert_one({"_id": 1, **before})
    collection.update_one({"_id": 1}, update)
    assert collection.find_one() == {"_id": 1, **after}


@pytest.mark.parametrize(
    "query, update, inserted",
    [
        ({"a": 1, "b": {"$eq": 2}, "c": {"$in": [3]}, "d": {"$gt": 1}}, {"$set": {"e": 1}}, {"a": 1, "b": 2, "c": 3, "e": 1}),
        ({"a.b": 1}, {"$set": {"c": 1}}, {"a": {"b": 1}, "c": 1}),
        ({"$or": [{"a": 1}, {"a": 2}]}, {"$set": {"c": 1}}, {"c": 1}),
        ({"a": 1}, [{"$set": {"x": "$a"}}], {"a": 1, "x": 1}),
    ],
)
def test_upserts(collection, query, update, inserted):
    collection.update_one({"_id": 1, **query}, update, upsert=True)
    assert collection.find_one() == {"_id": 1, **inserted}


@pytest.mark.parametrize(
    "update, code",
    [
        ({"$set": {"a.b": 1}}, 28),
        ({"$set": {"_id": 2}}, 66),
        ({"$set": {"a": 1}, "$unset": {"a": 1}}, 40),
        ({"$set": {"a..b": 1}}, 56),
        ({"$push": {"a": 1}}, 2),
        ({"$addToSet": {"l": {"$each": 1}}}, 14),
        ({"$pop": {"l": 2}}, 9),
        ({"$nope": {"a": 1}}, 9),
        ([{"$match": {}}], 72),
        ([{"$nope": {}}], 40324),
    ],
)
def test_codes_of_wrong_updates(collection, update, code):
    collection.insert_one({"_id": 1, "a": 1, "l": [1]})
    with pytest.raises(OperationFailure) as error:
        collection.update_one({"_id": 1}, update)
    assert error.value.code == code
    assert collection.find_one() == {"_id": 1, "a": 1, "l": [1]}


@pytest.mark.parametrize(
    "command, code",
    [
        ({"find": "x", "limit": -1}, 51024),
        ({"find": "x", "sort": {"a": 2}}, 15975),
        ({"find": "x", "sort": {"a.": 1}}, 40353),
        ({"find": "x", "projection": {"a": 1, "b": 0}}, 31254),
        ({"find": "x", "projection": {"a": {"$nope": 1}}}, 31325),
        ({"find": "x", "filter": {"a": {"$regex": "("}}}, 51091),
        ({"find": "x", "collation": {"locale": "fr"}}, 238),
        ({"find": "x", "tailable": True}, 238),
        ({"find": "x", "nope": 1}, 40415),
        ({"aggregate": "x", "pipeline": []}, 9),
        ({"aggregate": "x", "pipeline": [{"$limit": -1}], "cursor": {}}, 5107201),
        ({"aggregate": "x", "pipeline": [{"$group": {"_id": 1, "a": {"$nope": 1}}}], "cursor": {}}, 15952),
        ({"aggregate": "x", "pipeline": [{"$project": {"a": {"$median": {}}}}], "cursor": {}}, 238),
        ({"createIndexes": "x", "indexes": [{"key": {"a": 0}, "name": "n"}]}, 67),
        ({"createIndexes": "x", "indexes": [{"key": {"a": "nope"}, "name": "n"}]}, 67),
        ({"createIndexes": "x", "indexes": [{"key": {"a": "text"}, "name": "n"}]}, 238),
        ({"delete": "x", "deletes": [{"q": {}}]}, 40414),
        ({"insert": "x", "documents": []}, 16),
        ({"insert": "x", "documents": [{}], "writeConcern": {"w": 2}}, 2),
        ({"insert": "x", "documents": [{}], "txnNumber": bson.Int64(1), "lsid": {"id": bson.Binary(b"1" * 16, 4)}}, 20),
    ],
)
def test_codes_of_wrong_commands(server, command, code):
    with server.client() as client, pytest.raises(OperationFailure) as error:
        client["codes"].command(command)
    assert error.value.code == code


def test_cursors_of_all_sizes(collection):
    collection.insert_many({"_id": number} for number in range(300))
    command = collection.database.command
    first = command("find", collection.name, batchSize=0)["cursor"]
    assert first["firstBatch"] == [] and first["id"] != 0
    assert len(command("find", collection.name)["cursor"]["firstBatch"]) == 101
    only = command("find", collection.name, batchSize=7, singleBatch=True)["cursor"]
    assert (len(only["firstBatch"]), only["id"]) == (7, 0)
    assert len(list(collection.find(limit=-5))) == 5
    killed = command("killCursors", collection.name, cursors=[bson.Int64(first["id"]), bson.Int64(99)])
    assert (killed["cursorsKilled"], killed["cursorsNotFound"]) == ([first["id"]], [99])


def test_time_limits_end_walks_that_find_nothing(collection):
    collection.insert_many({"_id": number} for number in range(5000))
    slow = {"$sum": {"$map": {"input": {"$range": [0, 300]}, "in": {"$multiply": ["$$this", 2]}}}}
    with pytest.raises(OperationFailure) as error:
        list(collection.find({"$expr": {"$eq": [slow, 1]}}).max_time_ms(5))
    assert error.value.code == 50


def test_what_compass_asks_of_an_index_and_a_plan(collection):
    collection.insert_one({"a": 1})
    collection.create_index("a")
    assert len(list(collection.find({"a": 1}))) == 1
    used = {index["name"]: index["accesses"]["ops"] for index in collection.aggregate([{"$indexStats": {}}])}
    assert used == {"_id_": 0, "a_1": 1}
    explained = collection.find({"a": 1}).explain()
    statistics = explained["executionStats"]
    assert explained["queryPlanner"]["winningPlan"]["inputStage"]["indexBounds"] == {"a": ["[1, 1]"]}
    assert (statistics["nReturned"], statistics["totalKeysExamined"], statistics["totalDocsExamined"]) == (1, 1, 1)
    assert statistics["executionTimeMillis"] >= 0
