//! Updates the first document that matches, or inserts one.

use bson::Document;

use super::Collection;
use super::find::Find;
use super::modify::{Prepared, Writing};
use super::target::Target;
use crate::error::Result;
use crate::execution::{Found, Query};
use crate::language::update::{Changed, Update, UpdateContext};

/// What became of the first document that matches.
#[derive(Debug)]
pub(super) enum UpdatedFirst {
    /// There was none.
    None,
    /// It was this.
    Updated { before: Document, after: Document, changed: Changed },
    /// There was none, and this was inserted.
    Inserted(Document),
}

impl Collection {
    /// Updates the first document of `find`, or with `upsert` inserts one if there is none. `finish` is
    /// called with the result before it is committed, so that its failure undoes the update.
    pub(super) fn update_first<T>(
        &self,
        find: &Find,
        update: &Update,
        upsert: bool,
        finish: impl Fn(UpdatedFirst, &Query) -> Result<T>,
    ) -> Result<T> {
        self.on_first(
            || self.prepare(find),
            upsert,
            |query| finish(UpdatedFirst::None, query),
            |writing, target, query| {
                let updated = match target {
                    Target::Found(found) => {
                        let (after, changed) = change(writing, found, update, query)?;
                        UpdatedFirst::Updated { before: found.document.clone(), after, changed }
                    }
                    Target::Absent => UpdatedFirst::Inserted(insert(writing, update, query)?),
                };
                finish(updated, query)
            },
        )
    }

    /// Inserts what an upsert inserts, unless a document matches.
    pub(super) fn insert_if_absent(&self, find: &Find, update: &Update) -> Result<Option<Document>> {
        self.on_first(
            || self.prepare(find),
            true,
            |_| Ok(None),
            |writing, target, query| match target {
                Target::Found(_) => Ok(None),
                Target::Absent => insert(writing, update, query).map(Some),
            },
        )
    }
}

/// Applies an update to one document and writes it if that made a difference.
pub(super) fn change(
    writing: &mut Writing<'_>,
    found: &Found,
    update: &Update,
    query: &Query,
) -> Result<(Document, Changed)> {
    let array_index = if update.is_positional() {
        query.details(&found.document)?.and_then(|details| details.array_index)
    } else {
        None
    };
    let context = UpdateContext { is_insert: false, variables: (*query.variables).clone(), array_index };
    let mut after = found.document.clone();
    let changed = update.apply(&mut after, &context)?;
    if changed == Changed::Yes {
        writing.replace(&found.id, &found.document, &after)?;
    }
    Ok((after, changed))
}

/// Inserts what the filter's equalities and the update make together.
fn insert(writing: &mut Writing<'_>, update: &Update, query: &Query) -> Result<Document> {
    let mut document = if update.is_replacement() {
        // Only the _id is taken over from the filter; what else it cannot determine does not matter.
        let base = query.matcher.upsert_base().unwrap_or_default();
        base.into_iter().filter(|(name, _)| name == "_id").collect()
    } else {
        query.matcher.upsert_base()?
    };
    let context = UpdateContext { is_insert: true, variables: (*query.variables).clone(), array_index: None };
    update.apply(&mut document, &context)?;
    let prepared = Prepared::new(writing.inner, document)?;
    writing.insert(&prepared)?;
    Ok(prepared.document)
}
