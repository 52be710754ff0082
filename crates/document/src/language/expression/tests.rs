//! MongoDB's documented behaviour of expressions, operator by operator.

use super::*;
use crate::language::value::identical;
use bson::{Bson, DateTime, Document, bson, doc};

fn evaluate(expression: &Bson) -> crate::Result<Bson> {
    let document: Document =
        doc! {"a": 3, "b": [1, 2, 3], "o": {"x": 1}, "l": [{"v": 1}, {"v": 2}, {}], "s": "Text", "z": null};
    Expression::parse(expression)?.evaluate(&document, &Variables::at(DateTime::from_millis(1000)))
}

#[track_caller]
fn check(cases: &[(Bson, Bson)]) {
    for (expression, expected) in cases {
        let result = evaluate(expression).unwrap_or_else(|error| panic!("{expression}: {error}"));
        assert!(identical(&result, expected), "{expression} gave {result}, not {expected}");
    }
}

#[track_caller]
fn fails(cases: &[(Bson, i32)]) {
    for (expression, code) in cases {
        let error = evaluate(expression).expect_err(&expression.to_string());
        assert_eq!(error.code(), *code, "{expression}: {error}");
    }
}

#[test]
fn paths_and_variables() {
    check(&[
        (bson!("$a"), bson!(3)),
        (bson!("$o.x"), bson!(1)),
        (bson!("$l.v"), bson!([1, 2])),
        (bson!("$nope"), Bson::Undefined),
        (bson!("$$ROOT.a"), bson!(3)),
        (bson!("$$NOW"), Bson::DateTime(DateTime::from_millis(1000))),
        (bson!({"x": "$a", "y": "$nope", "z": ["$nope"]}), bson!({"x": 3, "z": [null]})),
        (bson!({"$literal": "$a"}), bson!("$a")),
        (
            bson!({"$let": {"vars": {"q": {"$add": ["$a", 1]}}, "in": {"$multiply": ["$$q", "$$q"]}}}),
            bson!(16),
        ),
    ]);
    fails(&[
        (bson!("$$nope"), 17276),
        (bson!({"$nope": 1}), 168),
        (bson!({"$add": 1, "$subtract": 1}), 15983),
        (bson!({"$subtract": [1]}), 16020),
        (bson!("$"), 16872),
        (bson!("$a."), 40353),
        (bson!({"$function": {}}), 238),
        (bson!({"$median": {"input": [1], "method": "approximate"}}), 238),
        (bson!({"$binarySize": 1}), 51276),
        (bson!({"$bsonSize": 1}), 31393),
        (bson!({"$tsSecond": 1}), 5687301),
        (bson!({"$acosh": 0}), 50989),
    ]);
    let mut deep = bson!(1);
    for _ in 0..300 {
        deep = bson!({"$abs": deep});
    }
    fails(&[(deep, 15)]);
}

#[test]
fn arithmetic() {
    check(&[
        (bson!({"$add": [1, 2.5]}), bson!(3.5)),
        (bson!({"$add": [i32::MAX, 1]}), bson!(i64::from(i32::MAX) + 1)),
        (bson!({"$add": [1, null]}), bson!(null)),
        (bson!({"$divide": [6, 4]}), bson!(1.5)),
        (bson!({"$mod": [-7, 3]}), bson!(-1)),
        (bson!({"$pow": [2, 10]}), bson!(1024)),
        (bson!({"$round": [2.5]}), bson!(2.0)),
        (bson!({"$round": [1.005, 2]}), bson!(1.0)),
        (bson!({"$round": [1234, -2]}), bson!(1200)),
        (bson!({"$trunc": [-1.79, 1]}), bson!(-1.7)),
        (bson!({"$floor": -1.5}), bson!(-2.0)),
        (bson!({"$abs": -3}), bson!(3)),
        (bson!({"$sqrt": 9}), bson!(3.0)),
        (bson!({"$subtract": [DateTime::from_millis(5), DateTime::from_millis(3)]}), bson!(2i64)),
        (bson!({"$add": [DateTime::from_millis(5), 3]}), Bson::DateTime(DateTime::from_millis(8))),
        (bson!({"$bitAnd": [6, 3]}), bson!(2)),
    ]);
    fails(&[
        (bson!({"$add": [1, "x"]}), 14),
        (bson!({"$divide": [1, 0]}), 2),
        (bson!({"$mod": [1, 0]}), 16610),
        (bson!({"$sqrt": -1}), 28714),
        (bson!({"$ln": 0}), 28766),
        (bson!({"$abs": "x"}), 28765),
    ]);
}

#[test]
fn choosing_and_comparing() {
    check(&[
        (bson!({"$cond": [{"$gt": ["$a", 2]}, "y", {"$divide": [1, 0]}]}), bson!("y")),
        (bson!({"$cond": {"if": false, "then": 1, "else": 2}}), bson!(2)),
        (bson!({"$ifNull": ["$nope", "$z", 7]}), bson!(7)),
        (bson!({"$switch": {"branches": [{"case": false, "then": 1}], "default": 3}}), bson!(3)),
        (bson!({"$cmp": [1, "a"]}), bson!(-1)),
        (bson!({"$eq": ["$nope", null]}), bson!(false)),
        (bson!({"$and": [1, {"$not": [0]}]}), bson!(true)),
        (bson!({"$or": [0, null]}), bson!(false)),
    ]);
    fails(&[(bson!({"$switch": {"branches": [{"case": false, "then": 1}]}}), 40066)]);
}

