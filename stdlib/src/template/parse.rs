//! Templates as trees.
//!
//! The one surprising fact: variables and functions are looked up here, so that a name that nobody
//! declared stops a template before it prints anything.

use super::lex::{Kind, Token, tokens};
use super::words;
use std::collections::BTreeMap;

/// A part of a template.
#[derive(Debug)]
pub(super) enum Node {
    Text(String),
    Action(Pipe),
    If(Branch),
    With(Branch),
    Range(Branch),
    Template { name: String, pipe: Option<Pipe>, at: usize },
    Break,
    Continue,
}

/// What depends on a pipe.
#[derive(Debug)]
pub(super) struct Branch {
    pub(super) pipe: Pipe,
    pub(super) then: Vec<Node>,
    pub(super) otherwise: Vec<Node>,
}

/// Commands, each of which takes the value of the one before.
#[derive(Debug, Default)]
pub(super) struct Pipe {
    pub(super) variables: Vec<String>,
    /// The variables are not new.
    pub(super) assigns: bool,
    pub(super) commands: Vec<Vec<Term>>,
    pub(super) place: Place,
}

/// Where a part stands, for faults: bytes from the start, and its text.
#[derive(Clone, Debug, Default)]
pub(super) struct Place {
    pub(super) at: usize,
    pub(super) text: String,
}

/// A term with its place.
#[derive(Debug)]
pub(super) struct Term {
    pub(super) kind: TermKind,
    pub(super) place: Place,
}

#[derive(Debug)]
pub(super) enum TermKind {
    Dot,
    Nil,
    Bool(bool),
    Int(i64),
    Float(f64),
    Text(String),
    Field(Vec<String>),
    Variable(String, Vec<String>),
    Function(String),
    Pipe(Box<Pipe>),
    Chain(Box<Term>, Vec<String>),
}

/// A template and those that it defines.
#[derive(Debug, Default)]
pub(super) struct Templates {
    pub(super) main: Vec<Node>,
    pub(super) named: BTreeMap<String, Vec<Node>>,
}

type Parsed<T> = Result<T, String>;

/// Nesting beyond which a template is refused.
const MAX_DEPTH: usize = 200;

/// Reads a template.
///
/// # Errors
/// The text that Go gives.
pub(super) fn parse(text: &str) -> Parsed<Templates> {
    let mut parser = Parser {
        text,
        tokens: tokens(text),
        at: 0,
        variables: vec!["$".to_owned()],
        templates: Templates::default(),
        loops: 0,
        depth: 0,
    };
    let (main, end) = parser.list(true)?;
    if let Some(end) = end {
        return parser.error(format!("unexpected {{{{{end}}}}}"));
    }
    parser.templates.main = main;
    Ok(parser.templates)
}

struct Parser<'t> {
    text: &'t str,
    tokens: Vec<Token>,
    at: usize,
    variables: Vec<String>,
    templates: Templates,
    loops: usize,
    depth: usize,
}

