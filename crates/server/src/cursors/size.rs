//! How many bytes a value takes as BSON, told without encoding it.

use bson::{Bson, Document};

/// Bytes of a document as BSON.
pub(super) fn document_bytes(document: &Document) -> usize {
    5 + document.iter().map(|(name, value)| 2 + name.len() + value_bytes(value)).sum::<usize>()
}

fn value_bytes(value: &Bson) -> usize {
    match value {
        Bson::Double(_) | Bson::DateTime(_) | Bson::Timestamp(_) | Bson::Int64(_) => 8,
        Bson::Int32(_) => 4,
        Bson::Boolean(_) => 1,
        Bson::Null | Bson::Undefined | Bson::MinKey | Bson::MaxKey => 0,
        Bson::ObjectId(_) => 12,
        Bson::Decimal128(_) => 16,
        Bson::String(text) | Bson::JavaScriptCode(text) | Bson::Symbol(text) => 5 + text.len(),
        Bson::Document(inner) => document_bytes(inner),
        Bson::Array(items) => {
            let digits = |index: usize| index.checked_ilog10().unwrap_or(0) as usize + 1;
            let item = |(index, item)| 2 + digits(index) + value_bytes(item);
            5 + items.iter().enumerate().map(item).sum::<usize>()
        }
        Bson::Binary(binary) => 5 + binary.bytes.len(),
        Bson::RegularExpression(regex) => 2 + regex.pattern.as_str().len() + regex.options.as_str().len(),
        Bson::JavaScriptCodeWithScope(code) => 9 + code.code.len() + document_bytes(&code.scope),
        // Its fields are private; nobody stores it any more.
        Bson::DbPointer(_) => 64,
    }
}

#[cfg(test)]
mod tests {
    use bson::spec::BinarySubtype;
    use bson::{Binary, Bson, Regex, doc};

    use super::document_bytes;

    #[test]
    fn it_is_what_encoding_gives() {
        let regex = Regex { pattern: "^a".try_into().unwrap(), options: "i".try_into().unwrap() };
        let items: Vec<Bson> = (0..120).map(Bson::Int32).collect();
        let document = doc! {
            "a": 1, "b": 2_i64, "c": 1.5, "d": "text", "e": {"f": [1, "x", {"y": null}]}, "items": items,
            "binary": Binary { subtype: BinarySubtype::Generic, bytes: vec![1, 2, 3] },
            "id": bson::oid::ObjectId::new(), "when": bson::DateTime::from_millis(5), "yes": true,
            "min": Bson::MinKey, "decimal": "1.10".parse::<bson::Decimal128>().unwrap(),
            "regex": Bson::RegularExpression(regex),
            "code": Bson::JavaScriptCode("f".to_owned()),
        };
        assert_eq!(document_bytes(&document), document.to_vec().unwrap().len());
    }
}
