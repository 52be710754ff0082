//! The store's format marker: magic and version, written once, checked at every open.

use crate::error::{Code, Error, Result};
use crate::record::FORMAT_KEY;
use crate::store::{CommitOptions, OrderedStore, StoreError};

const MAGIC: &[u8; 8] = b"STRMDOCS";
const VERSION: u32 = 1;

/// Writes the marker into an empty store; refuses a store that something else wrote.
pub(crate) fn check_or_write_format(store: &dyn OrderedStore) -> Result<()> {
    if let Some(marker) = store.snapshot()?.get(FORMAT_KEY)? {
        return check(&marker);
    }
    let mut transaction = store.begin()?;
    if let Some(marker) = transaction.get(FORMAT_KEY)? {
        return check(&marker);
    }
    let mut marker = MAGIC.to_vec();
    marker.extend_from_slice(&VERSION.to_le_bytes());
    transaction.put(FORMAT_KEY, &marker)?;
    match transaction.commit(CommitOptions { synced: true }) {
        Err(StoreError::Conflict) => check_or_write_format(store),
        other => Ok(other.map(|_| ())?),
    }
}

fn check(marker: &[u8]) -> Result<()> {
    let unsupported = |what: String| Err(Error::new(Code::UnsupportedFormat, what));
    let Some(version) = marker.strip_prefix(MAGIC) else {
        return unsupported("the store holds something else than documents".to_owned());
    };
    match <[u8; 4]>::try_from(version).map(u32::from_le_bytes) {
        Ok(VERSION) => Ok(()),
        Ok(version) => unsupported(format!(
            "the documents are in format version {version}, this program reads version {VERSION}"
        )),
        Err(_) => unsupported("the format marker of the documents is damaged".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::MemoryStore;

    #[test]
    fn a_foreign_or_newer_store_is_refused() {
        let store = MemoryStore::new();
        check_or_write_format(&store).unwrap();
        check_or_write_format(&store).unwrap();
        let good = store.snapshot().unwrap().get(FORMAT_KEY).unwrap().unwrap();
        for position in 0..good.len() {
            let mut bad = good.clone();
            bad[position] ^= 0x40;
            assert_eq!(check(&bad).unwrap_err().code_name(), "UnsupportedFormat");
            assert!(check(&good[..position]).is_err());
        }
    }
}
