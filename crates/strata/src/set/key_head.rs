//! The beginning of a key as one number, by which keys are told apart in one comparison.

/// The first sixteen bytes of a key as a number, filled up with zeros: if one key is not after another, its head is not
/// above the other's. Equal heads leave the order of the keys open.
#[inline]
pub fn key_head(key: &[u8]) -> u128 {
    match key.first_chunk() {
        Some(head) => u128::from_be_bytes(*head),
        None => {
            let mut head = [0; size_of::<u128>()];
            head[..key.len()].copy_from_slice(key);
            u128::from_be_bytes(head)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::key_head;

    #[test]
    fn heads_are_in_the_order_of_keys_or_equal() {
        let keys: [&[u8]; 6] = [b"", b"\0", b"a", b"a\0", b"sixteen bytes!!!", b"sixteen bytes!!!!"];
        assert!(keys.windows(2).all(|pair| key_head(pair[0]) <= key_head(pair[1])));
        assert!(key_head(b"a") < key_head(b"b"));
    }
}
