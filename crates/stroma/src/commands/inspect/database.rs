//! The whole database: levels, layers, sizes, write amplification, memory.

use std::io::Write;

use serde_json::{Value, json};
use stromatolite::lsm::{LevelStatistics, Statistics, TableDescription};
use stromatolite::sequence::IndexStatistics;
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
    if as_json {
        return print_json(&to_json(database, &engine, &tables, &indexes));
    }
    let mut output = standard_output();
    write_documents(&mut output, database, &engine)?;
    write_tables(&mut output, &tables)?;
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

fn write_index(output: &mut impl Write, name: &str, statistics: &IndexStatistics) -> Result<()> {
    writeln!(output, "\nsequence index {name}: {} samples", statistics.samples).map_err(Failure::output)?;
    let mut table =
        Table::new(&[">layer", ">level", ">samples", ">k-mers", ">colour sets", ">bytes", ">bits a k-mer"]);
    for layer in &statistics.layers {
        let bits = if layer.kmers == 0 { 0.0 } else { layer.bytes as f64 * 8.0 / layer.kmers as f64 };
        table.row([
            layer.id.to_string(),
            layer.level.to_string(),
            layer.samples.to_string(),
            count(layer.kmers),
            count(u64::from(layer.colour_sets)),
            bytes(layer.bytes),
            format!("{bits:.1}"),
        ]);
    }
    table.print(output)
}

fn to_json(
    database: &Stromatolite,
    engine: &Statistics,
    tables: &[TableDescription],
    indexes: &[(String, IndexStatistics)],
) -> Value {
    let tables = tables.iter().map(|table| {
        json!({
            "id": table.id, "level": table.level, "entries": table.entries, "bytes": table.bytes,
            "blocks": table.blocks, "index_kind": table.index_kind.to_string(),
            "index_bytes": table.index_bytes, "index_explanation": table.index_explanation,
        })
    });
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
                "layer": layer.id, "level": layer.level, "samples": layer.samples, "kmers": layer.kmers,
                "colour_sets": layer.colour_sets, "colour_bytes": layer.colour_bytes, "bytes": layer.bytes,
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
            "tables": tables.collect::<Vec<_>>(),
            "memory_used": engine.memory_used, "memory_bytes": engine.memory_bytes,
            "commits": engine.commits, "user_bytes": engine.user_bytes, "log_bytes": engine.log_bytes,
            "flushed_bytes": engine.flushed_bytes, "merge_output_bytes": engine.merge_output_bytes,
            "write_amplification": engine.write_amplification(),
        },
        "sequences": sequences.collect::<serde_json::Map<_, _>>(),
    })
}
