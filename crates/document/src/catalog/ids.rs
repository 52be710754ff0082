//! Numbers for collections and indexes, never given twice: leftovers of a dropped one are unreachable.

use crate::error::{Code, Error, Result};
use crate::record::IDS_KEY;
use crate::store::StoreTransaction;

/// Takes the next number within the transaction.
pub(crate) fn next_id(transaction: &mut dyn StoreTransaction) -> Result<u64> {
    let next = peek(transaction)?;
    transaction.put(IDS_KEY, &(next + 1).to_le_bytes())?;
    Ok(next)
}

/// Sees to it that the next number is above `used`: where the counter was lost, or an older one came back.
pub(crate) fn never_give_again(transaction: &mut dyn StoreTransaction, used: u64) -> Result<()> {
    if peek(transaction)? <= used {
        transaction.put(IDS_KEY, &used.saturating_add(1).to_le_bytes())?;
    }
    Ok(())
}

fn peek(transaction: &dyn StoreTransaction) -> Result<u64> {
    match transaction.get(IDS_KEY)? {
        None => Ok(1),
        Some(bytes) => <[u8; 8]>::try_from(bytes.as_slice())
            .map(u64::from_le_bytes)
            .map_err(|_| Error::new(Code::InternalError, "the counter of collection ids is damaged")),
    }
}
