//! `stroma dump`: what files, or the documents' store, hold, entry by entry.

use std::io::Write;

use serde_json::{Map, Value, json};
use stromatolite::dump_file;
use stromatolite::strata::{DumpLine, DumpValue};

use super::run::{keys, open_to_read, standard_output};
use crate::arguments::Dump;
use crate::failure::{Failure, Result};

/// Longer values are cut for people, in bytes.
const SHOWN_BYTES: usize = 200;

pub(super) fn run(arguments: &Dump) -> Result<()> {
    let mut output = standard_output();
    let mut failed = None;
    let mut left = arguments.limit.unwrap_or(u64::MAX);
    let mut sink = |line: DumpLine| {
        if left == 0 {
            return false;
        }
        left -= 1;
        let written = if arguments.json {
            writeln!(output, "{}", to_json(&line))
        } else {
            writeln!(output, "{}", to_text(&line))
        };
        failed = written.err();
        failed.is_none()
    };
    if arguments.files.is_empty() {
        let database = open_to_read(&arguments.data)?;
        let engine = database.engine();
        for name in engine.keyspaces() {
            let keyspace = engine.keyspace(&name).map_err(stromatolite::Error::from)?;
            engine.dump(&keyspace, &mut sink).map_err(stromatolite::Error::from)?;
        }
    }
    let keys = keys(&arguments.data)?;
    for file in &arguments.files {
        dump_file(file, keys.as_ref(), &mut sink)?;
    }
    match failed {
        Some(error) => Err(Failure::output(error)),
        None => output.flush().map_err(Failure::output),
    }
}

fn to_json(line: &DumpLine) -> Value {
    let value = |value: &DumpValue| match value {
        DumpValue::Number(number) => json!(number),
        other => json!(other.to_string()),
    };
    let mut fields = Map::new();
    fields.insert("what".to_owned(), json!(line.what));
    fields.extend(line.fields.iter().map(|(name, field)| ((*name).to_owned(), value(field))));
    Value::Object(fields)
}

fn to_text(line: &DumpLine) -> String {
    let mut text = format!("{:<13}", line.what);
    for (name, value) in &line.fields {
        text.push_str("  ");
        text.push_str(name);
        text.push(' ');
        match value {
            DumpValue::Bytes(bytes) if bytes.len() > SHOWN_BYTES => {
                text.push_str(&bytes[..SHOWN_BYTES].escape_ascii().to_string());
                text.push_str(&format!("... ({} bytes)", bytes.len()));
            }
            other => text.push_str(&other.to_string()),
        }
    }
    text
}
