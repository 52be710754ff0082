//! What this process has used of the machine, as Linux tells it: shared by the examples that measure.
#![allow(dead_code, reason = "each example uses a part of it")]

/// Processor seconds of all threads, in hundredths.
pub(crate) fn processor() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or("").split_whitespace().collect();
    let ticks = |at: usize| fields.get(at).and_then(|field| field.parse::<f64>().ok()).unwrap_or(0.0);
    (ticks(11) + ticks(12)) / 100.0
}

/// Processor seconds of this thread, to the nanosecond; none where they are not told.
pub(crate) fn processor_of_thread() -> Option<f64> {
    let told = std::fs::read_to_string("/proc/thread-self/schedstat").ok()?;
    Some(told.split(' ').next()?.parse::<f64>().ok()? / 1e9)
}

/// Memory that is held now, and the most that was held, in MB.
pub(crate) fn memory() -> [f64; 2] {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    ["VmRSS:", "VmHWM:"].map(|name| {
        let line = status.lines().find_map(|line| line.strip_prefix(name)?.trim().strip_suffix(" kB"));
        line.and_then(|kb| kb.trim().parse::<f64>().ok()).unwrap_or(0.0) / 1e3
    })
}

/// The most memory that was held, in MB.
pub(crate) fn peak_memory() -> f64 {
    memory()[1]
}

/// From now on the most is what is held from now on.
pub(crate) fn forget_peak() {
    let _ = std::fs::write("/proc/self/clear_refs", "5");
}
