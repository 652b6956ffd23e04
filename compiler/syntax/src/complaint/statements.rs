//! A module's statements in OPA's order: package, import, rule, and else expressions, which may be rules without a body.

use super::Walk;
use super::scan::{Keywords, Token, importable};
use super::shape::{Expr, ExprKind, Kind, Term};
use crate::RegoVersion;
use crate::lex::Raw;

/// A statement with its first token.
pub(super) struct Placed {
    at: usize,
    end: usize,
    statement: Statement,
}

/// What a statement turned out to be.
enum Statement {
    Package,
    Other,
    Body(Vec<Expr>),
}

/// The roots that an import may begin with, as OPA prints them.
const ROOTS: [&str; 4] = ["data", "future", "input", "rego"];

impl Walk<'_> {
    /// All statements up to the end, or to the first that cannot be read.
    pub(super) fn all_statements(&mut self, rules: bool) -> Vec<Placed> {
        self.scan();
        let mut statements = Vec::new();
        while !self.is(Token::End) {
            let (at, end) = (self.s.start, self.s.end);
            self.known.clear();
            let Some(statement) = self.statement(rules) else { break };
            statements.push(Placed { at, end, statement });
            if !rules && self.has_errors() {
                break;
            }
        }
        statements
    }

    fn statement(&mut self, rules: bool) -> Option<Statement> {
        if self.is_word(Raw::Package)
            && let Some(found) = self.attempt(Self::package)
        {
            return found.map(|()| Statement::Package);
        }
        if self.is_word(Raw::Import)
            && let Some(found) = self.attempt(Self::import)
        {
            return found.map(|()| Statement::Other);
        }
        if rules && let Some(found) = self.attempt(Self::rule) {
            return found.map(|()| Statement::Other);
        }
        self.statements(Token::End, true).map(Statement::Body)
    }

    /// What was read, or that it is broken; nothing, and back, where the text may be something else.
    fn attempt(&mut self, read: fn(&mut Self) -> Option<()>) -> Option<Option<()>> {
        let here = self.s.clone();
        match read(self) {
            Some(()) => Some(Some(())),
            None if self.has_errors() || self.gave_up() => Some(None),
            None => {
                self.s = here;
                None
            }
        }
    }

    // --- package and import ---

    /// Goes past the keyword; nothing where that begins a reference.
    fn path_begins(&mut self) -> Option<()> {
        if self.steps_on() {
            return None;
        }
        self.scan();
        if !self.names_a_step() {
            return self.illegal("");
        }
        self.s.token = Token::Ident;
        Some(())
    }

    fn package(&mut self) -> Option<()> {
        self.path_begins()?;
        let path = self.term();
        match path.as_ref().map(|t| &*t.kind) {
            None if self.has_errors() => None,
            None => {
                self.error_here("expected path");
                None
            }
            Some(Kind::Var(_)) => Some(()),
            Some(Kind::Ref(parts)) => self.package_path(parts),
            Some(_) => self.illegal(""),
        }
    }

    fn package_path(&mut self, parts: &[Term]) -> Option<()> {
        let first = parts.first()?;
        if !first.is_var() {
            return self.expecting(first, "var");
        }
        self.strings(parts)
    }

    fn strings(&mut self, parts: &[Term]) -> Option<()> {
        match parts.iter().skip(1).find(|part| !matches!(*part.kind, Kind::String(_))) {
            Some(part) => self.expecting(part, "string"),
            None => Some(()),
        }
    }

    fn expecting<T>(&mut self, part: &Term, what: &str) -> Option<T> {
        self.error(part.at, part.at, &format!("unexpected {} token: expecting {what}", part.name()));
        None
    }

    fn import(&mut self) -> Option<()> {
        self.path_begins()?;
        let path = self.import_path();
        let parts: Vec<Term> = match path.as_ref().map(|t| &*t.kind) {
            Some(Kind::Var(_)) => path.into_iter().collect(),
            Some(Kind::Ref(parts)) => {
                self.strings(parts)?;
                parts.clone()
            }
            _ => {
                self.error_here("expected path");
                return None;
            }
        };
        let names: Vec<String> = parts.iter().map(name_of).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let at = parts.first().map_or(self.s.start, |t| t.at);
        if !names.first().is_some_and(|root| ROOTS.contains(root)) {
            return self.foreign_root(at, names.first().copied().unwrap_or_default());
        }
        let alias = self.is_word(Raw::As);
        if alias {
            self.alias()?;
        } else {
            self.refuse_keyword_at_end(&parts, &names);
        }
        match names.first() {
            Some(&"rego") => self.rego_import(at, &names, alias),
            Some(&"future") => self.future_import(at, &names, alias),
            _ => {}
        }
        Some(())
    }

    /// The path, in which later keywords are names.
    fn import_path(&mut self) -> Option<Term> {
        let keywords = std::mem::replace(&mut self.keywords, Keywords::OF_IMPORTS);
        let known = std::mem::take(&mut self.known);
        let path = self.term();
        (self.keywords, self.known) = (keywords, known);
        path
    }

    fn foreign_root(&mut self, at: usize, root: &str) -> Option<()> {
        self.hint("if this is unexpected, try updating OPA".to_owned());
        let roots = ROOTS.join(", ");
        self.error(
            at,
            at,
            &format!("unexpected import path, must begin with one of: {{{roots}}}, got: {root}"),
        );
        None
    }

    fn alias(&mut self) -> Option<()> {
        self.scan();
        if !self.is(Token::Ident) {
            return self.illegal("expected var");
        }
        match self.term() {
            Some(term) if term.is_var() => Some(()),
            _ => self.illegal("expected var"),
        }
    }

    fn refuse_keyword_at_end(&mut self, parts: &[Term], names: &[&str]) {
        let (Some(last), Some(name)) = (parts.last(), names.last()) else { return };
        let keyword = match self.version {
            RegoVersion::V0 => crate::parse::is_v0_keyword(name),
            RegoVersion::V1 => crate::parse::is_v1_keyword(name),
        };
        if keyword && (names.len() == 1 || names.first() != Some(&"future")) {
            self.hint("import a different path or use an alias".to_owned());
            let message = format!("unexpected import path, must not end with a keyword, got: {name}");
            self.error(last.at, last.at, &message);
        }
    }

    fn rego_import(&mut self, at: usize, names: &[&str], alias: bool) {
        if names != ["rego", "v1"] {
            let message = format!("invalid import `{}`, must be `rego.v1`", names.join("."));
            self.error(at, at, &message);
        } else if self.version == RegoVersion::V1 {
            // Nothing to say: the module is that already.
        } else if alias {
            self.error(at, at, "`rego` imports cannot be aliased");
        } else {
            self.keywords.join(Keywords::V1);
        }
    }

    fn future_import(&mut self, at: usize, names: &[&str], alias: bool) {
        if names.get(1) != Some(&"keywords") {
            return self.error(at, at, "invalid import, must be `future.keywords`");
        }
        if alias {
            return self.error(at, at, "`future` imports cannot be aliased");
        }
        match names.get(2).filter(|_| names.len() == 3).map(|name| importable(name)) {
            None => {
                self.not_bodies = true;
                self.keywords = Keywords::ALL;
            }
            Some(Some(word)) => {
                self.not_bodies |= word == Raw::Not;
                self.keywords.add(word);
            }
            Some(None) => {
                self.error(at, at, "unexpected keyword, must be one of [and contains every if in not or]")
            }
        }
    }

    // --- statements that cannot stand ---

    /// Complains about statements that may not stand where they do.
    pub(super) fn refuse_statements(&mut self, statements: &[Placed]) {
        for (i, Placed { at, end, statement }) in statements.iter().enumerate() {
            let complaint = match statement {
                Statement::Package if i == 0 => None,
                _ if i == 0 => Some("package expected".to_owned()),
                Statement::Package => Some("unexpected package".to_owned()),
                Statement::Other => None,
                Statement::Body(body) => no_rule(body),
            };
            if let Some(message) = complaint {
                self.error(*at, *end, &message);
            }
        }
    }
}

fn name_of(part: &Term) -> String {
    match &*part.kind {
        Kind::Var(name) | Kind::String(name) => name.clone(),
        _ => String::new(),
    }
}

/// Why expressions that cannot be misread are no rule.
fn no_rule(body: &[Expr]) -> Option<String> {
    let [expr] = body else {
        return Some("multiple expressions cannot be used for rule head".to_owned());
    };
    if expr.with {
        return Some("expressions using with keyword cannot be used for rule head".to_owned());
    }
    let term = match &expr.kind {
        _ if expr.negated => return Some("negated expressions cannot be used for rule head".to_owned()),
        ExprKind::Some => return Some("'some' declarations cannot be used for rule head".to_owned()),
        ExprKind::Term(term) => term,
        _ => return None,
    };
    match &*term.kind {
        Kind::Ref(_) | Kind::Call { .. } => None,
        _ => Some(format!("{} cannot be used for rule name", term.name())),
    }
}
