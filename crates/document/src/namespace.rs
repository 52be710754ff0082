//! Validated names of databases and collections.

use std::fmt;

use crate::error::{Code, Error, Result};

/// The longest database name, in bytes.
const DATABASE_NAME_BYTES: usize = 63;
/// The longest `database.collection`, in bytes.
const NAMESPACE_BYTES: usize = 255;

/// The name of a collection within its database.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Namespace {
    database: String,
    collection: String,
}

impl Namespace {
    /// Checks and joins the two names.
    ///
    /// # Errors
    /// `InvalidNamespace` (73) if a name is empty, too long, or has a character that is not allowed in it.
    pub fn new(database: impl Into<String>, collection: impl Into<String>) -> Result<Namespace> {
        let namespace = Namespace { database: database.into(), collection: collection.into() };
        check_database_name(&namespace.database)?;
        check_collection_name(&namespace.collection)?;
        let bytes = namespace.database.len() + 1 + namespace.collection.len();
        if bytes > NAMESPACE_BYTES {
            return Err(invalid(format!(
                "Fully qualified namespace is too long. Namespace: {namespace} Max: {NAMESPACE_BYTES}"
            )));
        }
        Ok(namespace)
    }

    /// Splits `database.collection` at its first dot.
    ///
    /// # Errors
    /// As [`Namespace::new`].
    pub fn parse(full: &str) -> Result<Namespace> {
        let (database, collection) =
            full.split_once('.').ok_or_else(|| invalid(format!("Invalid namespace specified '{full}'")))?;
        Namespace::new(database, collection)
    }

    /// The database.
    pub fn database(&self) -> &str {
        &self.database
    }

    /// The collection within the database.
    pub fn collection(&self) -> &str {
        &self.collection
    }
}

impl fmt::Display for Namespace {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}.{}", self.database, self.collection)
    }
}

/// Checks the name of a database.
///
/// # Errors
/// `InvalidNamespace` (73).
pub fn check_database_name(name: &str) -> Result<()> {
    if name.is_empty() {
        return Err(invalid("Invalid namespace specified: the database name cannot be empty"));
    }
    if name.len() > DATABASE_NAME_BYTES {
        return Err(invalid(format!(
            "db name must be at most {DATABASE_NAME_BYTES} characters, found: {}",
            name.len()
        )));
    }
    let is_forbidden = |character| matches!(character, '/' | '\\' | '.' | ' ' | '"' | '$' | '\0');
    match name.chars().find(|character| is_forbidden(*character)) {
        None => Ok(()),
        Some(_) => Err(invalid(format!("Invalid database name: '{}'", name.escape_debug()))),
    }
}

fn check_collection_name(name: &str) -> Result<()> {
    if name.is_empty() {
        return Err(invalid("Collection names cannot be empty"));
    }
    if name.starts_with('.') || name.ends_with('.') {
        return Err(invalid(format!("Collection names cannot start or end with '.': {name}")));
    }
    if name.contains(['$', '\0']) {
        return Err(invalid(format!("Invalid collection name: {}", name.escape_debug())));
    }
    if name.starts_with("system.") {
        return Err(invalid(format!("Invalid system namespace: {name}")));
    }
    Ok(())
}

fn invalid(message: impl Into<String>) -> Error {
    Error::new(Code::InvalidNamespace, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn splits_at_the_first_dot() {
        let namespace = Namespace::parse("shop.orders.2024").unwrap();
        assert_eq!((namespace.database(), namespace.collection()), ("shop", "orders.2024"));
        assert_eq!(namespace.to_string(), "shop.orders.2024");
    }

    #[test]
    fn refuses_what_mongodb_refuses() {
        let long = "c".repeat(255);
        for (database, collection) in [
            ("", "c"),
            ("a b", "c"),
            ("a.b", "c"),
            ("a$", "c"),
            ("a\0", "c"),
            ("a/b", "c"),
            ("db", ""),
            ("db", "$cmd"),
            ("db", "a\0"),
            ("db", ".a"),
            ("db", "a."),
            ("db", "system.users"),
            ("db", &long),
        ] {
            let error = Namespace::new(database, collection).unwrap_err();
            assert_eq!(
                (error.code(), error.code_name()),
                (73, "InvalidNamespace"),
                "{database}.{collection}"
            );
        }
        assert!(Namespace::new("d".repeat(64), "c").is_err());
    }
}
