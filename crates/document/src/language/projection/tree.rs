//! The tree of a parsed projection: what happens to each field.

use crate::language::expression::Expression;
use crate::language::matcher::Matcher;

/// Whether fields that are not named stay.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mode {
    Inclusion,
    Exclusion,
}

/// What happens to the fields of one (sub)document.
#[derive(Debug, Clone, Default)]
pub(super) struct Tree {
    pub(super) children: Vec<(String, Child)>,
}

#[derive(Debug, Clone)]
pub(super) enum Child {
    Include,
    Exclude,
    Computed(Expression),
    Nested(Tree),
    Slice {
        skip: Option<i64>,
        count: i64,
    },
    ElementMatch(Matcher),
    /// Only the array element that the filter matched.
    Positional,
}

impl Tree {
    pub(super) fn child(&self, name: &str) -> Option<&Child> {
        self.children.iter().find(|(existing, _)| existing == name).map(|(_, child)| child)
    }

    /// Whether something within is computed, so that it may have to be made where it is not.
    pub(super) fn computes(&self) -> bool {
        self.children.iter().any(|(_, child)| match child {
            Child::Computed(_) => true,
            Child::Nested(inner) => inner.computes(),
            _ => false,
        })
    }

    pub(super) fn is_positional(&self) -> bool {
        self.children.iter().any(|(_, child)| match child {
            Child::Positional => true,
            Child::Nested(inner) => inner.is_positional(),
            _ => false,
        })
    }

    /// Collects the dotted paths that are included; false if anything else than inclusion is in the tree.
    pub(super) fn included_paths(&self, prefix: &str, paths: &mut Vec<String>) -> bool {
        self.children.iter().all(|(name, child)| match child {
            Child::Include => {
                paths.push(format!("{prefix}{name}"));
                true
            }
            Child::Nested(inner) => inner.included_paths(&format!("{prefix}{name}."), paths),
            _ => false,
        })
    }
}
