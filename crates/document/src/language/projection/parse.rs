//! From a projection document to a tree; finds out whether it includes or excludes, and what collides.

use super::Projection;
use super::tree::{Child, Mode, Tree};
use crate::error::{Code, Error, Result};
use crate::language::expression::{self, Expression, ParseScope};
use crate::language::matcher::Matcher;
use crate::language::value::Number;
use bson::{Bson, Document};

const MAX_DEPTH: usize = 100;

/// The two places a projection stands at have somewhat different rules.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Dialect {
    Find,
    Stage,
}

struct Parser<'a> {
    scope: &'a ParseScope,
    dialect: Dialect,
    tree: Tree,
    mode: Option<(Mode, String)>,
    id: Option<Child>,
    /// Names a mode only where nothing clearer does: `$slice` keeps the rest, `$elemMatch` drops it.
    fallback: Mode,
}

pub(super) fn projection(
    specification: &Document,
    scope: &ParseScope,
    dialect: Dialect,
) -> Result<Projection> {
    if specification.is_empty() && dialect == Dialect::Stage {
        return Err(Error::location(
            51272,
            "Invalid $project :: caused by :: projection specification must have at least one field",
        ));
    }
    let mut parser =
        Parser { scope, dialect, tree: Tree::default(), mode: None, id: None, fallback: Mode::Exclusion };
    for (name, value) in specification {
        parser.field(name, value, "", 0)?;
    }
    let mode = match (&parser.mode, &parser.id) {
        (Some((mode, _)), _) => *mode,
        (None, Some(Child::Include)) if parser.tree.children.is_empty() => Mode::Inclusion,
        (None, Some(Child::Computed(_))) => Mode::Inclusion,
        _ => parser.fallback,
    };
    let keep_id = match parser.id {
        Some(Child::Exclude) => false,
        Some(Child::Computed(expression)) => {
            parser.tree.children.insert(0, ("_id".to_owned(), Child::Computed(expression)));
            true
        }
        _ => true,
    };
    Ok(Projection { tree: parser.tree, mode, keep_id })
}

/// Parses the argument of `$addFields`: every leaf is an expression.
pub(super) fn add_fields(specification: &Document, scope: &ParseScope) -> Result<Tree> {
    if specification.is_empty() {
        return Err(Error::location(
            40177,
            "Invalid $addFields :: caused by :: specification must have at least one field",
        ));
    }
    let mut tree = Tree::default();
    for (name, value) in specification {
        add_field(name, value, "", scope, &mut tree, 0)?;
    }
    Ok(tree)
}

fn add_field(
    name: &str,
    value: &Bson,
    prefix: &str,
    scope: &ParseScope,
    tree: &mut Tree,
    depth: usize,
) -> Result<()> {
    check_depth(depth)?;
    let path = format!("{prefix}{name}");
    match value {
        Bson::Document(inner) if is_nested(inner) => {
            let prefix = format!("{path}.");
            inner.iter().try_for_each(|(name, value)| add_field(name, value, &prefix, scope, tree, depth + 1))
        }
        other => insert(tree, &path, Child::Computed(Expression::parse_in(other, scope)?)),
    }
}

fn check_depth(depth: usize) -> Result<()> {
    if depth <= MAX_DEPTH {
        return Ok(());
    }
    Err(Error::new(Code::Overflow, format!("a projection is nested more than {MAX_DEPTH} levels deep")))
}

/// A document that describes fields below, and is no expression; the empty document is a value.
fn is_nested(document: &Document) -> bool {
    document.keys().next().is_some_and(|name| !name.starts_with('$'))
}

