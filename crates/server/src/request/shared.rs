//! Fields that several commands share.

use bson::{Bson, Document};
use stroma_document::language::expression::{Expression, Variables};
use stroma_document::{Error, Hint, Result};

use super::Arguments;

impl Arguments {
    /// Which index the client wants.
    pub(crate) fn hint(&mut self) -> Result<Option<Hint>> {
        match self.take("hint") {
            Some(Bson::Document(empty)) if empty.is_empty() => Ok(None),
            Some(hint) => Hint::parse(&hint).map(Some),
            None => Ok(None),
        }
    }

    /// Refuses any collation but the simple one, which compares bytes.
    pub(crate) fn refuse_collation(&mut self) -> Result<()> {
        match self.document("collation")? {
            Some(collation)
                if !collation.is_empty()
                    && !collation.get_str("locale").is_ok_and(|locale| locale == "simple") =>
            {
                Err(Error::unsupported("a collation other than {locale: \"simple\"}"))
            }
            _ => Ok(()),
        }
    }

    /// The variables of `let`, evaluated once.
    pub(crate) fn constants(&mut self) -> Result<Document> {
        let Some(given) = self.document("let")? else { return Ok(Document::new()) };
        let variables = Variables::at(bson::DateTime::now());
        let root = Document::new();
        let mut constants = Document::new();
        for (name, expression) in given {
            let value = Expression::parse(&expression)?.evaluate(&root, &variables)?;
            // A missing value cannot be passed on as one.
            constants.insert(name, if value == Bson::Undefined { Bson::Null } else { value });
        }
        Ok(constants)
    }

    /// Whether a bulk of writes stops at the first that fails: yes, unless told otherwise.
    pub(crate) fn ordered(&mut self) -> Result<bool> {
        Ok(self.boolean("ordered")?.unwrap_or(true))
    }
}
