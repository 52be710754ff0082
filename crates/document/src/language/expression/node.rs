//! The expression tree and its evaluation.

use super::operator::Operator;
use super::parse::{self, ParseScope};
use super::variables::{Scope, Variables};
use crate::error::Result;
use crate::language::value::Number;
use bson::{Bson, Document};
use std::fmt::Debug;
use std::sync::Arc;

/// An expression that has its own rules for its arguments, such as `$map` or `$cond`.
pub(crate) trait Evaluate: Debug + Send + Sync {
    /// The value in a scope; `Undefined` where there is none.
    fn evaluate(&self, scope: &Scope<'_>) -> Result<Bson>;
}

/// A parsed aggregation expression. Cheap to clone where it matters: special nodes are shared.
#[derive(Debug, Clone)]
pub enum Expression {
    /// A value.
    Constant(Bson),
    /// A path into a variable; `CURRENT` for `$a.b`.
    Variable {
        /// Name without the dollars.
        name: String,
        /// What follows the name; may be empty.
        path: Vec<String>,
    },
    /// A document whose fields are expressions.
    Object(Vec<(String, Expression)>),
    /// An array whose elements are expressions.
    Array(Vec<Expression>),
    #[doc(hidden)]
    Call(Call),
    #[doc(hidden)]
    Special(Special),
}

/// An operator of a table with its arguments.
#[derive(Debug, Clone)]
pub struct Call {
    pub(super) operator: &'static Operator,
    pub(super) arguments: Vec<Expression>,
}

/// An operator with rules of its own.
#[derive(Debug, Clone)]
pub struct Special(pub(super) Arc<dyn Evaluate>);

impl Expression {
    /// Parses an expression that uses no variables but the system's.
    pub fn parse(source: &Bson) -> Result<Expression> {
        parse::parse(source, &ParseScope::default())
    }

    /// Parses an expression where some variables are known.
    pub fn parse_in(source: &Bson, scope: &ParseScope) -> Result<Expression> {
        parse::parse(source, scope)
    }

    pub(crate) fn special(node: impl Evaluate + 'static) -> Expression {
        Expression::Special(Special(Arc::new(node)))
    }

    /// The value for a document; `Undefined` where it is missing.
    pub fn evaluate(&self, root: &Document, variables: &Variables) -> Result<Bson> {
        self.evaluate_in(&Scope::new(root, variables))
    }

    /// The value in a scope; `Undefined` where it is missing.
    pub fn evaluate_in(&self, scope: &Scope<'_>) -> Result<Bson> {
        match self {
            Expression::Constant(value) => Ok(value.clone()),
            Expression::Variable { name, path } => scope.get(name, path),
            Expression::Object(fields) => {
                let mut document = Document::new();
                for (name, expression) in fields {
                    let value = expression.evaluate_in(scope)?;
                    if value != Bson::Undefined {
                        document.insert(name.clone(), value);
                    }
                }
                Ok(Bson::Document(document))
            }
            Expression::Array(elements) => {
                let values = elements.iter().map(|element| {
                    let value = element.evaluate_in(scope)?;
                    Ok(if value == Bson::Undefined { Bson::Null } else { value })
                });
                Ok(Bson::Array(values.collect::<Result<_>>()?))
            }
            Expression::Call(call) => {
                let values = call
                    .arguments
                    .iter()
                    .map(|argument| argument.evaluate_in(scope))
                    .collect::<Result<Vec<_>>>()?;
                call.operator.call(&values)
            }
            Expression::Special(special) => special.0.evaluate(scope),
        }
    }

    /// The value, if it does not depend on a document.
    pub fn constant(&self) -> Option<&Bson> {
        match self {
            Expression::Constant(value) => Some(value),
            _ => None,
        }
    }
}

/// Whether a value counts as true: all but `false`, zero, null and missing.
pub(crate) fn truthy(value: &Bson) -> bool {
    match value {
        Bson::Boolean(value) => *value,
        Bson::Null | Bson::Undefined => false,
        other => Number::of(other).is_none_or(|number| !number.is_zero()),
    }
}
