"""pymongo, unchanged, against the server: documents, cursors, indexes, errors, sessions, many clients."""

import datetime
import threading
import uuid

import bson
import pymongo
import pytest
from pymongo import DeleteOne, InsertOne, ReturnDocument, UpdateOne
from pymongo.errors import BulkWriteError, DuplicateKeyError, OperationFailure

BIRDS = [
    {"_id": 1, "name": "wren", "grams": 9, "where": {"land": "GB"}, "seen": [1, 5]},
    {"_id": 2, "name": "robin", "grams": 18, "where": {"land": "GB"}, "seen": []},
    {"_id": 3, "name": "crow", "grams": 500, "where": {"land": "DE"}, "seen": [7]},
    {"_id": 4, "name": "kiwi", "where": {"land": "NZ"}},
]


@pytest.fixture
def birds(collection):
    collection.insert_many(BIRDS)
    return collection


def ids(cursor):
    return [document["_id"] for document in cursor]


def test_every_type_comes_back_as_it_went(collection):
    document = {
        "_id": bson.ObjectId(),
        "double": 1.5,
        "string": "é\u0000x",
        "document": {"a": {"b": None}},
        "array": [1, "two", [3]],
        "binary": b"\x00\xff",
        "uuid": bson.Binary.from_uuid(uuid.UUID(int=7)),
        "yes": True,
        "when": datetime.datetime(2026, 11, 21, 12, 0, 0, 123000),
        "regex": bson.Regex("^a.b", "i"),
        "int": 7,
        "long": bson.Int64(1 << 40),
        "decimal": bson.Decimal128("1.10"),
        "timestamp": bson.Timestamp(5, 6),
        "min": bson.MinKey(),
        "max": bson.MaxKey(),
        "code": bson.Code("function() {}"),
    }
    collection.insert_one(document)
    assert collection.find_one({"_id": document["_id"]}) == document


@pytest.mark.parametrize(
    "query, expected",
    [
        ({}, [1, 2, 3, 4]),
        ({"grams": {"$gte": 18}}, [2, 3]),
        ({"where.land": "GB"}, [1, 2]),
        ({"grams": None}, [4]),
        ({"grams": {"$exists": False}}, [4]),
        ({"seen": 5}, [1]),
        ({"seen": {"$size": 0}}, [2]),
        ({"seen": {"$elemMatch": {"$gt": 6}}}, [3]),
        ({"$or": [{"name": "crow"}, {"name": "kiwi"}]}, [3, 4]),
        ({"name": {"$in": ["wren", "crow"]}}, [1, 3]),
        ({"name": {"$regex": "^w|^k"}}, [1, 4]),
        ({"name": {"$not": {"$regex": "i"}}}, [1, 3]),
        ({"$expr": {"$gt": [{"$size": {"$ifNull": ["$seen", []]}}, 1]}}, [1]),
    ],
)
def test_queries(birds, query, expected):
    assert sorted(ids(birds.find(query))) == expected


def test_sort_skip_limit_and_projection(birds):
    assert ids(birds.find().sort("grams", -1)) == [3, 2, 1, 4]
    assert ids(birds.find().sort([("where.land", 1), ("_id", -1)]).skip(1).limit(2)) == [2, 1]
    assert birds.find_one({"_id": 1}, {"name": 1, "_id": 0}) == {"name": "wren"}
    assert birds.find_one({"_id": 1}, {"where": 0, "seen": 0}) == {"_id": 1, "name": "wren", "grams": 9}


def test_updates(birds):
    assert birds.update_one({"name": "wren"}, {"$inc": {"grams": 1}}).modified_count == 1
    assert birds.update_many({"where.land": "GB"}, {"$set": {"where.island": True}}).modified_count == 2
    birds.update_one({"_id": 1}, {"$push": {"seen": {"$each": [9, 8], "$sort": -1, "$slice": 3}}})
    assert birds.find_one({"_id": 1})["seen"] == [9, 8, 5]
    birds.update_one({"_id": 1}, {"$addToSet": {"seen": 8}, "$unset": {"name": ""}})
    assert birds.find_one({"_id": 1}) == {
        "_id": 1,
        "grams": 10,
        "where": {"land": "GB", "island": True},
        "seen": [9, 8, 5],
    }
    birds.update_one({"_id": 1, "seen": 8}, {"$set": {"seen.$": 80}})
    birds.update_one({"_id": 1}, {"$inc": {"seen.$[old]": 1}}, array_filters=[{"old": {"$lt": 10}}])
    assert birds.find_one({"_id": 1})["seen"] == [10, 80, 6]
    birds.update_one({"_id": 2}, [{"$set": {"double": {"$multiply": ["$grams", 2]}}}])
    assert birds.find_one({"_id": 2})["double"] == 36
    assert birds.replace_one({"_id": 4}, {"name": "tui"}).modified_count == 1
    assert birds.find_one({"_id": 4}) == {"_id": 4, "name": "tui"}


