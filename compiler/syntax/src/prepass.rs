//! The token pre-pass: raw tokens to tokens whose kind says what they do, so that the grammar is LR(1).
//!
//! One loop with a stack of open brackets. In
//!
//! ```rego
//! allow if {
//!     some x in input.xs
//!     {y | y := x[_]} == f(x)
//! }
//! ```
//!
//! the first `{` becomes [`Tok::BodyBrace`] (it follows `if`), the line end after `input.xs` becomes
//! [`Tok::Sep`] (a term ended, a statement may start), the second `{` a [`Tok::LBrace`] (a statement
//! starts with it), `|` a [`Tok::CompBar`] (the first bar after a lone term in a brace), the `[` that
//! touches `x` a [`Tok::Index`] and the `(` that touches `f` a [`Tok::Call`]. Without these distinctions
//! each of the five would be a conflict. Line ends do not separate inside parentheses and lists.

use crate::RegoVersion;
use crate::lex::{LexFault, Raw, RawToken};

/// What a token does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "the names are the tokens; those that are not obvious are explained")]
pub enum Tok {
    Ident,
    Number,
    Str,
    RawStr,
    TplWhole,
    TplStart,
    TplMid,
    TplEnd,
    Package,
    Import,
    As,
    Default,
    Else,
    Not,
    Some,
    With,
    Null,
    True,
    False,
    If,
    /// `contains` in a rule head.
    Contains,
    In,
    Every,
    AndWord,
    OrWord,
    /// `[` of an array.
    LBrack,
    /// `[` that touches an operand.
    Index,
    RBrack,
    /// `{` of an object, set or comprehension.
    LBrace,
    /// `{` of a body.
    BodyBrace,
    /// `{` of a body that is an operand of `and`, `or` or `not`.
    OperandBrace,
    RBrace,
    /// `(` of a grouped term.
    LParen,
    /// `(` that touches an operand.
    Call,
    /// `(` around `and`, `or` and `not`.
    GroupParen,
    RParen,
    Comma,
    Colon,
    /// `;`
    Semi,
    /// A line end between statements.
    Sep,
    /// `.` that touches an operand and a name.
    Dot,
    Assign,
    Unify,
    EqEq,
    NotEq,
    Lt,
    Le,
    Gt,
    Ge,
    Plus,
    Minus,
    /// `-` where a term begins.
    Negative,
    Star,
    Slash,
    Percent,
    Amp,
    Bar,
    /// `|` of a comprehension.
    CompBar,
    /// What is no token, or stands where it can never stand.
    Illegal,
}

/// A token with its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Token {
    /// What it does.
    pub kind: Tok,
    /// First byte.
    pub start: u32,
    /// Byte after the last.
    pub end: u32,
}

/// The most that brackets, operators and calls may nest; deeper text is refused with OPA's message.
pub const MAX_DEPTH: u32 = 3_000;

/// What a pre-pass is to do.
#[derive(Clone, Copy, Debug)]
pub struct PrepassOptions<'o> {
    /// The language before imports have had their say.
    pub version: RegoVersion,
    /// Future keywords that are on from the start.
    pub keywords: &'o [String],
    /// The text is a query: statements at the top, no rules.
    pub query: bool,
    /// A name in column 0 closes all brackets; see the recovery notes of [`crate::parse_module`].
    pub tolerant: bool,
}

/// Tokens of one text.
#[derive(Clone, Debug, Default)]
pub struct Prepassed {
    /// The tokens; [`Tok::Sep`] at the top stands between items.
    pub tokens: Vec<Token>,
    /// Indices of the separators at the top.
    pub splits: Vec<usize>,
    /// Faults inside tokens, by the start of the token.
    pub faults: Vec<(u32, LexFault)>,
    /// The start of the token at which the nesting limit was passed.
    pub too_deep: Option<u32>,
    /// `import rego.v1` was seen.
    pub rego_v1: bool,
}

/// Runs the pre-pass over the raw tokens of `text`.
pub fn prepass(text: &str, raw: &[RawToken], options: PrepassOptions<'_>) -> Prepassed {
    Prepass::new(text, raw, options).run()
}

/// What an open bracket holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Holds {
    /// The top of a module: line ends separate, and so does a missing operator.
    Top,
    /// The top of a query: as the top of a module, but braces open terms.
    Query,
    /// Statements: line ends separate.
    Body,
    /// Elements of `[` or a term's `{`.
    Elements,
    /// Anything else: parentheses, indices, arguments, template expressions.
    Group,
}

#[derive(Clone, Copy, Debug)]
struct Frame {
    holds: Holds,
    /// A `|` may still begin a comprehension's body.
    comprehension: bool,
    /// No comma yet.
    first: bool,
    /// An `every` waits for its body.
    every: bool,
    /// The token that closes it.
    closer: Tok,
    /// The bracket is that of a body: what touches its closer is no step.
    body: bool,
    /// Operators and calls since the last separator: each deepens the tree.
    weight: u32,
}

