//! Values of a kibibyte, of 64 and of a mebibyte: put one by one, each key twice on average, then read.

use std::path::Path;

use super::bench::{Bench, MEBIBYTE, bytes_on_disk, expect, written_bytes};
use super::engine::EngineOptions;
use super::entries::{fill_half, key};
use crate::Outcome;
use crate::measure::timed;
use crate::random::Random;

const SIZES: [(&str, usize); 3] = [("1 KiB", 1 << 10), ("64 KiB", 64 << 10), ("1 MiB", 1 << 20)];

impl Bench {
    /// The same bytes of each size.
    pub(super) fn values(&mut self, folder: &Path) -> Outcome {
        for (name, size) in SIZES {
            self.values_of(&folder.join(size.to_string()), name, size)?;
        }
        Ok(())
    }

    fn values_of(&mut self, folder: &Path, name: &str, size: usize) -> Outcome {
        let seed = self.scale.seed;
        let count = self.scale.value_bytes / size as u64;
        let options =
            EngineOptions { most_bytes: self.scale.value_bytes * 2, has_large_values: true, ..self.options };
        let case = format!("values of {name}");
        let written = written_bytes();
        let engine = self.product.open(folder, options)?;
        let mut random = Random(seed);
        let mut value = vec![0; size];
        let ((), cost) = timed(|| {
            for turn in 0..2 * count {
                // First each key once, then as many of them anew.
                let number = if turn < count { turn } else { random.below(count) };
                fill_half(&mut value, turn);
                engine.put(&[(&key(seed, number), &value)])?;
            }
            engine.sync()
        })?;
        let put = 2 * self.scale.value_bytes;
        self.figures.add(&case, "put", put as f64 / MEBIBYTE / cost.wall, "MiB/s");
        engine.close()?;
        self.add_written(&case, written, put);
        let disk = bytes_on_disk(folder)? as f64 / self.scale.value_bytes as f64;
        self.figures.add(&case, "on disk for each byte", disk, "bytes");

        let engine = self.product.open(folder, options)?;
        engine.read(&mut |reader| {
            let gets = (self.scale.gets / 10).min(4 * count);
            let ((), cost) = timed(|| {
                (0..gets).try_for_each(|_| {
                    let found = reader.get(&key(seed, random.below(count)))?;
                    expect("a key", u64::from(found), 1..=1)
                })
            })?;
            self.figures.add(&case, "get, the last byte looked at", cost.wall * 1e6 / gets as f64, "µs");
            let (found, cost) = timed(|| reader.scan(&[], u64::MAX >> 1))?;
            expect("entries", found, count..=count)?;
            let scanned = self.scale.value_bytes as f64 / MEBIBYTE / cost.wall;
            self.figures.add(&case, "scan, the last bytes looked at", scanned, "MiB/s");
            Ok(())
        })?;
        engine.close()
    }
}
