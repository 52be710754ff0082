//! Commands over the wire: what they answer, and with which codes they fail.

#![allow(clippy::unwrap_used, reason = "these are tests")]

mod common;

use bson::{Document, doc};
use common::{Client, start};

#[test]
fn the_handshake_is_that_of_a_standalone_server() {
    let server = start();
    let mut client = Client::connect(&server);
    let hello = client.ok(doc! {"hello": 1, "client": {"driver": {"name": "x"}}, "compression": ["zstd"]});
    assert!(hello.get_bool("isWritablePrimary").unwrap());
    assert_eq!(hello.get_i32("maxWireVersion").unwrap(), 25);
    for absent in ["setName", "msg", "compression", "topologyVersion", "speculativeAuthenticate"] {
        assert!(!hello.contains_key(absent), "{absent}");
    }
    assert!(client.ok(doc! {"ismaster": 1}).get_bool("ismaster").unwrap());
    let build = client.ok(doc! {"buildInfo": 1});
    assert!(build.get_str("version").unwrap().starts_with("8."));
    assert!(build.get_document("stromatolite").unwrap().contains_key("version"));
    for command in ["ping", "connectionStatus", "serverStatus", "hostInfo", "listCommands", "whatsmyuri"] {
        client.ok(doc! {command: 1});
    }
    for command in ["listDatabases", "getCmdLineOpts", "currentOp"] {
        client.ok(doc! {command: 1, "$db": "admin"});
        assert_eq!(client.code(doc! {command: 1}), 13, "{command}");
    }
    client.ok(doc! {"getLog": "startupWarnings", "$db": "admin"});
}

#[test]
fn an_old_driver_says_hello_with_op_query() {
    let server = start();
    let mut client = Client::connect(&server);
    let hello = doc! {"isMaster": 1}.to_vec().unwrap();
    let body = [&[0; 4][..], b"admin.$cmd\0", &[0; 4], &[255; 4], &hello].concat();
    std::io::Write::write_all(&mut client.stream, &common::message(2004, &body)).unwrap();
    let mut head = [0; 36];
    std::io::Read::read_exact(&mut client.stream, &mut head).unwrap();
    assert_eq!(head[12..16], 1_i32.to_le_bytes());
    let reply = Document::from_reader(&mut client.stream).unwrap();
    assert!(reply.get_bool("ismaster").unwrap());
}

#[test]
fn documents_come_and_go() {
    let server = start();
    let mut client = Client::connect(&server);
    let birds = vec![doc! {"_id": 1, "name": "wren"}, doc! {"_id": 2, "name": "crow"}];
    assert_eq!(client.ok(doc! {"insert": "birds", "documents": birds}).get_i32("n").unwrap(), 2);
    let again = vec![doc! {"_id": 2}, doc! {"_id": 3}];
    let reply = client.ok(doc! {"insert": "birds", "documents": again.clone()});
    assert_eq!(reply.get_i32("n").unwrap(), 0);
    let failure = reply.get_array("writeErrors").unwrap()[0].as_document().unwrap();
    assert_eq!((failure.get_i32("index").unwrap(), failure.get_i32("code").unwrap()), (0, 11000));
    assert_eq!(failure.get_document("keyPattern").unwrap(), &doc! {"_id": 1});
    assert_eq!(failure.get_document("keyValue").unwrap(), &doc! {"_id": 2});
    let reply = client.ok(doc! {"insert": "birds", "documents": again, "ordered": false});
    assert_eq!(reply.get_i32("n").unwrap(), 1);
    assert_eq!(client.ok(doc! {"count": "birds"}).get_i32("n").unwrap(), 3);
    let count = doc! {"count": "birds", "query": {"name": {"$exists": true}}, "limit": -1};
    assert_eq!(client.ok(count).get_i32("n").unwrap(), 1);
    let distinct = client.ok(doc! {"distinct": "birds", "key": "name"});
    assert_eq!(distinct.get_array("values").unwrap().len(), 2);
    let deletes = vec![doc! {"q": {"name": "crow"}, "limit": 1}];
    let synced = doc! {"delete": "birds", "deletes": deletes, "writeConcern": {"w": 1, "j": true}};
    assert_eq!(client.ok(synced).get_i32("n").unwrap(), 1);
    let found = client.ok(doc! {"find": "birds", "filter": {}, "sort": {"_id": -1}, "limit": 1});
    let batch = found.get_document("cursor").unwrap().get_array("firstBatch").unwrap().clone();
    assert_eq!(batch, [doc! {"_id": 3}.into()]);
}

