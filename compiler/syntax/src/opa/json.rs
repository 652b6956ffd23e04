//! OPA's tree as OPA's JSON: what `opa parse --format json` prints, byte for byte.
//!
//! Wildcards are numbered as OPA's parser does, in source order over the whole module; sets and objects
//! are sorted by OPA's order of values.

use std::cmp::Ordering;

use crate::ast::{self, AnnotationTarget};
use crate::{ParseOptions, Sources};

use super::{Expr, Head, Import, Loc, Module, Operand, Part, Rule, Term, Terms, Value, With};

/// What the JSON holds beside the tree.
#[derive(Clone, Debug, Default)]
pub struct JsonOptions {
    /// `location` on every node, with its text in Base64.
    pub locations: bool,
    /// Leaves out `comments`, which OPA prints unless told otherwise.
    pub without_comments: bool,
    /// What each of [`ast::Module::annotations`] says, whose YAML this crate does not read; a block that says nothing is
    /// left out.
    pub annotations: Vec<Annotation>,
}

/// A block of annotations that somebody has read.
#[derive(Clone, Debug, Default)]
pub struct Annotation {
    /// Its fields and their JSON, in the order of their names.
    pub fields: Vec<(String, String)>,
    /// It holds for all rules of the name (`scope: document`).
    pub document: bool,
}

/// OPA's JSON of a module that was parsed from `text`; `name` is the file as OPA names it.
///
/// ```
/// use govc_syntax::{FileId, ParseOptions, parse_module, opa_json};
///
/// let text = "package a\np := 1\n";
/// let module = parse_module(FileId(0), text, &ParseOptions::default()).tree;
/// let json = opa_json::to_json("a.rego", text, &module, &Default::default());
/// assert!(json.starts_with("{\n  \"package\": {\n    \"path\": [\n"));
/// ```
pub fn to_json(name: &str, text: &str, module: &ast::Module, options: &JsonOptions) -> String {
    let mut tree = super::module(text, module);
    number_wildcards(&mut tree);
    let printer = Printer { name, text, options };
    let mut out = String::new();
    printer.module(&tree, module).write(&mut out, 0);
    out.push('\n');
    out
}

/// OPA's JSON of a module in the language of today, or what OPA says about its first fault: what
/// `rego.parse_module(name, text)` gives.
///
/// # Errors
/// The text of OPA's error, with the line and a mark below the place.
pub fn parse(name: &str, text: &str) -> Result<String, String> {
    let mut sources = Sources::default();
    let file = sources.add(name, text);
    let parsed = crate::parse_module(file, text, &ParseOptions::default());
    match parsed.diagnostics.first() {
        None => Ok(to_json(name, text, &parsed.tree, &JsonOptions::default())),
        Some(first) => {
            let source = sources.get(file);
            let (row, col) = source.position(first.span.start);
            let line = text.lines().nth(row - 1).unwrap_or_default();
            let shown = line.trim_start_matches('\t');
            let mark = (col - 1).saturating_sub(line.len() - shown.len());
            let what = format!("{name}:{row}: {}: {}", first.opa_code, first.message);
            Err(format!("1 error occurred: {what}\n\t{shown}\n\t{}^", " ".repeat(mark)))
        }
    }
}

