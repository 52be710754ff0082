//! The bytes of an entry: three numbers in LEB128 (length of key, length of value, version), key, value.
//!
//! For a key and value below 128 bytes and fewer than 268 million writes that is 6 bytes in front.

/// Longest header: two lengths and a version of up to 10 bytes each.
const MAX_HEADER_BYTES: usize = 30;

/// An entry as it lies in a segment.
#[derive(Clone, Copy)]
pub(crate) struct Entry<'a> {
    pub(crate) key: &'a [u8],
    pub(crate) value: &'a [u8],
    pub(crate) version: u64,
    /// The whole entry, header included.
    pub(crate) bytes: &'a [u8],
}

impl<'a> Entry<'a> {
    /// The entry that starts at `offset`, `None` if the bytes end before it does.
    #[inline]
    pub(crate) fn read(written: &'a [u8], offset: usize) -> Option<Entry<'a>> {
        let all = written.get(offset..)?;
        // As most entries begin: three numbers below 128, in a byte each.
        let first = all.first_chunk().map_or(u32::MAX, |first| u32::from_le_bytes(*first));
        let numbers = if first & 0x0080_8080 == 0 {
            let number = |place: u32| (first >> (8 * place)) as usize & 0x7f;
            Numbers { header: 3, key: number(0), value: number(1), version: number(2) as u64 }
        } else {
            Numbers::read(all)?
        };
        let bytes = all.get(..numbers.header + numbers.key + numbers.value)?;
        let (key, value) = bytes.get(numbers.header..)?.split_at_checked(numbers.key)?;
        Some(Entry { key, value, version: numbers.version, bytes })
    }
}

/// What a header says. The lengths are at most those of a slice, and so is their sum.
struct Numbers {
    /// Bytes of the header itself.
    header: usize,
    key: usize,
    value: usize,
    version: u64,
}

impl Numbers {
    /// The numbers at the start of the bytes, whatever their size.
    #[inline(never)] // so that the short way stays short
    fn read(all: &[u8]) -> Option<Numbers> {
        let mut rest = all;
        let (key, value) = (read_number(&mut rest)?, read_number(&mut rest)?);
        let version = read_number(&mut rest)?;
        let fits = |length: u64| usize::try_from(length).ok().filter(|length| *length <= rest.len());
        Some(Numbers { header: all.len() - rest.len(), key: fits(key)?, value: fits(value)?, version })
    }
}

impl Entry<'_> {
    /// Whether it is the entry of this key.
    #[inline]
    pub(crate) fn is_of(&self, key: &[u8]) -> bool {
        // Keys of 8 to 16 bytes are common, and two pairs of words compare faster than a call does.
        match (self.key.first_chunk::<8>(), key.first_chunk::<8>()) {
            _ if self.key.len() != key.len() => false,
            (Some(one), Some(other)) if key.len() <= 16 => {
                one == other && self.key.last_chunk::<8>() == key.last_chunk::<8>()
            }
            _ => self.key == key,
        }
    }
}

/// The header of an entry to be written.
pub(crate) struct Header {
    bytes: [u8; MAX_HEADER_BYTES],
    length: usize,
}

impl Header {
    pub(crate) fn new(key: &[u8], value: &[u8], version: u64) -> Header {
        let mut header = Header { bytes: [0; MAX_HEADER_BYTES], length: 0 };
        header.push(key.len() as u64);
        header.push(value.len() as u64);
        header.push(version);
        header
    }

    pub(crate) fn as_bytes(&self) -> &[u8] {
        &self.bytes[..self.length]
    }

    fn push(&mut self, mut number: u64) {
        loop {
            let low = (number & 0x7f) as u8;
            number >>= 7;
            self.bytes[self.length] = if number == 0 { low } else { low | 0x80 };
            self.length += 1;
            if number == 0 {
                return;
            }
        }
    }
}

fn read_number(bytes: &mut &[u8]) -> Option<u64> {
    let mut number = 0;
    for shift in (0..64).step_by(7) {
        let (byte, rest) = bytes.split_first()?;
        *bytes = rest;
        number |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Some(number);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_was_written_and_refuses_every_truncation() {
        for (key, value, version) in [(0, 0, 0), (1, 127, 1), (127, 128, 1 << 28), (300, 20_000, u64::MAX)] {
            let (key, value) = (vec![1; key], vec![2; value]);
            let header = Header::new(&key, &value, version);
            let bytes = [b"xx", header.as_bytes(), &key, &value].concat();
            let entry = Entry::read(&bytes, 2).expect("whole");
            assert_eq!((entry.key, entry.value, entry.version), (&key[..], &value[..], version));
            assert_eq!(entry.bytes, &bytes[2..]);
            for length in (0..bytes.len()).step_by(1 + bytes.len() / 100) {
                assert!(Entry::read(&bytes[..length], 2).is_none());
            }
        }
    }
}
