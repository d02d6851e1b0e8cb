//! The part of Blip's OData dialect that lists of tickets are filtered with.
//!
//! Comparisons joined by `and`, `or` and parentheses; field names and enumeration values in any case.

use std::cmp::Ordering;

use chrono::{DateTime, Utc};

use super::envelope::Reason;

/// A parsed `$filter`.
#[derive(Debug)]
pub enum Filter {
    All,
    Compare { field: String, operator: Operator, value: Value },
    And(Box<Filter>, Box<Filter>),
    Or(Box<Filter>, Box<Filter>),
}

/// A comparison.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operator {
    Eq,
    Ne,
    Ge,
    Gt,
    Le,
    Lt,
}

/// A literal, or the value of a field.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    Text(String),
    Number(i64),
    Bool(bool),
    Instant(DateTime<Utc>),
    Null,
}

const FIELDS: [&str; 11] = [
    "id",
    "status",
    "customeridentity",
    "agentidentity",
    "team",
    "closed",
    "sequentialid",
    "storagedate",
    "opendate",
    "statusdate",
    "closedate",
];

impl Filter {
    /// Parses the decoded text of a filter.
    pub fn parse(text: &str) -> Result<Filter, Reason> {
        if text.trim().is_empty() {
            return Ok(Filter::All);
        }
        let refuse = || Reason::new(61, format!("Unable to perform operation '{text}'"));
        let tokens = tokens(text).ok_or_else(refuse)?;
        let mut parser = Parser { tokens: &tokens, at: 0 };
        parser.or().filter(|_| parser.at == tokens.len()).ok_or_else(refuse)
    }

    /// Returns whether a record passes; `field` gives its values by lower-case name.
    pub fn passes(&self, field: &impl Fn(&str) -> Value) -> bool {
        match self {
            Filter::All => true,
            Filter::And(left, right) => left.passes(field) && right.passes(field),
            Filter::Or(left, right) => left.passes(field) || right.passes(field),
            Filter::Compare { field: name, operator, value } => {
                let found = field(name);
                let order = match (&found, value) {
                    (Value::Text(a), Value::Text(b)) => Some(a.to_lowercase().cmp(&b.to_lowercase())),
                    (Value::Number(a), Value::Number(b)) => Some(a.cmp(b)),
                    (Value::Instant(a), Value::Instant(b)) => Some(a.cmp(b)),
                    (Value::Bool(a), Value::Bool(b)) => Some(a.cmp(b)),
                    _ => None,
                };
                match operator {
                    Operator::Eq => order == Some(Ordering::Equal),
                    Operator::Ne => order != Some(Ordering::Equal),
                    Operator::Ge => matches!(order, Some(Ordering::Greater | Ordering::Equal)),
                    Operator::Gt => order == Some(Ordering::Greater),
                    Operator::Le => matches!(order, Some(Ordering::Less | Ordering::Equal)),
                    Operator::Lt => order == Some(Ordering::Less),
                }
            }
        }
    }

    /// Returns whether `lt` occurs anywhere.
    pub fn has_lt(&self) -> bool {
        match self {
            Filter::All => false,
            Filter::And(left, right) | Filter::Or(left, right) => left.has_lt() || right.has_lt(),
            Filter::Compare { operator, .. } => *operator == Operator::Lt,
        }
    }

    /// Returns the earliest `storageDate` that can pass, so that a sorted list need not be read from its start.
    pub fn earliest(&self) -> Option<DateTime<Utc>> {
        match self {
            Filter::Compare { field, operator: Operator::Ge | Operator::Gt, value: Value::Instant(at) } if field == "storagedate" => {
                Some(*at)
            }
            Filter::And(left, right) => left.earliest().max(right.earliest()),
            _ => None,
        }
    }

    /// Returns the latest `storageDate` that can pass.
    pub fn latest(&self) -> Option<DateTime<Utc>> {
        match self {
            Filter::Compare { field, operator: Operator::Le | Operator::Lt, value: Value::Instant(at) } if field == "storagedate" => {
                Some(*at)
            }
            Filter::And(left, right) => match (left.latest(), right.latest()) {
                (Some(a), Some(b)) => Some(a.min(b)),
                (one, other) => one.or(other),
            },
            _ => None,
        }
    }
}

#[derive(Debug, PartialEq)]
enum Token {
    Word(String),
    Literal(Value),
    Open,
    Close,
}

