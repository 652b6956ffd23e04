//! What filters are made for, and what each of these can say.

/// A language of conditions and its dialect.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Target {
    /// `sql` or `ucast`.
    pub(super) language: String,
    pub(super) dialect: String,
}

/// What all targets compare with.
const COMPARISONS: &[&str] = &["eq", "neq", "lt", "lte", "gt", "gte"];

/// What a target can say beside comparisons.
#[derive(Clone, Debug)]
pub(super) struct Constraint {
    /// As messages name the target.
    name: String,
    /// `in`, and the comparisons of texts.
    builtins: &'static [&'static str],
    features: &'static [&'static str],
}

const IN: &[&str] = &["internal.member_2"];
const IN_AND_TEXTS: &[&str] = &["internal.member_2", "startswith", "endswith", "contains"];

impl Target {
    /// The targets that a media type asks for; nothing for the type that leaves it to the options.
    ///
    /// # Errors
    /// OPA's complaint about the header.
    pub(super) fn of_media_type(accept: &str) -> Result<Option<Self>, String> {
        let target = |language: &str, dialect: &str| {
            Ok(Some(Self { language: language.to_owned(), dialect: dialect.to_owned() }))
        };
        let special = accept.strip_prefix("application/vnd.opa.").and_then(|rest| rest.strip_suffix("+json"));
        match (accept, special) {
            ("", _) => Err("missing required header".to_owned()),
            (many, _) if many.contains(',') => Err("multiple headers not supported".to_owned()),
            ("application/json", _) => target("", ""),
            (_, Some("multitarget")) => Ok(None),
            (_, Some("ucast.all")) => target("ucast", "all"),
            (_, Some("ucast.minimal")) => target("ucast", "minimal"),
            (_, Some("ucast.prisma")) => target("ucast", "prisma"),
            (_, Some("ucast.linq")) => target("ucast", "linq"),
            (_, Some("sql.postgresql")) => target("sql", "postgresql"),
            (_, Some("sql.mysql")) => target("sql", "mysql"),
            (_, Some("sql.sqlserver")) => target("sql", "sqlserver"),
            (_, Some("sql.sqlite")) => target("sql", "sqlite"),
            (other, _) => Err(format!("unsupported header: {other}")),
        }
    }

    /// A target as options name it: `sql+postgresql`.
    pub(super) fn named(text: &str) -> Self {
        let (language, dialect) = text.split_once('+').unwrap_or((text, ""));
        Self { language: language.to_owned(), dialect: dialect.to_owned() }
    }

    /// What it can say.
    ///
    /// # Errors
    /// There is no such target.
    pub(super) fn constraint(&self) -> Result<Constraint, String> {
        let Self { language, dialect } = self;
        let named = |name: &str, builtins, features| {
            let upper = language.to_uppercase();
            let name = if name.is_empty() { upper } else { format!("{upper} ({name})") };
            Ok(Constraint { name, builtins, features })
        };
        match (language.as_str(), dialect.to_lowercase().as_str()) {
            ("sql", "sqlite") => named(dialect, IN, &["not", "field-ref", "existence-ref"]),
            ("sql", "mysql" | "postgresql" | "sqlserver") => {
                named(dialect, IN_AND_TEXTS, &["not", "field-ref", "existence-ref"])
            }
            ("sql", _) => Err(format!("unsupported variant for {language}: {dialect}")),
            ("ucast", "all") => named("all", IN_AND_TEXTS, &["not", "field-ref"]),
            ("ucast", "prisma") => named("prisma", IN_AND_TEXTS, &["not", "existence-ref"]),
            ("ucast", "linq") => named("LINQ", IN, &[]),
            ("ucast", _) => named("", &[], &[]),
            _ => Err(format!("unknown target/dialect combination: {language}/{dialect}")),
        }
    }
}

impl Constraint {
    fn knows(&self, builtin: &str) -> bool {
        COMPARISONS.contains(&builtin) || self.builtins.contains(&builtin)
    }
}

/// Why not all targets know a builtin.
pub(super) fn lacks_builtin(all: &[Constraint], builtin: &str) -> Option<String> {
    let lacking = all.iter().filter(|constraint| !constraint.knows(builtin));
    joined(lacking.map(|constraint| format!("unsupported for {}", constraint.name)))
}

/// Why not all targets have a feature.
pub(super) fn lacks_feature(all: &[Constraint], feature: &str) -> Option<String> {
    let lacking = all.iter().filter(|constraint| !constraint.features.contains(&feature));
    joined(lacking.map(|constraint| format!("unsupported feature \"{feature}\" for {}", constraint.name)))
}

fn joined(reasons: impl Iterator<Item = String>) -> Option<String> {
    let all: Vec<String> = reasons.collect();
    (!all.is_empty()).then(|| all.join("\n"))
}
