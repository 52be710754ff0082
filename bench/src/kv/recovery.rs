//! Recovery: a process commits entries one by one and aborts; how long opening takes then, and what is there.

use std::path::Path;

use super::bench::Bench;
use super::engine::EngineOptions;
use crate::Outcome;
use crate::measure::timed;
use crate::process::run_until_it_aborts;

/// Memory enough that no entry of a million need be flushed before the end: ours begins to when entries take some three
/// sixteenths of it. What was in tables by then would be opened and not recovered.
const MEMORY_BYTES: usize = 1 << 30;

impl Bench {
    /// Opens what another process left.
    pub(super) fn recovery(&mut self, folder: &Path, words: &[&str]) -> Outcome {
        let place = folder.to_string_lossy();
        let mut arguments = vec!["kv", super::suite::ABORTING];
        arguments.extend(words.iter().skip(1));
        arguments.push(&place);
        run_until_it_aborts(&arguments)?;
        let (engine, cost) = timed(|| self.product.open(folder, self.options_of_recovery()))?;
        let case = "recovery after an abort";
        self.figures.add(case, "open", cost.wall * 1000.0, "ms");
        self.figures.add(case, "processor time of all threads", cost.process * 1000.0, "ms");
        engine.read(&mut |reader| {
            let found = reader.scan(&[], u64::MAX >> 1)?;
            let share = found as f64 / self.scale.entries as f64 * 100.0;
            self.figures.add(case, "entries that are there", share, "%");
            Ok(())
        })?;
        engine.close()
    }

    /// What the other process does. It does not return.
    pub(super) fn abort_in_use(&self, folder: &Path) -> Outcome {
        let engine = self.product.open(folder, self.options_of_recovery())?;
        self.put_range(&*engine, 0, self.scale.entries, 1)?;
        std::process::abort()
    }

    fn options_of_recovery(&self) -> EngineOptions {
        EngineOptions { memory_bytes: self.options.memory_bytes.max(MEMORY_BYTES), ..self.options }
    }
}
