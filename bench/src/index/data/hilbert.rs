//! The Hilbert curve: places in the plane as places on a line, so that near ones stay near.

/// Bits of each coordinate, so that keys have 62.
pub(super) const ORDER: u32 = 31;

/// How far along the curve of order 31 a cell of the plane lies. Coordinates are below 2^31.
///
/// From the largest quadrants to the smallest: each is one of four along the curve, and what lies in it is
/// mirrored and turned so that the curve goes on where it left the one before (Hilbert 1891).
pub(super) fn along_curve(mut x: u64, mut y: u64) -> u64 {
    let mut along = 0;
    for bit in (0..ORDER).rev() {
        let (right, upper) = (x >> bit & 1, y >> bit & 1);
        along = along << 2 | ((3 * right) ^ upper);
        if upper == 0 {
            if right == 1 {
                // Mirrored within the square; higher bits are not looked at again.
                (x, y) = (!x, !y);
            }
            (x, y) = (y, x);
        }
    }
    along
}

/// The cell of a place on earth, in degrees.
pub(super) fn cell_of(longitude: f64, latitude: f64) -> u64 {
    let side = (1_u64 << ORDER) as f64;
    let place = |share: f64| ((share * side).max(0.0) as u64).min((1 << ORDER) - 1);
    along_curve(place((longitude + 180.0) / 360.0), place((latitude + 90.0) / 180.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neighbours_on_the_curve_are_neighbours_in_the_plane() {
        let mut cells: Vec<(u64, i64, i64)> = Vec::new();
        for x in 0..64 {
            for y in 0..64 {
                cells.push((along_curve(x, y), x as i64, y as i64));
            }
        }
        cells.sort_unstable();
        for (pair, along) in cells.windows(2).zip(0..) {
            let ((at, x, y), (_, next_x, next_y)) = (pair[0], pair[1]);
            assert_eq!(at, along, "the first 4,096 places are the square at the origin");
            assert_eq!((x - next_x).abs() + (y - next_y).abs(), 1, "at {along}");
        }
    }
}
