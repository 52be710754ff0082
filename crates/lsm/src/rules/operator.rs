//! Merge operators: changes of a value that need not read it.

/// Why an operator could not do its work.
pub type MergeError = Box<dyn std::error::Error + Send + Sync>;

/// Makes values of what was there before and of *operands*, which [`Keyspace::merge`](crate::Keyspace::merge) writes
/// without a look at the value: counters, sets that grow, appended lists.
///
/// Readers, flushes and merges all call it, from any thread, in any grouping, any number of times. So it must be a pure
/// function, and for every way to cut the operands `a` followed by `b` in two,
/// `merge(merge(base, a), b)`, `merge(base, a + b)` and, where `combine` answers, `merge(base, [combine(a), b])` must
/// all be the same.
///
/// ```
/// use std::sync::Arc;
/// use stroma_lsm::{Database, KeyspaceOptions, MergeError, MergeOperator, Options};
///
/// /// Adds numbers of eight bytes.
/// #[derive(Debug)]
/// struct Add;
///
/// fn number(bytes: &[u8]) -> Result<u64, MergeError> {
///     Ok(u64::from_le_bytes(bytes.try_into()?))
/// }
///
/// impl MergeOperator for Add {
///     fn name(&self) -> &str {
///         "add, u64 little-endian"
///     }
///
///     fn merge(&self, _: &[u8], base: Option<&[u8]>, operands: &[&[u8]]) -> Result<Vec<u8>, MergeError> {
///         let mut sum = base.map_or(Ok(0), number)?;
///         for operand in operands {
///             sum = sum.wrapping_add(number(operand)?);
///         }
///         Ok(sum.to_le_bytes().to_vec())
///     }
///
///     fn combine(&self, key: &[u8], operands: &[&[u8]]) -> Option<Vec<u8>> {
///         self.merge(key, None, operands).ok()
///     }
/// }
///
/// # let folder = tempfile::tempdir()?;
/// # let path = folder.path();
/// let options = Options::default().with_keyspace("visits", KeyspaceOptions::default().merging(Add));
/// let database = Database::open(path, options)?;
/// let visits = database.keyspace("visits")?;
/// for _ in 0..3 {
///     visits.merge("home", 1_u64.to_le_bytes())?;
/// }
/// assert_eq!(visits.get("home")?.as_deref(), Some(&3_u64.to_le_bytes()[..]));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub trait MergeOperator: Send + Sync + 'static {
    /// Its name, 1 to 255 bytes, which is kept with the keyspace: another operator is refused later. Change it when
    /// the meaning of stored operands changes.
    fn name(&self) -> &str;

    /// The value of `key` that was `base`, if it was there, after `operands`, oldest first; there is at least one.
    ///
    /// # Errors
    /// Whatever makes it impossible. A read of the key then fails with [`Error::Merge`](crate::Error::Merge), and
    /// what is stored stays as it is.
    fn merge(&self, key: &[u8], base: Option<&[u8]>, operands: &[&[u8]]) -> Result<Vec<u8>, MergeError>;

    /// One operand that does what `operands`, oldest first and at least two, do together; `None` if there is none.
    /// Without it operands pile up until they meet a value, or the last level.
    fn combine(&self, key: &[u8], operands: &[&[u8]]) -> Option<Vec<u8>> {
        let _ = (key, operands);
        None
    }
}
