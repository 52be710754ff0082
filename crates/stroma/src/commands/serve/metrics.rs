//! What the engine and the sequence indexes tell to `/metrics` and `/memory`.

use std::sync::Arc;

use stroma_server::{MemoryPart, MemoryReport, MemorySegment, Metrics, MetricsSource};
use stromatolite::Stromatolite;

/// Asks the database whenever the server is asked.
pub(super) struct DatabaseMetrics {
    database: Arc<Stromatolite>,
}

impl DatabaseMetrics {
    pub(super) fn new(database: Arc<Stromatolite>) -> Self {
        DatabaseMetrics { database }
    }
}

impl MetricsSource for DatabaseMetrics {
    fn collect(&self, metrics: &mut Metrics) {
        let engine = self.database.engine().statistics();
        let counters = [
            ("stroma_engine_commits_total", "Commits since the start", engine.commits),
            ("stroma_engine_conflicts_total", "Transactions refused because of a conflict", engine.conflicts),
            ("stroma_engine_syncs_total", "Syncs of the write-ahead log", engine.syncs),
            (
                "stroma_engine_user_bytes_total",
                "Bytes of keys and values written by users",
                engine.user_bytes,
            ),
            ("stroma_engine_log_bytes_total", "Bytes written to the write-ahead log", engine.log_bytes),
            ("stroma_engine_flushed_bytes_total", "Bytes written as new tables", engine.flushed_bytes),
            ("stroma_engine_merged_bytes_total", "Bytes written by merges", engine.merge_output_bytes),
            ("stroma_engine_cache_hits_total", "Blocks found in the cache of blocks", engine.cache.hits),
            ("stroma_engine_cache_misses_total", "Blocks not found there", engine.cache.misses),
            ("stroma_engine_cache_evicted_total", "Blocks dropped from there", engine.cache.evicted),
        ];
        for (name, help, value) in counters {
            metrics.counter(name, help, &[], value as f64);
        }
        metrics.gauge(
            "stroma_engine_memory_bytes",
            "Memory used by memtables",
            &[],
            engine.memory_used as f64,
        );
        for level in &engine.levels {
            let number = level.level.to_string();
            let labels = [("level", number.as_str())];
            metrics.gauge(
                "stroma_engine_level_bytes",
                "Bytes of the tables of a level",
                &labels,
                level.bytes as f64,
            );
            metrics.gauge("stroma_engine_level_layers", "Tables of a level", &labels, level.layers as f64);
        }
        for name in self.database.sequence_indexes().unwrap_or_default() {
            let Ok(index) = self.database.sequence_index(&name) else { continue };
            let statistics = index.statistics();
            let labels = [("index", name.as_str())];
            let gauges = [
                ("stroma_sequence_samples", "Samples of a sequence index", statistics.samples as f64),
                ("stroma_sequence_layers", "Layers of a sequence index", statistics.layers.len() as f64),
                (
                    "stroma_sequence_bytes",
                    "Bytes of the layers of a sequence index",
                    statistics.bytes() as f64,
                ),
            ];
            for (metric, help, value) in gauges {
                metrics.gauge(metric, help, &labels, value);
            }
        }
    }

    fn memory(&self) -> Option<MemoryReport> {
        let map = self.database.engine().memory_map();
        let parts = map.parts.iter().map(|part| MemoryPart {
            name: part.name,
            used_bytes: part.used_bytes as u64,
            limit_bytes: part.limit_bytes as u64,
        });
        let segments = map.segments.iter().map(|segment| MemorySegment {
            number: u64::from(segment.number),
            owner: segment.owner.name(),
            bytes: segment.size_bytes as u64,
            written_bytes: segment.written_bytes as u64,
            live_bytes: segment.live_bytes as u64,
        });
        Some(MemoryReport {
            budget_bytes: map.budget_bytes as u64,
            used_bytes: map.used_bytes as u64,
            charged_bytes: map.charged_bytes as u64,
            parts: parts.collect(),
            segments: segments.collect(),
        })
    }
}