def test_upserts_and_find_and_modify(birds):
    result = birds.update_one({"_id": 9}, {"$set": {"name": "owl"}, "$setOnInsert": {"new": True}}, upsert=True)
    assert result.upserted_id == 9 and birds.find_one({"_id": 9}) == {"_id": 9, "name": "owl", "new": True}
    before = birds.find_one_and_update({"_id": 9}, {"$set": {"name": "barn owl"}})
    assert before["name"] == "owl"
    after = birds.find_one_and_update(
        {}, {"$inc": {"n": 1}}, sort=[("_id", -1)], return_document=ReturnDocument.AFTER, projection={"n": 1}
    )
    assert after == {"_id": 9, "n": 1}
    assert birds.find_one_and_delete({"_id": 9})["n"] == 1
    assert birds.find_one_and_delete({"_id": 9}) is None


def test_bulk_writes_and_deletes(birds):
    result = birds.bulk_write([InsertOne({"_id": 5}), UpdateOne({"_id": 1}, {"$set": {"x": 1}}), DeleteOne({"_id": 2})])
    assert (result.inserted_count, result.modified_count, result.deleted_count) == (1, 1, 1)
    with pytest.raises(BulkWriteError) as error:
        birds.insert_many([{"_id": 6}, {"_id": 5}, {"_id": 7}], ordered=False)
    assert [(failure["index"], failure["code"]) for failure in error.value.details["writeErrors"]] == [(1, 11000)]
    assert birds.count_documents({}) == 6
    assert birds.delete_many({"_id": {"$gte": 5}}).deleted_count == 3
    assert birds.estimated_document_count() == 3


def test_distinct_and_counts(birds):
    assert sorted(birds.distinct("where.land")) == ["DE", "GB", "NZ"]
    assert sorted(birds.distinct("seen")) == [1, 5, 7]
    assert birds.count_documents({"where.land": "GB"}, skip=1) == 1


def test_aggregation(birds):
    grouped = birds.aggregate(
        [
            {"$match": {"grams": {"$exists": True}}},
            {"$group": {"_id": "$where.land", "n": {"$sum": 1}, "mean": {"$avg": "$grams"}, "names": {"$push": "$name"}}},
            {"$sort": {"_id": 1}},
        ]
    )
    assert list(grouped) == [
        {"_id": "DE", "n": 1, "mean": 500.0, "names": ["crow"]},
        {"_id": "GB", "n": 2, "mean": 13.5, "names": ["wren", "robin"]},
    ]
    lands = birds.database["lands"]
    lands.drop()
    lands.insert_many([{"_id": "GB", "title": "Great Britain"}, {"_id": "NZ", "title": "New Zealand"}])
    joined = birds.aggregate(
        [
            {"$lookup": {"from": "lands", "localField": "where.land", "foreignField": "_id", "as": "land"}},
            {"$unwind": "$land"},
            {"$project": {"name": 1, "land": "$land.title"}},
            {"$sort": {"_id": 1}},
        ]
    )
    assert [row["land"] for row in joined] == ["Great Britain", "Great Britain", "New Zealand"]
    facets = next(birds.aggregate([{"$facet": {"n": [{"$count": "all"}], "top": [{"$sort": {"grams": -1}}, {"$limit": 1}]}}]))
    assert facets["n"] == [{"all": 4}] and facets["top"][0]["name"] == "crow"
    unwound = birds.aggregate([{"$unwind": "$seen"}, {"$replaceRoot": {"newRoot": {"s": "$seen"}}}])
    assert sorted(row["s"] for row in unwound) == [1, 5, 7]


def test_a_cursor_fetches_batch_by_batch_from_one_moment(collection):
    collection.insert_many({"_id": number} for number in range(2500))
    cursor = collection.find({}, batch_size=100)
    first = next(cursor)["_id"]
    collection.delete_many({})
    assert [first] + ids(cursor) == list(range(2500))
    assert collection.count_documents({}) == 0


def test_a_killed_cursor_is_gone(collection):
    collection.insert_many({"_id": number} for number in range(100))
    cursor = collection.find({}, batch_size=2)
    next(cursor)
    cursor_id = cursor.cursor_id
    cursor.close()
    with pytest.raises(OperationFailure) as error:
        collection.database.command("getMore", bson.Int64(cursor_id), collection=collection.name)
    assert (error.value.code, error.value.details["codeName"]) == (43, "CursorNotFound")


