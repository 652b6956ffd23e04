//! Running a template.
//!
//! The one surprising fact: a key that is not there prints as `<no value>`, and asking it for a field gives
//! nothing again, while a value of another kind has no fields and ends the run.

use super::data::Data;
use super::functions;
use super::parse::{Branch, Node, Pipe, Place, Templates, Term, TermKind};
use crate::BuiltinError;

/// A value, and whether Go only knows it as an interface.
#[derive(Clone, Debug)]
struct Known {
    data: Data,
    boxed: bool,
}

impl Known {
    fn plain(data: Data) -> Self {
        Self { data, boxed: false }
    }

    fn boxed(data: Data) -> Self {
        Self { data, boxed: true }
    }

    fn type_name(&self) -> &'static str {
        if self.boxed { "interface {}" } else { self.data.type_name() }
    }
}

/// What a node did to the loop around it.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Flow {
    On,
    Break,
    Continue,
}

type Run<T> = Result<T, BuiltinError>;

/// Templates in templates beyond this are refused.
const MAX_DEPTH: usize = 100;
/// Nodes that one run may visit.
const MAX_STEPS: usize = 10_000_000;
/// Bytes that one run may write.
const MAX_OUTPUT: usize = 100 << 20;

/// The text of a template with its data.
///
/// # Errors
/// What Go says, and limits of ours.
pub(super) fn run(text: &str, templates: &Templates, data: Data) -> Run<String> {
    let dot = Known::plain(data);
    let mut runner = Runner {
        text,
        templates,
        variables: vec![("$".to_owned(), dot.clone())],
        name: "template",
        out: String::new(),
        depth: 0,
        steps: 0,
    };
    runner.list(&dot, &templates.main)?;
    Ok(runner.out)
}

struct Runner<'t> {
    text: &'t str,
    templates: &'t Templates,
    variables: Vec<(String, Known)>,
    name: &'t str,
    out: String,
    depth: usize,
    steps: usize,
}

impl<'t> Runner<'t> {
    fn error<T>(&self, place: &Place, what: impl std::fmt::Display) -> Run<T> {
        let before = self.text.get(..place.at).unwrap_or_default();
        let line = 1 + before.matches('\n').count();
        let column = before.len() - before.rfind('\n').map_or(0, |at| at + 1);
        let (name, at) = (crate::go::quote(self.name), &place.text);
        Err(BuiltinError::Failed(format!(
            "template: template:{line}:{column}: executing {name} at <{at}>: {what}"
        )))
    }

    fn step(&mut self) -> Run<()> {
        self.steps += 1;
        if self.steps > MAX_STEPS || self.out.len() > MAX_OUTPUT {
            return Err(BuiltinError::Limit("template does too much".to_owned()));
        }
        Ok(())
    }

    fn list(&mut self, dot: &Known, nodes: &'t [Node]) -> Run<Flow> {
        for node in nodes {
            self.step()?;
            let flow = self.node(dot, node)?;
            if flow != Flow::On {
                return Ok(flow);
            }
        }
        Ok(Flow::On)
    }

    fn node(&mut self, dot: &Known, node: &'t Node) -> Run<Flow> {
        match node {
            Node::Text(text) => self.out.push_str(text),
            Node::Action(pipe) => {
                let value = self.pipe(dot, pipe)?;
                if pipe.variables.is_empty() {
                    self.out.push_str(&value.printed());
                }
            }
            Node::If(branch) => return self.scoped(|runner| runner.choose(dot, branch, false)),
            Node::With(branch) => return self.scoped(|runner| runner.choose(dot, branch, true)),
            Node::Range(branch) => return self.scoped(|runner| runner.range(dot, branch)),
            Node::Template { name, pipe, at } => self.template(dot, name, pipe.as_ref(), *at)?,
            Node::Break => return Ok(Flow::Break),
            Node::Continue => return Ok(Flow::Continue),
        }
        Ok(Flow::On)
    }

    /// Variables of the inside end with it.
    fn scoped<T>(&mut self, inside: impl FnOnce(&mut Self) -> Run<T>) -> Run<T> {
        let variables = self.variables.len();
        let result = inside(self);
        self.variables.truncate(variables);
        result
    }

    fn choose(&mut self, dot: &Known, branch: &'t Branch, with: bool) -> Run<Flow> {
        let value = self.pipe(dot, &branch.pipe)?;
        if !value.is_true() {
            return self.list(dot, &branch.otherwise);
        }
        if with { self.list(&Known::plain(value), &branch.then) } else { self.list(dot, &branch.then) }
    }

