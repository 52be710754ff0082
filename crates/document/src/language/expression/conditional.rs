//! Expressions that choose: `$cond`, `$ifNull`, `$switch`; and those that name or quote: `$let`, `$literal`.

use super::node::{Evaluate, Expression, truthy};
use super::operator::Operator;
use super::parse::{self, ParseScope};
use super::variables::Scope;
use crate::error::{Error, Result};
use crate::language::value::is_nullish;
use bson::Bson;

pub(super) const OPERATORS: &[Operator] = &[
    Operator::special("$cond", parse_cond),
    Operator::special("$ifNull", parse_if_null),
    Operator::special("$switch", parse_switch),
    Operator::special("$let", parse_let),
    Operator::special("$literal", |argument, _| Ok(Expression::Constant(argument.clone()))),
    Operator::special("$const", |argument, _| Ok(Expression::Constant(argument.clone()))),
    Operator::special("$expr", parse::parse),
];

/// Branches tried in turn; without a default and without a match it is an error.
#[derive(Debug)]
struct Switch {
    branches: Vec<(Expression, Expression)>,
    default: Option<Expression>,
}

impl Evaluate for Switch {
    fn evaluate(&self, scope: &Scope<'_>) -> Result<Bson> {
        for (condition, value) in &self.branches {
            if truthy(&condition.evaluate_in(scope)?) {
                return value.evaluate_in(scope);
            }
        }
        let message = "$switch could not find a matching branch for an input, and no default was specified.";
        self.default.as_ref().ok_or_else(|| Error::location(40066, message))?.evaluate_in(scope)
    }
}

fn parse_cond(argument: &Bson, scope: &ParseScope) -> Result<Expression> {
    let mut parts = match argument {
        Bson::Document(given) => {
            for name in given.keys() {
                if !["if", "then", "else"].contains(&name.as_str()) {
                    return Err(Error::location(17083, format!("Unrecognized parameter to $cond: {name}")));
                }
            }
            for (name, code) in [("if", 17080), ("then", 17081), ("else", 17082)] {
                if !given.contains_key(name) {
                    return Err(Error::location(code, format!("Missing '{name}' parameter to $cond")));
                }
            }
            parse::named("$cond", argument, &["if", "then", "else"], &[], scope)?
        }
        _ => parse::positional(argument, scope)?,
    };
    let (Some(otherwise), Some(then), Some(condition), true) =
        (parts.pop(), parts.pop(), parts.pop(), parts.is_empty())
    else {
        return Err(Error::location(16020, "Expression $cond takes exactly 3 arguments."));
    };
    Ok(Expression::special(Switch { branches: vec![(condition, then)], default: Some(otherwise) }))
}

fn parse_switch(argument: &Bson, scope: &ParseScope) -> Result<Expression> {
    let Bson::Document(given) = argument else {
        return Err(Error::location(40060, "$switch requires an object as an argument"));
    };
    let mut switch = Switch { branches: Vec::new(), default: None };
    for (name, value) in given {
        match (name.as_str(), value) {
            ("branches", Bson::Array(branches)) => {
                for branch in branches {
                    switch.branches.push(parse_branch(branch, scope)?);
                }
            }
            ("branches", _) => {
                return Err(Error::location(40061, "$switch expected an array for 'branches'"));
            }
            ("default", value) => switch.default = Some(parse::parse(value, scope)?),
            _ => return Err(Error::location(40067, format!("$switch found an unknown argument: {name}"))),
        }
    }
    if switch.branches.is_empty() {
        return Err(Error::location(40068, "$switch requires at least one branch."));
    }
    Ok(Expression::special(switch))
}

fn parse_branch(branch: &Bson, scope: &ParseScope) -> Result<(Expression, Expression)> {
    let Bson::Document(branch) = branch else {
        return Err(Error::location(40062, "$switch expected each branch to be an object"));
    };
    if let Some(name) = branch.keys().find(|name| !["case", "then"].contains(&name.as_str())) {
        return Err(Error::location(40063, format!("$switch found an unknown argument to a branch: {name}")));
    }
    let case = branch
        .get("case")
        .ok_or_else(|| Error::location(40064, "$switch requires each branch have a 'case' expression"))?;
    let then = branch
        .get("then")
        .ok_or_else(|| Error::location(40065, "$switch requires each branch have a 'then' expression."))?;
    Ok((parse::parse(case, scope)?, parse::parse(then, scope)?))
}

#[derive(Debug)]
struct IfNull(Vec<Expression>);

impl Evaluate for IfNull {
    fn evaluate(&self, scope: &Scope<'_>) -> Result<Bson> {
        let mut value = Bson::Null;
        for candidate in &self.0 {
            value = candidate.evaluate_in(scope)?;
            if !is_nullish(&value) {
                break;
            }
        }
        Ok(value)
    }
}

fn parse_if_null(argument: &Bson, scope: &ParseScope) -> Result<Expression> {
    let candidates = parse::positional(argument, scope)?;
    if candidates.len() < 2 {
        let message = format!("$ifNull needs at least two arguments, had: {}", candidates.len());
        return Err(Error::location(1257300, message));
    }
    Ok(Expression::special(IfNull(candidates)))
}

#[derive(Debug)]
struct Let {
    variables: Vec<(String, Expression)>,
    body: Expression,
}

impl Evaluate for Let {
    fn evaluate(&self, scope: &Scope<'_>) -> Result<Bson> {
        let values =
            self.variables.iter().map(|(_, value)| value.evaluate_in(scope)).collect::<Result<Vec<_>>>()?;
        let names = self.variables.iter().map(|(name, _)| name.as_str());
        let bindings: Vec<(&str, &Bson)> = names.zip(&values).collect();
        scope.with(&bindings, |inner| self.body.evaluate_in(inner))
    }
}

fn parse_let(argument: &Bson, scope: &ParseScope) -> Result<Expression> {
    let Bson::Document(given) = argument else {
        return Err(Error::location(16874, "$let only supports an object as its argument"));
    };
    if let Some(name) = given.keys().find(|name| !["vars", "in"].contains(&name.as_str())) {
        return Err(Error::location(16875, format!("Unrecognized parameter to $let: {name}")));
    }
    let vars = given.get("vars").ok_or_else(|| Error::location(16876, "Missing 'vars' parameter to $let"))?;
    let body = given.get("in").ok_or_else(|| Error::location(16877, "Missing 'in' parameter to $let"))?;
    let Bson::Document(vars) = vars else {
        return Err(Error::location(10065, "invalid parameter: expected an object (vars)"));
    };
    let mut variables = Vec::with_capacity(vars.len());
    for (name, value) in vars {
        parse::check_variable_name(name)?;
        variables.push((name.clone(), parse::parse(value, scope)?));
    }
    let inner = scope.plus(vars.keys().map(String::as_str));
    Ok(Expression::special(Let { variables, body: parse::parse(body, &inner)? }))
}
