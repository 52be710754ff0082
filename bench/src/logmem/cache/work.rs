//! The work: ask for a key; where it is not there, put it in.
//!
//! A cache that counts only keys and values takes more memory than it is told, so that hit ratios are compared
//! twice: at the same configured bytes, and with each cache configured so that the process holds the same
//! resident bytes.

use stroma_bench_allocators::Resident;

use super::caches::{ByteCache, Product};
use super::trace::{KEY_BYTES, Request, TRACES, requests, value_bytes};
use crate::Outcome;
use crate::arguments::Settings;
use crate::logmem::suite::in_a_process;
use crate::measure::{Samples, timed};
use crate::process::Figures;

pub(in crate::logmem) const PART: &str = "cache";
/// Budgets in percent of the bytes of all objects.
const BUDGET_PERCENTS: [u64; 4] = [1, 5, 10, 25];
/// The trace by which the memory of a cache is found out, and the one of throughput.
const USUAL_TRACE: &str = "zipfian 0.99";
const THROUGHPUT_PERCENT: u64 = 10;
/// How often a configured capacity is mended.
const CALIBRATIONS: usize = 2;

const HIT_RATIO: &str = "cache, answered";
const RESIDENT: &str = "cache, resident over budget";

/// What the processes are told beside cache, trace and capacity.
struct Sizes {
    objects: u64,
    requests: u64,
    seed: u64,
}

/// Measures each cache at each budget, a process for each trace.
pub(in crate::logmem) fn run(settings: &Settings, seed: u64, samples: &mut Samples) -> Outcome {
    let sizes =
        Sizes { objects: settings.size(200_000, 20_000), requests: settings.size(1_500_000, 60_000), seed };
    let all_bytes: u64 = (0..sizes.objects).map(|key| KEY_BYTES + value_bytes(key) as u64).sum();
    for percent in if settings.quick { &BUDGET_PERCENTS[2..3] } else { &BUDGET_PERCENTS[..] } {
        let budget_bytes = all_bytes * percent / 100;
        for product in Product::ALL {
            at_budget(product, *percent, budget_bytes, &sizes, samples)?;
        }
    }
    for threads in ["1", "2"] {
        for product in Product::ALL {
            let budget_bytes = all_bytes * THROUGHPUT_PERCENT / 100;
            let figures = in_process(product, USUAL_TRACE, threads, budget_bytes, &sizes)?;
            let case = format!("{USUAL_TRACE}, {THROUGHPUT_PERCENT} %, {threads} thread(s)");
            for (name, unit) in [("cache, rate", "1000/s"), ("cache, processor time", "ns")] {
                samples.add(&case, &product.subject(), name, figures.value(name)?, unit);
            }
        }
    }
    Ok(())
}

fn in_process(
    product: Product,
    trace: &str,
    threads: &str,
    capacity_bytes: u64,
    sizes: &Sizes,
) -> Outcome<Figures> {
    let numbers =
        [capacity_bytes, sizes.objects, sizes.requests, sizes.seed].map(|number| number.to_string());
    let mut arguments = vec![PART, product.word(), trace, threads];
    arguments.extend(numbers.iter().map(String::as_str));
    in_a_process(&arguments)
}

fn at_budget(
    product: Product,
    percent: u64,
    budget_bytes: u64,
    sizes: &Sizes,
    samples: &mut Samples,
) -> Outcome {
    let subject = product.subject();
    let mut capacity_bytes = budget_bytes;
    for calibration in 0..=CALIBRATIONS {
        let figures = in_process(product, USUAL_TRACE, "1", capacity_bytes, sizes)?;
        let resident = figures.value(RESIDENT)? * capacity_bytes as f64;
        if calibration == 0 {
            let case = format!("{USUAL_TRACE}, {percent} %");
            samples.add(
                &case,
                &subject,
                "cache, answered at equal weight",
                figures.value(HIT_RATIO)?,
                PERCENT,
            );
            let over = resident / budget_bytes as f64;
            samples.add(&case, &subject, "cache, resident over configured", over, "bytes a byte");
        }
        if calibration < CALIBRATIONS {
            let mended = capacity_bytes as f64 * budget_bytes as f64 / resident.max(1.0);
            capacity_bytes = (mended as u64).clamp(budget_bytes / 16, budget_bytes * 2);
        }
    }
    for trace in TRACES {
        let figures = in_process(product, trace, "1", capacity_bytes, sizes)?;
        let case = format!("{trace}, {percent} %");
        samples.add(&case, &subject, "cache, answered at equal memory", figures.value(HIT_RATIO)?, PERCENT);
        let resident = figures.value(RESIDENT)? * capacity_bytes as f64 / budget_bytes as f64;
        samples.add(&case, &subject, "cache, memory of it", resident, "of the budget");
    }
    Ok(())
}

