//! A picture of time against what it costs (memory, bytes read) as SVG: a dot for each subject, a panel for each kind
//! of work, logarithmic axes.

use std::borrow::Cow;
use std::fmt::Write;

use super::chart::{COLOURS, escaped};
use super::table::readable;
use crate::measure::OURS;

/// One dot: a subject's memory, or whatever else lies across, and time.
pub(super) struct Dot<'a> {
    pub(super) subject: Cow<'a, str>,
    pub(super) memory: f64,
    pub(super) time: f64,
}

/// Dots of one kind of work.
pub(super) struct Panel<'a> {
    pub(super) title: &'a str,
    pub(super) dots: Vec<Dot<'a>>,
}

const PANEL_WIDTH: f64 = 400.0;
const PANEL_HEIGHT: f64 = 340.0;
const LEFT: f64 = 64.0;
const TOP: f64 = 84.0;
const PLOT_WIDTH: f64 = PANEL_WIDTH - LEFT - 16.0;
const PLOT_HEIGHT: f64 = PANEL_HEIGHT - 60.0;
const LEGEND_COLUMNS: usize = 3;
const LEGEND_LINE: f64 = 18.0;
/// Less memory than this is drawn as this: nothing has no logarithm.
const LEAST_MEMORY: f64 = 1e-5;
/// Forms of the dots, so that colours can be used again.
const FORMS: usize = 3;

/// A logarithmic axis.
struct Axis {
    /// Where lines are drawn; the first and the last are its ends.
    ticks: Vec<f64>,
    length: f64,
}

impl Axis {
    /// An axis from tick to tick, which are these in each power of ten.
    fn over(values: impl Iterator<Item = f64>, steps: &[f64], length: f64) -> Axis {
        let (from, to) =
            values.fold((f64::MAX, f64::MIN_POSITIVE), |(from, to), value| (from.min(value), to.max(value)));
        let (from, to) = if from <= to { (from, to) } else { (1.0, 10.0) };
        let powers = from.log10().floor() as i32..=to.log10().ceil() as i32 + 1;
        let all: Vec<f64> =
            powers.flat_map(|power| steps.iter().map(move |step| step * 10_f64.powi(power))).collect();
        let first = all.iter().rposition(|tick| *tick <= from).unwrap_or(0);
        let last = all.iter().position(|tick| *tick >= to).unwrap_or(all.len() - 1).max(first + 1);
        Axis { ticks: all[first..=last].to_vec(), length }
    }

    fn place(&self, value: f64) -> f64 {
        let share = |end: Option<&f64>| (value / end.copied().unwrap_or(1.0)).ln();
        let (from_first, from_last) = (share(self.ticks.first()), share(self.ticks.last()));
        from_first / (from_first - from_last) * self.length
    }
}

/// The picture. All panels have the same axes, so that they can be compared; down and left is better.
pub(super) fn scatter(title: &str, memory_axis: &str, time_axis: &str, panels: &[Panel<'_>]) -> String {
    let mut subjects: Vec<&str> = vec![OURS];
    for dot in panels.iter().flat_map(|panel| &panel.dots) {
        if !subjects.contains(&dot.subject.as_ref()) {
            subjects.push(&dot.subject);
        }
    }
    let dots = || panels.iter().flat_map(|panel| &panel.dots);
    let across = Axis::over(dots().map(|dot| dot.memory.max(LEAST_MEMORY)), &[1.0], PLOT_WIDTH);
    let up = Axis::over(dots().map(|dot| dot.time), &[1.0, 2.0, 5.0], PLOT_HEIGHT);
    let mut body = String::new();
    for (number, panel) in panels.iter().enumerate() {
        let left = LEFT + number as f64 * PANEL_WIDTH;
        draw_axes(&mut body, left, &across, &up, panel.title);
        draw_front(&mut body, left, &across, &up, &panel.dots);
        for dot in &panel.dots {
            let place = subjects.iter().position(|subject| *subject == dot.subject).unwrap_or(0);
            let x = left + across.place(dot.memory.max(LEAST_MEMORY));
            let y = TOP + PLOT_HEIGHT - up.place(dot.time);
            let told =
                format!("{}: {} {time_axis}, {}", dot.subject, readable(dot.time), readable(dot.memory));
            draw_dot(&mut body, place, x, y, &told);
        }
    }
    let legend_top = TOP + PANEL_HEIGHT;
    let width = PANEL_WIDTH * panels.len().max(1) as f64 + 24.0;
    for (place, subject) in subjects.iter().enumerate() {
        let x = LEFT + (place % LEGEND_COLUMNS) as f64 * (width - LEFT) / LEGEND_COLUMNS as f64;
        let y = legend_top + (place / LEGEND_COLUMNS) as f64 * LEGEND_LINE;
        draw_dot(&mut body, place, x, y, subject);
        let _ = writeln!(body, r#"<text x="{:.1}" y="{:.1}">{}</text>"#, x + 10.0, y + 4.0, escaped(subject));
    }
    let height = legend_top + subjects.len().div_ceil(LEGEND_COLUMNS) as f64 * LEGEND_LINE + 8.0;
    let heading =
        format!("{}: {} against {} (down and left is better)", escaped(title), time_axis, memory_axis);
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width:.0} {height:.0}\" \
         font-family=\"sans-serif\" font-size=\"11\">\n\
         <rect width=\"100%\" height=\"100%\" fill=\"white\"/>\n\
         <text x=\"16\" y=\"26\" font-size=\"15\">{heading}</text>\n{body}</svg>\n"
    )
}

