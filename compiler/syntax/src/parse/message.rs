//! OPA's words for what the parser found.

use crate::ast::{LiteralKind, TermKind};
use crate::prepass::Tok;

/// OPA's name of a token with the noun that follows it in messages.
pub(crate) fn token_name(kind: Tok) -> &'static str {
    match kind {
        Tok::Ident => "identifier token",
        Tok::Number => "number token",
        Tok::Str | Tok::RawStr => "string token",
        Tok::TplWhole | Tok::TplEnd => "} token",
        Tok::TplStart => "template-string-part token",
        Tok::TplMid => "} token",
        Tok::Package => "package keyword",
        Tok::Import => "import keyword",
        Tok::As => "as keyword",
        Tok::Default => "default keyword",
        Tok::Else => "else keyword",
        Tok::Not => "not keyword",
        Tok::Some => "some keyword",
        Tok::With => "with keyword",
        Tok::Null => "null keyword",
        Tok::True => "true keyword",
        Tok::False => "false keyword",
        Tok::If => "if keyword",
        Tok::Contains => "contains keyword",
        Tok::In => "in keyword",
        Tok::Every => "every keyword",
        Tok::AndWord => "and keyword",
        Tok::OrWord => "or keyword",
        Tok::LBrack | Tok::Index => "[ token",
        Tok::RBrack => "] token",
        Tok::LBrace | Tok::BodyBrace | Tok::OperandBrace => "{ token",
        Tok::RBrace => "} token",
        Tok::LParen | Tok::Call | Tok::GroupParen => "( token",
        Tok::RParen => ") token",
        Tok::Comma => ", token",
        Tok::Colon => ": token",
        Tok::Semi => "; token",
        Tok::Sep => "whitespace token",
        Tok::Dot => ". token",
        Tok::Assign => "assign token",
        Tok::Unify => "eq token",
        Tok::EqEq => "equal token",
        Tok::NotEq => "neq token",
        Tok::Lt => "lt token",
        Tok::Le => "lte token",
        Tok::Gt => "gt token",
        Tok::Ge => "gte token",
        Tok::Plus => "plus token",
        Tok::Minus | Tok::Negative => "minus token",
        Tok::Star => "mul token",
        Tok::Slash => "div token",
        Tok::Percent => "rem token",
        Tok::Amp => "and token",
        Tok::Bar | Tok::CompBar => "or token",
        Tok::Illegal => "illegal token",
    }
}

/// `unexpected X token: note`.
pub(crate) fn unexpected(name: &str, note: &str) -> String {
    if name == "illegal token" {
        return name.to_owned();
    }
    if note.is_empty() { format!("unexpected {name}") } else { format!("unexpected {name}: {note}") }
}

/// What OPA would have wanted, where the token before tells.
pub(crate) fn expectation(before: Option<Tok>, _: Tok) -> &'static str {
    match before {
        Some(Tok::Some) => "expected var",
        Some(Tok::As) => "expected var",
        Some(Tok::With) => "expected ident",
        _ => "",
    }
}

/// The complaint about a reference that begins with a scalar.
pub(crate) fn illegal_ref(name: &str) -> String {
    format!("illegal ref (head cannot be {name})")
}

/// OPA's name of a term's kind.
pub(crate) fn kind_name(kind: &TermKind) -> &'static str {
    match kind {
        TermKind::Null => "null",
        TermKind::Bool(_) => "boolean",
        TermKind::Number(_) => "number",
        TermKind::String { .. } => "string",
        TermKind::Template { .. } => "templatestring",
        TermKind::Var(_) => "var",
        TermKind::Ref { .. } => "ref",
        TermKind::Call { .. } | TermKind::Binary { .. } | TermKind::MemberPair { .. } => "call",
        TermKind::Paren(inner) => kind_name(&inner.kind),
        TermKind::Array(_) => "array",
        TermKind::Object(_) => "object",
        TermKind::Set(_) => "set",
        TermKind::ArrayComprehension(..) => "arraycomprehension",
        TermKind::SetComprehension(..) => "setcomprehension",
        TermKind::ObjectComprehension(..) => "objectcomprehension",
        TermKind::Error => "error",
    }
}

/// The complaint about a statement that a template string may not hold.
pub(crate) fn not_in_template(kind: &LiteralKind) -> Option<&'static str> {
    match kind {
        LiteralKind::Not(_) => Some("unexpected negation ('not') in template-string expression"),
        LiteralKind::Unify(..) => Some("unexpected unification ('=') in template-string expression"),
        LiteralKind::Assign(..) => Some("unexpected assignment (':=') in template-string expression"),
        LiteralKind::Every(_) => Some("unexpected 'every' in template-string expression"),
        LiteralKind::SomeDecl(_) | LiteralKind::SomeIn(_) => {
            Some("unexpected 'some' in template-string expression")
        }
        _ => None,
    }
}