def test_indexes(birds):
    assert birds.create_index([("where.land", 1), ("grams", -1)]) == "where.land_1_grams_-1"
    birds.create_index("seen")
    assert sorted(birds.index_information()) == ["_id_", "seen_1", "where.land_1_grams_-1"]
    plan = birds.find({"where.land": "GB"}).explain()
    assert "IXSCAN" in str(plan["queryPlanner"]["winningPlan"])
    assert ids(birds.find({"seen": {"$gte": 5}}).sort("_id", 1)) == [1, 3]
    birds.drop_index("seen_1")
    assert sorted(birds.index_information()) == ["_id_", "where.land_1_grams_-1"]


def test_a_unique_index_names_what_it_refuses(birds):
    birds.create_index("name", unique=True)
    with pytest.raises(DuplicateKeyError) as error:
        birds.insert_one({"name": "wren"})
    details = error.value.details
    assert details["keyPattern"] == {"name": 1} and details["keyValue"] == {"name": "wren"}
    assert "E11000 duplicate key error" in details["errmsg"]
    with pytest.raises(OperationFailure):
        birds.insert_many([{"name": "a"}, {"name": "a"}])
    birds.create_index("where.land")
    with pytest.raises(OperationFailure) as error:
        birds.create_index("where.land", unique=True, name="other")
    assert error.value.code in (85, 86, 11000)


@pytest.mark.parametrize(
    "command, code, name",
    [
        ({"nonsense": 1}, 59, "CommandNotFound"),
        ({"find": "a", "filter": {"x": {"$nonsense": 1}}}, 2, "BadValue"),
        ({"aggregate": "a", "pipeline": [{"$nonsense": 1}], "cursor": {}}, 40324, None),
        ({"find": "a", "filter": 5}, 14, "TypeMismatch"),
        ({"drop": "no\0thing"}, 73, "InvalidNamespace"),
        ({"aggregate": "a", "pipeline": [{"$sequenceSearch": {"index": "none"}}], "cursor": {}}, None, None),
    ],
)
def test_errors_carry_mongodb_codes(server, command, code, name):
    with server.client() as client, pytest.raises(OperationFailure) as error:
        client["tests"].command(command)
    if code is not None:
        assert error.value.code == code
    if name is not None:
        assert error.value.details["codeName"] == name


def test_an_id_cannot_change_and_updates_cannot_conflict(birds):
    for update, code in [({"$set": {"_id": 7}}, 66), ({"$set": {"a": 1}, "$inc": {"a": 1}}, 40), ({"$inc": {"name": 1}}, 14)]:
        with pytest.raises(OperationFailure) as error:
            birds.update_one({"_id": 1}, update)
        assert error.value.code == code, update


def test_databases_and_collections_come_and_go(server):
    with server.client() as client:
        client["come"]["a"].insert_one({})
        client["come"].create_collection("b")
        assert sorted(client["come"].list_collection_names()) == ["a", "b"]
        assert "come" in client.list_database_names()
        client["come"]["a"].rename("c")
        assert sorted(client["come"].list_collection_names()) == ["b", "c"]
        assert client["come"].command("collStats", "c")["count"] == 1
        assert client["come"].command("dbStats")["collections"] == 2
        client.drop_database("come")
        assert "come" not in client.list_database_names()


def test_sessions_are_accepted(birds):
    with birds.database.client.start_session() as session:
        assert birds.find_one({"_id": 1}, session=session)["name"] == "wren"
        birds.insert_one({"_id": 77}, session=session)
    assert birds.count_documents({"_id": 77}) == 1


def test_many_clients_count_together(server, collection):
    collection.insert_one({"_id": "counter", "n": 0})

    def work():
        with server.client() as client:
            mine = client[collection.database.name][collection.name]
            for _ in range(50):
                mine.update_one({"_id": "counter"}, {"$inc": {"n": 1}})

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert collection.find_one({"_id": "counter"})["n"] == 400


def test_the_handshakes_of_old_and_new_drivers(server):
    with server.client() as client:
        hello = client.admin.command("hello")
        assert hello["isWritablePrimary"] and hello["maxBsonObjectSize"] == 16 * 1024 * 1024
        assert hello["maxWireVersion"] >= 21 and hello["ok"] == 1
        assert client.admin.command("isMaster")["ismaster"]
        for command in ["ping", "buildInfo", "connectionStatus", "getCmdLineOpts", "listDatabases", "serverStatus"]:
            assert client.admin.command(command)["ok"] == 1, command
        assert client.admin.command({"getParameter": 1, "featureCompatibilityVersion": 1})["ok"] == 1