enum Json {
    Raw(String),
    List(Vec<Json>),
    Map(Vec<(&'static str, Json)>),
    /// Fields with names of the author.
    Fields(Vec<(String, Json)>),
    /// JSON that somebody else wrote, in one line.
    Compact(String),
}

impl Json {
    fn text(value: &str) -> Self {
        Self::Raw(quoted(value))
    }

    fn list<T>(items: &[T], each: impl FnMut(&T) -> Json) -> Self {
        Self::List(items.iter().map(each).collect())
    }

    fn write(&self, out: &mut String, depth: usize) {
        match self {
            Self::Raw(text) => out.push_str(text),
            Self::List(items) => {
                let each = |out: &mut String, i: usize| items[i].write(out, depth + 1);
                bracketed(out, depth, ('[', ']'), items.len(), each);
            }
            Self::Map(members) => {
                let each = |out: &mut String, i: usize| {
                    out.push_str(&format!("\"{}\": ", members[i].0));
                    members[i].1.write(out, depth + 1);
                };
                bracketed(out, depth, ('{', '}'), members.len(), each);
            }
            Self::Fields(members) => {
                let each = |out: &mut String, i: usize| {
                    out.push_str(&format!("{}: ", quoted(&members[i].0)));
                    members[i].1.write(out, depth + 1);
                };
                bracketed(out, depth, ('{', '}'), members.len(), each);
            }
            Self::Compact(text) => spread(text, out, depth),
        }
    }
}

/// Writes JSON of one line over several.
fn spread(text: &str, out: &mut String, mut depth: usize) {
    let line = |out: &mut String, depth: usize| {
        out.push('\n');
        out.extend(std::iter::repeat_n("  ", depth));
    };
    let (mut quoted, mut escaped) = (false, false);
    let mut rest = text.chars().peekable();
    while let Some(c) = rest.next() {
        if quoted {
            match c {
                // As Go's JSON does.
                '<' | '>' | '&' | '\u{2028}' | '\u{2029}' => {
                    out.push_str(&format!("\\u{:04x}", u32::from(c)))
                }
                c => out.push(c),
            }
            quoted = c != '"' || escaped;
            escaped = c == '\\' && !escaped;
            continue;
        }
        match c {
            '{' | '[' => {
                out.push(c);
                match rest.next_if(|next| matches!(next, '}' | ']')) {
                    Some(close) => out.push(close),
                    None => {
                        depth += 1;
                        line(out, depth);
                    }
                }
            }
            '}' | ']' => {
                depth = depth.saturating_sub(1);
                line(out, depth);
                out.push(c);
            }
            ',' => {
                out.push(c);
                line(out, depth);
            }
            ':' => out.push_str(": "),
            c => {
                quoted = c == '"';
                out.push(c);
            }
        }
    }
}

/// The first steps of a head that are constants.
fn ground(head: &Head) -> &[Term] {
    let constant = |term: &&Term| !matches!(term.value, Value::Var(_) | Value::Ref(_) | Value::Call(_));
    let steps = head.reference.iter().skip(1).take_while(constant).count();
    head.reference.get(..steps + 1).unwrap_or(&head.reference)
}

fn bracketed(
    out: &mut String,
    depth: usize,
    brackets: (char, char),
    len: usize,
    each: impl Fn(&mut String, usize),
) {
    out.push(brackets.0);
    for i in 0..len {
        out.push_str(if i > 0 { ",\n" } else { "\n" });
        out.extend(std::iter::repeat_n("  ", depth + 1));
        each(out, i);
    }
    if len > 0 {
        out.push('\n');
        out.extend(std::iter::repeat_n("  ", depth));
    }
    out.push(brackets.1);
}

/// A JSON string as Go writes it.
fn quoted(value: &str) -> String {
    let mut out = String::with_capacity(value.len() + 2);
    out.push('"');
    for c in value.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\u{8}' => out.push_str("\\b"),
            '\u{c}' => out.push_str("\\f"),
            '<' | '>' | '&' | '\u{2028}' | '\u{2029}' => out.push_str(&format!("\\u{:04x}", u32::from(c))),
            c if u32::from(c) < 0x20 => out.push_str(&format!("\\u{:04x}", u32::from(c))),
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for chunk in bytes.chunks(3) {
        let word = chunk.iter().fold(0u32, |word, &b| word << 8 | u32::from(b)) << (8 * (3 - chunk.len()));
        for i in 0..4 {
            let digit = DIGITS[(word >> (18 - 6 * i) & 63) as usize];
            out.push(if i <= chunk.len() { char::from(digit) } else { '=' });
        }
    }
    out
}

struct Printer<'p> {
    name: &'p str,
    text: &'p str,
    options: &'p JsonOptions,
}

impl Printer<'_> {
    fn module(&self, module: &Module, source: &ast::Module) -> Json {
        let mut members = Vec::new();
        if let Some(package) = &module.package {
            let data = package
                .path
                .first()
                .map(|first| Term { value: Value::Var("data".to_owned()), loc: first.loc });
            let path: Vec<Term> = data.into_iter().chain(package.path.iter().cloned()).collect();
            let mut package_members = self.location(package.loc);
            package_members.push(("path", self.terms(&path)));
            members.push(("package", Json::Map(package_members)));
        }
        if !module.imports.is_empty() {
            members.push(("imports", Json::list(&module.imports, |i| self.import(i))));
        }
        let annotations = self.annotations(|_, _| true, source);
        if !annotations.is_empty() {
            members.push(("annotations", Json::List(annotations)));
        }
        if !module.rules.is_empty() {
            let prefixes: Vec<(usize, &[Term])> =
                module.rules.iter().map(|rule| (rule.index, ground(&rule.head))).collect();
            members.push(("rules", Json::list(&module.rules, |r| self.rule(r, None, source, &prefixes))));
        }
        if !self.options.without_comments && !module.comments.is_empty() {
            members.push(("comments", Json::list(&module.comments, |c| self.comment(c, source))));
        }
        Json::Map(members)
    }