fn draw_axes(body: &mut String, left: f64, across: &Axis, up: &Axis, title: &str) {
    let (bottom, right) = (TOP + PLOT_HEIGHT, left + PLOT_WIDTH);
    let _ = writeln!(
        body,
        r#"<text x="{left:.1}" y="{:.1}" font-size="13">{}</text>"#,
        TOP - 14.0,
        escaped(title)
    );
    for tick in &across.ticks {
        let x = left + across.place(*tick);
        let text = if *tick <= LEAST_MEMORY { "0".to_owned() } else { short(*tick) };
        line(body, (x, TOP), (x, bottom));
        let y = bottom + 16.0;
        let _ = writeln!(body, r#"<text x="{x:.1}" y="{y:.1}" text-anchor="middle">{text}</text>"#);
    }
    for tick in &up.ticks {
        let (y, text) = (bottom - up.place(*tick), short(*tick));
        line(body, (left, y), (right, y));
        let (x, y) = (left - 6.0, y + 4.0);
        let _ = writeln!(body, r#"<text x="{x:.1}" y="{y:.1}" text-anchor="end">{text}</text>"#);
    }
}

/// A tick's one digit, with as many zeros as it needs.
fn short(tick: f64) -> String {
    format!("{tick:.0e}").parse().map_or_else(|_| String::new(), |tick: f64| tick.to_string())
}

/// The Pareto front as a stair: above and right of it is who is slower with more memory.
fn draw_front(body: &mut String, left: f64, across: &Axis, up: &Axis, dots: &[Dot<'_>]) {
    let mut sorted: Vec<&Dot<'_>> = dots.iter().collect();
    sorted.sort_by(|a, b| a.memory.total_cmp(&b.memory).then(a.time.total_cmp(&b.time)));
    let (mut best, mut path) = (f64::INFINITY, String::new());
    for dot in sorted {
        if dot.time < best {
            best = dot.time;
            let x = left + across.place(dot.memory.max(LEAST_MEMORY));
            let y = TOP + PLOT_HEIGHT - up.place(dot.time);
            let step = if path.is_empty() { format!("M{x:.1},{y:.1}") } else { format!("H{x:.1}V{y:.1}") };
            path.push_str(&step);
        }
    }
    let end = left + PLOT_WIDTH;
    let _ =
        writeln!(body, r##"<path d="{path}H{end:.1}" fill="none" stroke="#999" stroke-dasharray="4 3"/>"##);
}

fn line(body: &mut String, (x1, y1): (f64, f64), (x2, y2): (f64, f64)) {
    let ends = format!(r#"x1="{x1:.1}" y1="{y1:.1}" x2="{x2:.1}" y2="{y2:.1}""#);
    let _ = writeln!(body, r##"<line {ends} stroke="#ddd"/>"##);
}

/// A dot that tells what it is when one points at it; ours is larger.
fn draw_dot(body: &mut String, place: usize, x: f64, y: f64, told: &str) {
    let colour = COLOURS[place % COLOURS.len()];
    let size = if place == 0 { 7.0 } else { 5.0 };
    let (low, high, title) = (-size, size, escaped(told));
    let form = match place / COLOURS.len() % FORMS {
        0 => format!(r#"<circle r="{size}" fill="{colour}">"#),
        1 => format!(r#"<path d="M{low},{low}H{high}V{high}H{low}Z" fill="{colour}">"#),
        _ => format!(r#"<path d="M0,{low}L{high},{high}H{low}Z" fill="{colour}">"#),
    };
    let end = if form.starts_with("<circle") { "circle" } else { "path" };
    let _ =
        writeln!(body, r#"<g transform="translate({x:.1} {y:.1})">{form}<title>{title}</title></{end}></g>"#);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn faster_is_lower_and_leaner_is_further_left() {
        let dots = vec![
            Dot { subject: "lean".into(), memory: 0.0, time: 100.0 },
            Dot { subject: "fast<".into(), memory: 10.0, time: 10.0 },
        ];
        let picture = scatter("uniform", "bytes a key", "ns", &[Panel { title: "lookup", dots }]);
        let bottom = TOP + PLOT_HEIGHT;
        assert!(picture.contains(&format!("translate({LEFT:.1} {TOP:.1})")), "no memory, the slowest");
        assert!(picture.contains(&format!("translate({:.1} {bottom:.1})", LEFT + PLOT_WIDTH)));
        assert!(picture.contains("fast&lt;: 10.0 ns") && !picture.contains("fast<"));
    }
}
