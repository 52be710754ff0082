//! What memory is used for, segment by segment: the page `/memory`, and its sums among the figures.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::Metrics;

/// What a memory budget is used for at one moment. All sizes are in bytes.
#[derive(Debug, Clone, Default)]
pub struct MemoryReport {
    /// The budget.
    pub budget_bytes: u64,
    /// How much of it is taken: segments, and what is counted beside them.
    pub used_bytes: u64,
    /// What is taken outside segments, such as indexes.
    pub charged_bytes: u64,
    /// Parts that share the budget, and how far each may grow now.
    pub parts: Vec<MemoryPart>,
    /// The segments, in the order of their numbers; free ones may be left out.
    pub segments: Vec<MemorySegment>,
}

/// A user of the budget.
#[derive(Debug, Clone)]
pub struct MemoryPart {
    /// Its name, such as `memtables`.
    pub name: &'static str,
    /// What it takes.
    pub used_bytes: u64,
    /// The most it may take as things are; others may push it below that.
    pub limit_bytes: u64,
}

/// A piece of memory that is filled front to back.
#[derive(Debug, Clone)]
pub struct MemorySegment {
    /// Its place in the budget's memory.
    pub number: u64,
    /// Who uses it, such as `log` or `cache`.
    pub owner: &'static str,
    /// Its size.
    pub bytes: u64,
    /// How far it is filled.
    pub written_bytes: u64,
    /// What of that is still wanted.
    pub live_bytes: u64,
}

impl MemoryReport {
    /// The page `/memory`.
    pub(crate) fn to_json(&self) -> Value {
        let parts = self.parts.iter().map(
            |part| json!({"name": part.name, "used_bytes": part.used_bytes, "limit_bytes": part.limit_bytes}),
        );
        let segments = self.segments.iter().map(|segment| {
            json!({
                "number": segment.number, "owner": segment.owner, "bytes": segment.bytes,
                "written_bytes": segment.written_bytes, "live_bytes": segment.live_bytes,
            })
        });
        json!({
            "budget_bytes": self.budget_bytes, "used_bytes": self.used_bytes,
            "charged_bytes": self.charged_bytes,
            "parts": parts.collect::<Vec<_>>(), "segments": segments.collect::<Vec<_>>(),
        })
    }

    /// Adds the sums to the figures.
    pub(super) fn collect(&self, out: &mut Metrics) {
        let budget = self.budget_bytes as f64;
        out.gauge("stroma_memory_budget_bytes", "The memory budget of the engine.", &[], budget);
        let help = "Bytes of the memory budget that are taken.";
        out.gauge("stroma_memory_used_bytes", help, &[], self.used_bytes as f64);
        let help = "Bytes of the memory budget that are taken outside segments.";
        out.gauge("stroma_memory_charged_bytes", help, &[], self.charged_bytes as f64);
        for part in &self.parts {
            let labels = [("part", part.name)];
            let help = "Bytes of the memory budget that a part of the engine takes.";
            out.gauge("stroma_memory_part_used_bytes", help, &labels, part.used_bytes as f64);
            let help = "The most bytes that a part of the engine may take as things are.";
            out.gauge("stroma_memory_part_limit_bytes", help, &labels, part.limit_bytes as f64);
        }
        for (owner, [count, bytes, live]) in self.by_owner() {
            let labels = [("owner", owner)];
            out.gauge("stroma_memory_segments", "Segments of memory.", &labels, count as f64);
            out.gauge("stroma_memory_segment_bytes", "Bytes of those segments.", &labels, bytes as f64);
            let help = "Bytes in those segments that are still wanted.";
            out.gauge("stroma_memory_live_bytes", help, &labels, live as f64);
        }
    }

    /// Count, size and live bytes of each owner's segments.
    fn by_owner(&self) -> BTreeMap<&'static str, [u64; 3]> {
        let mut owners = BTreeMap::<_, [u64; 3]>::new();
        for segment in &self.segments {
            let sums = owners.entry(segment.owner).or_default();
            sums[0] += 1;
            sums[1] += segment.bytes;
            sums[2] += segment.live_bytes;
        }
        owners
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn segments_are_summed_by_owner_and_listed_one_by_one() {
        let segment = |number, owner, live_bytes| MemorySegment {
            number,
            owner,
            bytes: 1024,
            written_bytes: 1000,
            live_bytes,
        };
        let report = MemoryReport {
            budget_bytes: 8192,
            used_bytes: 3172,
            charged_bytes: 100,
            parts: vec![MemoryPart { name: "memtables", used_bytes: 2048, limit_bytes: 6144 }],
            segments: vec![segment(1, "log", 500), segment(2, "log", 700), segment(5, "cache", 9)],
        };
        let mut metrics = Metrics::default();
        report.collect(&mut metrics);
        let text = metrics.to_text();
        for line in [
            "stroma_memory_segments{owner=\"log\"} 2\n",
            "stroma_memory_live_bytes{owner=\"log\"} 1200\n",
            "stroma_memory_segment_bytes{owner=\"cache\"} 1024\n",
            "stroma_memory_part_limit_bytes{part=\"memtables\"} 6144\n",
            "stroma_memory_used_bytes 3172\n",
        ] {
            assert!(text.contains(line), "{line}{text}");
        }
        let page = report.to_json();
        assert_eq!(page["segments"][2]["number"], 5);
        assert_eq!(page["segments"][0]["live_bytes"], 500);
        assert_eq!(page["parts"][0]["name"], "memtables");
    }
}
