//! Points, slopes and convex chains in exact arithmetic.

use core::cmp::Ordering;

/// A point: offset of a key from the piece's first, and a position in quarters from the piece's first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Vertex {
    pub(super) x: u64,
    pub(super) y: i64,
}

/// The slope from one vertex to another that lies right of it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Slope {
    rise: i64,
    run: u64,
}

impl Vertex {
    #[inline(always)]
    pub(super) fn slope_to(self, right: Self) -> Slope {
        debug_assert!(right.x > self.x);
        Slope { rise: right.y - self.y, run: right.x - self.x }
    }
}

impl Slope {
    /// Compares two slopes exactly. Runs have 64 bits and rises fewer than 60, so products fit.
    #[inline(always)]
    pub(super) fn cmp(self, other: Self) -> Ordering {
        let left = i128::from(self.rise) * i128::from(other.run);
        left.cmp(&(i128::from(other.rise) * i128::from(self.run)))
    }

    #[inline(always)]
    pub(super) fn is_less(self, other: Self) -> bool {
        self.cmp(other) == Ordering::Less
    }

    pub(super) fn to_f64(self) -> f64 {
        self.rise as f64 / self.run as f64
    }
}

/// Which way a chain bulges.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Bulge {
    /// The lower hull of the points above: slopes grow from left to right.
    Down,
    /// The upper hull of the points below: slopes shrink.
    Up,
}

/// A convex chain that grows on the right and is forgotten on the left.
#[derive(Debug, Clone)]
pub(super) struct Chain {
    bulge: Bulge,
    vertices: Vec<Vertex>,
    start: usize,
}

impl Chain {
    pub(super) fn new(bulge: Bulge) -> Self {
        Self { bulge, vertices: Vec::new(), start: 0 }
    }

    pub(super) fn restart(&mut self, first: Vertex) {
        self.vertices.clear();
        self.vertices.push(first);
        self.start = 0;
    }

    /// How many vertices are held.
    pub(super) fn len(&self) -> usize {
        self.vertices.len() - self.start
    }

    /// Whether `first` is to give way to `second` as a slope of this chain.
    #[inline(always)]
    fn gives_way(&self, first: Slope, second: Slope) -> bool {
        match self.bulge {
            Bulge::Down => first.cmp(second) != Ordering::Less,
            Bulge::Up => first.cmp(second) != Ordering::Greater,
        }
    }

    /// Adds a point right of all, and drops those that it leaves inside.
    pub(super) fn push(&mut self, point: Vertex) {
        while let [.., before, last] = self.vertices[self.start..]
            && self.gives_way(before.slope_to(last), before.slope_to(point))
        {
            self.vertices.pop();
        }
        self.vertices.push(point);
    }

    /// The vertex where a line through `point`, right of all, touches the chain; forgets all before it.
    pub(super) fn touch(&mut self, point: Vertex) -> Vertex {
        // Through a point above, the least slope touches the upper hull of the points below, and the other
        // way round.
        while let [first, second, ..] = self.vertices[self.start..] {
            let (here, there) = (first.slope_to(point), second.slope_to(point));
            let further = match self.bulge {
                Bulge::Up => there.cmp(here) != Ordering::Greater,
                Bulge::Down => there.cmp(here) != Ordering::Less,
            };
            if !further {
                break;
            }
            self.start += 1;
        }
        let touched = self.vertices[self.start];
        if self.start > 32 && self.start * 2 > self.vertices.len() {
            self.vertices.drain(..self.start);
            self.start = 0;
        }
        touched
    }
}
