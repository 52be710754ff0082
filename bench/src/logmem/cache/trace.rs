//! The requests: which keys in which order, and how large their values are.

use crate::Outcome;
use crate::random::{Random, Zipfian, mix};

/// Bytes of a key.
pub(super) const KEY_BYTES: u64 = 8;
const SMALLEST_VALUE: u64 = 50;
const LARGEST_VALUE: u64 = 2000;
/// Marks a request that is part of a scan, which nobody expects to be answered.
const SCANNED: u32 = 1 << 31;
/// Requests of a scan in a row, and those between two scans.
const SCAN_REQUESTS: u64 = 5000;
/// How often popularity shifts in a trace, and which share of the keys it shifts by (one in so many).
const SHIFTS: u64 = 50;
const SHIFT_SHARE: u64 = 200;

/// Names of the traces.
pub(super) const TRACES: [&str; 4] =
    ["zipfian 0.7", "zipfian 0.99", "zipfian 0.99 with scans", "shifting zipfian 0.99"];

/// Bytes of the value of a key: evenly spread, the same in every run.
pub(super) fn value_bytes(key: u64) -> usize {
    (SMALLEST_VALUE + mix(!key) % (LARGEST_VALUE - SMALLEST_VALUE + 1)) as usize
}

/// One request.
#[derive(Clone, Copy)]
pub(super) struct Request(u32);

impl Request {
    pub(super) fn key(self) -> u64 {
        u64::from(self.0 & !SCANNED)
    }

    /// Whether it counts in the hit ratio.
    pub(super) fn counts(self) -> bool {
        self.0 & SCANNED == 0
    }
}

/// All requests of a trace over `objects` keys, drawn beforehand.
pub(super) fn requests(name: &str, objects: u64, count: u64, seed: u64) -> Outcome<Vec<Request>> {
    let theta = if name == "zipfian 0.7" { 0.7 } else { 0.99 };
    let zipfian = Zipfian::new(objects, theta);
    let mut random = Random(seed);
    let request = |number: u64| -> u64 {
        match name {
            // A scan goes on where the last one ended, over keys that nothing else asks for.
            "zipfian 0.99 with scans" if number / SCAN_REQUESTS % 2 == 1 => {
                let before = number / (2 * SCAN_REQUESTS) * SCAN_REQUESTS;
                (objects + (before + number % SCAN_REQUESTS) % objects) | u64::from(SCANNED)
            }
            // The most popular ones make room for others: ranks move on over the keys.
            "shifting zipfian 0.99" => {
                let shift = number * SHIFTS / count * (objects / SHIFT_SHARE);
                let rank = zipfian.draw_rank(&mut random);
                mix((rank + shift) % objects) % objects
            }
            _ => zipfian.draw(&mut random),
        }
    };
    if !TRACES.contains(&name) {
        return Err(format!("unsupported trace `{name}`").into());
    }
    Ok((0..count).map(request).map(|word| Request(word as u32)).collect())
}