impl Parser<'_> {
    fn field(&mut self, name: &str, value: &Bson, prefix: &str, depth: usize) -> Result<()> {
        check_depth(depth)?;
        let path = format!("{prefix}{name}");
        if let Some(number) = Number::of(value) {
            return self.flag(path, !number.is_zero());
        }
        match value {
            Bson::Boolean(keep) => self.flag(path, *keep),
            Bson::Document(inner) if inner.is_empty() => Err(Error::location(
                51270,
                "An empty sub-projection is not a valid value. Found empty object at path",
            )),
            Bson::Document(inner) if is_nested(inner) => {
                let prefix = format!("{path}.");
                inner.iter().try_for_each(|(name, value)| self.field(name, value, &prefix, depth + 1))
            }
            Bson::Document(operator) if self.dialect == Dialect::Find => {
                self.operator(&path, operator, value)
            }
            other => self.computed(&path, other),
        }
    }

    fn flag(&mut self, path: String, keep: bool) -> Result<()> {
        if path == "_id" {
            self.id = Some(if keep { Child::Include } else { Child::Exclude });
            return Ok(());
        }
        if let Some(array) = path.strip_suffix(".$") {
            return self.positional(array, keep);
        }
        let mode = if keep { Mode::Inclusion } else { Mode::Exclusion };
        match &self.mode {
            Some((Mode::Exclusion, _)) if keep => {
                return Err(Error::location(
                    31253,
                    format!("Cannot do inclusion on field {path} in exclusion projection"),
                ));
            }
            Some((Mode::Inclusion, _)) if !keep => {
                return Err(Error::location(
                    31254,
                    format!("Cannot do exclusion on field {path} in inclusion projection"),
                ));
            }
            _ => self.mode = Some((mode, path.clone())),
        }
        insert(&mut self.tree, &path, if keep { Child::Include } else { Child::Exclude })
    }

    fn positional(&mut self, array: &str, keep: bool) -> Result<()> {
        if self.dialect == Dialect::Stage {
            return Err(Error::location(31324, "Cannot use positional projection in aggregation projection"));
        }
        if !keep {
            return Err(Error::location(31395, "positional projection cannot be used with exclusion"));
        }
        if self.tree.is_positional() {
            return Err(Error::location(
                31276,
                "Cannot specify more than one positional projection per query.",
            ));
        }
        if matches!(&self.mode, Some((Mode::Exclusion, _))) {
            return Err(Error::location(31395, "positional projection cannot be used with exclusion"));
        }
        self.mode = Some((Mode::Inclusion, array.to_owned()));
        insert(&mut self.tree, array, Child::Positional)
    }

    fn operator(&mut self, path: &str, operator: &Document, value: &Bson) -> Result<()> {
        let first = operator.iter().next().filter(|_| operator.len() == 1);
        match first.map(|(name, argument)| (name.as_str(), argument)) {
            Some(("$elemMatch", Bson::Document(condition))) => {
                if path.contains('.') {
                    return Err(Error::location(
                        31275,
                        "Cannot use $elemMatch projection on a nested field.",
                    ));
                }
                let filter: Document =
                    [(path.to_owned(), Bson::Document(bson::doc! {"$elemMatch": condition}))]
                        .into_iter()
                        .collect();
                self.fallback = Mode::Inclusion;
                insert(&mut self.tree, path, Child::ElementMatch(Matcher::parse(&filter)?))
            }
            Some(("$elemMatch", _)) => {
                Err(Error::location(31274, "elemMatch: Invalid argument, object required"))
            }
            Some(("$slice", argument)) => match find_slice(argument)? {
                Some(child) => insert(&mut self.tree, path, child),
                None => self.computed(path, value),
            },
            Some(("$meta", _)) => Err(Error::unsupported("$meta in a projection")),
            _ => self.computed(path, value),
        }
    }

    fn computed(&mut self, path: &str, value: &Bson) -> Result<()> {
        let expression = Expression::parse_in(value, self.scope).map_err(|error| unknown(value, error))?;
        if path == "_id" {
            self.id = Some(Child::Computed(expression));
            return Ok(());
        }
        if matches!(&self.mode, Some((Mode::Exclusion, _))) {
            let message = format!("Cannot use an expression {path} in an exclusion projection");
            return Err(Error::location(31252, message));
        }
        self.mode = Some((Mode::Inclusion, path.to_owned()));
        insert(&mut self.tree, path, Child::Computed(expression))
    }
}

/// An unknown operator has another code where it is the whole of what a projection computes.
fn unknown(value: &Bson, error: Error) -> Error {
    let name = value.as_document().and_then(|document| document.keys().next());
    match name.filter(|name| name.starts_with('$') && error.kind() == Code::InvalidPipelineOperator) {
        Some(name) if !expression::is_operator(name) => {
            Error::location(31325, format!("Unknown expression {name}"))
        }
        _ => error,
    }
}

/// The `$slice` of find: a count, or skip and count. `None` if it is the expression of that name.
fn find_slice(argument: &Bson) -> Result<Option<Child>> {
    let whole = |value: &Bson| Number::of(value).and_then(Number::to_i64_truncated);
    match argument {
        Bson::Array(parts) => match parts.as_slice() {
            [skip, count] => match (whole(skip), whole(count)) {
                (Some(skip), Some(count)) if count > 0 => Ok(Some(Child::Slice { skip: Some(skip), count })),
                (Some(_), Some(_)) => {
                    Err(Error::location(28724, "First argument to $slice must be an positive number"))
                }
                _ => Ok(None),
            },
            _ => Ok(None),
        },
        single => match whole(single) {
            Some(count) => Ok(Some(Child::Slice { skip: None, count })),
            None => Err(Error::location(28667, "Invalid $slice syntax: it needs a number or an array")),
        },
    }
}

fn insert(tree: &mut Tree, path: &str, child: Child) -> Result<()> {
    let mut parts = expression::checked_path(path)?.into_iter();
    let mut tree = tree;
    let mut name = parts.next().unwrap_or_default();
    for next in parts {
        let at = match tree.children.iter().position(|(existing, _)| *existing == name) {
            Some(at) => at,
            None => {
                tree.children.push((name, Child::Nested(Tree::default())));
                tree.children.len() - 1
            }
        };
        tree = match &mut tree.children[at].1 {
            Child::Nested(inner) => inner,
            _ => {
                return Err(Error::location(
                    31249,
                    format!("Path collision at {path} remaining portion {next}"),
                ));
            }
        };
        name = next;
    }
    if tree.child(&name).is_some() {
        return Err(Error::location(31250, format!("Path collision at {path}")));
    }
    tree.children.push((name, child));
    Ok(())
}
