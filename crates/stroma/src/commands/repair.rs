//! `stroma repair`: keeps what is whole of a damaged database, names what is not, and destroys nothing.

use std::io::Write;

use serde_json::{Value, json};
use stromatolite::document::store::LsmStore;
use stromatolite::lsm::RenamedKeyspace;
use stromatolite::{Options, RepairReport, Stromatolite};

use super::run::{keys, print_json, standard_output};
use crate::arguments::Repair;
use crate::failure::{Failure, Result};
use crate::output::count;

pub(super) fn run(arguments: &Repair) -> Result<()> {
    // The log of a writer with the default memory has to fit.
    let mut engine = Options::reading().engine;
    engine.encryption = keys(&arguments.data)?;
    let report = match &arguments.into {
        Some(into) => Stromatolite::repair(&arguments.data.folder, into, engine)?,
        None => Stromatolite::repair_in_place(&arguments.data.folder, engine)?,
    };
    if arguments.json {
        print_json(&to_json(&report))?;
    } else {
        write_report(&report).map_err(Failure::output)?;
    }
    if report.is_whole() { Ok(()) } else { Err(Failure::Losses { damaged: report.damaged }) }
}

fn show(key: &[u8]) -> String {
    key.escape_ascii().to_string()
}

fn to_json(report: &RepairReport) -> Value {
    let documents = &report.documents;
    let files = |list: &[(String, String)]| -> Vec<Value> {
        list.iter().map(|(file, what)| json!({"file": file, "what": what})).collect()
    };
    let tables = documents.lost_tables.iter().map(|lost| {
        let keys = lost.keys.as_ref().map(|(first, last)| [show(first), show(last)]);
        json!({"file": lost.file, "what": lost.what, "keys": keys, "entries": lost.entries})
    });
    let parts = documents.lost_parts.iter().map(|lost| {
        json!({
            "file": lost.file, "what": lost.what, "blocks": lost.blocks,
            "after": lost.after.as_deref().map(show), "before": lost.before.as_deref().map(show),
        })
    });
    let values = documents.lost_values.iter().map(|lost| json!({"key": show(&lost.key), "what": lost.what}));
    let log = documents.lost_log.iter().map(
        |lost| json!({"file": lost.file, "offset": lost.offset, "bytes": lost.bytes, "what": lost.what}),
    );
    let indexes = report.lost_indexes.iter().map(|(name, what)| json!({"index": name, "what": what}));
    let keyspaces =
        documents.renamed_keyspaces.iter().map(|each| json!({"number": each.number, "name": each.name}));
    let collections = report.collections.renamed.iter().map(ToString::to_string);
    json!({
        "whole": report.is_whole(),
        "repaired": report.repaired.display().to_string(),
        "damaged": report.damaged.display().to_string(),
        "entries": documents.entries, "tables": documents.tables, "log_records": documents.log_records,
        "may_have_gone_back": documents.may_have_gone_back(),
        "manifest": files(&documents.manifest),
        "lost_tables": tables.collect::<Vec<_>>(), "lost_parts": parts.collect::<Vec<_>>(),
        "lost_values": values.collect::<Vec<_>>(), "lost_log": log.collect::<Vec<_>>(),
        "renamed_keyspaces": keyspaces.collect::<Vec<_>>(),
        "renamed_collections": collections.collect::<Vec<_>>(),
        "removed_collection_indexes": report.collections.removed_indexes,
        "kept_indexes": report.kept_indexes, "lost_indexes": indexes.collect::<Vec<_>>(),
    })
}

fn write_report(report: &RepairReport) -> std::io::Result<()> {
    let mut output = standard_output();
    let documents = &report.documents;
    for (file, what) in &documents.manifest {
        writeln!(output, "manifest {file}: {what}")?;
    }
    for lost in &documents.lost_tables {
        let entries = lost.entries.map_or("an unknown number of".to_owned(), count);
        writeln!(output, "lost     {} ({entries} entries): {}", lost.file, lost.what)?;
    }
    for lost in &documents.lost_parts {
        let edge = |key: &Option<Vec<u8>>, none: &str| key.as_deref().map_or(none.to_owned(), show);
        let (after, before) = (edge(&lost.after, "the beginning"), edge(&lost.before, "the end"));
        writeln!(output, "lost     {}, between {after} and {before}: {}", lost.file, lost.what)?;
    }
    for lost in &documents.lost_values {
        writeln!(output, "lost     the value of {}: {}", show(&lost.key), lost.what)?;
    }
    for lost in &documents.lost_log {
        writeln!(
            output,
            "lost     {} bytes of {} from byte {} on: {}",
            lost.bytes, lost.file, lost.offset, lost.what
        )?;
    }
    for (name, what) in &report.lost_indexes {
        writeln!(output, "lost     sequence index {name}, add its samples again: {what}")?;
    }
    write_lost_names(&mut output, report)?;
    if documents.may_have_gone_back() {
        writeln!(output, "note     what hid older values or deleted keys may be lost: some may be back")?;
        writeln!(
            output,
            "note     indexes of collections may not fit their documents: drop them and make them again"
        )?;
    }
    writeln!(
        output,
        "kept     {} entries, {} sequence indexes",
        count(documents.entries),
        report.kept_indexes.len()
    )?;
    writeln!(output, "repaired {}", report.repaired.display())?;
    writeln!(output, "damaged  {} (as it was)", report.damaged.display())?;
    output.flush()
}

/// What lost its name, what it is called now, and what to do.
fn write_lost_names(output: &mut impl Write, report: &RepairReport) -> std::io::Result<()> {
    for RenamedKeyspace { number, name, .. } in &report.documents.renamed_keyspaces {
        if name == LsmStore::KEYSPACE {
            writeln!(output, "restored keyspace {number}: its name was lost, it is `{name}` again")?;
        } else {
            writeln!(
                output,
                "renamed  keyspace {number}: its name was lost, its entries are in `{name}` now (see `stroma dump`)"
            )?;
        }
    }
    let collections = &report.collections;
    for name in &collections.renamed {
        writeln!(output, "renamed  a collection whose name was lost: its documents are in {name} now")?;
    }
    if let Some(name) = collections.renamed.first() {
        writeln!(
            output,
            "note     see what they are with `stroma export {name}`; `db.adminCommand({{renameCollection: \"{name}\", \
             to: \"DATABASE.COLLECTION\"}})` gives the name back"
        )?;
    }
    if collections.removed_indexes > 0 {
        let many = collections.removed_indexes;
        writeln!(output, "lost     what {many} indexes of collections are on: make them again")?;
    }
    Ok(())
}
