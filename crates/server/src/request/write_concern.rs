//! When a write counts as done.

use bson::{Bson, Document};
use stroma_document::{Error, Result};

/// Whether a write concern asks that the write survives a crash of the machine: `j: true`, or `majority`,
/// which a server without replicas takes to mean the same.
///
/// # Errors
/// `BadValue` (2) for more than one server, of which there is none; `FailedToParse` (9) for other values.
pub(super) fn is_synced(concern: &Document) -> Result<bool> {
    let journalled = match concern.get("j") {
        None | Some(Bson::Null) => None,
        Some(Bson::Boolean(value)) => Some(*value),
        Some(Bson::Int32(value)) => Some(*value != 0),
        Some(Bson::Int64(value)) => Some(*value != 0),
        Some(Bson::Double(value)) => Some(*value != 0.0),
        Some(_) => return Err(Error::failed_to_parse("writeConcern.j must be a boolean")),
    };
    let servers = match concern.get("w") {
        None | Some(Bson::Null) => 1.0,
        Some(Bson::Int32(value)) => f64::from(*value),
        Some(Bson::Int64(value)) => *value as f64,
        Some(Bson::Double(value)) => *value,
        Some(Bson::String(name)) if name == "majority" => return Ok(journalled.unwrap_or(true)),
        Some(_) => {
            return Err(Error::bad_value("cannot use non-majority 'w' mode when a host is not replicated"));
        }
    };
    if servers > 1.0 {
        return Err(Error::bad_value("cannot use 'w' > 1 when a host is not replicated"));
    }
    if servers < 0.0 {
        return Err(Error::failed_to_parse("writeConcern.w must not be negative"));
    }
    Ok(journalled.unwrap_or(false))
}

#[cfg(test)]
mod tests {
    use bson::doc;

    use super::is_synced;

    #[test]
    fn only_journal_and_majority_wait_for_the_device() {
        assert!(!is_synced(&doc! {}).unwrap());
        assert!(!is_synced(&doc! {"w": 1, "wtimeout": 5}).unwrap());
        assert!(is_synced(&doc! {"w": 1, "j": true}).unwrap());
        assert!(is_synced(&doc! {"w": "majority"}).unwrap());
        assert!(!is_synced(&doc! {"w": "majority", "j": false}).unwrap());
        assert!(is_synced(&doc! {"w": 2}).is_err() && is_synced(&doc! {"w": "rack"}).is_err());
    }
}
