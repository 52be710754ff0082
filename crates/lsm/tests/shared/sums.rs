//! What a key holds where values and operands of a merge operator expire each by itself.
#![allow(dead_code, reason = "who includes this uses a part of it")]

/// A value and operands that came after it, each with the time, in milliseconds, from which it counts for nothing.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Sum<B> {
    base: Option<(B, Option<u64>)>,
    operands: Vec<(B, Option<u64>)>,
}

impl<B: AsRef<[u8]>> Sum<B> {
    /// A value that was put.
    pub(crate) fn put(value: B, expires: Option<u64>) -> Self {
        Sum { base: Some((value, expires)), operands: Vec::new() }
    }

    /// Nothing yet.
    pub(crate) fn nothing() -> Self {
        Sum { base: None, operands: Vec::new() }
    }

    /// The value that was put. A sum as it is seen at a moment has nothing else.
    pub(crate) fn value(&self) -> Option<&B> {
        self.base.as_ref().map(|(value, _)| value)
    }

    /// Adds an operand.
    pub(crate) fn merge(&mut self, operand: B, expires: Option<u64>) {
        self.operands.push((operand, expires));
    }

    /// Whether nothing was put or merged.
    pub(crate) fn is_nothing(&self) -> bool {
        self.operands.is_empty() && self.base.is_none()
    }

    /// Whether it is a value that does not expire, and nothing else.
    pub(crate) fn is_plain(&self) -> bool {
        self.operands.is_empty() && self.base.as_ref().is_some_and(|(_, expires)| expires.is_none())
    }

    /// What who begins to read at `now` finds, where operands are appended by `append`.
    pub(crate) fn at(
        &self,
        now: u64,
        append: impl Fn(Option<&[u8]>, &[&[u8]]) -> Vec<u8>,
    ) -> Option<Vec<u8>> {
        let is_alive = |(_, expires): &&(B, Option<u64>)| expires.is_none_or(|expires| expires > now);
        let base = self.base.as_ref().filter(is_alive).map(|(value, _)| value.as_ref());
        let operands: Vec<&[u8]> =
            self.operands.iter().filter(is_alive).map(|(operand, _)| operand.as_ref()).collect();
        if operands.is_empty() { base.map(<[u8]>::to_vec) } else { Some(append(base, &operands)) }
    }
}

/// When what lives `after` milliseconds from `now` on expires in a keyspace with a merge operator.
pub(crate) fn rounded_expiry(now: u64, after: u64) -> u64 {
    (now + after).next_multiple_of((after / 64).max(1))
}