#[test]
fn updates_answer_what_drivers_count() {
    let server = start();
    let mut client = Client::connect(&server);
    client.ok(doc! {"insert": "a", "documents": [{"_id": 1, "n": 1}, {"_id": 2, "n": 1}]});
    let updates = vec![
        doc! {"q": {}, "u": {"$set": {"n": 1}}, "multi": true},
        doc! {"q": {"_id": 1}, "u": {"$inc": {"n": 1}}},
        doc! {"q": {"_id": 9}, "u": {"$set": {"n": 5}}, "upsert": true},
    ];
    let reply = client.ok(doc! {"update": "a", "updates": updates});
    assert_eq!((reply.get_i32("n").unwrap(), reply.get_i32("nModified").unwrap()), (4, 1));
    assert_eq!(reply.get_array("upserted").unwrap(), &[doc! {"index": 2, "_id": 9}.into()]);
    let modify = doc! {"findAndModify": "a", "query": {"_id": 9}, "update": {"$inc": {"n": 1}}, "new": true};
    let reply = client.ok(modify);
    assert_eq!(reply.get_document("value").unwrap(), &doc! {"_id": 9, "n": 6});
    assert_eq!(reply.get_document("lastErrorObject").unwrap(), &doc! {"n": 1, "updatedExisting": true});
    let remove = doc! {"findAndModify": "a", "query": {"_id": 77}, "remove": true};
    assert_eq!(client.ok(remove).get("value").unwrap(), &bson::Bson::Null);
    let pipeline =
        vec![doc! {"$match": {"n": {"$gte": 2}}}, doc! {"$group": {"_id": null, "n": {"$sum": "$n"}}}];
    let reply = client.ok(doc! {"aggregate": "a", "pipeline": pipeline, "cursor": {}});
    let batch = reply.get_document("cursor").unwrap().get_array("firstBatch").unwrap().clone();
    assert_eq!(batch, [doc! {"_id": null, "n": 8}.into()]);
}

#[test]
fn catalogs_change() {
    let server = start();
    let mut client = Client::connect(&server);
    client.ok(doc! {"create": "a"});
    assert_eq!(client.code(doc! {"create": "a"}), 48);
    assert_eq!(client.code(doc! {"create": "b", "capped": true, "size": 5}), 238);
    let indexes = vec![doc! {"key": {"x": 1}, "name": "x_1"}];
    let create = doc! {"createIndexes": "a", "indexes": indexes};
    let reply = client.ok(create.clone());
    assert_eq!(reply.get_i32("numIndexesBefore").unwrap(), 1);
    assert_eq!(reply.get_i32("numIndexesAfter").unwrap(), 2);
    assert!(client.ok(create).contains_key("note"));
    let explained =
        client.ok(doc! {"explain": {"find": "a", "filter": {"x": 5}}, "verbosity": "queryPlanner"});
    assert!(explained.get_document("queryPlanner").unwrap().to_string().contains("IXSCAN"));
    assert_eq!(client.code(doc! {"dropIndexes": "a", "index": "y_1"}), 27);
    assert_eq!(client.ok(doc! {"dropIndexes": "a", "index": "*"}).get_i32("nIndexesWas").unwrap(), 2);
    client.ok(doc! {"renameCollection": "tests.a", "to": "tests.z", "$db": "admin"});
    assert_eq!(client.ok(doc! {"dbStats": 1}).get_i32("collections").unwrap(), 1);
    assert_eq!(client.ok(doc! {"collStats": "z", "scale": 1024}).get_i32("count").unwrap(), 0);
    let databases = client.ok(doc! {"listDatabases": 1, "nameOnly": true, "$db": "admin"});
    assert_eq!(databases.get_array("databases").unwrap(), &[doc! {"name": "tests"}.into()]);
    assert_eq!(client.ok(doc! {"drop": "z"}).get_str("ns").unwrap(), "tests.z");
    client.ok(doc! {"drop": "z"});
    client.ok(doc! {"create": "c"});
    assert_eq!(client.ok(doc! {"dropDatabase": 1}).get_str("dropped").unwrap(), "tests");
    assert!(!client.ok(doc! {"dropDatabase": 1}).contains_key("dropped"));
}

#[test]
fn failures_have_mongodbs_codes() {
    let server = start();
    let mut client = Client::connect(&server);
    for (command, code) in [
        (doc! {"nonsense": 1}, 59),
        (doc! {"atlasVersion": 1}, 59),
        (doc! {"find": 5}, 73),
        (doc! {"find": "a\0b"}, 73),
        (doc! {"find": "a", "filter": 5}, 14),
        (doc! {"find": "a", "nope": 5}, 40415),
        (doc! {"find": "a", "limit": -1}, 51024),
        (doc! {"find": "a", "filter": {"x": {"$nonsense": 1}}}, 2),
        (doc! {"find": "a", "tailable": true}, 238),
        (doc! {"find": "a", "collation": {"locale": "de"}}, 238),
        (doc! {"insert": "a"}, 40414),
        (doc! {"insert": "a", "documents": []}, 16),
        (doc! {"insert": "a", "documents": [5]}, 14),
        (doc! {"insert": "a", "documents": [{}], "txnNumber": 1_i64}, 20),
        (doc! {"insert": "a", "documents": [{}], "writeConcern": {"w": 3}}, 2),
        (doc! {"delete": "a", "deletes": [{"q": {}, "limit": 2}]}, 9),
        (doc! {"update": "a", "updates": [{"q": {}}]}, 40414),
        (doc! {"findAndModify": "a", "remove": true, "update": {"$set": {"a": 1}}}, 9),
        (doc! {"aggregate": "a", "pipeline": []}, 9),
        (doc! {"aggregate": 1, "pipeline": [{"$match": {}}], "cursor": {}}, 73),
        (doc! {"aggregate": "a", "pipeline": [{"$nonsense": 1}], "cursor": {}}, 40324),
        (doc! {"getMore": "x", "collection": "a"}, 14),
        (doc! {"saslStart": 1, "mechanism": "PLAIN"}, 18),
        (doc! {"setParameter": 1, "$db": "admin"}, 238),
        (doc! {"getParameter": 1, "nope": 1, "$db": "admin"}, 72),
        (doc! {"explain": {"insert": "a"}}, 238),
        (doc! {"ping": 1, "$db": "a b"}, 73),
        (doc! {"ping": 1, "$db": 5}, 14),
        (doc! {"commitTransaction": 1, "txnNumber": 1_i64}, 59),
    ] {
        assert_eq!(client.code(command.clone()), code, "{command}");
    }
    client.ok(doc! {"ping": 1});
}

