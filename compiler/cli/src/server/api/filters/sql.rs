//! Conditions as a `WHERE` clause of SQL.
//!
//! The surprising fact: numbers are written as texts, as OPA writes them; databases make numbers of them. Texts for SQL Server
//! are quoted by its own rule (a quote is doubled), not by OPA's backslashes, which would end the text there.

use super::condition::{Condition, Value};
use govc_engine::documents::Document;

/// A database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Dialect {
    Postgresql,
    Mysql,
    Sqlserver,
    Sqlite,
}

impl Dialect {
    /// By OPA's name.
    pub(super) fn named(name: &str) -> Self {
        match name.to_lowercase().as_str() {
            "postgresql" => Self::Postgresql,
            "mysql" => Self::Mysql,
            "sqlserver" => Self::Sqlserver,
            _ => Self::Sqlite,
        }
    }

    /// The clause; empty where every row is let through.
    ///
    /// # Errors
    /// What SQL cannot say.
    pub(super) fn write(self, condition: Option<&Condition>) -> Result<String, String> {
        condition.map_or(Ok(String::new()), |condition| Ok(format!("WHERE {}", self.condition(condition)?)))
    }

    fn condition(self, condition: &Condition) -> Result<String, String> {
        match condition {
            Condition::And(all) => self.joined(all, " AND "),
            Condition::Or(any) => self.joined(any, " OR "),
            Condition::Not(inner) => Ok(format!("NOT {}", self.condition(inner)?)),
            Condition::Field(field, operator, value) => self.field(field, operator, value),
        }
    }

    fn joined(self, parts: &[Condition], word: &str) -> Result<String, String> {
        let parts = parts.iter().map(|part| self.condition(part)).collect::<Result<Vec<_>, _>>()?;
        Ok(format!("({})", parts.join(word)))
    }

    fn field(self, field: &str, operator: &str, value: &Value) -> Result<String, String> {
        let field = self.name(field);
        let given = match value {
            Value::Field(other) => return compare(&field, operator, &self.name(other)),
            Value::Given(given) => given,
        };
        match (operator, &**given) {
            ("eq", Document::Null) => Ok(format!("{field} IS NULL")),
            ("ne", Document::Null) => Ok(format!("{field} IS NOT NULL")),
            (_, Document::Null) => Err("null value can only be used with 'eq' or 'ne' operators".to_owned()),
            ("in", Document::Array(items)) if items.is_empty() => Ok("0 = 1".to_owned()),
            ("in", Document::Array(items)) => {
                let items = items.iter().map(|item| self.literal(item)).collect::<Result<Vec<_>, _>>()?;
                Ok(format!("{field} IN ({})", items.join(", ")))
            }
            ("in", _) => Err("field operator 'in' requires collection argument".to_owned()),
            ("startswith" | "endswith" | "contains", Document::String(text)) => {
                let text = self.escaped(text);
                let pattern = match operator {
                    "startswith" => format!("{text}%"),
                    "endswith" => format!("%{text}"),
                    _ => format!("%{text}%"),
                };
                // Other databases know the backslash of themselves.
                let escape = if self == Self::Sqlserver { r" ESCAPE N'\'" } else { "" };
                Ok(format!("{field} LIKE {}{escape}", self.text(&pattern)))
            }
            ("startswith" | "endswith" | "contains", other) => {
                Err(format!("'{operator}' pattern requires string argument, got {}", other.json()))
            }
            (_, given) => compare(&field, operator, &self.literal(given)?),
        }
    }

    fn literal(self, value: &Document) -> Result<String, String> {
        Ok(match value {
            Document::Null => "NULL".to_owned(),
            Document::Bool(true) => "TRUE".to_owned(),
            Document::Bool(false) => "FALSE".to_owned(),
            Document::Number(text) => self.text(text),
            Document::String(text) => self.text(text),
            Document::Array(_) | Document::Object(_) => {
                return Err(format!("no SQL literal for {}", value.json()));
            }
        })
    }

    /// A text as a literal.
    fn text(self, text: &str) -> String {
        let quoted: String = text.chars().map(|c| self.character(c)).collect();
        match self {
            Self::Postgresql => format!("E'{quoted}'"),
            Self::Sqlserver => format!("N'{quoted}'"),
            Self::Mysql | Self::Sqlite => format!("'{quoted}'"),
        }
    }

    fn character(self, c: char) -> String {
        let plain = matches!(self, Self::Sqlite | Self::Sqlserver);
        match c {
            '\'' if plain => "''".to_owned(),
            '\0' if self == Self::Sqlite => "'||char(0)||'".to_owned(),
            c if plain => c.to_string(),
            '\0' => "\\0".to_owned(),
            '\u{8}' => "\\b".to_owned(),
            '\n' => "\\n".to_owned(),
            '\r' => "\\r".to_owned(),
            '\t' => "\\t".to_owned(),
            '\u{1a}' => "\\Z".to_owned(),
            '\'' | '"' | '\\' => format!("\\{c}"),
            c => c.to_string(),
        }
    }

    /// A text in which no character stands for others in a pattern.
    fn escaped(self, text: &str) -> String {
        let text = text.replace('\\', "\\\\").replace('_', "\\_").replace('%', "\\%");
        if self == Self::Sqlserver { text.replace('[', "\\[") } else { text }
    }

    /// A field; a part that is no plain name is quoted.
    fn name(self, field: &str) -> String {
        let parts: Vec<String> = field.split('.').map(|part| self.part(part)).collect();
        parts.join(".")
    }

    fn part(self, part: &str) -> String {
        let mut letters = part.chars();
        let plain = letters.next().is_some_and(|c| c.is_ascii_alphabetic() || c == '_')
            && letters.all(|c| c.is_ascii_alphanumeric() || c == '_');
        let quote = if self == Self::Mysql { "`" } else { "\"" };
        match plain {
            true => part.to_owned(),
            false => format!("{quote}{}{quote}", part.replace(quote, &quote.repeat(2))),
        }
    }
}

fn compare(field: &str, operator: &str, with: &str) -> Result<String, String> {
    let sign = match operator {
        "eq" => "=",
        "ne" => "<>",
        "gt" => ">",
        "lt" => "<",
        "gte" => ">=",
        "lte" => "<=",
        other => return Err(format!("unrecognized operator: {other}")),
    };
    Ok(format!("{field} {sign} {with}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;

    fn clause(dialect: Dialect, operator: &'static str, text: &str) -> String {
        let value = Value::Given(Arc::new(Document::String(text.into())));
        dialect.write(Some(&Condition::Field("t.a b".to_owned(), operator, value))).unwrap_or_default()
    }

    #[test]
    fn no_text_ends_its_literal() {
        assert_eq!(clause(Dialect::Postgresql, "eq", "it's \\"), "WHERE t.\"a b\" = E'it\\'s \\\\'");
        assert_eq!(clause(Dialect::Mysql, "eq", "it's \\"), "WHERE t.`a b` = 'it\\'s \\\\'");
        assert_eq!(clause(Dialect::Sqlserver, "eq", "it's \\"), "WHERE t.\"a b\" = N'it''s \\'");
        assert_eq!(clause(Dialect::Sqlite, "eq", "it's \\"), "WHERE t.\"a b\" = 'it''s \\'");
        assert_eq!(
            clause(Dialect::Sqlserver, "startswith", "[_'"),
            r#"WHERE t."a b" LIKE N'\[\_''%' ESCAPE N'\'"#
        );
        assert_eq!(clause(Dialect::Sqlite, "contains", "5%_"), "WHERE t.\"a b\" LIKE '%5\\%\\_%'");
    }
}
