//! Blip's dialect of OData for `$filter`, which is that of the .NET library `StringToExpression`.
//!
//! Comparisons, functions of texts, `not`, `and`, `or` and parentheses. Operators and functions are lower case; names of fields and
//! members of enumerations are taken in any case. A quote within a text is written `\'`. An unknown field or member is refused with
//! code 61, a literal of the wrong type with code 62.

use std::cmp::Ordering;

use chrono::{DateTime, Utc};

use super::envelope::Reason;

/// A parsed `$filter`.
#[derive(Debug)]
pub enum Filter {
    All,
    Compare { left: Operand, operator: Operator, value: Value },
    Find { place: Place, whole: Operand, part: Operand },
    Not(Box<Filter>),
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

/// Where one text is looked for in another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    Start,
    End,
    Anywhere,
}

/// What is compared or searched: a field by its lower-case name, a text, or either in one case.
#[derive(Debug)]
pub enum Operand {
    Field(&'static str),
    Text(String),
    Lower(Box<Operand>),
    Upper(Box<Operand>),
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

/// Type of a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Text,
    Number,
    Bool,
    Instant,
    /// Status of a ticket, by name.
    Status,
}

/// Fields that can be filtered by: lower-case name and type.
pub type Fields = &'static [(&'static str, Kind)];

impl Filter {
    /// Parses the decoded text of a filter.
    pub fn parse(text: &str, fields: Fields) -> Result<Filter, Reason> {
        if text.trim().is_empty() {
            return Ok(Filter::All);
        }
        let refuse = |problem| match problem {
            Problem::Syntax => Reason::new(61, format!("Unable to perform operation '{text}'")),
            Problem::Type => Reason::unsupported(),
        };
        let tokens = tokens(text).ok_or_else(|| refuse(Problem::Syntax))?;
        let mut parser = Parser { tokens: &tokens, at: 0, fields };
        let filter = parser.or().map_err(refuse)?;
        if parser.at == tokens.len() { Ok(filter) } else { Err(refuse(Problem::Syntax)) }
    }

    /// Returns whether a record passes; `field` gives its values by lower-case name.
    pub fn passes(&self, field: &impl Fn(&str) -> Value) -> bool {
        match self {
            Filter::All => true,
            Filter::Not(inner) => !inner.passes(field),
            Filter::And(left, right) => left.passes(field) && right.passes(field),
            Filter::Or(left, right) => left.passes(field) || right.passes(field),
            Filter::Find { place, whole, part } => match (whole.value(field), part.value(field)) {
                (Value::Text(whole), Value::Text(part)) => match place {
                    Place::Start => whole.starts_with(&part),
                    Place::End => whole.ends_with(&part),
                    Place::Anywhere => whole.contains(&part),
                },
                _ => false,
            },
            Filter::Compare { left, operator, value } => operator.holds(order(&left.value(field), value)),
        }
    }

    /// Returns whether `lt` occurs anywhere.
    pub fn has_lt(&self) -> bool {
        match self {
            Filter::All | Filter::Find { .. } => false,
            Filter::Not(inner) => inner.has_lt(),
            Filter::And(left, right) | Filter::Or(left, right) => left.has_lt() || right.has_lt(),
            Filter::Compare { operator, .. } => *operator == Operator::Lt,
        }
    }

    /// Returns the earliest `storageDate` that can pass, so that a sorted list need not be read from its start.
    pub fn earliest(&self) -> Option<DateTime<Utc>> {
        match self {
            Filter::Compare { left: Operand::Field("storagedate"), operator: Operator::Ge | Operator::Gt, value: Value::Instant(at) } => {
                Some(*at)
            }
            Filter::And(left, right) => left.earliest().max(right.earliest()),
            _ => None,
        }
    }

