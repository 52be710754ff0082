//! The options of a chore: pairs of a word and its value, in any order.

use crate::chore::{Failure, Outcome};

/// An option with its value.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Choice<'a> {
    /// As given, such as `--seed`.
    pub(crate) option: &'a str,
    value: &'a str,
}

/// The options in `words`.
pub(crate) fn choices<'a>(words: &'a [&'a str]) -> Outcome<Vec<Choice<'a>>> {
    let pair = |pair: &'a [&'a str]| match pair {
        [option, value] => Ok(Choice { option, value }),
        _ => Err(Failure(format!("`{}` lacks its value, or is no option", pair[0]))),
    };
    words.chunks(2).map(pair).collect()
}

impl Choice<'_> {
    /// A whole number.
    pub(crate) fn number(&self) -> Outcome<u64> {
        self.value.parse().map_err(|_| self.refuse("a whole number"))
    }

    /// A whole number that is not 0.
    pub(crate) fn at_least_one(&self) -> Outcome<u64> {
        self.number().ok().filter(|number| *number > 0).ok_or_else(|| self.refuse("1 or more"))
    }

    /// A time in minutes, not negative.
    pub(crate) fn minutes(&self) -> Outcome<f64> {
        let minutes = self.value.parse::<f64>().ok().filter(|minutes| (0.0..=1e6).contains(minutes));
        minutes.ok_or_else(|| self.refuse("a number of minutes, such as 0.5"))
    }

    /// For an option that `chore` does not have.
    pub(crate) fn unknown(&self, chore: &str) -> Failure {
        Failure(format!("{chore} has no option `{}`", self.option))
    }

    fn refuse(&self, wanted: &str) -> Failure {
        Failure(format!("`{} {}`: the value must be {wanted}", self.option, self.value))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_makes_no_sense_is_refused_by_name() {
        assert!(choices(&[]).unwrap().is_empty());
        let Failure(message) = choices(&["--seed"]).unwrap_err();
        assert!(message.contains("--seed"));
        let words = ["--x", "-1"];
        let choice = choices(&words).unwrap()[0];
        for Failure(message) in
            [choice.number().unwrap_err(), choice.at_least_one().unwrap_err(), choice.minutes().unwrap_err()]
        {
            assert!(message.contains("--x -1"), "{message}");
        }
        assert!(choice.unknown("dance").0.contains("dance has no option `--x`"));
    }
}