const PERCENT: &str = "% of requests";

/// Measures one cache: its name, trace, threads, capacity, objects, requests, seed.
pub(in crate::logmem) fn measure(arguments: &[&str]) -> Outcome<Figures> {
    let [word, trace, threads, numbers @ ..] = arguments else { return Err("needed: cache, trace".into()) };
    let numbers: Vec<u64> = numbers.iter().map(|number| number.parse()).collect::<Result<_, _>>()?;
    let [capacity_bytes, objects, count, seed] = numbers[..] else {
        return Err("needed: capacity, objects, requests, seed".into());
    };
    let threads: u64 = threads.parse()?;
    let traces: Vec<Vec<Request>> = (0..threads)
        .map(|thread| requests(trace, objects, count, seed + (thread << 32)))
        .collect::<Outcome<_>>()?;
    let mean_bytes = KEY_BYTES + (0..objects).map(|key| value_bytes(key) as u64).sum::<u64>() / objects;
    let memory = Resident::begin();
    let cache = Product::make(word, capacity_bytes, mean_bytes)?;
    // The first third warms it up.
    let warm = count as usize / 3;
    let warming: Vec<&[Request]> = traces.iter().map(|trace| &trace[..warm]).collect();
    let counted: Vec<&[Request]> = traces.iter().map(|trace| &trace[warm..]).collect();
    replay_all(&*cache, &warming)?;
    let (answered, cost) = timed(|| replay_all(&*cache, &counted))?;
    cache.settle();
    let mut figures = Figures::default();
    let asked = counted.iter().map(|part| part.len() as u64).sum();
    let of = counted.iter().flat_map(|part| part.iter()).filter(|request| request.counts()).count();
    figures.add("", HIT_RATIO, answered as f64 / of as f64 * 100.0, PERCENT);
    figures.add("", RESIDENT, memory.gained_bytes() as f64 / capacity_bytes as f64, "bytes a byte");
    figures.add_rate("", "cache", asked, cost);
    Ok(figures)
}

/// Replays each trace in a thread of its own; how many requests that count were answered.
fn replay_all(cache: &dyn ByteCache, traces: &[&[Request]]) -> Outcome<u64> {
    std::thread::scope(|scope| {
        let threads: Vec<_> = traces.iter().map(|trace| scope.spawn(move || replay(cache, trace))).collect();
        let mut answered = 0;
        for thread in threads {
            answered +=
                thread.join().map_err(|_| "a thread panicked")?.ok_or("a cache gave a wrong value")?;
        }
        Ok(answered)
    })
}

/// How many requests that count were answered; none if an answer was wrong.
fn replay(cache: &dyn ByteCache, trace: &[Request]) -> Option<u64> {
    let mut value = vec![0x5a; 2048];
    let mut answered = 0;
    for request in trace {
        let key = request.key();
        let size = value_bytes(key);
        match cache.get(key, &|value| value.len() == size && value.starts_with(&key.to_le_bytes())) {
            Some(true) => answered += u64::from(request.counts()),
            Some(false) => return None,
            None => {
                value[..8].copy_from_slice(&key.to_le_bytes());
                cache.insert(key, &value[..size]);
            }
        }
    }
    Some(answered)
}
