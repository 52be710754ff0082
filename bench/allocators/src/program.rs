//! The program: one subject, one workload, and the figures on standard output.

use std::process::ExitCode;

use stroma_logmem::Error;

use crate::Outcome;
use crate::clocks::timed;
use crate::resident::{Process, Resident};
use crate::server::{Server, ServerKind};
use crate::subject::{Alone, Map, Ours, Subject};
use crate::workload::{Live, WORKLOADS, Workload, room_for_objects};

/// Does what the command line says and prints the figures.
pub fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("error: {failure}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Outcome {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [subject, name, live_bytes, seed] = arguments.as_slice() else {
        let subjects = "`alone`, `map`, a server or a budget in bytes for ours";
        return Err(format!("needed: {subjects}; workload; live bytes; seed").into());
    };
    let workload = WORKLOADS.iter().find(|workload| workload.name == name);
    let workload = workload.ok_or_else(|| format!("unsupported workload `{name}`; there are W1 to W8"))?;
    let (live_bytes, seed) = (live_bytes.parse()?, seed.parse()?);
    let this = Process::this();
    if let Some(kind) = ServerKind::ALL.into_iter().find(|kind| kind.word() == subject) {
        let server = Server::start(kind)?;
        return measure(workload, live_bytes, seed, server.process(), || Ok(server));
    }
    match subject.as_str() {
        "alone" => measure(workload, live_bytes, seed, this, || Ok(Alone)),
        "map" => measure(workload, live_bytes, seed, this, || Ok(Map::new())),
        budget_bytes => {
            let budget_bytes = budget_bytes.parse()?;
            measure(workload, live_bytes, seed, this, || Ours::new(live_bytes, budget_bytes, seed))
        }
    }
}

/// Prints the figures; nothing if the subject ran out of the memory that it was allowed.
fn measure<S: Subject>(
    workload: &Workload,
    live_bytes: u64,
    seed: u64,
    process: Process,
    make: impl FnOnce() -> Outcome<S>,
) -> Outcome {
    let objects = room_for_objects(live_bytes, workload);
    let memory = Resident::of(process);
    let mut live = Live::new(make()?, objects, seed);
    let cost = match timed(|| live.work(live_bytes, workload)) {
        Ok(((), cost)) => cost,
        Err(error) if matches!(error.downcast_ref(), Some(Error::OutOfMemory { .. })) => return Ok(()),
        Err(error) => return Err(error),
    };
    println!("live_bytes {}", live.bytes);
    println!("objects {}", live.objects.len());
    println!("resident_bytes {}", memory.gained_bytes());
    println!("peak_bytes {}", memory.peak_bytes());
    println!("puts {}", live.puts);
    println!("put_bytes {}", live.put_bytes);
    println!("copied_bytes {}", live.subject.copied_bytes());
    println!("occupied_bytes {}", live.subject.occupied_bytes());
    println!("wall_seconds {}", cost.wall);
    println!("processor_seconds {}", cost.process);
    Ok(())
}
