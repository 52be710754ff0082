//! The drawing: a bar for the budget and for each owner, and under each owner its segments, a letter each.
//!
//! A segment is a block as high as the share of it that is still wanted. Where there are more segments than
//! fit in a few lines, a block stands for several neighbours, and the drawing says so.

use std::fmt::Write;

use super::report::{Owner, Report, Segment};
use crate::output::bytes;

/// Blocks from nearly empty to full.
const BLOCKS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
/// Lines of segments for each owner.
const MOST_LINES: usize = 12;
/// The columns before a bar: a name and a size.
const NAME: usize = 14;
const SIZE: usize = 11;
/// The narrowest drawing; a terminal may be narrower, and wrap it.
const NARROWEST: usize = 40;
const WIDEST: usize = 120;

/// Draws `report` in lines of at most `width` columns.
pub(super) fn draw(address: &str, report: &Report, width: usize) -> String {
    let width = width.clamp(NARROWEST, WIDEST);
    let mut out = String::new();
    // Writing to a string does not fail.
    let _ = writeln!(out, "memory of {address}");
    let _ = writeln!(out, "{} of {} used\n", bytes(report.used), bytes(report.budget));
    let segments: u64 = report.owners.iter().map(|owner| owner.sums().0).sum();
    for owner in &report.owners {
        out += &share_line(&owner.name, owner.sums().0, report.budget, width);
    }
    // A server that does not list what it counts elsewhere still has it in its sum.
    let beside = report.charged.max(report.used.saturating_sub(segments));
    out += &share_line("indexes", beside, report.budget, width);
    out += &share_line("free", report.budget.saturating_sub(report.used), report.budget, width);
    if !report.parts.is_empty() {
        out += "\nwhat each may take as the load is now\n";
        for part in &report.parts {
            let _ = writeln!(out, "  {:<NAME$} {} of {}", part.name, bytes(part.used), bytes(part.limit));
        }
    }
    for owner in &report.owners {
        draw_owner(&mut out, owner, width);
    }
    if report.owners.is_empty() {
        out += "\nno segment is in use\n";
    }
    out
}

/// A name, a size, and its share of the whole as a bar.
fn share_line(name: &str, part: u64, whole: u64, width: usize) -> String {
    let columns = width.saturating_sub(NAME + SIZE + 10).max(4);
    let share = if whole == 0 { 0.0 } else { (part as f64 / whole as f64).clamp(0.0, 1.0) };
    format!("  {name:<NAME$}{:>SIZE$} {} {:>3.0} %\n", bytes(part), bar(share, columns), share * 100.0)
}

/// A bar of `columns` columns, filled from the left; anything above nothing shows.
fn bar(share: f64, columns: usize) -> String {
    let filled = (share * columns as f64).round() as usize;
    let filled = if share > 0.0 { filled.clamp(1, columns) } else { 0 };
    format!("{}{}", "█".repeat(filled), "░".repeat(columns - filled))
}

fn draw_owner(out: &mut String, owner: &Owner, width: usize) {
    let (size, live) = owner.sums();
    let count = owner.segments.len();
    let _ = writeln!(out, "\n{}: {} of {} live", owner.name, bytes(live), bytes(size));
    let columns = width - 2;
    let each = count.div_ceil(columns * MOST_LINES).max(1);
    let plural = if count == 1 { "segment" } else { "segments" };
    let _ = writeln!(out, "  {count} {plural}, {each} to a block");
    let blocks: Vec<char> = owner.segments.chunks(each).map(block).collect();
    for line in blocks.chunks(columns) {
        let _ = writeln!(out, "  {}", line.iter().collect::<String>());
    }
}

/// The block for some neighbours.
fn block(segments: &[Segment]) -> char {
    let (size, written, live) = segments.iter().fold((0, 0, 0), |(size, written, live), segment| {
        (size + segment.bytes, written + segment.written, live + segment.live)
    });
    match (live * 8).div_ceil(size.max(1)) {
        0 if written == 0 => '·',
        0 => '_',
        eighths => BLOCKS[(eighths as usize - 1).min(7)],
    }
}

#[cfg(test)]
mod tests {
    use super::super::report::Part;
    use super::*;

    fn report(segments: usize) -> Report {
        let segment = |number: usize| Segment {
            number: number as u64,
            bytes: 800,
            written: if number == 0 { 0 } else { 800 },
            live: (number as u64).saturating_sub(1) % 9 * 100,
        };
        Report {
            source: serde_json::Value::Null,
            budget: 1 << 20,
            used: 512 << 10,
            charged: 1 << 10,
            parts: vec![Part { name: "memtables".to_owned(), used: 100, limit: 200 }],
            owners: vec![Owner { name: "log".to_owned(), segments: (0..segments).map(segment).collect() }],
        }
    }

    #[test]
    fn a_segment_is_as_high_as_what_lives_in_it() {
        let drawing = draw("http://here", &report(10), 80);
        assert!(drawing.contains("\n  ·_▁▂▃▄▅▆▇█\n"), "{drawing}");
        assert!(drawing.contains("512.0 KiB of 1.0 MiB used"), "{drawing}");
        assert!(drawing.contains("memtables      100 B of 200 B"), "{drawing}");
    }

    #[test]
    fn no_line_is_wider_than_the_terminal_however_many_segments_there_are() {
        for (segments, width) in [(0, 80), (1, 40), (1000, 40), (200_000, 100), (5000, 500), (3, 0)] {
            let drawing = draw("http://here", &report(segments), width);
            let widest = drawing.lines().map(|line| line.chars().count()).max().unwrap();
            assert!(widest <= width.clamp(NARROWEST, WIDEST), "{widest} of {width}\n{drawing}");
            assert!(drawing.lines().count() < 30, "{drawing}");
        }
    }

    #[test]
    fn bars_show_the_least_share_and_never_overflow() {
        assert_eq!(bar(0.0, 4), "░░░░");
        assert_eq!(bar(0.001, 4), "█░░░");
        assert_eq!(bar(1.0, 4), "████");
        assert!(share_line("x", 5, 0, 40).contains("  0 %"));
    }
}