    fn annotations(
        &self,
        wanted: impl Fn(AnnotationTarget, &Annotation) -> bool,
        source: &ast::Module,
    ) -> Vec<Json> {
        let blocks = source.annotations.iter().zip(&self.options.annotations);
        blocks
            .filter(|(block, said)| wanted(block.target, said) && !said.fields.is_empty())
            .map(|(block, said)| self.annotation(block, said))
            .collect()
    }

    fn annotation(&self, block: &ast::Annotations, said: &Annotation) -> Json {
        let fields = said.fields.iter().map(|(name, json)| (name.clone(), Json::Compact(json.clone())));
        let mut fields: Vec<(String, Json)> = fields.collect();
        if self.options.locations {
            let before = self.text.get(..block.span.start as usize).unwrap_or_default();
            let row = before.matches('\n').count() + 1;
            let place = vec![
                ("file", Json::text(self.name)),
                ("row", Json::Raw(row.to_string())),
                ("col", Json::Raw("1".to_owned())),
                ("text", Json::text(&base64(Self::block(block).as_bytes()))),
            ];
            let at = fields.partition_point(|(name, _)| name.as_str() < "location");
            fields.insert(at, ("location".to_owned(), Json::Map(place)));
        }
        Json::Fields(fields)
    }

    /// The text of a block of annotations, as OPA writes it anew: with a space before each line, empty ones too.
    fn block(block: &ast::Annotations) -> String {
        let yaml = block.yaml.strip_suffix('\n').unwrap_or(&block.yaml);
        yaml.split('\n').fold("# METADATA".to_owned(), |text, line| text + "\n# " + line)
    }

    fn comment(&self, comment: &super::Comment, source: &ast::Module) -> Json {
        let mut location = self.place(comment.loc);
        if self.options.locations {
            // To OPA the first comment of a block of annotations reaches as far as the block.
            let block = source.annotations.iter().find(|block| block.span.start == comment.loc.start);
            let text = block.map_or_else(|| self.slice(comment.loc).to_owned(), Self::block);
            location.push(("text", Json::text(&base64(text.as_bytes()))));
        }
        Json::Map(vec![
            ("Text", Json::text(&base64(comment.text.as_bytes()))),
            ("Location", Json::Map(location)),
        ])
    }

    fn slice(&self, loc: Loc) -> &str {
        self.text.get(loc.start as usize..loc.end as usize).unwrap_or_default()
    }

    fn place(&self, loc: Loc) -> Vec<(&'static str, Json)> {
        vec![
            ("file", Json::text(self.name)),
            ("row", Json::Raw(loc.row.to_string())),
            ("col", Json::Raw(loc.col.to_string())),
        ]
    }

