//! Names of tables and columns, as the request maps those of the policy to them.

use serde_json::Value as Json;
use std::collections::BTreeSet;

/// The mapping for one target.
pub(super) struct Names<'m> {
    tables: Option<&'m Json>,
}

/// Names below `input` that stand for a column of some table (`$table`).
pub(super) fn columns(mappings: Option<&Json>) -> BTreeSet<String> {
    let targets = mappings.and_then(Json::as_object).into_iter().flatten();
    let tables = targets.filter_map(|(_, mapping)| mapping.as_object()).flatten();
    tables.filter(|(_, mapping)| mapping.get("$table").is_some()).map(|(name, _)| name.clone()).collect()
}

impl<'m> Names<'m> {
    /// The mapping for a dialect, else for a language, else for all.
    ///
    /// # Errors
    /// It is no object.
    pub(super) fn new(mappings: Option<&'m Json>, language: &str, dialect: &str) -> Result<Self, String> {
        for (name, what) in [(dialect, "dialect"), (language, "target")] {
            match mappings.and_then(|mappings| mappings.get(name)).filter(|mapping| !mapping.is_null()) {
                Some(mapping) if mapping.is_object() => return Ok(Self { tables: Some(mapping) }),
                Some(_) => return Err(format!("invalid mappings for {what} {name}")),
                None => {}
            }
        }
        Ok(Self { tables: mappings })
    }

    fn text(&self, table: &str, name: &str) -> Option<&str> {
        self.tables?.get(table)?.get(name)?.as_str()
    }

    /// The field that a reference means: its head falls away, a table is renamed by `$self`, a column by its name, and a name
    /// that has a `$table` is a column of that table.
    pub(super) fn field(&self, steps: &[Option<String>]) -> Option<String> {
        let parts: Vec<&str> = steps.get(1..)?.iter().map(|step| step.as_deref()).collect::<Option<_>>()?;
        let whole = parts.join(".");
        let (first, rest) = whole.split_once('.').map_or((whole.as_str(), None), |(a, b)| (a, Some(b)));
        let (table, column) = match self.text(first, "$table") {
            Some(table) => (table, Some(first)),
            None => (first, rest),
        };
        let shown = self.text(table, "$self").unwrap_or(table);
        Some(match column {
            None => shown.to_owned(),
            Some(column) => format!("{shown}.{}", self.text(table, column).unwrap_or(column)),
        })
    }
}