    fn range(&mut self, dot: &Known, branch: &'t Branch) -> Run<Flow> {
        let last = branch.pipe.commands.last().and_then(|command| command.last());
        let place = last.map_or(&branch.pipe.place, |term| &term.place);
        // Variables of a range are set in each round, not by its pipe.
        let value = self.commands(dot, &branch.pipe)?;
        let inner = self.variables.len();
        if !branch.pipe.assigns {
            let nothing = |name: &String| (name.clone(), Known::plain(Data::Missing));
            self.variables.extend(branch.pipe.variables.iter().map(nothing));
        }
        let rounds: Vec<(Data, Known)> = match &value {
            Data::Missing | Data::Null => Vec::new(),
            Data::List(list) => {
                let index = |at: usize| Data::Int(i64::try_from(at).unwrap_or(i64::MAX));
                list.iter().enumerate().map(|(at, item)| (index(at), Known::boxed(item.clone()))).collect()
            }
            Data::Map(map) => map
                .iter()
                .map(|(key, value)| (Data::Text(key.clone()), Known::boxed(value.clone())))
                .collect(),
            Data::Int(_) if branch.pipe.variables.len() > 1 => {
                let what = format!("can't use {} to iterate over more than one variable", value.text());
                return self.error(place, what);
            }
            Data::Int(count) => {
                let most = i64::try_from(MAX_STEPS).unwrap_or(i64::MAX);
                (0..(*count).min(most)).map(|at| (Data::Int(at), Known::plain(Data::Int(at)))).collect()
            }
            other => {
                return self.error(place, format!("range can't iterate over {}", other.text()));
            }
        };
        if rounds.is_empty() {
            self.variables.truncate(inner);
            return self.list(dot, &branch.otherwise);
        }
        for (key, item) in rounds {
            self.step()?;
            self.set_round(&branch.pipe, inner, key, &item);
            let variables = self.variables.len();
            let flow = self.list(&item, &branch.then)?;
            self.variables.truncate(variables);
            if flow == Flow::Break {
                break;
            }
        }
        Ok(Flow::On)
    }

    fn set_round(&mut self, pipe: &Pipe, inner: usize, key: Data, item: &Known) {
        let values = match pipe.variables.len() {
            0 => return,
            1 => vec![item.clone()],
            _ => vec![Known::plain(key), item.clone()],
        };
        for (at, value) in values.into_iter().enumerate() {
            if pipe.assigns {
                if let Some(name) = pipe.variables.get(at) {
                    self.assign(name, value);
                }
            } else if let Some((_, slot)) = self.variables.get_mut(inner + at) {
                *slot = value;
            }
        }
    }

    fn assign(&mut self, name: &str, value: Known) {
        if let Some((_, slot)) = self.variables.iter_mut().rev().find(|(known, _)| known == name) {
            *slot = value;
        }
    }

    fn template(&mut self, dot: &Known, name: &'t str, pipe: Option<&'t Pipe>, at: usize) -> Run<()> {
        let place = Place { at, text: format!("{{{{template {}}}}}", crate::go::quote(name)) };
        let Some(nodes) = self.templates.named.get(name) else {
            return self.error(&place, format!("template {} not defined", crate::go::quote(name)));
        };
        if self.depth >= MAX_DEPTH {
            return Err(BuiltinError::Limit("templates call each other too deeply".to_owned()));
        }
        let inner = match pipe {
            Some(pipe) => Known::plain(self.pipe(dot, pipe)?),
            None => Known::plain(Data::Missing),
        };
        let outer = std::mem::replace(&mut self.variables, vec![("$".to_owned(), inner.clone())]);
        let outer_name = std::mem::replace(&mut self.name, name);
        self.depth += 1;
        self.list(&inner, nodes)?;
        self.depth -= 1;
        self.name = outer_name;
        self.variables = outer;
        Ok(())
    }

    /// The value of a pipe, kept in its variables.
    fn pipe(&mut self, dot: &Known, pipe: &Pipe) -> Run<Data> {
        let value = self.commands(dot, pipe)?;
        for name in &pipe.variables {
            let known = Known::plain(value.clone());
            if pipe.assigns {
                self.assign(name, known);
            } else {
                self.variables.push((name.clone(), known));
            }
        }
        Ok(value)
    }

    fn commands(&mut self, dot: &Known, pipe: &Pipe) -> Run<Data> {
        let mut last = None;
        for command in &pipe.commands {
            self.step()?;
            let value = self.command(dot, command, last.take())?.data;
            last = Some(if matches!(value, Data::Null) { Data::Missing } else { value });
        }
        Ok(last.unwrap_or(Data::Missing))
    }

    fn command(&mut self, dot: &Known, command: &[Term], last: Option<Data>) -> Run<Known> {
        let [first, args @ ..] = command else { return Ok(Known::plain(Data::Missing)) };
        if let TermKind::Function(name) = &first.kind {
            let words: Vec<_> = command.iter().map(|term| term.place.text.as_str()).collect();
            let whole = Place { at: first.place.at, text: words.join(" ") };
            return self.function(dot, name, args, last, [&first.place, &whole]).map(Known::plain);
        }
        let given = !args.is_empty() || last.is_some();
        match &first.kind {
            TermKind::Field(names) | TermKind::Variable(_, names) | TermKind::Chain(_, names)
                if given && !names.is_empty() =>
            {
                let name = names.last().map_or("", String::as_str);
                self.error(&first.place, format!("{name} is not a method but has arguments"))
            }
            _ if given => {
                let what = format!("can't give argument to non-function {}", first.place.text);
                self.error(&first.place, what)
            }
            TermKind::Nil => self.error(&first.place, "nil is not a command"),
            _ => self.term(dot, first),
        }
    }