    /// The member `location`, if locations are wanted.
    fn location(&self, loc: Loc) -> Vec<(&'static str, Json)> {
        if !self.options.locations {
            return Vec::new();
        }
        let mut place = self.place(loc);
        place.push(("text", Json::text(&base64(self.slice(loc).as_bytes()))));
        vec![("location", Json::Map(place))]
    }

    fn import(&self, import: &Import) -> Json {
        let mut members = Vec::new();
        if let Some(alias) = &import.alias {
            members.push(("alias", Json::text(alias)));
        }
        members.extend(self.location(import.loc));
        let loc = match (import.path.first(), import.path.last()) {
            (Some(first), Some(last)) => Loc { end: self.closed(last.loc), ..first.loc },
            _ => import.loc,
        };
        members.push(("path", self.term(&Term { value: Value::Ref(import.path.clone()), loc })));
        Json::Map(members)
    }

    /// Where a step of a path ends, with the bracket around it.
    fn closed(&self, step: Loc) -> u32 {
        let before = self.text.get(..step.start as usize).unwrap_or_default();
        let after = self.text.get(step.end as usize..).unwrap_or_default();
        match after.find(']') {
            Some(gap) if before.trim_end().ends_with('[') => step.end + gap as u32 + 1,
            _ => step.end,
        }
    }

    // --- rules ---

    /// `prefixes` are those of all rules, with their places in the tree that was parsed.
    fn rule(
        &self,
        rule: &Rule,
        parent: Option<&Head>,
        source: &ast::Module,
        prefixes: &[(usize, &[Term])],
    ) -> Json {
        let mut members = Vec::new();
        if parent.is_none() {
            let same = |other: usize| {
                let prefix = prefixes.iter().find(|(index, _)| *index == other);
                prefix.is_some_and(|(_, prefix)| {
                    let own = ground(&rule.head);
                    own.len() == prefix.len() && own.iter().zip(*prefix).all(|(a, b)| a.value == b.value)
                })
            };
            let own = |target: AnnotationTarget, said: &Annotation| match target {
                AnnotationTarget::Rule(index) => index == rule.index || (said.document && same(index)),
                _ => false,
            };
            let annotations = self.annotations(own, source);
            if !annotations.is_empty() {
                members.push(("annotations", Json::List(annotations)));
            }
        }
        members.push(("body", self.body(&rule.body)));
        if rule.default {
            members.push(("default", Json::Raw("true".to_owned())));
        }
        if let Some(otherwise) = &rule.otherwise {
            members
                .push(("else", self.rule(otherwise, Some(parent.unwrap_or(&rule.head)), source, prefixes)));
        }
        members.push(("head", self.head(&rule.head, parent)));
        members.extend(self.location(rule.loc));
        Json::Map(members)
    }

    fn head(&self, head: &Head, parent: Option<&Head>) -> Json {
        let named = parent.unwrap_or(head);
        let mut members = Vec::new();
        if let Some(Term { value: Value::Var(name), .. }) = named.reference.first().filter(|_| named.named) {
            members.push(("name", Json::text(name)));
        }
        if let Some(args) = head.args.as_ref().filter(|a| !a.is_empty()) {
            members.push(("args", self.terms(args)));
        }
        if let Some(key) = &head.key {
            members.push(("key", self.term(key)));
        }
        if let Some(value) = &head.value {
            let value = if head.value_placed { self.term(value) } else { self.bare(value) };
            members.push(("value", value));
        }
        if head.assign {
            members.push(("assign", Json::Raw("true".to_owned())));
        }
        members.push(("ref", self.terms(&named.reference)));
        members.extend(self.location(head.loc));
        Json::Map(members)
    }

    // --- statements ---

    fn body(&self, body: &[Expr]) -> Json {
        Json::List(body.iter().enumerate().map(|(i, e)| self.expr(i, e)).collect())
    }

