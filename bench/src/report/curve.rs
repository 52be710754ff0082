//! Figures of a collection that grows, as SVG: a panel for each figure, the number of samples across, to logarithmic
//! scale.

use std::fmt::Write;

use super::chart::{COLOURS, escaped};
use super::table::readable;

/// One figure at each size.
pub(super) struct Curve<'a> {
    pub(super) title: &'a str,
    pub(super) unit: &'a str,
    /// Number of samples and value, ascending.
    pub(super) points: Vec<(f64, f64)>,
}

const COLUMNS: usize = 2;
const WIDTH: f64 = 410.0;
const HEIGHT: f64 = 230.0;
const LEFT: f64 = 70.0;
const TOP: f64 = 76.0;
const PLOT_WIDTH: f64 = WIDTH - LEFT - 20.0;
const PLOT_HEIGHT: f64 = HEIGHT - 80.0;
/// Lines across a panel, beside the one at zero.
const STEPS: u32 = 4;

/// The picture. Across is logarithmic and up is not: what grows with the logarithm is a straight line.
pub(super) fn curves(title: &str, curves: &[Curve<'_>]) -> String {
    let sizes = || curves.iter().flat_map(|curve| &curve.points).map(|point| point.0.max(1.0));
    let (from, to) = (sizes().fold(f64::MAX, f64::min), sizes().fold(1.0, f64::max));
    let (from, to) = if from < to { (from, to) } else { (1.0, 10.0) };
    let across = |size: f64| (size.max(1.0) / from).ln() / (to / from).ln() * PLOT_WIDTH;
    let mut ticks = vec![];
    let mut power = 10_f64.powf(from.log10().ceil());
    while power <= to {
        ticks.push(power);
        power *= 10.0;
    }
    let mut body = String::new();
    for (number, curve) in curves.iter().enumerate() {
        let left = LEFT + (number % COLUMNS) as f64 * WIDTH;
        let bottom = TOP + (number / COLUMNS) as f64 * HEIGHT + PLOT_HEIGHT;
        let highest = round_up(curve.points.iter().map(|point| point.1).fold(0.0, f64::max));
        let heading = format!("{}, {}", escaped(curve.title), escaped(curve.unit));
        text(&mut body, (left, bottom - PLOT_HEIGHT - 10.0), "start", &heading);
        for step in 0..=STEPS {
            let y = bottom - PLOT_HEIGHT * f64::from(step) / f64::from(STEPS);
            line(&mut body, (left, y), (left + PLOT_WIDTH, y));
            let value = readable(highest * f64::from(step) / f64::from(STEPS));
            text(&mut body, (left - 6.0, y + 4.0), "end", &value);
        }
        for tick in &ticks {
            let x = left + across(*tick);
            line(&mut body, (x, bottom), (x, bottom - PLOT_HEIGHT));
            text(&mut body, (x, bottom + 16.0), "middle", &format!("{tick:.0}"));
        }
        let places: Vec<(f64, f64)> = curve
            .points
            .iter()
            .map(|(size, value)| (left + across(*size), bottom - value / highest * PLOT_HEIGHT))
            .collect();
        let path: Vec<String> = places.iter().map(|(x, y)| format!("{x:.1},{y:.1}")).collect();
        let colour = COLOURS[0];
        let _ = writeln!(
            body,
            r#"<polyline points="{}" fill="none" stroke="{colour}" stroke-width="2"/>"#,
            path.join(" ")
        );
        for ((x, y), (size, value)) in places.iter().zip(&curve.points) {
            let told = format!("{size:.0}: {}", readable(*value));
            let _ = writeln!(
                body,
                r#"<circle cx="{x:.1}" cy="{y:.1}" r="4" fill="{colour}"><title>{told}</title></circle>"#
            );
        }
    }
    let width = WIDTH * COLUMNS as f64 + 20.0;
    let height = TOP + curves.len().div_ceil(COLUMNS) as f64 * HEIGHT;
    let heading = format!("{} (number of samples across, logarithmic)", escaped(title));
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width:.0} {height:.0}\" \
         font-family=\"sans-serif\" font-size=\"11\">\n\
         <rect width=\"100%\" height=\"100%\" fill=\"white\"/>\n\
         <text x=\"16\" y=\"26\" font-size=\"15\">{heading}</text>\n{body}</svg>\n"
    )
}

/// The next number with one digit that is not zero, or 1.5 or 2.5 of such.
fn round_up(value: f64) -> f64 {
    let power = 10_f64.powf(value.max(f64::MIN_POSITIVE).log10().floor());
    let steps = [1.0, 1.5, 2.0, 2.5, 3.0, 4.0, 5.0, 6.0, 8.0, 10.0];
    steps.iter().map(|step| step * power).find(|rounded| *rounded >= value).unwrap_or(1.0)
}

fn text(body: &mut String, (x, y): (f64, f64), anchor: &str, words: &str) {
    let _ = writeln!(body, r#"<text x="{x:.1}" y="{y:.1}" text-anchor="{anchor}">{words}</text>"#);
}

fn line(body: &mut String, (x1, y1): (f64, f64), (x2, y2): (f64, f64)) {
    let ends = format!(r#"x1="{x1:.1}" y1="{y1:.1}" x2="{x2:.1}" y2="{y2:.1}""#);
    let _ = writeln!(body, r##"<line {ends} stroke="#ddd"/>"##);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_grows_with_the_logarithm_is_a_straight_line() {
        let points = vec![(10.0, 1.0), (100.0, 2.0), (1000.0, 3.0)];
        let picture = curves("grown", &[Curve { title: "a<b", unit: "ms", points }]);
        let bottom = TOP + PLOT_HEIGHT;
        let middle = format!("{:.1},{:.1}", LEFT + PLOT_WIDTH / 2.0, bottom - PLOT_HEIGHT * 2.0 / 3.0);
        assert!(picture.contains(&middle), "{middle} in {picture}");
        assert!(picture.contains("a&lt;b, ms") && !picture.contains("a<b"));
        assert_eq!([round_up(0.7), round_up(13.0), round_up(250.0)], [0.8, 15.0, 250.0]);
    }
}
