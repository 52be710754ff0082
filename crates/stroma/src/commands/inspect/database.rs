//! The whole database: levels, layers, sizes, write amplification, memory.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;

use serde_json::{Value, json};
use stromatolite::lsm::{
    Compression, KeyUses, KeyspaceDescription, LevelStatistics, Statistics, TableDescription,
};
use stromatolite::sequence::{IndexStatistics, LayerStatistics};
use stromatolite::{Result as DatabaseResult, Stromatolite};

use crate::commands::run::{print_json, standard_output};
use crate::failure::{Failure, Result};
use crate::output::{Table, bytes, count};

pub(super) fn inspect(database: &Stromatolite, as_json: bool) -> Result<()> {
    let (engine, tables) = (database.engine().statistics(), database.engine().tables());
    let indexes = database
        .sequence_indexes()?
        .into_iter()
        .map(|name| Ok((name.clone(), database.sequence_index(&name)?.statistics())))
        .collect::<DatabaseResult<Vec<_>>>()?;
    let keyspaces = database.engine().keyspace_descriptions();
    let keys = database.engine().key_uses().map_err(stromatolite::Error::from)?;
    let index_keys = database.index_key_uses()?;
    if as_json {
        let keys = keys_to_json(&keys, &index_keys);
        return print_json(&to_json(database, &engine, &keyspaces, &tables, keys, &indexes));
    }
    let mut output = standard_output();
    write_documents(&mut output, database, &engine)?;
    write_keyspaces(&mut output, &keyspaces)?;
    write_tables(&mut output, &tables)?;
    write_keys(&mut output, &keys, &index_keys)?;
    for (name, statistics) in &indexes {
        write_index(&mut output, name, statistics)?;
    }
    output.flush().map_err(Failure::output)
}

fn write_documents(output: &mut impl Write, database: &Stromatolite, engine: &Statistics) -> Result<()> {
    writeln!(output, "{}\n\ndocuments", database.folder().display()).map_err(Failure::output)?;
    levels_table(&engine.levels).print(output)?;
    let memory = format!("{} of {}", bytes(engine.memory_used as u64), bytes(engine.memory_bytes as u64));
    let facts = [
        ("memory used", memory),
        ("commits", count(engine.commits)),
        ("bytes of user data", bytes(engine.user_bytes)),
        ("bytes to the log", bytes(engine.log_bytes)),
        ("bytes flushed", bytes(engine.flushed_bytes)),
        ("bytes merged", bytes(engine.merge_output_bytes)),
        ("write amplification", amplification(engine)),
    ];
    writeln!(output, "since it was opened").map_err(Failure::output)?;
    for (name, value) in facts {
        writeln!(output, "  {name:<20} {value}").map_err(Failure::output)?;
    }
    Ok(())
}

fn amplification(engine: &Statistics) -> String {
    if engine.user_bytes == 0 {
        "nothing written yet".to_owned()
    } else {
        format!("{:.2}", engine.write_amplification())
    }
}

fn levels_table(levels: &[LevelStatistics]) -> Table {
    let mut table = Table::new(&[">level", ">layers", ">runs", ">entries", ">bytes"]);
    for level in levels {
        table.row([
            level.level.to_string(),
            level.layers.to_string(),
            level.runs.to_string(),
            count(level.entries),
            bytes(level.bytes),
        ]);
    }
    table
}

/// What is kept with keyspaces; nothing if all are as usual.
fn write_keyspaces(output: &mut impl Write, keyspaces: &[KeyspaceDescription]) -> Result<()> {
    let unusual: Vec<_> = keyspaces.iter().filter(|keyspace| !keyspace.is_usual()).collect();
    if unusual.is_empty() {
        return Ok(());
    }
    writeln!(output, "\nkeyspaces with options of their own, of {}", keyspaces.len())
        .map_err(Failure::output)?;
    let mut grid = Table::new(&[
        "keyspace",
        "merge operator",
        ">values apart from",
        ">blocks of",
        "compression",
        "of values",
    ]);
    let way = |told: Option<Compression>| told.map_or_else(|| "as usual".to_owned(), |told| told.to_string());
    for keyspace in unusual {
        let length = |told: Option<u64>| match told {
            None => "as usual".to_owned(),
            Some(u64::MAX) => "none".to_owned(),
            Some(length) => bytes(length),
        };
        grid.row([
            keyspace.name.clone(),
            keyspace.merge_operator.clone().unwrap_or_default(),
            length(keyspace.value_threshold),
            length(keyspace.block_bytes),
            way(keyspace.compression),
            way(keyspace.value_compression),
        ]);
    }
    grid.print(output)
}