/// Which words are keywords.
#[derive(Clone, Copy, Debug, Default)]
struct Keywords {
    contains: bool,
    if_: bool,
    in_: bool,
    every: bool,
    and: bool,
    or: bool,
    not_bodies: bool,
}

impl Keywords {
    fn v1(&mut self) {
        (self.contains, self.if_, self.in_, self.every) = (true, true, true, true);
    }

    fn all(&mut self) {
        self.v1();
        (self.and, self.or, self.not_bodies) = (true, true, true);
    }

    fn add(&mut self, word: &str) {
        match word {
            "contains" => self.contains = true,
            "if" => self.if_ = true,
            "in" => self.in_ = true,
            "every" => (self.every, self.in_) = (true, true),
            "and" => self.and = true,
            "or" => self.or = true,
            "not" => self.not_bodies = true,
            _ => {}
        }
    }

    fn logical(self) -> bool {
        self.and || self.or
    }
}

struct Prepass<'t> {
    text: &'t str,
    raw: &'t [RawToken],
    /// For each opener the index of its closer, and the reverse.
    partner: Vec<u32>,
    options: PrepassOptions<'t>,
    keywords: Keywords,
    /// The module imports keywords.
    imported: bool,
    out: Prepassed,
    stack: Vec<Frame>,
    depth: u32,
    /// The rule's head is not yet complete.
    in_head: bool,
    /// The last token closed a body.
    closed_body: bool,
    /// The item at the top cannot be a rule with a body: braces open terms.
    headless: bool,
    /// Inside an `else` before its body.
    in_else: bool,
    /// Index into `raw` of the `import` whose line is being read.
    import: Option<usize>,
    /// Index into `raw` of the token that follows the last import's path.
    after_path: Option<usize>,
}

const NONE: u32 = u32::MAX;

impl<'t> Prepass<'t> {
    fn new(text: &'t str, raw: &'t [RawToken], options: PrepassOptions<'t>) -> Self {
        let mut keywords = Keywords::default();
        if options.version == RegoVersion::V1 {
            keywords.v1();
        }
        for word in options.keywords {
            keywords.add(word);
        }
        if options.tolerant && mentions_imports(text, raw) {
            keywords.all();
        }
        let holds = if options.query { Holds::Query } else { Holds::Top };
        let top = Frame {
            holds,
            comprehension: false,
            closer: Tok::Illegal,
            first: true,
            every: false,
            body: false,
            weight: 0,
        };
        let mut out = Prepassed::default();
        out.tokens.reserve(raw.len() + raw.len() / 8);
        Self {
            text,
            raw,
            partner: partners(raw),
            options,
            keywords,
            imported: false,
            out,
            stack: vec![top],
            depth: 0,
            in_head: true,
            closed_body: false,
            headless: true,
            in_else: false,
            import: None,
            after_path: None,
        }
    }

    fn run(mut self) -> Prepassed {
        let mut i = 0;
        while i < self.raw.len() {
            i += self.step(i);
            if self.out.too_deep.is_some() {
                break;
            }
        }
        self.end_import(self.raw.len());
        self.out
    }

    /// Handles the raw token at `i`; says how many were consumed.
    fn step(&mut self, i: usize) -> usize {
        let t = self.raw[i];
        if let Some(fault) = t.fault {
            self.out.faults.push((t.start, fault));
        }
        if self.options.tolerant && self.begins_item(i) {
            self.close_all();
        }
        let kind = self.classify(i);
        let kind = if self.separates(i, kind) { self.after_separator(i, t) } else { kind };
        let width = kind.joins;
        let end = self.raw[i + width - 1].end;
        self.closed_body = false;
        self.enter(kind.tok, t.start);
        self.out.tokens.push(Token { kind: kind.tok, start: t.start, end });
        self.track_import(i, kind.tok);
        width
    }

    // --- separators ---

    fn top(&self) -> &Frame {
        &self.stack[self.stack.len() - 1]
    }

    fn top_mut(&mut self) -> &mut Frame {
        let last = self.stack.len() - 1;
        &mut self.stack[last]
    }

    fn previous(&self) -> Option<Tok> {
        self.out.tokens.last().map(|t| t.kind)
    }

    fn after_operand(&self) -> bool {
        self.previous().is_some_and(ends_operand)
    }

    /// Whether a term has ended, so that an operator, or a step that touches it, continues it.
    fn after_term(&self) -> bool {
        self.after_operand() && !self.closed_body
    }

    /// Whether the bracket or dot at `i` is a step: it touches a term, or follows the name that begins a
    /// rule, which OPA lets stand apart from its brackets.
    fn is_step(&self, i: usize) -> bool {
        self.after_term() && (!self.raw[i].space || self.follows_rule_name())
    }