    fn expr(&self, index: usize, expr: &Expr) -> Json {
        let mut members = vec![("index", Json::Raw(index.to_string()))];
        members.extend(self.location(expr.loc));
        if expr.negated {
            members.push(("negated", Json::Raw("true".to_owned())));
        }
        members.push(("terms", self.expr_terms(expr)));
        if !expr.with.is_empty() {
            members.push(("with", Json::list(&expr.with, |w| self.with(w))));
        }
        Json::Map(members)
    }

    fn expr_terms(&self, expr: &Expr) -> Json {
        match &expr.terms {
            Terms::Term(term) => self.term(term),
            Terms::Call(call) => self.terms(call),
            Terms::Some(symbols) => {
                let mut members = self.location(Loc { end: expr.loc.start + 4, ..expr.loc });
                members.push(("symbols", self.terms(symbols)));
                Json::Map(members)
            }
            Terms::Every { key, value, domain, body } => {
                let null = || Json::Raw("null".to_owned());
                let mut members = vec![
                    ("body", self.body(body)),
                    ("domain", self.term(domain)),
                    ("key", key.as_ref().map_or_else(null, |k| self.term(k))),
                ];
                members.extend(self.location(Loc { end: expr.loc.start + 5, ..expr.loc }));
                members.push(("value", self.term(value)));
                Json::Map(members)
            }
            Terms::Not { body, explicit } => {
                let mut members = vec![("body", self.body(body))];
                members.push(("explicit_body", Json::Raw(explicit.to_string())));
                members.push(("type", Json::text("not")));
                Json::Map(members)
            }
            Terms::Logical { op, lhs, rhs } => self.logical(op, lhs, rhs),
        }
    }

    fn logical(&self, op: &str, lhs: &Operand, rhs: &Operand) -> Json {
        let mut members = Vec::new();
        for (name, operand) in [("explicit_lhs", lhs), ("explicit_rhs", rhs)] {
            if operand.brace.is_some() {
                members.push((name, Json::Raw("true".to_owned())));
            }
        }
        members.push(("lhs", self.body(&lhs.body)));
        members.push(("rhs", self.body(&rhs.body)));
        members.push(("type", Json::text(op)));
        Json::Map(members)
    }

    fn with(&self, with: &With) -> Json {
        let mut members = self.location(with.loc);
        members.push(("target", self.term(&with.target)));
        members.push(("value", self.term(&with.value)));
        Json::Map(members)
    }

    // --- terms ---

    fn terms(&self, terms: &[Term]) -> Json {
        Json::list(terms, |t| self.term(t))
    }

    fn term(&self, term: &Term) -> Json {
        let mut members = self.location(term.loc);
        members.extend(self.typed(term));
        Json::Map(members)
    }

    /// A term that has no place.
    fn bare(&self, term: &Term) -> Json {
        Json::Map(self.typed(term))
    }

    fn typed(&self, term: &Term) -> Vec<(&'static str, Json)> {
        let (name, value) = match &term.value {
            Value::Null => {
                return vec![("type", Json::text("null")), ("value", Json::Map(Vec::new()))];
            }
            Value::Bool(b) => ("boolean", Json::Raw(b.to_string())),
            Value::Number(text) => ("number", Json::Raw(number(text))),
            Value::String { value, .. } => ("string", Json::text(value)),
            Value::Var(name) => ("var", Json::text(name)),
            Value::Ref(path) => ("ref", self.terms(path)),
            Value::Call(call) => ("call", self.terms(call)),
            Value::Array(items) => ("array", self.terms(items)),
            Value::Set(items) => ("set", self.terms(&sorted(items))),
            Value::Object(members) => ("object", self.object(members)),
            Value::ArrayComprehension(t, body) => ("arraycomprehension", self.comprehension(None, t, body)),
            Value::SetComprehension(t, body) => ("setcomprehension", self.comprehension(None, t, body)),
            Value::ObjectComprehension(k, v, body) => {
                ("objectcomprehension", self.comprehension(Some(k), v, body))
            }
            Value::Template { parts, raw } => {
                let members = vec![
                    ("parts", Json::list(parts, |p| self.part(p))),
                    ("multi_line", Json::Raw(raw.to_string())),
                ];
                ("templatestring", Json::Map(members))
            }
        };
        vec![("type", Json::text(name)), ("value", value)]
    }

