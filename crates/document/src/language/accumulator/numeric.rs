//! Sums, averages and standard deviations.

use super::Accumulator;
use crate::error::Result;
use crate::language::value::Number;
use bson::{Bson, Document};

/// Sum of the numbers; other values do not count. Doubles are added with compensation, so that the order of
/// the documents shows as little as possible.
#[derive(Debug)]
pub(super) struct Sum {
    exact: Number,
    double: f64,
    compensation: f64,
    has_double: bool,
}

impl Default for Sum {
    fn default() -> Sum {
        Sum { exact: Number::Int32(0), double: 0.0, compensation: 0.0, has_double: false }
    }
}

impl Sum {
    fn take(&mut self, number: Number) {
        match number {
            Number::Double(value) => {
                self.has_double = true;
                // Neumaier: what the larger of the two summands loses is kept aside.
                let sum = self.double + value;
                if sum.is_finite() {
                    self.compensation += if self.double.abs() >= value.abs() {
                        (self.double - sum) + value
                    } else {
                        (value - sum) + self.double
                    };
                }
                self.double = sum;
            }
            other => self.exact = self.exact.plus(other),
        }
    }

    fn total(&self) -> Number {
        if !self.has_double {
            return self.exact;
        }
        let compensated = if self.double.is_finite() { self.double + self.compensation } else { self.double };
        self.exact.plus(Number::Double(compensated))
    }
}

impl Accumulator for Sum {
    fn add(&mut self, value: Bson, _: &Document) -> Result<usize> {
        if let Some(number) = Number::of(&value) {
            self.take(number);
        }
        Ok(0)
    }

    fn finish(&mut self) -> Bson {
        self.total().to_bson()
    }
}

/// Average of the numbers; null if there are none.
#[derive(Debug, Default)]
pub(super) struct Average {
    sum: Sum,
    count: i64,
}

impl Accumulator for Average {
    fn add(&mut self, value: Bson, _: &Document) -> Result<usize> {
        if let Some(number) = Number::of(&value) {
            self.sum.take(number);
            self.count += 1;
        }
        Ok(0)
    }

    fn finish(&mut self) -> Bson {
        match self.count {
            0 => Bson::Null,
            count => self.sum.total().divide(Number::Int64(count)).to_bson(),
        }
    }
}

/// Standard deviation (Welford's method), of a population or of a sample.
#[derive(Debug)]
pub(super) struct StandardDeviation {
    sample: bool,
    count: u64,
    mean: f64,
    squares: f64,
}

impl StandardDeviation {
    pub(super) fn new(sample: bool) -> StandardDeviation {
        StandardDeviation { sample, count: 0, mean: 0.0, squares: 0.0 }
    }
}

impl Accumulator for StandardDeviation {
    fn add(&mut self, value: Bson, _: &Document) -> Result<usize> {
        if let Some(number) = Number::of(&value) {
            let value = number.to_f64();
            self.count += 1;
            let delta = value - self.mean;
            self.mean += delta / self.count as f64;
            self.squares += delta * (value - self.mean);
        }
        Ok(0)
    }

    fn finish(&mut self) -> Bson {
        let divisor = self.count.saturating_sub(u64::from(self.sample));
        if divisor == 0 {
            return Bson::Null;
        }
        Bson::Double((self.squares / divisor as f64).sqrt())
    }
}
