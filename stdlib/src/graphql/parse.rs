//! Syntax trees of GraphQL documents, with the names that OPA's library gives their parts.
//!
//! The one surprising fact: trees have no positions and no empty lists, and a `false` stays.

use super::lexer::{Kind, Lexer, Token, fault};
use super::node::{Node, PLACE};

type Parsed<T = Node> = Result<T, String>;

/// Nesting beyond which a document is refused.
const MAX_DEPTH: usize = 500;

fn text(value: impl Into<String>) -> Node {
    Node::Text(value.into())
}

pub(super) struct Parser<'t> {
    lexer: Lexer<'t>,
    token: Token,
    /// Comments before the token.
    comments: Vec<String>,
    /// Comments before the last closing mark.
    closing: Node,
    depth: usize,
}

const END: Kind = Kind::End;

impl<'t> Parser<'t> {
    pub(super) fn new(source: &'t str) -> Parsed<Self> {
        let token = Token { kind: END, text: String::new(), place: (1, 1) };
        let mut parser = Self {
            lexer: Lexer::new(source),
            token,
            comments: Vec::new(),
            closing: Node::List(Vec::new()),
            depth: 0,
        };
        parser.advance()?;
        Ok(parser)
    }

    fn advance(&mut self) -> Parsed<Token> {
        self.comments.clear();
        loop {
            let next = self.lexer.read();
            if next.kind == Kind::Comment {
                self.comments.push(next.text);
            } else {
                return Ok(std::mem::replace(&mut self.token, next));
            }
        }
    }

    /// The comments before the token, as a part of a tree.
    fn comment(&self) -> Node {
        let list = self.comments.iter().map(|c| Node::Record(vec![("Value", text(c.as_str()))])).collect();
        Node::Record(vec![("List", Node::List(list))])
    }

    /// The place of the token, as a part of a tree.
    fn place(&self) -> (&'static str, Node) {
        (PLACE, Node::Place(self.token.place.0, self.token.place.1))
    }

    fn error<T>(&self, what: &str) -> Parsed<T> {
        Err(fault(what, self.token.place))
    }

    fn unexpected<T>(&self) -> Parsed<T> {
        self.error(&format!("Unexpected {}", self.token.shown()))
    }

    fn is(&self, mark: &'static str) -> bool {
        self.token.kind == Kind::Mark(mark)
    }

    fn is_word(&self, word: &str) -> bool {
        self.token.kind == Kind::Name && self.token.text == word
    }

    fn skip(&mut self, mark: &'static str) -> Parsed<bool> {
        let found = self.is(mark);
        if found {
            self.advance()?;
        }
        Ok(found)
    }

    fn expect(&mut self, kind: Kind) -> Parsed<Token> {
        if self.token.kind == kind {
            return self.advance();
        }
        self.error(&format!("Expected {}, found {}", kind.name(), self.token.kind.name()))
    }

    fn word(&mut self, word: &str) -> Parsed<()> {
        if self.is_word(word) {
            return self.advance().map(drop);
        }
        self.error(&format!("Expected {}, found {}", crate::go::quote(word), self.token.shown()))
    }

    fn name(&mut self) -> Parsed<String> {
        self.expect(Kind::Name).map(|token| token.text)
    }