    fn follows_rule_name(&self) -> bool {
        let [.., before, name] = self.out.tokens[..] else {
            return self.at_top() && self.out.tokens.len() == 1 && !self.headless;
        };
        self.at_top()
            && !self.headless
            && self.stack[0].holds == Holds::Top
            && name.kind == Tok::Ident
            && matches!(before.kind, Tok::Sep | Tok::Default)
    }

    /// Whether a separator stands between the last token and the one at `i`, if that is a `kind`.
    fn separates(&self, i: usize, kind: Kind) -> bool {
        if !self.after_operand() {
            return false;
        }
        let newline = self.raw[i].newline;
        match self.top().holds {
            Holds::Body => newline && starts_statement(kind.tok),
            Holds::Top | Holds::Query => starts_statement(kind.tok),
            Holds::Elements | Holds::Group => false,
        }
    }

    fn after_separator(&mut self, i: usize, t: RawToken) -> Kind {
        let at = self.out.tokens.last().map_or(t.start, |p| p.end);
        if matches!(self.top().holds, Holds::Top | Holds::Query) {
            self.end_import(i);
            self.out.splits.push(self.out.tokens.len());
            (self.in_head, self.in_else) = (true, false);
        }
        self.out.tokens.push(Token { kind: Tok::Sep, start: at, end: t.start });
        self.top_mut().every = false;
        self.lighten();
        self.classify(i)
    }

    // --- classification ---

    /// Whether a statement may begin here: keywords that touch `.` or `[` are names then.
    fn statement_start(&self) -> bool {
        self.previous().is_none_or(|previous| {
            matches!(
                previous,
                Tok::Not
                    | Tok::Sep
                    | Tok::Semi
                    | Tok::BodyBrace
                    | Tok::OperandBrace
                    | Tok::CompBar
                    | Tok::If
                    | Tok::Default
                    | Tok::Package
                    | Tok::Import
                    | Tok::TplStart
                    | Tok::TplMid
            )
        })
    }

    /// Whether a statement may begin here with a keyword that a step makes a name: after `not` it cannot.
    fn names_may_begin(&self) -> bool {
        self.statement_start() && self.previous() != Some(Tok::Not)
    }

    /// Whether the token at `i` is a keyword that a step makes a name.
    fn is_name(&self, i: usize) -> bool {
        self.raw.get(i).is_some_and(|t| is_keyword(t.kind)) && self.touches_step(i)
    }

    fn touches_step(&self, i: usize) -> bool {
        self.raw.get(i + 1).is_some_and(|n| !n.space && matches!(n.kind, Raw::Dot | Raw::LBrack))
    }

    fn classify(&self, i: usize) -> Kind {
        let t = self.raw[i];
        let previous = self.previous();
        if matches!(previous, Some(Tok::Dot | Tok::Package | Tok::Import)) && is_word(t.kind) {
            return Kind::plain(Tok::Ident);
        }
        match t.kind {
            Raw::LBrack => Kind::plain(if self.is_step(i) { Tok::Index } else { Tok::LBrack }),
            Raw::LParen => Kind::plain(self.paren(i)),
            Raw::LBrace => Kind::plain(self.brace(i)),
            Raw::Bar => Kind::plain(if self.begins_comprehension(i) { Tok::CompBar } else { Tok::Bar }),
            Raw::Minus => Kind::plain(if self.after_term() { Tok::Minus } else { Tok::Negative }),
            Raw::Dot => self.dot(i),
            kind if is_keyword(kind) => Kind::plain(self.word(i, kind)),
            kind => Kind::plain(simple(kind)),
        }
    }

    fn dot(&self, i: usize) -> Kind {
        let next = self.raw.get(i + 1);
        if self.is_step(i) {
            let named = next.is_some_and(|n| !n.space && is_word(n.kind));
            return Kind::plain(if named || self.options.tolerant { Tok::Dot } else { Tok::Illegal });
        }
        let number = next.is_some_and(|n| n.kind == Raw::Number && n.fault != Some(LexFault::Fraction));
        if number { Kind { tok: Tok::Number, joins: 2 } } else { Kind::plain(Tok::Illegal) }
    }

    fn word(&self, i: usize, kind: Raw) -> Tok {
        if !self.is_active(kind) || self.read_with_import(i, kind) {
            return Tok::Ident;
        }
        let after_operand = self.after_operand();
        let name = self.touches_step(i);
        match kind {
            Raw::Contains if self.in_head && after_operand && self.at_top() => Tok::Contains,
            // The path that `with` replaces begins with no keyword.
            Raw::Contains if self.previous() == Some(Tok::With) => Tok::Contains,
            Raw::Contains => Tok::Ident,
            Raw::If if self.in_head && after_operand && self.at_top() => Tok::If,
            Raw::AndWord | Raw::OrWord if !after_operand && self.calls(i) => Tok::Ident,
            _ if name && (after_operand || self.names_may_begin()) => Tok::Ident,
            _ => simple(kind),
        }
    }

