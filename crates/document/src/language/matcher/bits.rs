//! `$bitsAllSet`, `$bitsAllClear`, `$bitsAnySet` and `$bitsAnyClear` on integers and binary data.

use crate::error::{Error, Result};
use crate::language::value::{Number, describe};
use bson::Bson;

/// Which bits to look at, and what is wanted of them.
#[derive(Debug, Clone)]
pub(super) struct BitTest {
    positions: Vec<u64>,
    all: bool,
    set: bool,
}

impl BitTest {
    pub(super) fn matches(&self, value: &Bson) -> bool {
        let bit: Box<dyn Fn(u64) -> bool> = match value {
            Bson::Binary(binary) => Box::new(move |position| {
                let byte = usize::try_from(position / 8).ok().and_then(|index| binary.bytes.get(index));
                byte.is_some_and(|byte| byte >> (position % 8) & 1 == 1)
            }),
            other => {
                let Some(number) = Number::of(other).and_then(Number::to_i64_exact) else { return false };
                // Bits beyond the 64th repeat the sign, as in two's complement without end.
                Box::new(move |position| number >> position.min(63) & 1 == 1)
            }
        };
        let mut wanted = self.positions.iter().map(|position| bit(*position) == self.set);
        if self.all { wanted.all(|hit| hit) } else { wanted.any(|hit| hit) }
    }
}

pub(super) fn parse(name: &str, argument: &Bson) -> Result<BitTest> {
    let positions = match argument {
        Bson::Array(positions) => positions.iter().map(position).collect::<Result<Vec<_>>>()?,
        Bson::Binary(binary) => {
            let count = binary.bytes.len() as u64 * 8;
            (0..count).filter(|at| binary.bytes[(at / 8) as usize] >> (at % 8) & 1 == 1).collect()
        }
        other => {
            let mask = Number::of(other).and_then(Number::to_i64_exact).filter(|mask| *mask >= 0);
            let mask = mask.ok_or_else(|| {
                let given = describe(other);
                Error::bad_value(format!(
                    "{name} takes a non-negative mask, an array of positions or binary data: {given}"
                ))
            })?;
            (0..63).filter(|at| mask >> at & 1 == 1).collect()
        }
    };
    Ok(BitTest { positions, all: name.starts_with("$bitsAll"), set: name.ends_with("Set") })
}

fn position(value: &Bson) -> Result<u64> {
    let position = Number::of(value).and_then(Number::to_i64_exact);
    let position = position.and_then(|position| u64::try_from(position).ok());
    position.ok_or_else(|| {
        Error::bad_value(format!("bit positions must be non-negative integers, not {}", describe(value)))
    })
}