    fn object(&self, members: &[(Term, Term)]) -> Json {
        Json::list(&by_key(members), |(k, v)| Json::List(vec![self.term(k), self.term(v)]))
    }

    fn comprehension(&self, key: Option<&Term>, term: &Term, body: &[Expr]) -> Json {
        let mut members = Vec::new();
        match key {
            Some(key) => members.extend([("key", self.term(key)), ("value", self.term(term))]),
            None => members.push(("term", self.term(term))),
        }
        members.push(("body", self.body(body)));
        Json::Map(members)
    }

    fn part(&self, part: &Part) -> Json {
        match part {
            Part::Text(text, loc) => {
                self.term(&Term { value: Value::String { value: text.clone(), raw: false }, loc: *loc })
            }
            Part::Term(term) => self.term(term),
            Part::Expr(expr) => self.expr(0, expr),
        }
    }
}

/// JSON knows no number that begins with a point.
fn number(text: &str) -> String {
    match text.strip_prefix('-') {
        Some(rest) if rest.starts_with('.') => format!("-0{rest}"),
        None if text.starts_with('.') => format!("0{text}"),
        _ => text.to_owned(),
    }
}

// --- order ---

fn sorted(items: &[Term]) -> Vec<Term> {
    let mut items = items.to_vec();
    items.sort_by(|a, b| compare(&a.value, &b.value));
    items
}

fn rank(value: &Value) -> u8 {
    match value {
        Value::Null => 0,
        Value::Bool(_) => 1,
        Value::Number(_) => 2,
        Value::String { .. } => 3,
        Value::Template { .. } => 4,
        Value::Var(_) => 5,
        Value::Ref(_) => 6,
        Value::Array(_) => 7,
        Value::Object(_) => 8,
        Value::Set(_) => 9,
        Value::ArrayComprehension(..) => 10,
        Value::ObjectComprehension(..) => 11,
        Value::SetComprehension(..) => 12,
        Value::Call(_) => 13,
    }
}

/// OPA's order, as far as literals and references go.
fn compare(a: &Value, b: &Value) -> Ordering {
    match (a, b) {
        (Value::Bool(a), Value::Bool(b)) => a.cmp(b),
        (Value::Number(a), Value::Number(b)) => {
            let (x, y) = (a.parse::<f64>().unwrap_or(0.0), b.parse::<f64>().unwrap_or(0.0));
            x.total_cmp(&y)
        }
        (Value::String { value: a, .. }, Value::String { value: b, .. }) | (Value::Var(a), Value::Var(b)) => {
            a.cmp(b)
        }
        (Value::Ref(a), Value::Ref(b))
        | (Value::Call(a), Value::Call(b))
        | (Value::Array(a), Value::Array(b)) => compare_lists(a, b),
        (Value::Set(a), Value::Set(b)) => compare_lists(&sorted(a), &sorted(b)),
        (Value::Object(a), Value::Object(b)) => compare_members(&by_key(a), &by_key(b)),
        _ => rank(a).cmp(&rank(b)),
    }
}

fn by_key(members: &[(Term, Term)]) -> Vec<&(Term, Term)> {
    let mut members: Vec<_> = members.iter().collect();
    members.sort_by(|a, b| compare(&a.0.value, &b.0.value));
    members
}

/// Member by member, each by its key and then by its value.
fn compare_members(a: &[&(Term, Term)], b: &[&(Term, Term)]) -> Ordering {
    let member = |(x, y): (&&(Term, Term), &&(Term, Term))| {
        compare(&x.0.value, &y.0.value).then_with(|| compare(&x.1.value, &y.1.value))
    };
    let unequal = a.iter().zip(b).map(member).find(|o| o.is_ne());
    unequal.unwrap_or_else(|| a.len().cmp(&b.len()))
}