    fn calls(&self, i: usize) -> bool {
        self.raw.get(i + 1).is_some_and(|n| !n.space && n.kind == Raw::LParen)
    }

    fn at_top(&self) -> bool {
        self.stack.len() == 1
    }

    fn is_active(&self, kind: Raw) -> bool {
        match kind {
            Raw::Contains => self.keywords.contains,
            Raw::If => self.keywords.if_,
            Raw::In => self.keywords.in_,
            Raw::Every => self.keywords.every,
            Raw::AndWord => self.keywords.and,
            Raw::OrWord => self.keywords.or,
            _ => true,
        }
    }

    fn paren(&self, i: usize) -> Tok {
        if self.is_step(i) {
            return Tok::Call;
        }
        if (self.keywords.logical() || self.keywords.not_bodies)
            && self.operand_position()
            && self.is_group(i)
        {
            return Tok::GroupParen;
        }
        Tok::LParen
    }

    /// Where an operand of `and` and `or`, or a whole statement, may begin.
    fn operand_position(&self) -> bool {
        self.statement_start()
            || matches!(self.previous(), Some(Tok::AndWord | Tok::OrWord | Tok::GroupParen))
            || (self.after_operand() && !matches!(self.top().holds, Holds::Elements | Holds::Group))
    }

    /// Whether the parenthesis at `i` holds `and`, `or`, `not` or `with` rather than a term; redundant
    /// parentheses inside it are looked through.
    fn is_group(&self, mut i: usize) -> bool {
        loop {
            let close = self.partner[i];
            if close == NONE || close as usize == i + 1 {
                return false;
            }
            if self.holds_logic(i + 1, close as usize) {
                return true;
            }
            if self.raw[i + 1].kind != Raw::LParen || self.partner[i + 1] != close - 1 {
                return false;
            }
            i += 1;
        }
    }

    fn holds_logic(&self, first: usize, close: usize) -> bool {
        if self.raw[first].kind == Raw::Not && !self.touches_step(first) {
            return true;
        }
        let mut at = first;
        let mut operand = false;
        while at < close {
            let kind = self.raw[at].kind;
            let logical = matches!(kind, Raw::AndWord | Raw::OrWord) && self.is_active(kind);
            if operand && (logical || kind == Raw::With) {
                return true;
            }
            at = self.skip(at);
            operand = raw_ends_operand(self.raw[at - 1].kind) || self.is_field(at - 1);
        }
        false
    }

    /// Whether a word follows a dot.
    fn is_field(&self, at: usize) -> bool {
        is_word(self.raw[at].kind) && at > 0 && self.raw[at - 1].kind == Raw::Dot
    }

    /// The index after the token or bracketed tokens at `at`.
    fn skip(&self, at: usize) -> usize {
        match self.partner[at] {
            NONE => at + 1,
            close if close as usize > at => close as usize + 1,
            _ => at + 1,
        }
    }

    fn brace(&self, i: usize) -> Tok {
        match self.previous() {
            Some(Tok::AndWord | Tok::OrWord) => Tok::OperandBrace,
            Some(Tok::Not) if self.keywords.not_bodies => Tok::OperandBrace,
            Some(Tok::Else) => Tok::BodyBrace,
            Some(Tok::If) => self.brace_after_if(i),
            Some(p) if ends_operand(p) => self.brace_after_operand(i),
            Some(Tok::GroupParen) => Tok::OperandBrace,
            _ if self.is_operand_brace(i) => Tok::OperandBrace,
            _ => Tok::LBrace,
        }
    }

    fn brace_after_operand(&self, i: usize) -> Tok {
        let frame = self.top();
        match frame.holds {
            Holds::Body if self.raw[i].newline && !frame.every => self.statement_brace(i),
            Holds::Query if !frame.every => self.statement_brace(i),
            Holds::Top if self.headless && !frame.every => self.statement_brace(i),
            _ => Tok::BodyBrace,
        }
    }

    fn statement_brace(&self, i: usize) -> Tok {
        if self.followed_by_logical(i) { Tok::OperandBrace } else { Tok::LBrace }
    }

    fn is_operand_brace(&self, i: usize) -> bool {
        self.statement_start() && self.followed_by_logical(i)
    }

    fn followed_by_logical(&self, i: usize) -> bool {
        let close = self.partner[i];
        self.keywords.logical()
            && close != NONE
            && self
                .raw
                .get(close as usize + 1)
                .is_some_and(|n| matches!(n.kind, Raw::AndWord | Raw::OrWord) && self.is_active(n.kind))
    }

