//! `$unset`: leaves out the named fields; a projection that only excludes.

use crate::error::{Error, Result};
use crate::language::expression::ParseScope;
use crate::language::projection::Projection;
use bson::{Bson, Document};

/// Parses a name or an array of names.
pub(crate) fn parse(argument: &Bson) -> Result<Projection> {
    let single = std::slice::from_ref(argument);
    let names = match argument {
        Bson::String(_) => single,
        Bson::Array(names) if names.is_empty() => {
            return Err(Error::location(
                31119,
                "$unset specification must be a string or an array with at least one field",
            ));
        }
        Bson::Array(names) => names.as_slice(),
        _ => return Err(Error::location(31002, "$unset specification must be a string or an array")),
    };
    let mut specification = Document::new();
    for name in names {
        let Bson::String(name) = name else {
            let message = "$unset specification must be a string or an array containing only string values";
            return Err(Error::location(31120, message));
        };
        specification.insert(name.clone(), false);
    }
    Projection::parse_stage(&specification, &ParseScope::default())
}
