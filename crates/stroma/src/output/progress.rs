//! Progress of long work: a bar for each stage on a terminal, a plain line at its end when piped.

use std::borrow::Cow;
use std::io::IsTerminal;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};

/// One stage of long work, shown on standard error while it runs.
pub(crate) struct Stage {
    bar: ProgressBar,
    title: String,
    started: Instant,
    is_terminal: bool,
}

impl Stage {
    /// Begins a stage; `total` is the number of steps where it is known.
    pub(crate) fn begin(title: impl Into<String>, total: Option<u64>) -> Self {
        let title = title.into();
        let is_terminal = std::io::stderr().is_terminal();
        let bar = match (is_terminal, total) {
            (false, _) => ProgressBar::hidden(),
            (true, Some(total)) => {
                ProgressBar::new(total).with_style(style("{bar:24} {pos}/{len} {elapsed}"))
            }
            (true, None) => ProgressBar::new_spinner().with_style(style("{spinner} {pos} {elapsed}")),
        };
        bar.set_prefix(title.clone());
        // Keeps the clock running where a step takes long.
        bar.enable_steady_tick(Duration::from_millis(200));
        Stage { bar, title, started: Instant::now(), is_terminal }
    }

    /// Says what is being worked on.
    pub(crate) fn say(&self, what: impl Into<Cow<'static, str>>) {
        self.bar.set_message(what);
    }

    /// Tells of something that went wrong without ending the stage.
    pub(crate) fn warn(&self, what: &str) {
        self.bar.suspend(|| eprintln!("stroma: {what}"));
    }

    /// Moves on by some steps.
    pub(crate) fn advance(&self, steps: u64) {
        self.bar.inc(steps);
    }

    /// Ends the stage and leaves one line that says what came of it.
    pub(crate) fn end(self, result: &str) {
        let line = format!("{:<22} {result} ({:.1} s)", self.title, self.started.elapsed().as_secs_f64());
        if self.is_terminal {
            self.bar.println(&line);
        } else {
            eprintln!("{line}");
        }
        self.bar.finish_and_clear();
    }
}

fn style(middle: &str) -> ProgressStyle {
    let template = format!("{{prefix:<22}} {middle} {{wide_msg}}");
    ProgressStyle::with_template(&template).unwrap_or_else(|_| ProgressStyle::default_bar())
}