    /// After `if` a brace opens a body unless what it holds can only be a value, or is one.
    fn brace_after_if(&self, i: usize) -> Tok {
        let close = self.partner[i];
        if self.in_else || close == NONE {
            return if self.followed_by_logical(i) && !self.in_else {
                Tok::OperandBrace
            } else {
                Tok::BodyBrace
            };
        }
        let close = close as usize;
        if self.followed_by_logical(i) {
            return Tok::OperandBrace;
        }
        let continues = self.raw.get(close + 1).is_some_and(continues_term) && !self.is_name(close + 1);
        if close == i + 1 || self.first_is_value(i, close) || (continues && !self.has_separator(i, close)) {
            Tok::LBrace
        } else {
            Tok::BodyBrace
        }
    }

    /// Whether the first element after the brace at `i` ends at `:` or at a comprehension's bar.
    fn first_is_value(&self, i: usize, close: usize) -> bool {
        let mut at = i + 1;
        let mut infix = false;
        let mut operand = false;
        while at < close {
            let t = self.raw[at];
            match t.kind {
                Raw::Colon => return true,
                Raw::Bar => return !infix && operand,
                Raw::Comma
                | Raw::Semi
                | Raw::Assign
                | Raw::Unify
                | Raw::With
                | Raw::Some
                | Raw::Every
                | Raw::Not => return false,
                kind if operand && is_infix(kind) => infix = true,
                kind if operand && t.newline && raw_starts_operand(kind) => return false,
                _ => {}
            }
            at = self.skip(at);
            operand = raw_ends_operand(self.raw[at - 1].kind) || self.is_field(at - 1);
        }
        false
    }

    /// Whether a body follows the bar at `i`. OPA prefers a comprehension, but no body holds a comma: `[a | b, c]` is
    /// a list.
    fn begins_comprehension(&self, i: usize) -> bool {
        self.top().comprehension && !self.comma_follows(i + 1)
    }

    /// Whether a comma that belongs to no `some`, `every` or `in` comes before the bracket ends.
    fn comma_follows(&self, from: usize) -> bool {
        let mut at = from;
        let mut declares = false;
        while let Some(t) = self.raw.get(at) {
            match t.kind {
                Raw::RBrack | Raw::RBrace | Raw::RParen => return false,
                Raw::LBrack | Raw::LBrace | Raw::LParen if self.partner[at] == NONE => return false,
                Raw::Some | Raw::Every => declares = true,
                Raw::Comma if !declares && !self.member_follows(at + 1) => return true,
                kind => declares &= kind != Raw::Semi && !(t.newline && self.starts_statement(at, from)),
            }
            at = self.skip(at);
        }
        false
    }

    /// Whether the token begins a line after one that was complete.
    fn starts_statement(&self, at: usize, from: usize) -> bool {
        at > from
            && raw_starts_operand(self.raw[at].kind)
            && (raw_ends_operand(self.raw[at - 1].kind) || self.is_field(at - 1))
    }

    /// Whether `in` comes next, as in `k, v in xs`, before another comma or the statement's end.
    fn member_follows(&self, from: usize) -> bool {
        let mut at = from;
        while let Some(t) = self.raw.get(at) {
            match t.kind {
                Raw::In => return self.is_active(Raw::In),
                Raw::Comma | Raw::Semi | Raw::RBrack | Raw::RBrace | Raw::RParen => return false,
                _ if t.newline && self.starts_statement(at, from) => return false,
                _ => at = self.skip(at),
            }
        }
        false
    }

    /// Whether statements, rather than elements, stand between the braces.
    fn has_separator(&self, i: usize, close: usize) -> bool {
        let mut at = i + 1;
        let mut operand = false;
        while at < close {
            let t = self.raw[at];
            let statement = matches!(
                t.kind,
                Raw::Semi | Raw::Assign | Raw::Unify | Raw::Some | Raw::Every | Raw::Not | Raw::With
            );
            if statement || (operand && t.newline && raw_starts_operand(t.kind)) {
                return true;
            }
            at = self.skip(at);
            operand = raw_ends_operand(self.raw[at - 1].kind) || self.is_field(at - 1);
        }
        false
    }

    // --- effects ---

    /// Updates the stack and the state for a token.
    fn enter(&mut self, tok: Tok, start: u32) {
        if self.at_top() {
            self.note_head(tok, start);
        }
        match tok {
            Tok::BodyBrace | Tok::OperandBrace => self.open(Holds::Body, Tok::RBrace, start),
            Tok::LBrace => self.open(Holds::Elements, Tok::RBrace, start),
            Tok::LBrack => self.open(Holds::Elements, Tok::RBrack, start),
            Tok::Index => self.open(Holds::Group, Tok::RBrack, start),
            Tok::LParen | Tok::Call | Tok::GroupParen => self.open(Holds::Group, Tok::RParen, start),
            Tok::TplStart => self.open(Holds::Group, Tok::TplEnd, start),
            Tok::RBrace | Tok::RBrack | Tok::RParen | Tok::TplEnd => self.close(tok),
            Tok::CompBar => {
                self.lighten();
                let frame = self.top_mut();
                (frame.holds, frame.comprehension) = (Holds::Body, false);
            }
            Tok::Comma => self.comma(),
            Tok::Colon => self.top_mut().comprehension = self.colon(),
            Tok::Semi => self.top_mut().every = false,
            Tok::Every => self.top_mut().every = true,
            Tok::If | Tok::Assign | Tok::Unify | Tok::Contains => self.in_head &= !self.at_top(),
            Tok::Else => self.in_else |= self.at_top(),
            _ if is_infix_tok(tok) => self.infix(start),
            _ => {}
        }
    }