    fn term(&mut self, dot: &Known, term: &Term) -> Run<Known> {
        Ok(match &term.kind {
            TermKind::Dot => dot.clone(),
            TermKind::Nil => Known::plain(Data::Null),
            TermKind::Bool(b) => Known::plain(Data::Bool(*b)),
            TermKind::Int(i) => Known::plain(Data::Int(*i)),
            TermKind::Float(f) => Known::plain(Data::Float(*f)),
            TermKind::Text(text) => Known::plain(Data::Text(text.clone())),
            TermKind::Field(names) => return self.fields(dot.clone(), names, &term.place),
            TermKind::Variable(name, names) => {
                let known = self.variables.iter().rev().find(|(known, _)| known == name);
                let Some((_, value)) = known.cloned() else {
                    return self.error(&term.place, format!("undefined variable: {name}"));
                };
                return self.fields(value, names, &term.place);
            }
            TermKind::Function(name) => {
                Known::plain(self.function(dot, name, &[], None, [&term.place, &term.place])?)
            }
            TermKind::Pipe(pipe) => Known::plain(self.scoped(|runner| runner.pipe(dot, pipe))?),
            TermKind::Chain(inner, names) => {
                let value = self.term(dot, inner)?;
                return self.fields(value, names, &term.place);
            }
        })
    }

    fn fields(&self, value: Known, names: &[String], place: &Place) -> Run<Known> {
        names.iter().try_fold(value, |value, name| match &value.data {
            Data::Missing => Ok(value),
            Data::Null => self.error(place, format!("nil pointer evaluating {}.{name}", value.type_name())),
            Data::Map(map) => {
                Ok(map.get(name).map_or(Known::plain(Data::Missing), |field| Known::boxed(field.clone())))
            }
            _ => self.error(place, format!("can't evaluate field {name} in type {}", value.type_name())),
        })
    }

    fn function(
        &mut self,
        dot: &Known,
        name: &str,
        terms: &[Term],
        last: Option<Data>,
        [place, whole]: [&Place; 2],
    ) -> Run<Data> {
        let count = terms.len() + usize::from(last.is_some());
        let (least, most) = functions::arity(name);
        if count < least && most.is_none() {
            return self
                .error(place, format!("wrong number of args for {name}: want at least {least} got {count}"));
        }
        if most.is_some_and(|most| count != most) {
            return self.error(place, format!("wrong number of args for {name}: want {least} got {count}"));
        }
        if matches!(name, "and" | "or") {
            return self.short_circuit(dot, name == "or", terms, last);
        }
        let mut args = Vec::new();
        for term in terms {
            args.push(self.term(dot, term)?.data);
        }
        args.extend(last);
        if name == "printf" && !matches!(args.first(), Some(Data::Text(_))) {
            return self.format_fault(terms, args.first(), place);
        }
        let called = match (name, args.as_slice()) {
            ("call", [value, ..]) => Err(no_function(terms.first(), value)),
            _ => functions::call(name, &args),
        };
        called.or_else(|text| self.error(whole, format!("error calling {name}: {text}")))
    }

    fn format_fault(&self, terms: &[Term], format: Option<&Data>, place: &Place) -> Run<Data> {
        let constant = |term: &&Term| {
            matches!(term.kind, TermKind::Bool(_) | TermKind::Int(_) | TermKind::Float(_) | TermKind::Nil)
        };
        if let Some(term) = terms.first().filter(constant) {
            return self.error(&term.place, format!("expected string; found {}", term.place.text));
        }
        let place = terms.first().map_or(place, |term| &term.place);
        match format {
            None | Some(Data::Missing | Data::Null) => self.error(place, "invalid value; expected string"),
            Some(other) => {
                let got = other.type_name();
                self.error(place, format!("wrong type for value; expected string; got {got}"))
            }
        }
    }

    /// The first argument that decides, or the last one.
    fn short_circuit(&mut self, dot: &Known, wanted: bool, terms: &[Term], last: Option<Data>) -> Run<Data> {
        let mut value = Data::Missing;
        for term in terms {
            value = self.term(dot, term)?.data;
            if value.is_true() == wanted {
                return Ok(value);
            }
        }
        Ok(last.unwrap_or(value))
    }
}

/// Documents hold no functions, so nothing that `call` is given can be called.
fn no_function(term: Option<&Term>, value: &Data) -> String {
    if matches!(value, Data::Missing | Data::Null) {
        return "call of nil".to_owned();
    }
    let written = term.map(|term| term.place.text.as_str());
    let bare =
        |text: &str| text.strip_prefix('(').and_then(|t| t.strip_suffix(')')).unwrap_or(text).to_owned();
    let name = written.map_or_else(|| value.text(), bare);
    format!("non-function {name} of type {}", value.type_name())
}