#[test]
fn strings() {
    check(&[
        (bson!({"$concat": ["$s", "-", "x"]}), bson!("Text-x")),
        (bson!({"$concat": ["$s", null]}), bson!(null)),
        (bson!({"$toUpper": "$s"}), bson!("TEXT")),
        (bson!({"$substrCP": ["h\u{e9}llo", 1, 2]}), bson!("\u{e9}l")),
        (bson!({"$substrBytes": ["hello", 1, -1]}), bson!("ello")),
        (bson!({"$strLenBytes": "h\u{e9}"}), bson!(3)),
        (bson!({"$strLenCP": "h\u{e9}"}), bson!(2)),
        (bson!({"$split": ["a,b", ","]}), bson!(["a", "b"])),
        (bson!({"$indexOfCP": ["h\u{e9}llo", "l"]}), bson!(2)),
        (bson!({"$indexOfBytes": ["hello", "z"]}), bson!(-1)),
        (bson!({"$trim": {"input": "  x "}}), bson!("x")),
        (bson!({"$ltrim": {"input": "aax", "chars": "a"}}), bson!("x")),
        (bson!({"$replaceAll": {"input": "aba", "find": "a", "replacement": "c"}}), bson!("cbc")),
        (bson!({"$regexMatch": {"input": "$s", "regex": "^te", "options": "i"}}), bson!(true)),
        (
            bson!({"$regexFind": {"input": "xab", "regex": "a(b)(c)?"}}),
            bson!({"match": "ab", "idx": 1, "captures": ["b", null]}),
        ),
        (bson!({"$strcasecmp": ["a", "B"]}), bson!(-1)),
    ]);
    fails(&[
        (bson!({"$concat": ["a", 1]}), 16702),
        (bson!({"$substrBytes": ["h\u{e9}", 2, 1]}), 28656),
        (bson!({"$split": ["a", ""]}), 40087),
        (bson!({"$strLenCP": 1}), 34471),
        (bson!({"$regexMatch": {"input": "a", "regex": "(?=a)"}}), 51091),
    ]);
}

#[test]
fn arrays() {
    check(&[
        (bson!({"$size": "$b"}), bson!(3)),
        (bson!({"$arrayElemAt": ["$b", -1]}), bson!(3)),
        (bson!({"$arrayElemAt": ["$b", 9]}), Bson::Undefined),
        (bson!({"$first": "$b"}), bson!(1)),
        (bson!({"$slice": ["$b", 1, 2]}), bson!([2, 3])),
        (bson!({"$slice": ["$b", -2]}), bson!([2, 3])),
        (bson!({"$concatArrays": ["$b", [4]]}), bson!([1, 2, 3, 4])),
        (bson!({"$in": [2.0, "$b"]}), bson!(true)),
        (bson!({"$indexOfArray": ["$b", 3]}), bson!(2)),
        (bson!({"$reverseArray": "$b"}), bson!([3, 2, 1])),
        (bson!({"$range": [0, 10, 4]}), bson!([0, 4, 8])),
        (bson!({"$range": [3, 0, -1]}), bson!([3, 2, 1])),
        (bson!({"$map": {"input": "$b", "as": "n", "in": {"$add": ["$$n", "$a"]}}}), bson!([4, 5, 6])),
        (bson!({"$filter": {"input": "$b", "cond": {"$gt": ["$$this", 1]}, "limit": 1}}), bson!([2])),
        (
            bson!({"$reduce": {"input": "$b", "initialValue": 0, "in": {"$add": ["$$value", "$$this"]}}}),
            bson!(6),
        ),
        (
            bson!({"$zip": {"inputs": [[1, 2], [3]], "useLongestLength": true, "defaults": [0, 9]}}),
            bson!([[1, 3], [2, 9]]),
        ),
        (bson!({"$sortArray": {"input": [3, 1, 2], "sortBy": -1}}), bson!([3, 2, 1])),
        (bson!({"$maxN": {"input": "$b", "n": 2}}), bson!([3, 2])),
        (bson!({"$sum": "$b"}), bson!(6)),
        (bson!({"$avg": [1, 2]}), bson!(1.5)),
        (bson!({"$max": ["$a", 9, null]}), bson!(9)),
        (bson!({"$setUnion": [[2, 1], [1.0, 3]]}), bson!([1.0, 2, 3])),
        (bson!({"$setDifference": [[3, 1, 3], [1]]}), bson!([3])),
        (bson!({"$setIsSubset": [[1], "$b"]}), bson!(true)),
        (bson!({"$setEquals": [[1, 2, 2], [2, 1]]}), bson!(true)),
        (bson!({"$anyElementTrue": [[0, null]]}), bson!(false)),
    ]);
    fails(&[
        (bson!({"$size": "$a"}), 17124),
        (bson!({"$in": [1, "$a"]}), 40081),
        (bson!({"$map": {"input": "$a", "in": 1}}), 16883),
        (bson!({"$range": [0, 1, 0]}), 34449),
        (bson!({"$range": [0, i32::MAX]}), 146),
        (bson!({"$reduce": {"input": {"$range": [0, 100000]}, "initialValue": 0, "in": ["$$value"]}}), 15),
    ]);
}