    /// Keeps track of whether a rule's body may follow: an item that begins with a name, up to the first
    /// token that no head can hold.
    fn note_head(&mut self, tok: Tok, start: u32) {
        match tok {
            Tok::Ident if self.begins_with_contains(start) => (self.headless, self.in_head) = (true, false),
            Tok::Ident if self.previous().is_none_or(|p| p == Tok::Sep) => self.headless = false,
            Tok::If | Tok::BodyBrace => self.headless = false,
            Tok::Package | Tok::Import => (self.headless, self.in_head) = (true, false),
            _ if self.previous().is_none_or(|p| p == Tok::Sep) => self.headless = true,
            Tok::With | Tok::Semi | Tok::AndWord | Tok::OrWord => self.headless = true,
            _ if self.in_head && is_infix_tok(tok) => self.headless = true,
            _ => {}
        }
    }

    /// OPA takes an item that begins with the keyword for a statement, `contains(x, y)` for a call, unless the module
    /// imports keywords.
    fn begins_with_contains(&self, start: u32) -> bool {
        let rest = self.text.get(start as usize..).and_then(|rest| rest.strip_prefix("contains"));
        self.options.version == RegoVersion::V1
            && !self.imported
            && self.previous().is_none_or(|p| matches!(p, Tok::Sep | Tok::Default))
            && rest.is_some_and(|rest| {
                !rest.starts_with(|c: char| c == '_' || c == '.' || c == '[' || c.is_alphanumeric())
            })
    }

    fn open(&mut self, holds: Holds, closer: Tok, start: u32) {
        if self.at_top() && holds == Holds::Body {
            (self.in_head, self.in_else) = (false, false);
        }
        self.top_mut().every &= holds != Holds::Body;
        self.top_mut().weight += 1;
        self.deepen(start);
        let comprehension = holds == Holds::Elements;
        let body = holds == Holds::Body;
        self.stack.push(Frame { holds, comprehension, closer, first: true, every: false, body, weight: 0 });
    }

    fn deepen(&mut self, start: u32) {
        self.depth = self.depth.saturating_add(1);
        if self.depth > MAX_DEPTH {
            self.out.too_deep = Some(start);
        }
    }

    /// Closes the innermost bracket that the token can close with all that are open inside it; a closer
    /// that closes nothing is left for the grammar to refuse.
    fn close(&mut self, tok: Tok) {
        let Some(at) = self.stack.iter().rposition(|f| f.closer == tok) else { return };
        while self.stack.len() > at.max(1) {
            let Some(frame) = self.stack.pop() else { return };
            self.depth = self.depth.saturating_sub(frame.weight);
            self.closed_body = frame.body;
        }
    }

    /// The operators so far deepen nothing that follows.
    fn lighten(&mut self) {
        let weight = std::mem::take(&mut self.top_mut().weight);
        self.depth = self.depth.saturating_sub(weight);
    }

    fn close_all(&mut self) {
        self.stack.truncate(1);
        self.depth = 0;
        let at = self.out.tokens.last().map_or(0, |t| t.end);
        if !self.after_operand_or_start() {
            self.out.splits.push(self.out.tokens.len());
            self.out.tokens.push(Token { kind: Tok::Sep, start: at, end: at });
        }
        (self.in_head, self.in_else) = (true, false);
        self.top_mut().every = false;
    }

    fn after_operand_or_start(&self) -> bool {
        self.previous().is_none_or(|p| p == Tok::Sep || ends_operand(p))
    }

    fn comma(&mut self) {
        let frame = self.top_mut();
        (frame.comprehension, frame.first) = (false, false);
        self.lighten();
    }

    fn colon(&self) -> bool {
        let frame = self.top();
        frame.holds == Holds::Elements && frame.closer == Tok::RBrace && frame.first
    }

    fn infix(&mut self, start: u32) {
        let frame = self.top_mut();
        frame.comprehension = false;
        frame.weight += 1;
        self.deepen(start);
    }

    // --- imports ---

    fn track_import(&mut self, i: usize, tok: Tok) {
        if tok == Tok::Import && self.at_top() {
            self.import = Some(i);
        }
    }

