//! A bar chart as SVG: a group of bars for each case, a colour for each subject.

use std::fmt::Write;

use super::is_more_better;
use super::table::readable;
use crate::measure::OURS;

/// One bar.
pub(super) struct Bar<'a> {
    pub(super) case: &'a str,
    pub(super) subject: &'a str,
    pub(super) value: f64,
}

const BAR_HEIGHT: usize = 16;
const GROUP_GAP: usize = 14;
const LEFT: usize = 220;
const LONGEST_BAR: f64 = 420.0;
const WIDTH: usize = 860;
/// Ours first; told apart also by those who see no difference between red and green.
pub(super) const COLOURS: [&str; 8] =
    ["#0b6e6e", "#d98c21", "#7a7fb8", "#a3544b", "#6b6b6b", "#b7b14a", "#5fa8d3", "#c58fb5"];

pub(super) fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

/// The picture. Cases differ by orders of magnitude, so the longest bar of each group has the same length.
pub(super) fn chart(title: &str, unit: &str, bars: &[Bar<'_>]) -> String {
    let mut cases: Vec<&str> = Vec::new();
    let mut subjects: Vec<&str> = vec![OURS];
    for bar in bars {
        if !cases.contains(&bar.case) {
            cases.push(bar.case);
        }
        if !subjects.contains(&bar.subject) {
            subjects.push(bar.subject);
        }
    }
    let mut body = String::new();
    let mut top = 48;
    for case in cases {
        let group: Vec<&Bar<'_>> = bars.iter().filter(|bar| bar.case == case).collect();
        let longest = group.iter().map(|bar| bar.value).fold(f64::MIN_POSITIVE, f64::max);
        let middle = top + group.len() * BAR_HEIGHT / 2 + 4;
        let case = escaped(case);
        let _ = writeln!(body, r#"<text x="{}" y="{middle}" text-anchor="end">{case}</text>"#, LEFT - 8);
        for bar in group {
            let place = subjects.iter().position(|subject| *subject == bar.subject).unwrap_or(0);
            let colour = COLOURS[place % COLOURS.len()];
            let length = (bar.value / longest * LONGEST_BAR).max(1.0);
            let height = BAR_HEIGHT - 2;
            let _ = writeln!(
                body,
                r#"<rect x="{LEFT}" y="{top}" width="{length:.1}" height="{height}" fill="{colour}"/>"#
            );
            let label = format!("{} {}", readable(bar.value), escaped(bar.subject));
            let (x, y) = (LEFT as f64 + length + 6.0, top + BAR_HEIGHT - 5);
            let _ = writeln!(body, r#"<text x="{x:.1}" y="{y}">{label}</text>"#);
            top += BAR_HEIGHT;
        }
        top += GROUP_GAP;
    }
    let better = if is_more_better(unit) { "longer is better" } else { "shorter is better" };
    let heading = format!("{}, {} ({better}; each group to its own scale)", escaped(title), escaped(unit));
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {top}\" \
         font-family=\"sans-serif\" font-size=\"12\">\n\
         <rect width=\"100%\" height=\"100%\" fill=\"white\"/>\n\
         <text x=\"16\" y=\"26\" font-size=\"15\">{heading}</text>\n{body}</svg>\n"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bars_are_scaled_within_their_case_and_text_is_escaped() {
        let bars = [
            Bar { case: "a<b", subject: OURS, value: 50.0 },
            Bar { case: "a<b", subject: "peer", value: 100.0 },
        ];
        let picture = chart("kv: rate", "1000/s", &bars);
        assert!(picture.contains("a&lt;b") && !picture.contains("a<b"));
        assert!(picture.contains(r#"width="210.0""#) && picture.contains(r#"width="420.0""#));
        assert!(picture.contains("longer is better"));
    }
}
