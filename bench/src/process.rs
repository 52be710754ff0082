//! Measurements in processes of their own: what an earlier one left resident would falsify the next.

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::Outcome;
use crate::measure::{Cost, Samples};

/// What a process measured: case, metric, value and unit of each figure; and what it has to tell in words.
#[derive(Default)]
pub(crate) struct Figures {
    figures: Vec<(String, String, f64, String)>,
    notes: Vec<String>,
}

impl Figures {
    pub(crate) fn add(&mut self, case: &str, metric: &str, value: f64, unit: &str) {
        self.figures.push((case.to_owned(), metric.to_owned(), value, unit.to_owned()));
    }

    /// Adds thousand operations a second by the clock on the wall, and the processor time of an operation over
    /// all threads.
    pub(crate) fn add_rate(&mut self, case: &str, what: &str, operations: u64, cost: Cost) {
        self.add(case, &format!("{what}, rate"), operations as f64 / 1000.0 / cost.wall, "1000/s");
        let nanoseconds = cost.process * 1e9 / operations as f64;
        self.add(case, &format!("{what}, processor time"), nanoseconds, "ns");
    }

    /// Tells something that is no figure.
    pub(crate) fn note(&mut self, text: &str) {
        self.notes.push(text.to_owned());
    }

    /// Writes them for the process that waits for them.
    pub(crate) fn print(&self) {
        for (case, metric, value, unit) in &self.figures {
            println!("{}", json!([case, metric, value, unit]));
        }
        for note in &self.notes {
            println!("{}", json!([note]));
        }
    }

    fn parse(text: &str) -> Outcome<Figures> {
        let mut figures = Figures::default();
        for line in text.lines() {
            let row: Value = serde_json::from_str(line)?;
            if let Some([note]) = row.as_array().map(Vec::as_slice) {
                figures.note(note.as_str().unwrap_or(""));
                continue;
            }
            let field = |place: usize| row.get(place).and_then(Value::as_str);
            let value = row.get(2).and_then(Value::as_f64);
            let (Some(case), Some(metric), Some(value), Some(unit)) = (field(0), field(1), value, field(3))
            else {
                return Err(format!("a process printed {line}, which is no figure").into());
            };
            figures.add(case, metric, value, unit);
        }
        Ok(figures)
    }

    /// The figure of this metric.
    pub(crate) fn value(&self, metric: &str) -> Outcome<f64> {
        let found = self.figures.iter().find(|(_, name, _, _)| name == metric).map(|(_, _, value, _)| *value);
        found.ok_or_else(|| format!("`{metric}` was not measured").into())
    }

    /// Files them under a subject.
    pub(crate) fn file(self, subject: &str, samples: &mut Samples) {
        for (case, metric, value, unit) in self.figures {
            samples.add(&case, subject, metric, value, unit);
        }
        for note in self.notes {
            samples.note(subject, note);
        }
    }
}

/// What a program prints.
pub(crate) fn output_of(command: &mut Command) -> Outcome<String> {
    let output = command.output()?;
    if !output.status.success() {
        let told = String::from_utf8_lossy(&output.stderr).into_owned();
        return Err(format!("{command:?} ended with {}: {told}", output.status).into());
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// Measures in a new process of this program; `arguments` begin with suite and part. No figures if it takes
/// too long.
pub(crate) fn in_a_process(arguments: &[&str], longest: Duration) -> Outcome<Figures> {
    let mut command = Command::new(std::env::current_exe()?);
    figures_of(command.arg("--measure").args(arguments), longest)
}

/// Runs a process of this program that is to end by aborting.
pub(crate) fn run_until_it_aborts(arguments: &[&str]) -> Outcome {
    use std::os::unix::process::ExitStatusExt;
    let mut command = Command::new(std::env::current_exe()?);
    let output = command.arg("--measure").args(arguments).output()?;
    match output.status.signal() {
        Some(_) => Ok(()),
        None => {
            let told = String::from_utf8_lossy(&output.stderr).into_owned();
            Err(format!("{} did not abort, but ended with {}: {told}", arguments.join(" "), output.status)
                .into())
        }
    }
}

/// What a program prints as figures. None if it takes too long.
pub(crate) fn figures_of(command: &mut Command, longest: Duration) -> Outcome<Figures> {
    let words: Vec<_> = command.get_args().map(|word| word.to_string_lossy().into_owned()).collect();
    let arguments = words.join(" ");
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
    let begin = Instant::now();
    // What it prints fits into a pipe, so that it ends without being read.
    while child.try_wait()?.is_none() {
        if begin.elapsed() > longest {
            child.kill()?;
            child.wait()?;
            eprintln!("{arguments}: ended after {longest:?}; it has no figures");
            return Ok(Figures::default());
        }
        std::thread::sleep(Duration::from_millis(2));
    }
    let output = child.wait_with_output()?;
    if !output.status.success() {
        let told = String::from_utf8_lossy(&output.stderr).into_owned();
        return Err(format!("{arguments} ended with {}: {told}", output.status).into());
    }
    Figures::parse(&String::from_utf8_lossy(&output.stdout))
}