    /// Whether a word that was not always a keyword stands behind the path of an import. OPA reads the path without
    /// such keywords, and has then read one token too many.
    fn read_with_import(&self, i: usize, kind: Raw) -> bool {
        let later = matches!(
            kind,
            Raw::If | Raw::Contains | Raw::In | Raw::Every | Raw::AndWord | Raw::OrWord | Raw::Not
        );
        let in_path = |at: usize| self.after_operand() && self.raw[at..i].iter().all(|t| t.kind != Raw::As);
        later && !self.options.tolerant && (self.after_path == Some(i) || self.import.is_some_and(in_path))
    }

    /// Switches on what the import that ends before `end` asks for.
    fn end_import(&mut self, end: usize) {
        let Some(at) = self.import.take() else { return };
        self.after_path = self.raw[at..end].iter().all(|t| t.kind != Raw::As).then_some(end);
        let words: Vec<&str> =
            self.raw[at + 1..end].iter().map(|t| &self.text[t.start as usize..t.end as usize]).collect();
        self.imported |= matches!(words[..], ["future" | "rego", ..]);
        match words[..] {
            ["future", ".", "keywords"] => self.keywords.all(),
            ["future", ".", "keywords", ".", word] => self.keywords.add(word),
            ["future", "[", "\"keywords\"", "]"] => self.keywords.all(),
            ["rego", ".", "v1"] | ["rego", ".", "v1", "as", _] => {
                self.keywords.v1();
                self.out.rego_v1 = true;
            }
            _ => {}
        }
    }

    // --- recovery ---

    /// Whether a line begins in column 0 with a word that begins an item.
    fn begins_item(&self, i: usize) -> bool {
        let t = self.raw[i];
        let at_line_start = t.start == 0 || self.text.as_bytes()[t.start as usize - 1] == b'\n';
        at_line_start
            && matches!(t.kind, Raw::Ident | Raw::Package | Raw::Import | Raw::Default | Raw::Contains)
    }
}

#[derive(Clone, Copy, Debug)]
struct Kind {
    tok: Tok,
    /// Raw tokens that the token takes.
    joins: usize,
}

impl Kind {
    fn plain(tok: Tok) -> Self {
        Self { tok, joins: 1 }
    }
}

/// Whether a text speaks of keywords to import, perhaps in a broken line.
fn mentions_imports(text: &str, raw: &[RawToken]) -> bool {
    raw.iter().any(|t| {
        t.kind == Raw::Ident && matches!(&text[t.start as usize..t.end as usize], "future" | "keywords")
    })
}

/// For each bracket the index of its partner.
fn partners(raw: &[RawToken]) -> Vec<u32> {
    let mut partner = vec![NONE; raw.len()];
    let mut open: Vec<usize> = Vec::new();
    for (i, t) in raw.iter().enumerate() {
        match t.kind {
            Raw::LBrack | Raw::LBrace | Raw::LParen | Raw::TplStart => open.push(i),
            Raw::RBrack | Raw::RBrace | Raw::RParen | Raw::TplEnd => {
                if let Some(o) = open.pop() {
                    partner[o] = i as u32;
                    partner[i] = o as u32;
                }
            }
            _ => {}
        }
    }
    partner
}

fn continues_term(next: &RawToken) -> bool {
    is_infix(next.kind)
        || matches!(next.kind, Raw::Assign | Raw::Unify | Raw::In)
        || (!next.space && matches!(next.kind, Raw::Dot | Raw::LBrack))
}

fn is_keyword(kind: Raw) -> bool {
    matches!(
        kind,
        Raw::Package
            | Raw::Import
            | Raw::As
            | Raw::Default
            | Raw::Else
            | Raw::Not
            | Raw::Some
            | Raw::With
            | Raw::Null
            | Raw::True
            | Raw::False
            | Raw::If
            | Raw::Contains
            | Raw::In
            | Raw::Every
            | Raw::AndWord
            | Raw::OrWord
    )
}

fn is_word(kind: Raw) -> bool {
    kind == Raw::Ident || is_keyword(kind)
}

fn is_infix(kind: Raw) -> bool {
    matches!(
        kind,
        Raw::EqEq
            | Raw::NotEq
            | Raw::Lt
            | Raw::Le
            | Raw::Gt
            | Raw::Ge
            | Raw::Plus
            | Raw::Minus
            | Raw::Star
            | Raw::Slash
            | Raw::Percent
            | Raw::Amp
            | Raw::Bar
            | Raw::In
    )
}

impl Tok {
    /// How many brackets more are open after the token than before it.
    pub(crate) fn nesting(self) -> i64 {
        match self {
            Self::LBrack
            | Self::Index
            | Self::LBrace
            | Self::BodyBrace
            | Self::OperandBrace
            | Self::LParen
            | Self::Call
            | Self::GroupParen
            | Self::TplStart => 1,
            Self::RBrack | Self::RBrace | Self::RParen | Self::TplEnd => -1,
            _ => 0,
        }
    }
}