/// How the blocks of a table are stored, and how long they are for one byte of what is in them.
fn compression(table: &TableDescription) -> String {
    let ways = table.compressed.to_string();
    if table.payload_bytes == 0 || table.compressed.plain == table.blocks {
        return ways;
    }
    format!("{ways}, {:.2}", table.block_bytes as f64 / table.payload_bytes as f64)
}

/// The tables, and below them why each has the kind of index it has.
fn write_tables(output: &mut impl Write, tables: &[TableDescription]) -> Result<()> {
    if tables.is_empty() {
        return Ok(());
    }
    writeln!(output, "\ntables").map_err(Failure::output)?;
    let mut grid = Table::new(&[
        ">table",
        ">level",
        ">entries",
        ">bytes",
        ">blocks",
        "compression",
        "index",
        ">index bytes",
        ">a block",
    ]);
    for table in tables {
        grid.row([
            table.id.to_string(),
            table.level.to_string(),
            count(table.entries),
            bytes(table.bytes),
            count(table.blocks),
            compression(table),
            table.index_kind.to_string(),
            bytes(table.index_bytes),
            format!("{:.2}", table.index_bytes as f64 / table.blocks.max(1) as f64),
        ]);
    }
    grid.print(output)?;
    writeln!(output, "why they have these indexes").map_err(Failure::output)?;
    for table in tables {
        let explanation = &table.index_explanation;
        // The layer next to the keys gives the index its kind.
        let nearest = explanation.lines().find(|line| line.starts_with("level 0")).unwrap_or(explanation);
        writeln!(output, "  {} {nearest}", table.id).map_err(Failure::output)?;
    }
    Ok(())
}

/// Which key how many files are encrypted with; nothing if none is.
fn write_keys(
    output: &mut impl Write,
    keys: &KeyUses,
    of_indexes: &BTreeMap<Option<String>, usize>,
) -> Result<()> {
    if keys.keys().chain(of_indexes.keys()).all(Option::is_none) {
        return Ok(());
    }
    writeln!(output, "\nkeys").map_err(Failure::output)?;
    let mut table = Table::new(&[
        "key",
        ">tables",
        ">value files",
        ">log segments",
        ">manifest blobs",
        ">bytes",
        ">of indexes",
    ]);
    let all: BTreeSet<&Option<String>> = keys.keys().chain(of_indexes.keys()).collect();
    for key_id in all {
        let uses = keys.get(key_id).copied().unwrap_or_default();
        table.row([
            key_id.as_deref().unwrap_or("(not encrypted)").to_owned(),
            uses.tables.to_string(),
            uses.value_files.to_string(),
            uses.log_segments.to_string(),
            uses.manifest_blobs.to_string(),
            bytes(uses.bytes),
            of_indexes.get(key_id).copied().unwrap_or_default().to_string(),
        ]);
    }
    table.print(output)
}

/// How a layer keeps its k-mers: those of a cold one as strings of their overlaps.
fn kept_as(layer: &LayerStatistics) -> &'static str {
    if layer.is_cold { "strings (cold)" } else { "filters, buckets" }
}

fn write_index(output: &mut impl Write, name: &str, statistics: &IndexStatistics) -> Result<()> {
    writeln!(output, "\nsequence index {name}: {} samples", statistics.samples).map_err(Failure::output)?;
    let mut table = Table::new(&[
        ">layer",
        ">level",
        "kept as",
        ">samples",
        ">k-mers",
        ">colour sets",
        ">bytes",
        ">bits a k-mer",
    ]);
    for layer in &statistics.layers {
        let bits = if layer.kmers == 0 { 0.0 } else { layer.bytes as f64 * 8.0 / layer.kmers as f64 };
        table.row([
            layer.id.to_string(),
            layer.level.to_string(),
            kept_as(layer).to_owned(),
            layer.samples.to_string(),
            count(layer.kmers),
            count(u64::from(layer.colour_sets)),
            bytes(layer.bytes),
            format!("{bits:.1}"),
        ]);
    }
    table.print(output)
}