fn compare_lists(a: &[Term], b: &[Term]) -> Ordering {
    let unequal = a.iter().zip(b).map(|(x, y)| compare(&x.value, &y.value)).find(|o| o.is_ne());
    unequal.unwrap_or_else(|| a.len().cmp(&b.len()))
}

// --- wildcards ---

fn number_wildcards(module: &mut Module) {
    let mut next = 0;
    for rule in &mut module.rules {
        number_rule(rule, &mut next);
    }
}

fn number_rule(rule: &mut Rule, next: &mut usize) {
    let mut args: Vec<Term> = rule.head.args.clone().unwrap_or_default();
    let head = &mut rule.head;
    head.reference.iter_mut().chain(head.args.iter_mut().flatten()).for_each(|t| number_term(t, next));
    // The key repeats a step of the reference, or stands for itself.
    let repeated =
        head.key.as_ref().zip(head.reference.get(1)).filter(|(k, s)| k.loc == s.loc).map(|(_, s)| s.clone());
    match (repeated, &mut head.key) {
        (Some(step), key) => *key = Some(step),
        (None, Some(key)) => number_term(key, next),
        (None, None) => {}
    }
    head.value.iter_mut().for_each(|t| number_term(t, next));
    number_body(&mut rule.body, next);
    let mut at = rule.otherwise.as_deref_mut();
    while let Some(otherwise) = at {
        args.iter_mut().for_each(renew);
        otherwise.head.args = (!args.is_empty()).then(|| args.clone());
        otherwise.head.args.iter_mut().flatten().for_each(|t| number_term(t, next));
        otherwise.head.value.iter_mut().for_each(|t| number_term(t, next));
        number_body(&mut otherwise.body, next);
        at = otherwise.otherwise.as_deref_mut();
    }
}

fn renew(term: &mut Term) {
    if matches!(&term.value, Value::Var(name) if name.starts_with('$')) {
        term.value = Value::Var("_".to_owned());
    }
}

fn number_body(body: &mut [Expr], next: &mut usize) {
    body.iter_mut().for_each(|e| number_expr(e, next));
}

fn number_expr(expr: &mut Expr, next: &mut usize) {
    match &mut expr.terms {
        Terms::Term(term) => number_term(term, next),
        Terms::Call(terms) | Terms::Some(terms) => terms.iter_mut().for_each(|t| number_term(t, next)),
        Terms::Every { key, value, domain, body } => {
            key.iter_mut().for_each(|t| number_term(t, next));
            number_term(value, next);
            number_term(domain, next);
            number_body(body, next);
        }
        Terms::Not { body, .. } => number_body(body, next),
        Terms::Logical { lhs, rhs, .. } => {
            number_body(&mut lhs.body, next);
            number_body(&mut rhs.body, next);
        }
    }
    for with in &mut expr.with {
        number_term(&mut with.target, next);
        number_term(&mut with.value, next);
    }
}

fn number_term(term: &mut Term, next: &mut usize) {
    match &mut term.value {
        Value::Var(name) if name == "_" => {
            *name = format!("${next}");
            *next += 1;
        }
        Value::Ref(items) | Value::Call(items) | Value::Array(items) | Value::Set(items) => {
            items.iter_mut().for_each(|t| number_term(t, next));
        }
        Value::Object(members) => members.iter_mut().for_each(|(k, v)| {
            number_term(k, next);
            number_term(v, next);
        }),
        Value::ArrayComprehension(t, body) | Value::SetComprehension(t, body) => {
            number_term(t, next);
            number_body(body, next);
        }
        Value::ObjectComprehension(k, v, body) => {
            number_term(k, next);
            number_term(v, next);
            number_body(body, next);
        }
        Value::Template { parts, .. } => parts.iter_mut().for_each(|p| match p {
            Part::Expr(e) => number_expr(e, next),
            Part::Term(t) => number_term(t, next),
            Part::Text(..) => {}
        }),
        _ => {}
    }
}
