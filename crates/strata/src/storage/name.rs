//! Which names a blob may have, so that every backend, from a directory to an object store, can hold it.

use super::StorageError;

/// The longest name, in bytes.
const LONGEST_NAME: usize = 200;
/// The most folders and leaf together.
const MOST_PARTS: usize = 6;

/// Checks the name of a blob or log: one to six parts joined by `/`, each of ASCII letters, digits, `.`, `_`
/// and `-`, none starting with a dot, at most 200 bytes in all, and not `LOCK` alone.
///
/// # Errors
/// [`StorageError::InvalidName`] with the rule that was broken.
pub fn check_name(name: &str) -> Result<(), StorageError> {
    let reason = if name.is_empty() {
        "it is empty"
    } else if name.len() > LONGEST_NAME {
        "it is longer than 200 bytes"
    } else if name == "LOCK" {
        "the lock has this name"
    } else if name.split('/').count() > MOST_PARTS {
        "it has more than six parts"
    } else if name.split('/').any(str::is_empty) {
        "a part between slashes is empty"
    } else if name.split('/').any(|part| part.starts_with('.')) {
        "a part starts with a dot"
    } else if !name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-/".contains(&byte)) {
        "only ASCII letters, digits, '.', '_', '-' and '/' may be used"
    } else {
        return Ok(());
    };
    Err(StorageError::InvalidName { name: name.to_owned(), reason })
}

/// The folder of a name: everything before the last slash, empty at the root.
pub(crate) fn folder_of(name: &str) -> &str {
    name.rsplit_once('/').map_or("", |(folder, _)| folder)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn good_names_pass_and_hostile_ones_do_not() {
        for good in ["a", "layers/00000000000000000042", "a/b-c/d_e.f"] {
            check_name(good).unwrap();
        }
        let long = "x".repeat(201);
        for bad in
            ["", "/a", "a/", "a//b", "..", "a/../b", ".tmp/x", "a b", "a\\b", "ä", "a\0", "LOCK", &long]
        {
            assert!(check_name(bad).is_err(), "{bad:?}");
        }
    }
}
