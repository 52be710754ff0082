//! Half-open ranges of keys and the direction in which they are scanned.

/// Which way a scan walks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Direction {
    /// From the smallest key up.
    #[default]
    Forward,
    /// From the largest key down.
    Backward,
}

impl Direction {
    /// The other way.
    pub fn reversed(self) -> Direction {
        match self {
            Direction::Forward => Direction::Backward,
            Direction::Backward => Direction::Forward,
        }
    }
}

/// The keys `start <= key < end` in byte order; no `end` means all keys from `start` on.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct KeyRange {
    /// The smallest key of the range.
    pub start: Vec<u8>,
    /// The smallest key above the range.
    pub end: Option<Vec<u8>>,
}

impl KeyRange {
    /// All keys.
    pub fn all() -> KeyRange {
        KeyRange { start: Vec::new(), end: None }
    }

    /// `start <= key < end`.
    pub fn between(start: Vec<u8>, end: Vec<u8>) -> KeyRange {
        KeyRange { start, end: Some(end) }
    }

    /// All keys that begin with `prefix`.
    pub fn prefix(prefix: Vec<u8>) -> KeyRange {
        let end = after_prefix(&prefix);
        KeyRange { start: prefix, end }
    }

    /// The one key.
    pub fn single(key: Vec<u8>) -> KeyRange {
        let end = after_key(&key);
        KeyRange { start: key, end: Some(end) }
    }

    /// Whether `key` lies in the range.
    pub fn contains(&self, key: &[u8]) -> bool {
        key >= self.start.as_slice() && self.end.as_deref().is_none_or(|end| key < end)
    }

    /// Whether no key can lie in the range.
    pub fn is_empty(&self) -> bool {
        self.end.as_deref().is_some_and(|end| end <= self.start.as_slice())
    }

    /// Whether some key could lie in both ranges.
    pub fn overlaps(&self, other: &KeyRange) -> bool {
        !self.is_empty()
            && !other.is_empty()
            && other.end.as_deref().is_none_or(|end| self.start.as_slice() < end)
            && self.end.as_deref().is_none_or(|end| other.start.as_slice() < end)
    }
}

/// The smallest key above every key that begins with `prefix`; none if there is no such key.
pub(crate) fn after_prefix(prefix: &[u8]) -> Option<Vec<u8>> {
    let kept = prefix.iter().rposition(|byte| *byte != 0xFF)?;
    let mut end = prefix[..=kept].to_vec();
    end[kept] += 1;
    Some(end)
}

/// The smallest key above `key`.
pub(crate) fn after_key(key: &[u8]) -> Vec<u8> {
    let mut end = Vec::with_capacity(key.len() + 1);
    end.extend_from_slice(key);
    end.push(0);
    end
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prefix_range_ends_above_its_last_key() {
        assert_eq!(after_prefix(b"ab"), Some(b"ac".to_vec()));
        assert_eq!(after_prefix(&[1, 0xFF, 0xFF]), Some(vec![2]));
        assert_eq!(after_prefix(&[0xFF, 0xFF]), None);
        assert!(KeyRange::prefix(vec![0xFF]).contains(&[0xFF, 0xFF, 0xFF]));
    }

    #[test]
    fn overlap_is_judged_on_half_open_ends() {
        let low = KeyRange::between(b"a".to_vec(), b"c".to_vec());
        let high = KeyRange::between(b"c".to_vec(), b"d".to_vec());
        assert!(!low.overlaps(&high));
        assert!(low.overlaps(&KeyRange::single(b"b".to_vec())));
        assert!(KeyRange::all().overlaps(&high));
        assert!(!KeyRange::between(b"d".to_vec(), b"a".to_vec()).overlaps(&KeyRange::all()));
    }
}