    fn some(
        &mut self,
        open: &'static str,
        close: &'static str,
        mut element: impl FnMut(&mut Self) -> Parsed,
    ) -> Parsed<Vec<Node>> {
        let mut list = Vec::new();
        if !self.skip(open)? {
            return Ok(list);
        }
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return self.error("Document nests too deeply");
        }
        while !self.is(close) {
            list.push(element(self)?);
        }
        if list.is_empty() {
            let found = self.token.kind.name();
            return self.error(&format!("expected at least one definition, found {found}"));
        }
        self.depth -= 1;
        self.closing = self.comment();
        self.advance()?;
        Ok(list)
    }

    pub(super) fn query_document(&mut self) -> Parsed {
        let (mut operations, mut fragments) = (Vec::new(), Vec::new());
        while self.token.kind != END {
            if self.is("{") || ["query", "mutation", "subscription"].iter().any(|word| self.is_word(word)) {
                operations.push(self.operation()?);
            } else if self.is_word("fragment") {
                fragments.push(self.fragment_definition()?);
            } else {
                return self.unexpected();
            }
        }
        Ok(Node::Record(vec![("Operations", Node::List(operations)), ("Fragments", Node::List(fragments))]))
    }

    fn operation(&mut self) -> Parsed {
        let (comment, place) = (self.comment(), self.place());
        if self.is("{") {
            // OPA's library loses the comment before such a one.
            let selections = self.required_selections()?;
            return Ok(Node::Record(vec![
                ("Operation", text("query")),
                ("Name", text("")),
                ("SelectionSet", selections),
                place,
            ]));
        }
        let operation = self.operation_type()?;
        let name = if self.token.kind == Kind::Name { self.name()? } else { String::new() };
        Ok(Node::Record(vec![
            ("Operation", text(operation)),
            ("Name", text(name)),
            ("VariableDefinitions", self.variable_definitions()?),
            ("Directives", self.directives(false)?),
            ("SelectionSet", self.required_selections()?),
            ("Comment", comment),
            place,
        ]))
    }

    fn operation_type(&mut self) -> Parsed<String> {
        if ["query", "mutation", "subscription"].iter().any(|word| self.token.text == *word) {
            return self.advance().map(|token| token.text);
        }
        self.unexpected()
    }

    fn variable_definitions(&mut self) -> Parsed {
        self.some("(", ")", Self::variable_definition).map(Node::List)
    }

    fn variable_definition(&mut self) -> Parsed {
        let (comment, place) = (self.comment(), self.place());
        let variable = self.variable()?;
        self.expect(Kind::Mark(":"))?;
        let mut parts = vec![("Variable", text(variable)), ("Type", self.type_reference()?)];
        if self.skip("=")? {
            parts.push(("DefaultValue", self.value(true)?));
        }
        parts.push(("Directives", self.directives(false)?));
        parts.push(("Used", Node::Bool(false)));
        parts.extend([("Comment", comment), place]);
        Ok(Node::Record(parts))
    }

    fn variable(&mut self) -> Parsed<String> {
        self.expect(Kind::Mark("$"))?;
        self.name()
    }

    fn required_selections(&mut self) -> Parsed {
        if !self.is("{") {
            return self.error(&format!("Expected {{, found {}", self.token.kind.name()));
        }
        self.some("{", "}", Self::selection).map(Node::List)
    }

    fn selection(&mut self) -> Parsed {
        if self.is("...") {
            return self.fragment();
        }
        let (comment, place) = (self.comment(), self.place());
        let alias = self.name()?;
        let name = if self.skip(":")? { self.name()? } else { alias.clone() };
        let mut parts = vec![
            ("Alias", text(alias)),
            ("Name", text(name)),
            ("Arguments", self.arguments(false)?),
            ("Directives", self.directives(false)?),
        ];
        parts.push(("SelectionSet", self.some("{", "}", Self::selection).map(Node::List)?));
        parts.extend([("Comment", comment), place]);
        Ok(Node::Record(parts))
    }

    fn fragment(&mut self) -> Parsed {
        let comment = self.comment();
        self.expect(Kind::Mark("..."))?;
        let place = self.place();
        if self.token.kind == Kind::Name && self.token.text != "on" {
            return Ok(Node::Record(vec![
                ("Name", text(self.name()?)),
                ("Directives", self.directives(false)?),
                ("Comment", comment),
                place,
            ]));
        }
        let mut condition = String::new();
        if self.is_word("on") {
            self.advance()?;
            condition = self.name()?;
        }
        Ok(Node::Record(vec![
            ("TypeCondition", text(condition)),
            ("Directives", self.directives(false)?),
            ("SelectionSet", self.required_selections()?),
            ("Comment", comment),
            place,
        ]))
    }

    fn fragment_definition(&mut self) -> Parsed {
        let (comment, place) = (self.comment(), self.place());
        self.word("fragment")?;
        if self.token.text == "on" {
            return self.unexpected();
        }
        let name = self.name()?;
        let variables = self.variable_definitions()?;
        self.word("on")?;
        Ok(Node::Record(vec![
            ("Name", text(name)),
            ("VariableDefinition", variables),
            ("TypeCondition", text(self.name()?)),
            ("Directives", self.directives(false)?),
            ("SelectionSet", self.required_selections()?),
            ("Comment", comment),
            place,
        ]))
    }

    fn arguments(&mut self, constant: bool) -> Parsed {
        self.some("(", ")", |parser| parser.named_value(constant)).map(Node::List)
    }

    fn named_value(&mut self, constant: bool) -> Parsed {
        let (comment, place) = (self.comment(), self.place());
        let name = self.name()?;
        self.expect(Kind::Mark(":"))?;
        let value = self.value(constant)?;
        Ok(Node::Record(vec![("Name", text(name)), ("Value", value), ("Comment", comment), place]))
    }

    fn value(&mut self, constant: bool) -> Parsed {
        let comment = self.comment();
        let collection = self.is("[") || self.is("{");
        let place = self.place();
        let (raw, kind, children) = match self.token.kind {
            Kind::Mark("[") => (String::new(), 8, self.children("[", "]", constant)?),
            Kind::Mark("{") => (String::new(), 9, self.children("{", "}", constant)?),
            Kind::Mark("$") if !constant => (self.variable()?, 0, Vec::new()),
            Kind::Int => (self.advance()?.text, 1, Vec::new()),
            Kind::Float => (self.advance()?.text, 2, Vec::new()),
            Kind::Text => (self.advance()?.text, 3, Vec::new()),
            Kind::Block => (self.advance()?.text, 4, Vec::new()),
            Kind::Name => {
                let raw = self.advance()?.text;
                let kind = match raw.as_str() {
                    "true" | "false" => 5,
                    "null" => 6,
                    _ => 7,
                };
                (raw, kind, Vec::new())
            }
            _ => return self.unexpected(),
        };
        Ok(Node::Record(vec![
            ("Raw", text(raw)),
            ("Children", Node::List(children)),
            ("Kind", Node::Int(kind)),
            ("Comment", if collection { comment } else { Node::List(Vec::new()) }),
            ("ExpectedTypeHasDefault", Node::Bool(false)),
            place,
        ]))
    }

    fn children(&mut self, open: &'static str, close: &'static str, constant: bool) -> Parsed<Vec<Node>> {
        self.expect(Kind::Mark(open))?;
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return self.error("Document nests too deeply");
        }
        let mut list = Vec::new();
        while !self.is(close) {
            list.push(if open == "{" {
                self.named_value(constant)?
            } else {
                Node::Record(vec![("Name", text("")), ("Value", self.value(constant)?)])
            });
        }
        self.depth -= 1;
        self.advance()?;
        Ok(list)
    }

    fn directives(&mut self, constant: bool) -> Parsed {
        let mut list = Vec::new();
        while self.skip("@")? {
            let place = self.place();
            list.push(Node::Record(vec![
                place,
                ("Name", text(self.name()?)),
                ("Arguments", self.arguments(constant)?),
                ("Location", text("")),
            ]));
        }
        Ok(Node::List(list))
    }

    fn type_reference(&mut self) -> Parsed {
        let mut parts = Vec::new();
        let named = self.place();
        if self.is("[") {
            self.depth += 1;
            if self.depth > MAX_DEPTH {
                return self.error("Document nests too deeply");
            }
            self.advance()?;
            parts.extend([self.place(), ("NamedType", text(""))]);
            parts.push(("Elem", self.type_reference()?));
            self.expect(Kind::Mark("]"))?;
            self.depth -= 1;
        } else {
            parts.extend([named, ("NamedType", text(self.name()?))]);
        }
        parts.push(("NonNull", Node::Bool(self.skip("!")?)));
        Ok(Node::Record(parts))
    }

    pub(super) fn schema_document(&mut self) -> Parsed {
        let (mut schema, mut extension, mut directives) = (Vec::new(), Vec::new(), Vec::new());
        let (mut definitions, mut extensions) = (Vec::new(), Vec::new());
        while self.token.kind != END {
            let described = matches!(self.token.kind, Kind::Block | Kind::Text);
            let (before, place) = (self.comment(), self.token.clone());
            let description = if described { self.advance()?.text } else { String::new() };
            let heading = Heading { before: described.then_some(before), description };
            if self.token.kind != Kind::Name {
                return self.unexpected();
            }
            match self.token.text.as_str() {
                "scalar" | "type" | "interface" | "union" | "enum" | "input" => {
                    definitions.push(self.definition(heading, None)?);
                }
                "schema" => schema.push(self.schema_definition(heading, None)?),
                "directive" => directives.push(self.directive_definition(heading)?),
                "extend" => {
                    if !heading.description.is_empty() {
                        return Err(fault(&format!("Unexpected {}", place.shown()), place.place));
                    }
                    let comment = Some(self.comment());
                    self.word("extend")?;
                    match self.token.text.as_str() {
                        "schema" => extension.push(self.schema_definition(Heading::default(), comment)?),
                        "scalar" | "type" | "interface" | "union" | "enum" | "input" => {
                            extensions.push(self.definition(Heading::default(), comment)?);
                        }
                        _ => return self.unexpected(),
                    }
                }
                _ => return self.unexpected(),
            }
        }
        Ok(Node::Record(vec![
            ("Schema", Node::List(schema)),
            ("SchemaExtension", Node::List(extension)),
            ("Directives", Node::List(directives)),
            ("Definitions", Node::List(definitions)),
            ("Extensions", Node::List(extensions)),
            ("Comment", self.comment()),
        ]))
    }

    /// With the comment before `extend`, where the definition extends another one.
    fn schema_definition(&mut self, heading: Heading, extended: Option<Node>) -> Parsed {
        let extension = extended.is_some();
        let comment = extended.unwrap_or_else(|| self.comment());
        self.word("schema")?;
        let place = self.place();
        let directives = self.directives(true)?;
        let operations = self.some("{", "}", |parser| {
            let (comment, place) = (parser.comment(), parser.place());
            let operation = parser.operation_type()?;
            parser.expect(Kind::Mark(":"))?;
            let name = parser.name()?;
            let parts = [("Operation", text(operation)), ("Type", text(name)), ("Comment", comment), place];
            Ok(Node::Record(parts.into()))
        })?;
        if extension && operations.is_empty() && directives == Node::List(Vec::new()) {
            return self.unexpected();
        }
        let closing = std::mem::replace(&mut self.closing, Node::List(Vec::new()));
        let mut parts = vec![
            ("Directives", directives),
            ("OperationTypes", Node::List(operations)),
            ("EndOfDefinitionComment", closing),
            place,
        ];
        heading.add(comment, &mut parts);
        Ok(Node::Record(parts))
    }

    /// With the comment before `extend`, where the definition extends another one.
    fn definition(&mut self, heading: Heading, extended: Option<Node>) -> Parsed {
        let extension = extended.is_some();
        let comment = extended.unwrap_or_else(|| self.comment());
        let keyword = self.name()?;
        let place = self.place();
        let name = self.name()?;
        let mut parts = vec![place, ("Name", text(name)), ("BuiltIn", Node::Bool(false))];
        let given = parts.len();
        if matches!(keyword.as_str(), "type") || keyword == "interface" && !extension {
            parts.push(("Interfaces", self.interfaces()?));
        }
        parts.push(("Directives", self.directives(true)?));
        self.closing = Node::List(Vec::new());
        let kind = match keyword.as_str() {
            "scalar" => "SCALAR",
            "type" | "interface" => {
                parts.push(("Fields", self.some("{", "}", Self::field_definition).map(Node::List)?));
                if keyword == "type" { "OBJECT" } else { "INTERFACE" }
            }
            "union" => {
                parts.extend(self.members()?);
                "UNION"
            }
            "enum" => {
                parts.push(("EnumValues", self.some("{", "}", Self::enum_value).map(Node::List)?));
                "ENUM"
            }
            _ => {
                parts.push(("Fields", self.some("{", "}", Self::input_value).map(Node::List)?));
                "INPUT_OBJECT"
            }
        };
        let empty = parts.iter().skip(given).all(|(_, part)| *part == Node::List(Vec::new()));
        if extension && empty {
            return self.unexpected();
        }
        parts.push(("Kind", text(kind)));
        if !matches!(kind, "SCALAR" | "UNION") {
            parts.push((
                "EndOfDefinitionComment",
                std::mem::replace(&mut self.closing, Node::List(Vec::new())),
            ));
        }
        heading.add(comment, &mut parts);
        Ok(Node::Record(parts))
    }

    fn interfaces(&mut self) -> Parsed {
        let mut names = Vec::new();
        if self.token.text == "implements" {
            self.advance()?;
            self.skip("&")?;
            names.push(text(self.name()?));
            while self.skip("&")? {
                names.push(text(self.name()?));
            }
        }
        Ok(Node::List(names))
    }

    /// Names of the members of a union, and their places.
    fn members(&mut self) -> Parsed<[(&'static str, Node); 2]> {
        let (mut names, mut places) = (Vec::new(), Vec::new());
        if self.skip("=")? {
            self.skip("|")?;
            loop {
                places.push(self.place().1);
                names.push(text(self.name()?));
                if !self.skip("|")? {
                    break;
                }
            }
        }
        Ok([("Types", Node::List(names)), ("TypePositions", Node::List(places))])
    }

    /// A description and the comment before it, where there is one.
    fn heading(&mut self) -> Parsed<Heading> {
        if !matches!(self.token.kind, Kind::Block | Kind::Text) {
            return Ok(Heading::default());
        }
        let before = self.comment();
        let description = self.advance()?.text;
        Ok(Heading { before: (!description.is_empty()).then_some(before), description })
    }

    fn field_definition(&mut self) -> Parsed {
        let heading = self.heading()?;
        let (comment, place) = (self.comment(), self.place());
        let name = self.name()?;
        let arguments = self.some("(", ")", Self::input_value)?;
        self.expect(Kind::Mark(":"))?;
        let mut parts = vec![
            ("Name", text(name)),
            ("Arguments", Node::List(arguments)),
            ("Type", self.type_reference()?),
            ("Directives", self.directives(true)?),
            place,
        ];
        heading.add(comment, &mut parts);
        Ok(Node::Record(parts))
    }

    fn input_value(&mut self) -> Parsed {
        let heading = self.heading()?;
        let (comment, place) = (self.comment(), self.place());
        let name = self.name()?;
        self.expect(Kind::Mark(":"))?;
        let mut parts = vec![place, ("Name", text(name)), ("Type", self.type_reference()?)];
        if self.skip("=")? {
            parts.push(("DefaultValue", self.value(true)?));
        }
        parts.push(("Directives", self.directives(true)?));
        heading.add(comment, &mut parts);
        Ok(Node::Record(parts))
    }

    fn enum_value(&mut self) -> Parsed {
        let heading = self.heading()?;
        let (comment, place) = (self.comment(), self.place());
        let mut parts = vec![place, ("Name", text(self.name()?)), ("Directives", self.directives(true)?)];
        heading.add(comment, &mut parts);
        Ok(Node::Record(parts))
    }

    fn directive_definition(&mut self, heading: Heading) -> Parsed {
        let comment = self.comment();
        self.word("directive")?;
        self.expect(Kind::Mark("@"))?;
        let place = self.place();
        let name = self.name()?;
        let arguments = self.some("(", ")", Self::input_value)?;
        let repeatable = self.is_word("repeatable");
        if repeatable {
            self.advance()?;
        }
        self.word("on")?;
        self.skip("|")?;
        let mut locations = vec![self.location()?];
        while self.skip("|")? {
            locations.push(self.location()?);
        }
        let mut parts = vec![
            ("Name", text(name)),
            ("Arguments", Node::List(arguments)),
            ("Locations", Node::List(locations)),
            ("IsRepeatable", Node::Bool(repeatable)),
            place,
        ];
        heading.add(comment, &mut parts);
        Ok(Node::Record(parts))
    }

    fn location(&mut self) -> Parsed {
        const LOCATIONS: [&str; 19] = [
            "QUERY",
            "MUTATION",
            "SUBSCRIPTION",
            "FIELD",
            "FRAGMENT_DEFINITION",
            "FRAGMENT_SPREAD",
            "INLINE_FRAGMENT",
            "VARIABLE_DEFINITION",
            "SCHEMA",
            "SCALAR",
            "OBJECT",
            "FIELD_DEFINITION",
            "ARGUMENT_DEFINITION",
            "INTERFACE",
            "UNION",
            "ENUM",
            "ENUM_VALUE",
            "INPUT_OBJECT",
            "INPUT_FIELD_DEFINITION",
        ];
        let place = self.token.clone();
        let name = self.name()?;
        if LOCATIONS.contains(&name.as_str()) {
            return Ok(text(name));
        }
        Err(fault(&format!("Unexpected {}", place.shown()), place.place))
    }
}

/// What stands before a definition.
#[derive(Default)]
struct Heading {
    before: Option<Node>,
    description: String,
}

impl Heading {
    fn add(self, after: Node, parts: &mut Vec<(&'static str, Node)>) {
        parts.push(("Description", text(self.description)));
        parts.push(("AfterDescriptionComment", after));
        parts.extend(self.before.map(|before| ("BeforeDescriptionComment", before)));
    }
}
