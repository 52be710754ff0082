//! Numbers as bytes: little-endian words, variable-length integers, and a reader that checks every bound.

/// Appends `value` in seven-bit groups, lowest first, the top bit of each byte telling that more follow:
/// 1 byte below 128, at most 10.
pub(crate) fn put_varint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

/// How many bytes [`put_varint`] takes for a value.
#[inline]
pub(crate) fn varint_bytes(value: u64) -> usize {
    (u64::BITS - (value | 1).leading_zeros()).div_ceil(7) as usize
}

/// Fills `place` with a varint, which may be longer than it needs to be. It must not be too short for the value.
#[inline]
pub(crate) fn set_varint(place: &mut [u8], mut value: u64) {
    for byte in &mut *place {
        *byte = value as u8 | 0x80;
        value >>= 7;
    }
    if let Some(last) = place.last_mut() {
        *last &= 0x7f;
    }
}

/// Appends the length of `bytes` as a varint, then the bytes.
pub(crate) fn put_bytes(out: &mut Vec<u8>, bytes: &[u8]) {
    put_varint(out, bytes.len() as u64);
    out.extend_from_slice(bytes);
}

/// Reads from the front of a slice. Every method answers `None`, and may leave the reader anywhere, when the
/// bytes end too early or are not as they are written.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    /// A reader at the start of `bytes`.
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    /// What has not been read.
    pub(crate) fn rest(&self) -> &'a [u8] {
        self.rest
    }

    /// Whether all has been read.
    pub(crate) fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    /// The next `count` bytes.
    #[inline]
    pub(crate) fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.rest.split_at_checked(count)?;
        self.rest = rest;
        Some(taken)
    }

    /// The next four bytes as a little-endian number.
    pub(crate) fn u32(&mut self) -> Option<u32> {
        self.take(4)?.try_into().ok().map(u32::from_le_bytes)
    }

    /// The next eight bytes as a little-endian number.
    pub(crate) fn u64(&mut self) -> Option<u64> {
        self.take(8)?.try_into().ok().map(u64::from_le_bytes)
    }

    /// The next variable-length integer; only the shortest form of a number is taken.
    #[inline]
    pub(crate) fn varint(&mut self) -> Option<u64> {
        let (&first, rest) = self.rest.split_first()?;
        if first < 0x80 {
            self.rest = rest;
            return Some(u64::from(first));
        }
        self.long_varint()
    }

    fn long_varint(&mut self) -> Option<u64> {
        let mut value = 0_u64;
        for (index, &byte) in self.rest.iter().take(10).enumerate() {
            let group = u64::from(byte & 0x7f);
            if index == 9 && group > 1 {
                return None;
            }
            value |= group << (7 * index);
            if byte < 0x80 {
                self.rest = &self.rest[index + 1..];
                return if byte == 0 { None } else { Some(value) };
            }
        }
        None
    }

    /// The next variable-length integer as a length that fits in what is left.
    #[inline]
    pub(crate) fn length(&mut self) -> Option<usize> {
        let length = usize::try_from(self.varint()?).ok()?;
        (length <= self.rest.len()).then_some(length)
    }

    /// The next byte string: a length and as many bytes.
    pub(crate) fn bytes(&mut self) -> Option<&'a [u8]> {
        let length = self.length()?;
        self.take(length)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn varints_of_every_length_come_back() {
        for shift in 0..64 {
            for value in [(1_u64 << shift) - 1, 1 << shift, u64::MAX >> shift] {
                let mut bytes = Vec::new();
                put_varint(&mut bytes, value);
                assert_eq!(varint_bytes(value), bytes.len());
                let mut set = vec![0; bytes.len()];
                set_varint(&mut set, value);
                assert_eq!(set, bytes);
                let mut reader = Reader::new(&bytes);
                assert_eq!(reader.varint(), Some(value));
                assert!(reader.is_empty());
                for end in 0..bytes.len() {
                    assert_eq!(Reader::new(&bytes[..end]).varint(), None, "{value} cut at {end}");
                }
            }
        }
    }

    #[test]
    fn overlong_varints_are_refused() {
        assert_eq!(Reader::new(&[0x80, 0x00]).varint(), None);
        assert_eq!(Reader::new(&[0xff; 11]).varint(), None);
        assert_eq!(Reader::new(&[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x02]).varint(), None);
    }

    #[test]
    fn lengths_beyond_the_end_are_refused() {
        let mut bytes = Vec::new();
        put_varint(&mut bytes, u64::MAX);
        assert_eq!(Reader::new(&bytes).length(), None);
        bytes.clear();
        put_bytes(&mut bytes, b"abc");
        assert_eq!(Reader::new(&bytes).bytes(), Some(&b"abc"[..]));
        assert_eq!(Reader::new(&bytes[..3]).bytes(), None);
    }
}
