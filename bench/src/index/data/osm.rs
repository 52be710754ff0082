//! Keys as of a street map: cities by population, polylines around them, cells of a Hilbert curve.

use std::f64::consts::TAU;

use super::KeyWriter;
use super::hilbert::{ORDER, along_curve};
use crate::Outcome;
use crate::random::Random;

const CITIES: usize = 20_000;
/// Cities lie around fewer places, as they do in inhabited countries.
const COUNTRIES: usize = 60;
/// Cells to a side: the circumference of the earth, so that one is 1.9 cm wide.
const SIDE: f64 = (1_u64 << ORDER) as f64;
/// The spread of the largest city, about 40 km; others have that of their share.
const LARGEST_SPREAD: f64 = SIDE / 1000.0;
const COUNTRY_SPREAD: f64 = SIDE / 80.0;
/// Steps of a polyline, about 10 to 60 m.
const STEP: (f64, f64) = (SIDE / 4_000_000.0, SIDE / 700_000.0);
const POINTS: (u64, u64) = (2, 40);

/// Draws `count` places and sorts their cells: the one set that needs all its keys in memory, 8 bytes each.
pub(super) fn write(count: u64, seed: u64, writer: &mut KeyWriter) -> Outcome {
    let mut random = Random(seed);
    let cities = Cities::new(&mut random);
    let mut keys: Vec<u64> = Vec::with_capacity(usize::try_from(count)?);
    while (keys.len() as u64) < count {
        cities.polyline(&mut random, |key| {
            if (keys.len() as u64) < count {
                keys.push(key);
            }
        });
    }
    keys.sort_unstable();
    keys.into_iter().try_for_each(|key| writer.push(key))
}

/// Two independent normal numbers (Box and Muller 1958).
fn normals(random: &mut Random) -> (f64, f64) {
    let radius = (-2.0 * (1.0 - random.unit()).ln()).sqrt();
    let (sine, cosine) = (TAU * random.unit()).sin_cos();
    (radius * cosine, radius * sine)
}

/// A coordinate as that of a cell; who leaves the map on one side enters on the other.
fn cell(coordinate: f64) -> u64 {
    coordinate.rem_euclid(SIDE).min(SIDE - 1.0) as u64
}

struct Cities {
    places: Vec<(f64, f64)>,
    /// Sums of the populations, in shares of all: the n-th city has an n-th of the first (Zipf).
    shares_up_to: Vec<f64>,
}

impl Cities {
    fn new(random: &mut Random) -> Cities {
        let countries: Vec<(f64, f64)> =
            (0..COUNTRIES).map(|_| (random.unit() * SIDE, random.unit() * SIDE)).collect();
        let places = (0..CITIES).map(|_| {
            let (x, y) = countries[random.below(COUNTRIES as u64) as usize];
            let (east, north) = normals(random);
            (x + east * COUNTRY_SPREAD, y + north * COUNTRY_SPREAD)
        });
        let places = places.collect();
        let all: f64 = (1..=CITIES).map(|rank| 1.0 / rank as f64).sum();
        let mut sum = 0.0;
        let shares_up_to = (1..=CITIES)
            .map(|rank| {
                sum += 1.0 / rank as f64 / all;
                sum
            })
            .collect();
        Cities { places, shares_up_to }
    }

    /// Gives the cells of a street in a city drawn by population.
    fn polyline(&self, random: &mut Random, mut take: impl FnMut(u64)) {
        let drawn = random.unit();
        let city = self.shares_up_to.partition_point(|share| *share < drawn).min(CITIES - 1);
        let spread = LARGEST_SPREAD / ((city + 1) as f64).sqrt();
        let ((mut x, mut y), (east, north)) = (self.places[city], normals(random));
        (x, y) = (x + east * spread, y + north * spread);
        let mut direction = random.unit() * TAU;
        for _ in 0..POINTS.0 + random.below(POINTS.1 - POINTS.0 + 1) {
            take(along_curve(cell(x), cell(y)));
            let length = STEP.0 + random.unit() * (STEP.1 - STEP.0);
            let (sine, cosine) = direction.sin_cos();
            (x, y) = (x + cosine * length, y + sine * length);
            direction += random.unit() - 0.5;
        }
    }
}
