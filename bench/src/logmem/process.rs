//! Measurements in processes of their own: what an earlier one left resident would falsify the next.

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::Outcome;
use crate::measure::{Cost, Samples};

/// A process that takes longer is ended: some peers do some of the work in linear time.
const LONGEST: Duration = Duration::from_secs(90);

/// What a process measured: case, metric, value and unit of each figure.
#[derive(Default)]
pub(super) struct Figures(Vec<(String, String, f64, String)>);

impl Figures {
    pub(super) fn add(&mut self, case: &str, metric: &str, value: f64, unit: &str) {
        self.0.push((case.to_owned(), metric.to_owned(), value, unit.to_owned()));
    }

    /// Adds thousand operations a second by the clock on the wall, and the processor time of an operation over
    /// all threads.
    pub(super) fn add_rate(&mut self, case: &str, what: &str, operations: u64, cost: Cost) {
        self.add(case, &format!("{what}, rate"), operations as f64 / 1000.0 / cost.wall, "1000/s");
        let nanoseconds = cost.process * 1e9 / operations as f64;
        self.add(case, &format!("{what}, processor time"), nanoseconds, "ns");
    }

    /// Writes them for the process that waits for them.
    pub(super) fn print(&self) {
        for (case, metric, value, unit) in &self.0 {
            println!("{}", json!([case, metric, value, unit]));
        }
    }

    fn parse(text: &str) -> Outcome<Figures> {
        let mut figures = Figures::default();
        for line in text.lines() {
            let row: Value = serde_json::from_str(line)?;
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
    pub(super) fn value(&self, metric: &str) -> Outcome<f64> {
        let found = self.0.iter().find(|(_, name, _, _)| name == metric).map(|(_, _, value, _)| *value);
        found.ok_or_else(|| format!("`{metric}` was not measured").into())
    }

    /// Files them under a subject.
    pub(super) fn file(self, subject: &str, samples: &mut Samples) {
        for (case, metric, value, unit) in self.0 {
            samples.add(&case, subject, metric, value, unit);
        }
    }
}

/// What a program prints.
pub(super) fn output_of(command: &mut Command) -> Outcome<String> {
    let output = command.output()?;
    if !output.status.success() {
        let told = String::from_utf8_lossy(&output.stderr).into_owned();
        return Err(format!("{command:?} ended with {}: {told}", output.status).into());
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// Measures in a new process of this program; `arguments` begin with the part. No figures if it takes too long.
pub(super) fn in_a_process(arguments: &[&str]) -> Outcome<Figures> {
    let mut command = Command::new(std::env::current_exe()?);
    command.arg("--measure").args(arguments).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn()?;
    let begin = Instant::now();
    // What it prints fits into a pipe, so that it ends without being read.
    while child.try_wait()?.is_none() {
        if begin.elapsed() > LONGEST {
            child.kill()?;
            child.wait()?;
            eprintln!("{}: ended after {LONGEST:?}; it has no figures", arguments.join(" "));
            return Ok(Figures::default());
        }
        std::thread::sleep(Duration::from_millis(2));
    }
    let output = child.wait_with_output()?;
    if !output.status.success() {
        let told = String::from_utf8_lossy(&output.stderr).into_owned();
        return Err(format!("{} ended with {}: {told}", arguments.join(" "), output.status).into());
    }
    Figures::parse(&String::from_utf8_lossy(&output.stdout))
}