fn is_infix_tok(tok: Tok) -> bool {
    matches!(
        tok,
        Tok::EqEq
            | Tok::NotEq
            | Tok::Lt
            | Tok::Le
            | Tok::Gt
            | Tok::Ge
            | Tok::Plus
            | Tok::Minus
            | Tok::Star
            | Tok::Slash
            | Tok::Percent
            | Tok::Amp
            | Tok::Bar
            | Tok::In
            | Tok::AndWord
            | Tok::OrWord
    )
}

fn raw_ends_operand(kind: Raw) -> bool {
    matches!(
        kind,
        Raw::Ident
            | Raw::Number
            | Raw::Str
            | Raw::RawStr
            | Raw::TplWhole
            | Raw::TplEnd
            | Raw::Null
            | Raw::True
            | Raw::False
            | Raw::RBrack
            | Raw::RBrace
            | Raw::RParen
            | Raw::Contains
    )
}

fn raw_starts_operand(kind: Raw) -> bool {
    matches!(
        kind,
        Raw::Ident
            | Raw::Number
            | Raw::Str
            | Raw::RawStr
            | Raw::TplWhole
            | Raw::TplStart
            | Raw::Null
            | Raw::True
            | Raw::False
            | Raw::LBrack
            | Raw::LBrace
            | Raw::LParen
            | Raw::Contains
    )
}

/// Whether a token can be the last one of a term.
pub(crate) fn ends_operand(tok: Tok) -> bool {
    matches!(
        tok,
        Tok::Ident
            | Tok::Number
            | Tok::Str
            | Tok::RawStr
            | Tok::TplWhole
            | Tok::TplEnd
            | Tok::Null
            | Tok::True
            | Tok::False
            | Tok::RBrack
            | Tok::RBrace
            | Tok::RParen
    )
}

/// Whether a token can be the first one of a statement.
fn starts_statement(tok: Tok) -> bool {
    matches!(
        tok,
        Tok::Ident
            | Tok::Number
            | Tok::Str
            | Tok::RawStr
            | Tok::TplWhole
            | Tok::TplStart
            | Tok::Null
            | Tok::True
            | Tok::False
            | Tok::LBrack
            | Tok::LBrace
            | Tok::OperandBrace
            | Tok::LParen
            | Tok::GroupParen
            | Tok::Not
            | Tok::Some
            | Tok::Every
            | Tok::Package
            | Tok::Import
            | Tok::Default
            | Tok::Negative
    )
}

fn simple(kind: Raw) -> Tok {
    match kind {
        Raw::Ident => Tok::Ident,
        Raw::Number => Tok::Number,
        Raw::Str => Tok::Str,
        Raw::RawStr => Tok::RawStr,
        Raw::TplWhole => Tok::TplWhole,
        Raw::TplStart => Tok::TplStart,
        Raw::TplMid => Tok::TplMid,
        Raw::TplEnd => Tok::TplEnd,
        Raw::Package => Tok::Package,
        Raw::Import => Tok::Import,
        Raw::As => Tok::As,
        Raw::Default => Tok::Default,
        Raw::Else => Tok::Else,
        Raw::Not => Tok::Not,
        Raw::Some => Tok::Some,
        Raw::With => Tok::With,
        Raw::Null => Tok::Null,
        Raw::True => Tok::True,
        Raw::False => Tok::False,
        Raw::If => Tok::If,
        Raw::Contains => Tok::Contains,
        Raw::In => Tok::In,
        Raw::Every => Tok::Every,
        Raw::AndWord => Tok::AndWord,
        Raw::OrWord => Tok::OrWord,
        Raw::LBrack => Tok::LBrack,
        Raw::RBrack => Tok::RBrack,
        Raw::LBrace => Tok::LBrace,
        Raw::RBrace => Tok::RBrace,
        Raw::LParen => Tok::LParen,
        Raw::RParen => Tok::RParen,
        Raw::Comma => Tok::Comma,
        Raw::Colon => Tok::Colon,
        Raw::Semi => Tok::Semi,
        Raw::Dot => Tok::Dot,
        Raw::Assign => Tok::Assign,
        Raw::Unify => Tok::Unify,
        Raw::EqEq => Tok::EqEq,
        Raw::NotEq => Tok::NotEq,
        Raw::Lt => Tok::Lt,
        Raw::Le => Tok::Le,
        Raw::Gt => Tok::Gt,
        Raw::Ge => Tok::Ge,
        Raw::Plus => Tok::Plus,
        Raw::Minus => Tok::Minus,
        Raw::Star => Tok::Star,
        Raw::Slash => Tok::Slash,
        Raw::Percent => Tok::Percent,
        Raw::Amp => Tok::Amp,
        Raw::Bar => Tok::Bar,
        Raw::Newline | Raw::Comment | Raw::Bang | Raw::Dollar | Raw::Illegal => Tok::Illegal,
    }
}