    /// Returns the latest `storageDate` that can pass.
    pub fn latest(&self) -> Option<DateTime<Utc>> {
        match self {
            Filter::Compare { left: Operand::Field("storagedate"), operator: Operator::Le | Operator::Lt, value: Value::Instant(at) } => {
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

impl Operand {
    fn value(&self, field: &impl Fn(&str) -> Value) -> Value {
        match self {
            Operand::Field(name) => field(name),
            Operand::Text(text) => Value::Text(text.clone()),
            Operand::Lower(inner) => inner.value(field).map_text(str::to_lowercase),
            Operand::Upper(inner) => inner.value(field).map_text(str::to_uppercase),
        }
    }
}

impl Value {
    fn map_text(self, change: impl Fn(&str) -> String) -> Value {
        match self {
            Value::Text(text) => Value::Text(change(&text)),
            other => other,
        }
    }
}

impl Operator {
    fn of(word: &str) -> Option<Operator> {
        let known = [
            ("eq", Operator::Eq),
            ("ne", Operator::Ne),
            ("ge", Operator::Ge),
            ("gt", Operator::Gt),
            ("le", Operator::Le),
            ("lt", Operator::Lt),
        ];
        known.into_iter().find(|(name, _)| *name == word).map(|(_, operator)| operator)
    }

    /// Values without an order, such as an absent one, are unequal.
    fn holds(self, order: Option<Ordering>) -> bool {
        match self {
            Operator::Eq => order == Some(Ordering::Equal),
            Operator::Ne => order != Some(Ordering::Equal),
            Operator::Ge => order.is_some_and(Ordering::is_ge),
            Operator::Gt => order == Some(Ordering::Greater),
            Operator::Le => order.is_some_and(Ordering::is_le),
            Operator::Lt => order == Some(Ordering::Less),
        }
    }
}

fn order(left: &Value, right: &Value) -> Option<Ordering> {
    match (left, right) {
        (Value::Text(a), Value::Text(b)) => Some(a.to_lowercase().cmp(&b.to_lowercase())),
        (Value::Number(a), Value::Number(b)) => Some(a.cmp(b)),
        (Value::Instant(a), Value::Instant(b)) => Some(a.cmp(b)),
        (Value::Bool(a), Value::Bool(b)) => Some(a.cmp(b)),
        _ => None,
    }
}

#[derive(Debug, PartialEq)]
enum Token {
    Word(String),
    Literal(Value),
    Open,
    Close,
    Comma,
}

fn tokens(text: &str) -> Option<Vec<Token>> {
    let mut tokens = Vec::new();
    let mut rest = text.trim_start();
    while let Some(first) = rest.chars().next() {
        let mark = match first {
            '(' => Some(Token::Open),
            ')' => Some(Token::Close),
            ',' => Some(Token::Comma),
            _ => None,
        };
        if let Some(mark) = mark {
            tokens.push(mark);
            rest = &rest[1..];
        } else if let Some(text) = rest.strip_prefix("datetimeoffset'") {
            let (literal, after) = quoted(text)?;
            tokens.push(Token::Literal(Value::Instant(literal.parse().ok()?)));
            rest = after;
        } else if let Some(text) = rest.strip_prefix('\'') {
            let (literal, after) = quoted(text)?;
            tokens.push(Token::Literal(Value::Text(literal)));
            rest = after;
        } else {
            let end = rest.find([' ', '(', ')', ',']).unwrap_or(rest.len());
            let word = &rest[..end];
            tokens.push(match word {
                "true" | "false" => Token::Literal(Value::Bool(word == "true")),
                _ => word.parse().map_or_else(|_| Token::Word(word.to_owned()), |number| Token::Literal(Value::Number(number))),
            });
            rest = &rest[end..];
        }
        rest = rest.trim_start();
    }
    Some(tokens)
}

/// Reads up to the closing quote; returns the text and what follows it.
fn quoted(text: &str) -> Option<(String, &str)> {
    let mut literal = String::new();
    let mut chars = text.char_indices();
    while let Some((place, char)) = chars.next() {
        match char {
            '\'' => return Some((literal, &text[place + 1..])),
            '\\' => literal.push(chars.next()?.1),
            _ => literal.push(char),
        }
    }
    None
}

/// Why a filter is refused.
#[derive(Debug, Clone, Copy)]
enum Problem {
    Syntax,
    Type,
}

struct Parser<'a> {
    tokens: &'a [Token],
    at: usize,
    fields: Fields,
}

impl Parser<'_> {
    fn next(&mut self) -> Result<&Token, Problem> {
        self.at += 1;
        self.tokens.get(self.at - 1).ok_or(Problem::Syntax)
    }

    fn expect(&mut self, token: &Token) -> Result<(), Problem> {
        if self.next()? == token { Ok(()) } else { Err(Problem::Syntax) }
    }

    fn take(&mut self, word: &str) -> bool {
        let found = matches!(self.tokens.get(self.at), Some(Token::Word(next)) if next == word);
        self.at += usize::from(found);
        found
    }

    fn or(&mut self) -> Result<Filter, Problem> {
        let mut left = self.and()?;
        while self.take("or") {
            left = Filter::Or(Box::new(left), Box::new(self.and()?));
        }
        Ok(left)
    }

    fn and(&mut self) -> Result<Filter, Problem> {
        let mut left = self.term()?;
        while self.take("and") {
            left = Filter::And(Box::new(left), Box::new(self.term()?));
        }
        Ok(left)
    }

    fn term(&mut self) -> Result<Filter, Problem> {
        if self.take("not") {
            return Ok(Filter::Not(Box::new(self.term()?)));
        }
        if self.tokens.get(self.at) == Some(&Token::Open) {
            self.at += 1;
            let inner = self.or()?;
            self.expect(&Token::Close)?;
            return Ok(inner);
        }
        for (name, place) in [("startswith", Place::Start), ("endswith", Place::End), ("substringof", Place::Anywhere)] {
            if self.take(name) {
                return self.find(place);
            }
        }
        self.comparison()
    }

    /// A function of two texts; `substringof` has the part first, the others the whole.
    fn find(&mut self, place: Place) -> Result<Filter, Problem> {
        self.expect(&Token::Open)?;
        let first = self.text()?;
        self.expect(&Token::Comma)?;
        let second = self.text()?;
        self.expect(&Token::Close)?;
        let (whole, part) = if place == Place::Anywhere { (second, first) } else { (first, second) };
        let found = Filter::Find { place, whole, part };
        let is_equal = self.take("eq");
        if !is_equal && !self.take("ne") {
            return Ok(found);
        }
        match self.next()? {
            Token::Literal(Value::Bool(value)) if *value == is_equal => Ok(found),
            Token::Literal(Value::Bool(_)) => Ok(Filter::Not(Box::new(found))),
            _ => Err(Problem::Type),
        }
    }

    fn text(&mut self) -> Result<Operand, Problem> {
        match self.operand()? {
            (operand, Kind::Text) => Ok(operand),
            _ => Err(Problem::Type),
        }
    }

    fn operand(&mut self) -> Result<(Operand, Kind), Problem> {
        for (name, make) in [("tolower", Operand::Lower as fn(_) -> _), ("toupper", Operand::Upper)] {
            if self.take(name) {
                self.expect(&Token::Open)?;
                let inner = self.text()?;
                self.expect(&Token::Close)?;
                return Ok((make(Box::new(inner)), Kind::Text));
            }
        }
        let fields = self.fields;
        match self.next()? {
            Token::Literal(Value::Text(text)) => Ok((Operand::Text(text.clone()), Kind::Text)),
            Token::Word(word) => {
                let found = fields.iter().find(|(name, _)| word.eq_ignore_ascii_case(name));
                found.map(|(name, kind)| (Operand::Field(name), *kind)).ok_or(Problem::Syntax)
            }
            _ => Err(Problem::Syntax),
        }
    }

    fn comparison(&mut self) -> Result<Filter, Problem> {
        let (left, kind) = self.operand()?;
        let operator = match self.next()? {
            Token::Word(word) => Operator::of(word).ok_or(Problem::Syntax)?,
            _ => return Err(Problem::Syntax),
        };
        let Token::Literal(value) = self.next()? else { return Err(Problem::Syntax) };
        match (kind, value) {
            (Kind::Status, Value::Text(text)) => {
                let is_member = STATUSES.iter().any(|known| known.eq_ignore_ascii_case(text));
                if !is_member || !matches!(operator, Operator::Eq | Operator::Ne) {
                    return Err(Problem::Syntax);
                }
            }
            (Kind::Text, Value::Text(_))
            | (Kind::Number, Value::Number(_))
            | (Kind::Bool, Value::Bool(_))
            | (Kind::Instant, Value::Instant(_)) => {}
            _ => return Err(Problem::Type),
        }
        Ok(Filter::Compare { left, operator, value: value.clone() })
    }
}

/// Members of the enumeration of statuses.
const STATUSES: [&str; 8] =
    ["None", "Waiting", "Assigned", "Open", "ClosedAttendant", "ClosedClient", "ClosedClientInactivity", "Transferred"];

#[cfg(test)]
mod tests {
    use super::*;

    const FIELDS: Fields = &[
        ("status", Kind::Status),
        ("team", Kind::Text),
        ("storagedate", Kind::Instant),
        ("closed", Kind::Bool),
        ("sequentialid", Kind::Number),
        ("opendate", Kind::Instant),
    ];

    fn passes(filter: &str) -> bool {
        let field = |name: &str| match name {
            "status" => Value::Text("ClosedAttendant".into()),
            "team" => Value::Text("Caixa d'Água".into()),
            "storagedate" => Value::Instant("2026-02-03T13:01:10.420Z".parse().unwrap()),
            "closed" => Value::Bool(true),
            "sequentialid" => Value::Number(77),
            _ => Value::Null,
        };
        Filter::parse(filter, FIELDS).unwrap().passes(&field)
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
        assert!(!passes("openDate ge datetimeoffset'2026-02-03T13:01:10.420Z'"));
    }

    #[test]
    fn functions_of_texts_and_not_are_understood() {
        assert!(passes("startswith(Team,'Caixa') and endswith(team, 'Água')"));
        assert!(passes(r"substringof('d\'',Team) and team eq 'Caixa d\'Água'"));
        assert!(passes("not startswith(team,'caixa') and startswith(tolower(team),'caixa')"));
        assert!(passes("toupper(team) eq 'CAIXA D\\'ÁGUA' and not (closed eq false)"));
        assert!(passes("substringof('xyz',team) eq false and substringof('aixa',team) ne false"));
    }

    #[test]
    fn an_unknown_member_is_refused_as_blip_does() {
        for filter in ["status eq 'closed'", "status ge 'Open'", "colour eq 'red'", "status eq", "(closed eq true", "closed EQ true"] {
            let reason = Filter::parse(filter, FIELDS).unwrap_err();
            assert_eq!(reason, Reason::new(61, format!("Unable to perform operation '{filter}'")));
        }
    }

    #[test]
    fn a_literal_of_the_wrong_type_is_refused_like_an_unknown_resource() {
        for filter in ["storageDate ge '2026-02-03'", "team eq 7", "closed eq 'true'", "sequentialId eq '77'", "startswith(closed,'t')"] {
            assert_eq!(Filter::parse(filter, FIELDS).unwrap_err(), Reason::unsupported(), "{filter}");
        }
    }

    #[test]
    fn bounds_are_found_for_a_sorted_list() {
        let filter = Filter::parse(
            "storageDate ge datetimeoffset'2026-02-03T00:00:00.000Z' and storageDate lt datetimeoffset'2026-02-04T00:00:00.000Z'",
            FIELDS,
        )
        .unwrap();
        assert_eq!(filter.earliest().unwrap().to_rfc3339(), "2026-02-03T00:00:00+00:00");
        assert_eq!(filter.latest().unwrap().to_rfc3339(), "2026-02-04T00:00:00+00:00");
    }
}