/// Which key how many files are encrypted with, of the documents and of sequence indexes.
fn keys_to_json(keys: &KeyUses, of_indexes: &BTreeMap<Option<String>, usize>) -> Value {
    let all: BTreeSet<&Option<String>> = keys.keys().chain(of_indexes.keys()).collect();
    let each = all.into_iter().map(|key_id| {
        let uses = keys.get(key_id).copied().unwrap_or_default();
        json!({
            "key": key_id, "tables": uses.tables, "value_files": uses.value_files, "bytes": uses.bytes,
            "log_segments": uses.log_segments, "manifest_blobs": uses.manifest_blobs,
            "index_files": of_indexes.get(key_id).copied().unwrap_or_default(),
        })
    });
    each.collect()
}

fn to_json(
    database: &Stromatolite,
    engine: &Statistics,
    keyspaces: &[KeyspaceDescription],
    tables: &[TableDescription],
    keys: Value,
    indexes: &[(String, IndexStatistics)],
) -> Value {
    let tables = tables.iter().map(|table| {
        json!({
            "id": table.id, "level": table.level, "entries": table.entries, "bytes": table.bytes,
            "blocks": table.blocks, "block_bytes": table.block_bytes, "payload_bytes": table.payload_bytes,
            "compression": table.compressed.to_string(), "dictionary_bytes": table.dictionary_bytes,
            "key": table.key_id,
            "index_kind": table.index_kind.to_string(),
            "index_bytes": table.index_bytes, "index_explanation": table.index_explanation,
        })
    });
    let keyspaces = keyspaces.iter().map(|keyspace| {
        json!({
            "name": keyspace.name, "number": keyspace.number, "merge_operator": keyspace.merge_operator,
            "value_threshold": keyspace.value_threshold, "block_bytes": keyspace.block_bytes,
            "compression": keyspace.compression.map(|compression| compression.to_string()),
            "value_compression": keyspace.value_compression.map(|compression| compression.to_string()),
        })
    });
    let keyspaces: Vec<Value> = keyspaces.collect();
    let levels = |levels: &[LevelStatistics]| -> Vec<Value> {
        let level = |level: &LevelStatistics| {
            json!({
                "level": level.level, "layers": level.layers, "runs": level.runs,
                "entries": level.entries, "bytes": level.bytes,
            })
        };
        levels.iter().map(level).collect()
    };
    let sequences = indexes.iter().map(|(name, statistics)| {
        let layers = statistics.layers.iter().map(|layer| {
            json!({
                "layer": layer.id, "level": layer.level, "kept_as": kept_as(layer), "samples": layer.samples,
                "kmers": layer.kmers, "colour_sets": layer.colour_sets, "colour_bytes": layer.colour_bytes,
                "bytes": layer.bytes,
            })
        });
        let value = json!({
            "samples": statistics.samples, "kmers": statistics.kmers(), "bytes": statistics.bytes(),
            "layers": layers.collect::<Vec<_>>(),
            "written_by_merges": statistics.set.merge_output_bytes,
        });
        (name.clone(), value)
    });
    json!({
        "folder": database.folder().display().to_string(),
        "documents": {
            "levels": levels(&engine.levels),
            "keyspaces": keyspaces, "tables": tables.collect::<Vec<_>>(), "keys": keys,
            "memory_used": engine.memory_used, "memory_bytes": engine.memory_bytes,
            "commits": engine.commits, "user_bytes": engine.user_bytes, "log_bytes": engine.log_bytes,
            "flushed_bytes": engine.flushed_bytes, "merge_output_bytes": engine.merge_output_bytes,
            "write_amplification": engine.write_amplification(),
        },
        "sequences": sequences.collect::<serde_json::Map<_, _>>(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_of_documents_and_of_indexes_are_told_together() {
        let name = |name: &str| Some(name.to_owned());
        let mut keys = KeyUses::new();
        keys.entry(name("old")).or_default().tables = 2;
        keys.entry(None).or_default().log_segments = 1;
        let told = keys_to_json(&keys, &BTreeMap::from([(name("old"), 3), (name("present"), 4)]));
        let told = told.as_array().unwrap();
        let of = |key: Value| told.iter().find(|each| each["key"] == key).unwrap();
        assert_eq!(told.len(), 3);
        assert_eq!((&of(json!("old"))["tables"], &of(json!("old"))["index_files"]), (&json!(2), &json!(3)));
        assert_eq!(of(json!("present"))["index_files"], 4);
        assert_eq!(
            (&of(Value::Null)["log_segments"], &of(Value::Null)["index_files"]),
            (&json!(1), &json!(0))
        );
    }
}