#[test]
fn the_server_tells_of_itself_in_pipelines() {
    let server = start();
    let mut client = Client::connect(&server);
    client.ok(doc! {"insert": "a", "documents": [{"_id": 1}, {"_id": 2}]});
    let mut first = |command: Document| {
        let reply = client.ok(command);
        let cursor = reply.get_document("cursor").unwrap();
        assert!(cursor.get_str("ns").unwrap().starts_with("tests."));
        cursor.get_array("firstBatch").unwrap()[0].as_document().unwrap().clone()
    };
    let stages = vec![doc! {"$collStats": {"storageStats": {"scale": 1}, "count": {}}}];
    let stats = first(doc! {"aggregate": "a", "pipeline": stages, "cursor": {}});
    assert_eq!(stats.get_i32("count").unwrap(), 2);
    assert_eq!(stats.get_document("storageStats").unwrap().get_i32("nindexes").unwrap(), 1);
    let stages = vec![doc! {"$currentOp": {"localOps": true}}, doc! {"$match": {"active": true}}];
    let running = first(doc! {"aggregate": 1, "pipeline": stages, "cursor": {}});
    assert_eq!(running.get_document("command").unwrap(), &doc! {"aggregate": 1});
    let stages = vec![doc! {"$documents": [{"x": 1}]}];
    assert_eq!(first(doc! {"aggregate": 1, "pipeline": stages, "cursor": {}}), doc! {"x": 1});
}

#[test]
fn the_uses_of_indexes_are_counted() {
    let server = start();
    let mut client = Client::connect(&server);
    client.ok(doc! {"insert": "a", "documents": [{"_id": 1, "x": 1}]});
    client.ok(doc! {"createIndexes": "a", "indexes": [{"key": {"x": 1}, "name": "x_1"}]});
    for filter in [doc! {"x": 1}, doc! {"x": {"$gt": 0}}, doc! {"_id": 1}, doc! {"y": 1}] {
        client.ok(doc! {"find": "a", "filter": filter});
    }
    client.ok(doc! {"update": "a", "updates": [{"q": {"x": 1}, "u": {"$set": {"y": 1}}}]});
    let reply = client.ok(doc! {"aggregate": "a", "pipeline": [{"$indexStats": {}}], "cursor": {}});
    let listed = reply.get_document("cursor").unwrap().get_array("firstBatch").unwrap();
    let told: Vec<(&str, i32)> = listed
        .iter()
        .map(|index| index.as_document().unwrap())
        .map(|index| {
            let uses = index.get_document("accesses").unwrap().get_i32("ops").unwrap();
            (index.get_str("name").unwrap(), uses)
        })
        .collect();
    assert_eq!(told, [("_id_", 1), ("x_1", 3)]);
    let explain = doc! {"explain": {"find": "a", "filter": {"x": 1}}, "verbosity": "executionStats"};
    let statistics = client.ok(explain).get_document("executionStats").unwrap().clone();
    assert!(statistics.get_i32("executionTimeMillis").is_ok());
    assert!(client.ok(doc! {"dropIndexes": "a", "index": "*"}).get_str("msg").is_ok());
}

#[test]
fn an_unacknowledged_write_is_not_answered() {
    let server = start();
    let mut client = Client::connect(&server);
    let insert = doc! {"insert": "a", "documents": [{"_id": 1}], "writeConcern": {"w": 0}};
    client.send(&insert, 2);
    client.send(&doc! {"insert": "a", "documents": "wrong"}, 2);
    assert_eq!(client.ok(doc! {"count": "a"}).get_i32("n").unwrap(), 1);
}

#[test]
fn many_clients_write_at_once() {
    let server = start();
    std::thread::scope(|scope| {
        for worker in 0..8 {
            let server = &server;
            scope.spawn(move || {
                let mut client = Client::connect(server);
                for number in 0..25 {
                    client.ok(doc! {"insert": "a", "documents": [{"_id": worker * 1000 + number}]});
                }
            });
        }
    });
    assert_eq!(Client::connect(&server).ok(doc! {"count": "a"}).get_i32("n").unwrap(), 200);
}
