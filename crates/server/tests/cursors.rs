//! Cursors over the wire: batch by batch, closed, forgotten.

#![allow(clippy::unwrap_used, reason = "these are tests")]

mod common;

use bson::{Document, doc};
use common::{Client, numbered, start};

fn cursor(reply: &Document, batch: &str) -> (i64, Vec<i32>) {
    let cursor = reply.get_document("cursor").unwrap();
    let documents = cursor.get_array(batch).unwrap().iter();
    let ids = documents.map(|document| document.as_document().unwrap().get_i32("_id").unwrap());
    (cursor.get_i64("id").unwrap(), ids.collect())
}

#[test]
fn a_query_is_read_batch_by_batch() {
    let server = start();
    let mut client = Client::connect(&server);
    client.ok(doc! {"insert": "many", "documents": numbered(500)});

    let (id, first) = cursor(&client.ok(doc! {"find": "many"}), "firstBatch");
    assert_eq!((first.len(), id != 0), (101, true));
    let (id, rest) = cursor(&client.ok(doc! {"getMore": id, "collection": "many"}), "nextBatch");
    assert_eq!((rest.len(), id), (399, 0));
    assert_eq!([first, rest].concat(), (0..500).collect::<Vec<_>>());

    let (mut id, mut read) = cursor(&client.ok(doc! {"find": "many", "batchSize": 0}), "firstBatch");
    assert!(read.is_empty());
    while id != 0 {
        let more = client.ok(doc! {"getMore": id, "collection": "many", "batchSize": 7});
        let (next, batch) = cursor(&more, "nextBatch");
        assert!(batch.len() <= 7);
        read.extend(batch);
        id = next;
    }
    assert_eq!(read.len(), 500);
}

#[test]
fn a_limit_a_single_batch_and_few_results_leave_no_cursor() {
    let server = start();
    let mut client = Client::connect(&server);
    client.ok(doc! {"insert": "many", "documents": numbered(50)});
    for command in [
        doc! {"find": "many"},
        doc! {"find": "many", "limit": 10, "batchSize": 10},
        doc! {"find": "many", "batchSize": 5, "singleBatch": true},
        doc! {"find": "absent"},
    ] {
        let reply = client.ok(command.clone());
        assert_eq!(cursor(&reply, "firstBatch").0, 0, "{command}");
        assert!(reply.get_document("cursor").unwrap().get_str("ns").unwrap().starts_with("tests."));
    }
}

#[test]
fn a_killed_cursor_is_gone_and_others_stay() {
    let server = start();
    let mut client = Client::connect(&server);
    client.ok(doc! {"insert": "many", "documents": numbered(50)});
    let mut open = || cursor(&client.ok(doc! {"find": "many", "batchSize": 2}), "firstBatch").0;
    let (first, second) = (open(), open());
    assert_ne!(first, second);
    let reply = client.ok(doc! {"killCursors": "many", "cursors": [first, 5_i64]});
    assert_eq!(reply.get_array("cursorsKilled").unwrap(), &[first.into()]);
    assert_eq!(reply.get_array("cursorsNotFound").unwrap(), &[5_i64.into()]);
    assert_eq!(client.code(doc! {"getMore": first, "collection": "many"}), 43);
    assert_eq!(client.code(doc! {"getMore": second, "collection": "other"}), 13);
    let more = client.ok(doc! {"getMore": second, "collection": "many"});
    assert_eq!(cursor(&more, "nextBatch"), (0, (2..50).collect()));
    assert_eq!(client.code(doc! {"getMore": second, "collection": "many"}), 43);
}

#[test]
fn a_cursor_goes_with_its_session_but_not_with_its_connection() {
    let server = start();
    let mut client = Client::connect(&server);
    client.ok(doc! {"insert": "many", "documents": numbered(50)});
    let session = client.ok(doc! {"startSession": 1}).get_document("id").unwrap().clone();
    let find = doc! {"find": "many", "batchSize": 2, "lsid": session.clone()};
    let kept = cursor(&client.ok(find.clone()), "firstBatch").0;
    let mut other = Client::connect(&server);
    drop(client);
    let more = other.ok(doc! {"getMore": kept, "collection": "many", "batchSize": 2});
    assert_eq!(cursor(&more, "nextBatch"), (kept, vec![2, 3]));
    other.ok(doc! {"endSessions": [session]});
    assert_eq!(other.code(doc! {"getMore": kept, "collection": "many"}), 43);
}

#[test]
fn listings_are_cursors_too() {
    let server = start();
    let mut client = Client::connect(&server);
    for name in ["a", "b", "c"] {
        client.ok(doc! {"create": name});
    }
    let names = |reply: &Document, batch: &str| {
        let cursor = reply.get_document("cursor").unwrap();
        let items = cursor.get_array(batch).unwrap().iter();
        let names: Vec<String> =
            items.map(|item| item.as_document().unwrap().get_str("name").unwrap().to_owned()).collect();
        (cursor.get_i64("id").unwrap(), names)
    };
    let first = client.ok(doc! {"listCollections": 1, "nameOnly": true, "cursor": {"batchSize": 2}});
    let (id, seen) = names(&first, "firstBatch");
    assert_eq!(seen, ["a", "b"]);
    let more = client.ok(doc! {"getMore": id, "collection": "$cmd.listCollections"});
    assert_eq!(names(&more, "nextBatch"), (0, vec!["c".to_owned()]));
    let filtered = client.ok(doc! {"listCollections": 1, "filter": {"name": "b"}});
    assert_eq!(names(&filtered, "firstBatch").1, ["b"]);
    assert_eq!(names(&client.ok(doc! {"listIndexes": "a"}), "firstBatch").1, ["_id_"]);
    assert_eq!(client.code(doc! {"listIndexes": "absent"}), 26);
}