#[test]
fn objects_and_types() {
    check(&[
        (bson!({"$mergeObjects": ["$o", {"y": 2}, null]}), bson!({"x": 1, "y": 2})),
        (bson!({"$objectToArray": "$o"}), bson!([{"k": "x", "v": 1}])),
        (bson!({"$arrayToObject": [[["k", 1]]]}), bson!({"k": 1})),
        (bson!({"$arrayToObject": {"$literal": [{"k": "q", "v": 2}]}}), bson!({"q": 2})),
        (bson!({"$getField": "a"}), bson!(3)),
        (bson!({"$getField": {"field": "x", "input": "$o"}}), bson!(1)),
        (bson!({"$setField": {"field": "y", "input": "$o", "value": 5}}), bson!({"x": 1, "y": 5})),
        (bson!({"$type": "$b"}), bson!("array")),
        (bson!({"$type": "$nope"}), bson!("missing")),
        (bson!({"$toString": 1.5}), bson!("1.5")),
        (bson!({"$toInt": "12"}), bson!(12)),
        (bson!({"$toInt": 1.9}), bson!(1)),
        (bson!({"$toLong": true}), bson!(1i64)),
        (bson!({"$toBool": "false"}), bson!(true)),
        (bson!({"$convert": {"input": "x", "to": "int", "onError": "bad"}}), bson!("bad")),
        (bson!({"$convert": {"input": null, "to": "int", "onNull": 0}}), bson!(0)),
        (
            bson!({"$toDate": "2024-02-29T12:30:00Z"}),
            Bson::DateTime(DateTime::from_millis(1_709_209_800_000)),
        ),
        (bson!({"$isNumber": "$a"}), bson!(true)),
    ]);
    fails(&[
        (bson!({"$toInt": "x"}), 241),
        (bson!({"$toInt": 1e20}), 241),
        (bson!({"$mergeObjects": [1]}), 40400),
        (bson!({"$toObjectId": "12"}), 241),
    ]);
}

#[test]
fn dates() {
    let date = DateTime::from_millis(1_709_209_800_123);
    let at = |millis: i64| Bson::DateTime(DateTime::from_millis(millis));
    check(&[
        (bson!({"$year": date}), bson!(2024)),
        (bson!({"$month": {"date": date}}), bson!(2)),
        (bson!({"$dayOfMonth": {"date": date, "timezone": "+14:00"}}), bson!(1)),
        (bson!({"$dayOfYear": date}), bson!(60)),
        (bson!({"$dayOfWeek": date}), bson!(5)),
        (bson!({"$isoWeek": date}), bson!(9)),
        (bson!({"$hour": "$z"}), bson!(null)),
        (
            bson!({"$dateToString": {"date": date, "format": "%Y/%m/%d %H:%M %z", "timezone": "-0130"}}),
            bson!("2024/02/29 11:00 -0130"),
        ),
        (bson!({"$dateToString": {"date": date}}), bson!("2024-02-29T12:30:00.123Z")),
        (bson!({"$dateToString": {"date": "$z", "onNull": "none"}}), bson!("none")),
        (bson!({"$dateFromString": {"dateString": "2024-02-29"}}), at(1_709_164_800_000)),
        (bson!({"$dateFromString": {"dateString": "nonsense", "onError": 1}}), bson!(1)),
        (bson!({"$dateFromParts": {"year": 2024, "month": 14, "day": 0}}), at(1_738_281_600_000)),
        (bson!({"$dateAdd": {"startDate": date, "unit": "year", "amount": 1}}), at(1_740_745_800_123)),
        (bson!({"$dateSubtract": {"startDate": date, "unit": "hour", "amount": 2}}), at(1_709_202_600_123)),
        (bson!({"$dateDiff": {"startDate": at(0), "endDate": date, "unit": "month"}}), bson!(649i64)),
        (bson!({"$dateTrunc": {"date": date, "unit": "month"}}), at(1_706_745_600_000)),
        (bson!({"$dateTrunc": {"date": date, "unit": "hour", "binSize": 5}}), at(1_709_200_800_000)),
        (
            bson!({"$dateTrunc": {"date": date, "unit": "week", "startOfWeek": "monday"}}),
            at(1_708_905_600_000),
        ),
    ]);
    fails(&[
        (bson!({"$year": "x"}), 16006),
        (bson!({"$year": {"date": date, "timezone": "Mars/Base"}}), 40485),
        (bson!({"$dateToString": {"date": date, "format": "%q"}}), 18536),
        (bson!({"$dateFromString": {"dateString": "2023-02-29"}}), 241),
        (bson!({"$dateAdd": {"startDate": date, "unit": "eon", "amount": 1}}), 9),
    ]);
}