fn tokens(text: &str) -> Option<Vec<Token>> {
    let mut tokens = Vec::new();
    let mut rest = text.trim_start();
    while let Some(first) = rest.chars().next() {
        if first == '(' || first == ')' {
            tokens.push(if first == '(' { Token::Open } else { Token::Close });
            rest = &rest[1..];
        } else if let Some(quoted) = rest.strip_prefix("datetimeoffset'") {
            let (literal, after) = quoted.split_once('\'')?;
            tokens.push(Token::Literal(Value::Instant(literal.parse().ok()?)));
            rest = after;
        } else if let Some(quoted) = rest.strip_prefix('\'') {
            let (literal, after) = quoted.split_once('\'')?;
            tokens.push(Token::Literal(Value::Text(literal.to_owned())));
            rest = after;
        } else {
            let end = rest.find([' ', '(', ')']).unwrap_or(rest.len());
            let word = &rest[..end];
            tokens.push(match word {
                "true" | "false" => Token::Literal(Value::Bool(word == "true")),
                _ if word.parse::<i64>().is_ok() => Token::Literal(Value::Number(word.parse().ok()?)),
                _ => Token::Word(word.to_lowercase()),
            });
            rest = &rest[end..];
        }
        rest = rest.trim_start();
    }
    Some(tokens)
}

struct Parser<'a> {
    tokens: &'a [Token],
    at: usize,
}

impl Parser<'_> {
    fn next(&mut self) -> Option<&Token> {
        self.at += 1;
        self.tokens.get(self.at - 1)
    }

    fn take(&mut self, word: &str) -> bool {
        let found = matches!(self.tokens.get(self.at), Some(Token::Word(next)) if next == word);
        self.at += usize::from(found);
        found
    }

    fn or(&mut self) -> Option<Filter> {
        let mut left = self.and()?;
        while self.take("or") {
            left = Filter::Or(Box::new(left), Box::new(self.and()?));
        }
        Some(left)
    }

    fn and(&mut self) -> Option<Filter> {
        let mut left = self.term()?;
        while self.take("and") {
            left = Filter::And(Box::new(left), Box::new(self.term()?));
        }
        Some(left)
    }

    fn term(&mut self) -> Option<Filter> {
        match self.next()? {
            Token::Open => {
                let inner = self.or()?;
                matches!(self.next()?, Token::Close).then_some(inner)
            }
            Token::Word(field) if FIELDS.contains(&field.as_str()) => {
                let field = field.clone();
                let operator = match self.next()? {
                    Token::Word(word) => match word.as_str() {
                        "eq" => Operator::Eq,
                        "ne" => Operator::Ne,
                        "ge" => Operator::Ge,
                        "gt" => Operator::Gt,
                        "le" => Operator::Le,
                        "lt" => Operator::Lt,
                        _ => return None,
                    },
                    _ => return None,
                };
                match self.next()? {
                    Token::Literal(value) if field != "status" || known_status(value) => {
                        Some(Filter::Compare { field, operator, value: value.clone() })
                    }
                    _ => None,
                }
            }
            _ => None,
        }
    }
}

/// Blip refuses a status that is not a member of its enumeration.
fn known_status(value: &Value) -> bool {
    const KNOWN: [&str; 7] = ["none", "waiting", "assigned", "open", "closedattendant", "closedclient", "transferred"];
    matches!(value, Value::Text(text) if KNOWN.contains(&text.to_lowercase().as_str()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn passes(filter: &str) -> bool {
        let field = |name: &str| match name {
            "status" => Value::Text("ClosedAttendant".into()),
            "storagedate" => Value::Instant("2026-02-03T13:01:10.420Z".parse().unwrap()),
            "closed" => Value::Bool(true),
            "sequentialid" => Value::Number(77),
            _ => Value::Null,
        };
        Filter::parse(filter).unwrap().passes(&field)
    }

    #[test]
    fn the_documented_filters_are_understood() {
        assert!(passes("status eq 'closedattendant'"));
        assert!(passes(
            "StorageDate ge datetimeoffset'2026-02-03T13:01:10.420Z' and storageDate lt datetimeoffset'2026-02-04T00:00:00.000Z'"
        ));
        assert!(!passes("storageDate gt datetimeoffset'2026-02-03T13:01:10.420Z'"));
        assert!(passes("sequentialId eq 77 and (status eq 'Open' or closed eq true)"));
        assert!(!passes("closed eq false"));
    }

    #[test]
    fn an_unknown_member_is_refused_as_blip_does() {
        for filter in ["status eq 'closed'", "colour eq 'red'", "status eq", "(closed eq true"] {
            let reason = Filter::parse(filter).unwrap_err();
            assert_eq!(reason.description, format!("Unable to perform operation '{filter}'"));
        }
    }

    #[test]
    fn bounds_are_found_for_a_sorted_list() {
        let filter = Filter::parse(
            "storageDate ge datetimeoffset'2026-02-03T00:00:00.000Z' and storageDate lt datetimeoffset'2026-02-04T00:00:00.000Z'",
        )
        .unwrap();
        assert_eq!(filter.earliest().unwrap().to_rfc3339(), "2026-02-03T00:00:00+00:00");
        assert_eq!(filter.latest().unwrap().to_rfc3339(), "2026-02-04T00:00:00+00:00");
    }
}
