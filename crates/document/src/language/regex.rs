//! Regular expressions as MongoDB writes them, run by the crate `regex`.
//!
//! Differences from PCRE: look-around and back-references are refused with a named error (code 51091), `$`
//! without the option `m` matches only at the very end (PCRE also before a last newline), and there is no
//! catastrophic backtracking. Classes such as `\d` and `\w` are restricted to ASCII, as in PCRE's default.

use crate::error::{Error, Result};
use regex::{Regex, RegexBuilder};

/// How large the compiled form may become.
const SIZE_LIMIT: usize = 4 << 20;

/// Compiles a pattern with MongoDB's option letters `i`, `m`, `s`, `x` and `u`.
pub(crate) fn compile(pattern: &str, options: &str) -> Result<Regex> {
    if let Some(other) = options.chars().find(|option| !"imsxu".contains(*option)) {
        return Err(Error::location(51108, format!("invalid flag in regex options: {other}")));
    }
    build(pattern, options).map_err(|cause| {
        let hint = if pattern.contains("(?=") || pattern.contains("(?!") || pattern.contains("(?<") {
            " (look-around is not supported)"
        } else {
            ""
        };
        Error::location(
            51091,
            format!("Regular expression is invalid: {}{hint}", last_line(&cause.to_string())),
        )
    })
}

fn build(pattern: &str, options: &str) -> std::result::Result<Regex, regex::Error> {
    RegexBuilder::new(&ascii_classes(pattern))
        .case_insensitive(options.contains('i'))
        .multi_line(options.contains('m'))
        .dot_matches_new_line(options.contains('s'))
        .ignore_whitespace(options.contains('x'))
        .size_limit(SIZE_LIMIT)
        .nest_limit(100)
        .build()
}

/// Narrows `\d`, `\w`, `\s` and `\b` to ASCII, which keeps them fast and as PCRE has them.
fn ascii_classes(pattern: &str) -> String {
    let mut result = String::with_capacity(pattern.len());
    let mut letters = pattern.chars();
    while let Some(letter) = letters.next() {
        if letter != '\\' {
            result.push(letter);
            continue;
        }
        match letters.next() {
            Some('d') => result.push_str("[0-9]"),
            Some('w') => result.push_str("[0-9A-Za-z_]"),
            Some('s') => result.push_str(r"[\t\n\x0B\x0C\r\x20]"),
            Some('b') => result.push_str(r"(?-u:\b)"),
            Some('Z') => result.push_str(r"\z"),
            Some('/') => result.push('/'),
            Some(other) => result.extend(['\\', other]),
            None => result.push('\\'),
        }
    }
    result
}

fn last_line(text: &str) -> &str {
    text.lines().last().unwrap_or(text).trim_start_matches("error: ")
}

/// The literal text with which every match of an anchored, case-sensitive pattern starts: what an index
/// can look up. `exact` says that nothing else need be checked (`^abc` and no more).
pub(crate) fn anchored_prefix(pattern: &str, options: &str) -> Option<(String, bool)> {
    if options.contains(['i', 'm', 'x']) {
        return None;
    }
    let rest = pattern.strip_prefix('^').or_else(|| pattern.strip_prefix("\\A"))?;
    if rest.contains('|') {
        return None;
    }
    let mut prefix = String::new();
    let mut letters = rest.chars();
    let mut exact = true;
    while let Some(letter) = letters.next() {
        match letter {
            '*' | '?' | '{' => {
                prefix.pop();
                exact = false;
                break;
            }
            '.' | '+' | '[' | '(' | ')' | '$' | '^' => {
                exact = false;
                break;
            }
            '\\' => match letters.next() {
                Some(escaped) if !escaped.is_alphanumeric() => prefix.push(escaped),
                _ => {
                    exact = false;
                    break;
                }
            },
            plain => prefix.push(plain),
        }
    }
    (!prefix.is_empty()).then_some((prefix, exact))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_and_errors() {
        assert!(compile("^AB", "i").unwrap().is_match("abc"));
        assert!(compile("a.b", "s").unwrap().is_match("a\nb"));
        assert!(!compile("\\d", "").unwrap().is_match("\u{0663}"));
        assert!(compile("[\\w-]+@", "").unwrap().is_match("x-y@"));
        assert_eq!(compile("(?=a)", "").unwrap_err().code(), 51091);
        assert!(compile("(?!a)", "").unwrap_err().message().contains("look-around"));
        assert_eq!(compile("a", "q").unwrap_err().code(), 51108);
        assert!(compile("((a{1000}){1000}){1000}", "").is_err());
    }

    #[test]
    fn prefixes_for_indexes() {
        assert_eq!(anchored_prefix("^abc", ""), Some(("abc".into(), true)));
        assert_eq!(anchored_prefix("^abc*", ""), Some(("ab".into(), false)));
        assert_eq!(anchored_prefix("^a\\.b.*", ""), Some(("a.b".into(), false)));
        assert_eq!(anchored_prefix("^a|b", ""), None);
        assert_eq!(anchored_prefix("abc", ""), None);
        assert_eq!(anchored_prefix("^abc", "i"), None);
    }
}
