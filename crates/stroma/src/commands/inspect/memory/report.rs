//! What a server tells of its memory, as its page `/memory` says it.

use serde_json::Value;

/// The page, read. All sizes are in bytes.
pub(super) struct Report {
    /// As it came.
    pub(super) source: Value,
    pub(super) budget: u64,
    pub(super) used: u64,
    /// Taken outside segments.
    pub(super) charged: u64,
    pub(super) parts: Vec<Part>,
    /// By owner, in the order in which they are drawn.
    pub(super) owners: Vec<Owner>,
}

/// A user of the budget.
pub(super) struct Part {
    pub(super) name: String,
    pub(super) used: u64,
    pub(super) limit: u64,
}

/// The segments that one owner has.
pub(super) struct Owner {
    pub(super) name: String,
    pub(super) segments: Vec<Segment>,
}

#[derive(Clone, Copy)]
pub(super) struct Segment {
    pub(super) number: u64,
    pub(super) bytes: u64,
    pub(super) written: u64,
    pub(super) live: u64,
}

impl Owner {
    /// Bytes of the segments, and the bytes in them that are still wanted.
    pub(super) fn sums(&self) -> (u64, u64) {
        self.segments
            .iter()
            .fold((0, 0), |(bytes, live), segment| (bytes + segment.bytes, live + segment.live))
    }
}

impl Report {
    /// Reads the page; what is missing or of another kind is named.
    pub(super) fn parse(text: &str) -> Result<Report, String> {
        let source: Value = serde_json::from_str(text).map_err(|error| error.to_string())?;
        let parts = list(&source, "parts")?.iter().map(|part| {
            Ok(Part {
                name: name(part, "name")?,
                used: number(part, "used_bytes")?,
                limit: number(part, "limit_bytes")?,
            })
        });
        let parts = parts.collect::<Result<_, String>>()?;
        let mut owners: Vec<Owner> = Vec::new();
        for value in list(&source, "segments")? {
            let segment = Segment {
                number: number(value, "number")?,
                bytes: number(value, "bytes")?,
                written: number(value, "written_bytes")?,
                live: number(value, "live_bytes")?,
            };
            let name = name(value, "owner")?;
            match owners.iter_mut().find(|owner| owner.name == name) {
                Some(owner) => owner.segments.push(segment),
                None => owners.push(Owner { name, segments: vec![segment] }),
            }
        }
        owners.sort_by(|one, other| one.name.cmp(&other.name));
        for owner in &mut owners {
            owner.segments.sort_by_key(|segment| segment.number);
        }
        Ok(Report {
            budget: number(&source, "budget_bytes")?,
            used: number(&source, "used_bytes")?,
            charged: number(&source, "charged_bytes")?,
            source,
            parts,
            owners,
        })
    }
}

fn number(value: &Value, field: &str) -> Result<u64, String> {
    value[field].as_u64().ok_or_else(|| format!("`{field}` is no number of bytes"))
}

fn name(value: &Value, field: &str) -> Result<String, String> {
    let name = value[field].as_str().ok_or_else(|| format!("`{field}` is no name"))?;
    // It goes to a terminal, and the server may be anybody's.
    Ok(name.chars().filter(|letter| !letter.is_control()).take(13).collect())
}

fn list<'a>(value: &'a Value, field: &str) -> Result<&'a [Value], String> {
    value[field].as_array().map(Vec::as_slice).ok_or_else(|| format!("`{field}` is no list"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_that_lacks_something_is_refused_by_the_name_of_it() {
        let whole = r#"{"budget_bytes": 10, "used_bytes": 5, "charged_bytes": 1, "parts": [], "segments": [
            {"number": 2, "owner": "log\u001b[2J", "bytes": 2, "written_bytes": 2, "live_bytes": 1},
            {"number": 1, "owner": "cache", "bytes": 2, "written_bytes": 2, "live_bytes": 2}]}"#;
        let report = Report::parse(whole).unwrap();
        assert_eq!((report.budget, report.used, report.charged), (10, 5, 1));
        assert_eq!(report.owners[0].name, "cache");
        assert_eq!(report.owners[1].name, "log[2J", "nothing that steers a terminal");
        assert_eq!(report.owners[1].sums(), (2, 1));
        for field in ["budget_bytes", "parts", "segments", "owner", "live_bytes"] {
            let error = Report::parse(&whole.replacen(field, "else", 1)).err().unwrap();
            assert!(error.contains(field), "{error}");
        }
        assert!(Report::parse("<html>").is_err());
    }
}