impl Parser<'_> {
    fn token(&self) -> Token {
        let end = || Token { kind: Kind::End, text: String::new(), at: self.text.len(), line: 1 };
        self.tokens.get(self.at).or(self.tokens.last()).cloned().unwrap_or_else(end)
    }

    fn next(&mut self) -> Token {
        let token = self.token();
        self.at += 1;
        token
    }

    /// The next token that is not blank, which stays.
    fn peek(&mut self) -> Token {
        while self.token().kind == Kind::Space {
            self.at += 1;
        }
        self.token()
    }

    fn next_solid(&mut self) -> Token {
        self.peek();
        self.next()
    }

    fn error<T>(&self, what: impl std::fmt::Display) -> Parsed<T> {
        let seen = self.tokens.get(self.at.saturating_sub(1)).or(self.tokens.last());
        Err(format!("template: template:{}: {what}", seen.map_or(1, |token| token.line)))
    }

    fn unexpected<T>(&self, token: &Token, context: &str) -> Parsed<T> {
        if token.kind == Kind::Fault {
            return self.error(token.shown());
        }
        self.error(format_args!("unexpected {} in {context}", token.shown()))
    }

    fn expect(&mut self, kind: Kind, context: &str) -> Parsed<Token> {
        let token = self.next_solid();
        if token.kind == kind { Ok(token) } else { self.unexpected(&token, context) }
    }

    /// Nodes up to the end of the text, or to `end` or `else`, which are told.
    fn list(&mut self, top: bool) -> Parsed<(Vec<Node>, Option<&'static str>)> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return self.error("template nests too deeply");
        }
        let mut nodes = Vec::new();
        loop {
            let token = self.next();
            match token.kind {
                Kind::End if top => break,
                Kind::End => return self.error("unexpected EOF"),
                Kind::Text => nodes.push(Node::Text(token.text)),
                Kind::Open => {
                    let word = self.peek();
                    match (word.kind, word.text.as_str()) {
                        (Kind::Keyword, "end") => {
                            self.at += 1;
                            self.expect(Kind::Close, "end")?;
                            self.depth -= 1;
                            return Ok((nodes, Some("end")));
                        }
                        (Kind::Keyword, "else") => {
                            self.at += 1;
                            self.depth -= 1;
                            return Ok((nodes, Some("else")));
                        }
                        (Kind::Keyword, "define") if top => {
                            self.at += 1;
                            self.define()?;
                        }
                        _ => nodes.push(self.action()?),
                    }
                }
                _ => return self.unexpected(&token, "input"),
            }
        }
        self.depth -= 1;
        Ok((nodes, None))
    }

    fn define(&mut self) -> Parsed<()> {
        let context = "define clause";
        let name = self.next_solid();
        let name = self.template_name(&name, context)?;
        self.expect(Kind::Close, context)?;
        let outer = std::mem::replace(&mut self.variables, vec!["$".to_owned()]);
        let nodes = self.body(context)?;
        self.variables = outer;
        self.keep(name, nodes)
    }

    /// A list that must end with `end`.
    fn body(&mut self, context: &str) -> Parsed<Vec<Node>> {
        match self.list(false)? {
            (nodes, Some("end")) => Ok(nodes),
            _ => self.error(format_args!("unexpected {{{{else}}}} in {context}")),
        }
    }

    fn keep(&mut self, name: String, nodes: Vec<Node>) -> Parsed<()> {
        let is_empty = |nodes: &[Node]| {
            nodes.iter().all(|node| matches!(node, Node::Text(text) if text.trim().is_empty()))
        };
        if self.templates.named.get(&name).is_some_and(|known| !is_empty(known)) && !is_empty(&nodes) {
            let name = crate::go::quote(&name);
            return self.error(format_args!("template: multiple definition of template {name}"));
        }
        self.templates.named.insert(name, nodes);
        Ok(())
    }

    fn template_name(&mut self, token: &Token, context: &str) -> Parsed<String> {
        match token.kind {
            Kind::Quoted | Kind::Raw => self.unquoted(token),
            _ => self.unexpected(token, context),
        }
    }

    fn unquoted(&mut self, token: &Token) -> Parsed<String> {
        match words::unquote(&token.text) {
            Some(text) => Ok(text),
            None => self.error("invalid syntax"),
        }
    }

    fn action(&mut self) -> Parsed<Node> {
        let token = self.peek();
        if token.kind == Kind::Keyword {
            self.at += 1;
            match token.text.as_str() {
                "if" => return self.branch("if").map(Node::If),
                "with" => return self.branch("with").map(Node::With),
                "range" => return self.branch("range").map(Node::Range),
                "template" => return self.template(),
                "block" => return self.block(),
                word @ ("break" | "continue") => {
                    let braces = format!("{{{{{word}}}}}");
                    let closing = self.next_solid();
                    if closing.kind != Kind::Close {
                        return self.unexpected(&closing, &braces);
                    }
                    if self.loops == 0 {
                        return self.error(format_args!("{braces} outside {{{{range}}}}"));
                    }
                    return Ok(if word == "break" { Node::Break } else { Node::Continue });
                }
                _ => self.at -= 1,
            }
        }
        self.pipe("command", Kind::Close).map(Node::Action)
    }

    fn template(&mut self) -> Parsed<Node> {
        let context = "template clause";
        let token = self.next_solid();
        let name = self.template_name(&token, context)?;
        if self.peek().kind == Kind::Close {
            self.at += 1;
            return Ok(Node::Template { name, pipe: None, at: token.at });
        }
        let pipe = self.pipe(context, Kind::Close)?;
        Ok(Node::Template { name, pipe: Some(pipe), at: token.at })
    }

    fn block(&mut self) -> Parsed<Node> {
        let context = "block clause";
        let token = self.next_solid();
        let name = self.template_name(&token, context)?;
        let pipe = self.pipe(context, Kind::Close)?;
        let outer = std::mem::replace(&mut self.variables, vec!["$".to_owned()]);
        let nodes = self.body(context)?;
        self.variables = outer;
        self.keep(name.clone(), nodes)?;
        Ok(Node::Template { name, pipe: Some(pipe), at: token.at })
    }

    fn branch(&mut self, context: &'static str) -> Parsed<Branch> {
        let scope = self.variables.len();
        let pipe = self.pipe(context, Kind::Close)?;
        self.loops += usize::from(context == "range");
        let (then, end) = self.list(false)?;
        self.loops -= usize::from(context == "range");
        let mut otherwise = Vec::new();
        if end == Some("else") {
            let word = self.peek();
            let chained = word.kind == Kind::Keyword && word.text == context && context != "range";
            if chained {
                self.at += 1;
                let inner = self.branch(context)?;
                otherwise.push(if context == "if" { Node::If(inner) } else { Node::With(inner) });
            } else {
                self.expect(Kind::Close, "else")?;
                let (nodes, end) = self.list(false)?;
                if end != Some("end") {
                    return self.error("expected end; found {{else}}");
                }
                otherwise = nodes;
            }
        }
        self.variables.truncate(scope);
        Ok(Branch { pipe, then, otherwise })
    }

    fn pipe(&mut self, context: &str, end: Kind) -> Parsed<Pipe> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return self.error("max expression depth exceeded");
        }
        let start = self.peek().at;
        let mut pipe = Pipe::default();
        self.declarations(context, &mut pipe)?;
        loop {
            let token = self.peek();
            match token.kind {
                kind if kind == end => {
                    pipe.place = self.place(start);
                    self.at += 1;
                    break;
                }
                Kind::Bool
                | Kind::Char
                | Kind::Dot
                | Kind::Field
                | Kind::Name
                | Kind::Number
                | Kind::Quoted
                | Kind::Raw
                | Kind::Variable
                | Kind::LeftParen => pipe.commands.push(self.command()?),
                Kind::Keyword if token.text == "nil" => pipe.commands.push(self.command()?),
                _ => {
                    self.at += 1;
                    return self.unexpected(&token, context);
                }
            }
        }
        self.depth -= 1;
        if pipe.commands.is_empty() {
            return self.error(format_args!("missing value for {context}"));
        }
        let plain = |term: &Term| {
            use TermKind::{Bool, Dot, Float, Int, Nil, Text};
            matches!(term.kind, Bool(_) | Dot | Nil | Int(_) | Float(_) | Text(_))
        };
        let stuck = pipe.commands.iter().skip(1).position(|command| command.first().is_some_and(plain));
        match stuck {
            Some(stage) => self.error(format_args!("non executable command in pipeline stage {}", stage + 2)),
            None => Ok(pipe),
        }
    }

    /// From a byte to the token at hand, without blanks at its end.
    fn place(&self, start: usize) -> Place {
        let end = self.token().at;
        let text = self.text.get(start..end).unwrap_or_default().trim_end().to_owned();
        Place { at: start, text }
    }

    fn declarations(&mut self, context: &str, pipe: &mut Pipe) -> Parsed<()> {
        loop {
            let before = self.at;
            let variable = self.peek();
            if variable.kind != Kind::Variable {
                return Ok(());
            }
            self.at += 1;
            let mark = self.peek();
            match mark.kind {
                Kind::Declare | Kind::Assign => {
                    self.at += 1;
                    pipe.assigns = mark.kind == Kind::Assign;
                    pipe.variables.push(variable.text.clone());
                    self.variables.push(variable.text);
                    return Ok(());
                }
                Kind::Comma => {
                    self.at += 1;
                    pipe.variables.push(variable.text.clone());
                    self.variables.push(variable.text);
                    if context != "range" || pipe.variables.len() > 1 {
                        return self.error(format_args!("too many declarations in {context}"));
                    }
                    if !matches!(self.peek().kind, Kind::Variable | Kind::Close | Kind::RightParen) {
                        return self.error("range can only initialize variables");
                    }
                }
                _ => {
                    self.at = before;
                    return Ok(());
                }
            }
        }
    }

    fn command(&mut self) -> Parsed<Vec<Term>> {
        let mut terms = Vec::new();
        loop {
            self.peek();
            terms.extend(self.operand()?);
            let token = self.next();
            match token.kind {
                Kind::Space => {}
                Kind::Close | Kind::RightParen => {
                    self.at -= 1;
                    break;
                }
                Kind::Pipe => break,
                _ => return self.unexpected(&token, "operand"),
            }
        }
        if terms.is_empty() { self.error("empty command") } else { Ok(terms) }
    }

    fn operand(&mut self) -> Parsed<Option<Term>> {
        let start = self.token().at;
        let Some(mut term) = self.term()? else { return Ok(None) };
        let mut fields = Vec::new();
        let chained = self.token().at;
        while self.token().kind == Kind::Field {
            fields.push(field_name(&self.next().text));
        }
        let extended = !fields.is_empty();
        if extended {
            let shown = std::mem::take(&mut term.place);
            term.kind = match term.kind {
                TermKind::Field(names) => TermKind::Field([names, fields].concat()),
                TermKind::Variable(name, names) => TermKind::Variable(name, [names, fields].concat()),
                kind @ (TermKind::Function(_) | TermKind::Pipe(_) | TermKind::Chain(..)) => {
                    TermKind::Chain(Box::new(Term { kind, place: shown }), fields)
                }
                _ => {
                    let shown = crate::go::quote(&shown.text);
                    return self.error(format_args!("unexpected . after term {shown}"));
                }
            };
        }
        term.place = self.place(start);
        if extended {
            // Faults are told at the first field behind the term.
            term.place.at = chained;
        }
        Ok(Some(term))
    }

    fn term(&mut self) -> Parsed<Option<Term>> {
        let token = self.next_solid();
        let kind = match token.kind {
            Kind::Name if words::is_function(&token.text) => TermKind::Function(token.text),
            Kind::Name => {
                let name = crate::go::quote(&token.text);
                return self.error(format_args!("function {name} not defined"));
            }
            Kind::Dot => TermKind::Dot,
            Kind::Keyword if token.text == "nil" => TermKind::Nil,
            Kind::Variable if self.variables.contains(&token.text) => {
                TermKind::Variable(token.text, Vec::new())
            }
            Kind::Variable => {
                let name = crate::go::quote(&token.text);
                return self.error(format_args!("undefined variable {name}"));
            }
            Kind::Field => TermKind::Field(vec![field_name(&token.text)]),
            Kind::Bool => TermKind::Bool(token.text == "true"),
            Kind::Char | Kind::Number => match words::number(&token.text) {
                Ok(kind) => kind,
                Err(why) => return self.error(why),
            },
            Kind::Quoted | Kind::Raw => TermKind::Text(self.unquoted(&token)?),
            Kind::LeftParen => {
                TermKind::Pipe(Box::new(self.pipe("parenthesized pipeline", Kind::RightParen)?))
            }
            _ => {
                self.at -= 1;
                return Ok(None);
            }
        };
        Ok(Some(Term { kind, place: self.place(token.at) }))
    }
}

fn field_name(text: &str) -> String {
    text.trim_start_matches('.').to_owned()
}
