//! Whether what is left of a policy can become conditions for all targets.

use super::target::{self, Constraint};
use crate::problem::{Location, More, Problem};
use govc_syntax::ast::{LiteralKind, TermKind};
use govc_syntax::{ParseOptions, Sources, Span};
use govc_topdown::{Operand, OperandKind, Residual, Statement, StatementKind};
use std::collections::BTreeSet;

/// OPA's code of what cannot become a condition.
const CODE: &str = "pe_fragment_error";

/// What is looked at.
pub(super) struct Check<'a> {
    pub(super) constraints: &'a [Constraint],
    /// Names below `input` that stand for a column.
    pub(super) columns: &'a BTreeSet<String>,
    pub(super) sources: &'a Sources,
}

/// A complaint about a place.
struct Complaint {
    at: Option<Span>,
    message: String,
    details: Option<String>,
}

impl Complaint {
    fn new(at: Option<Span>, message: impl Into<String>) -> Self {
        Self { at, message: message.into(), details: None }
    }

    fn with(self, details: String) -> Self {
        Self { details: Some(details), ..self }
    }
}

impl Check<'_> {
    /// All complaints.
    pub(super) fn run(&self, residual: &Residual) -> Vec<Problem> {
        let statements = residual.conditions.iter().flatten();
        let complaints = statements.flat_map(|s| [self.form(s).err(), self.call(s).err()]).flatten();
        complaints.map(|complaint| self.problem(complaint)).collect()
    }

    fn problem(&self, complaint: Complaint) -> Problem {
        let location = complaint.at.map(|at| {
            let (row, col) = self.sources.position(at);
            Location { file: self.sources.get(at.file).name.clone(), row, col }
        });
        let details =
            |text: String| Box::new(More::Details(serde_json::json!({ "details": text }).to_string()));
        Problem {
            message: complaint.message,
            code: CODE.to_owned(),
            location,
            more: complaint.details.map(details),
            ..Problem::default()
        }
    }

    /// Only calls, negated or not.
    fn form(&self, s: &Statement) -> Result<(), Complaint> {
        let refuse = |message: String| Err(Complaint::new(s.at, message));
        match &s.kind {
            StatementKind::Nested => refuse("\"not\" not permitted".to_owned()),
            StatementKind::Every => refuse("\"every\" not permitted".to_owned()),
            StatementKind::Call { .. } if s.negated => {
                let why = target::lacks_feature(self.constraints, "not");
                why.map_or(Ok(()), |why| refuse(format!("\"not\" not permitted: {why}")))
            }
            StatementKind::Call { .. } => Ok(()),
            StatementKind::Term(_) if s.negated => refuse("\"not\" not permitted".to_owned()),
            StatementKind::Term(_) if s.replaces => refuse("\"with\" not permitted".to_owned()),
            StatementKind::Term(term) => Err(Self::term(s, term)),
        }
    }

    fn term(s: &Statement, term: &Operand) -> Complaint {
        let text = &term.text;
        match &term.kind {
            OperandKind::Reference(steps)
                if steps.first().is_some_and(|head| head.as_deref() == Some("data")) =>
            {
                Complaint::new(s.at, format!("invalid data reference \"{text}\""))
                    .with(format!("has rule \"{text}\" an `else`?"))
            }
            _ => Complaint::new(s.at, format!("invalid statement \"{text}\""))
                .with(format!("try `{text} != false`")),
        }
    }

    /// Only what all targets know, with operands that they know.
    fn call(&self, s: &Statement) -> Result<(), Complaint> {
        let StatementKind::Call { operator, function, operands } = &s.kind else { return Ok(()) };
        if s.replaces {
            return Ok(());
        }
        let at = s.at.map(|at| self.operator(at, operator));
        let refuse = |message: String| Err(Complaint::new(at, message));
        let texts = ["startswith", "endswith", "contains", "internal.member_2"].contains(&operator.as_str());
        let compares = ["eq", "neq", "lt", "lte", "gt", "gte"].contains(&operator.as_str());
        match () {
            () if texts || compares => {}
            () if operator == "internal.member_3" => {
                return refuse("invalid use of \"... in ...\"".to_owned());
            }
            () if *function => {
                return Err(Complaint::new(s.at, format!("invalid data reference \"{}\"", s.text))
                    .with(format!("has function \"{operator}(...)\" an `else`?")));
            }
            () => return refuse(format!("invalid builtin `{operator}`")),
        }
        if let Some(why) = target::lacks_builtin(self.constraints, operator) {
            let name = if operator == "internal.member_2" { "in" } else { operator };
            return refuse(format!("invalid builtin `{name}`: {why}"));
        }
        let [a, b] = operands.as_slice() else {
            return refuse(format!("{operator}: missing operand"));
        };
        self.operand(at, operator, a)?;
        self.operand(at, operator, b)?;
        self.pair(at, (operator, texts), a, b)
    }

    fn operand(&self, at: Option<Span>, operator: &str, operand: &Operand) -> Result<(), Complaint> {
        let text = &operand.text;
        match &operand.kind {
            OperandKind::Call => Err(Complaint::new(at, format!("{operator}: nested call operand: {text}"))),
            OperandKind::Reference(steps) => match steps.as_slice() {
                [Some(head), Some(_), Some(_)] if head == "input" => Ok(()),
                [Some(head), Some(name)] if head == "input" && self.columns.contains(name) => Ok(()),
                _ => Err(Complaint::new(at, format!("{operator}: invalid ref operand: {text}"))),
            },
            _ => Ok(()),
        }
    }

    /// A field and a scalar, two fields, or whether a field is there.
    fn pair(
        &self,
        at: Option<Span>,
        (operator, texts): (&str, bool),
        a: &Operand,
        b: &Operand,
    ) -> Result<(), Complaint> {
        let refuse = |message: String| Err(Complaint::new(at, message));
        let is_field = |operand: &Operand| matches!(operand.kind, OperandKind::Reference(_));
        let is_scalar = |operand: &Operand| matches!(operand.kind, OperandKind::Scalar(_));
        let fields = usize::from(is_field(a)) + usize::from(is_field(b));
        if fields == 2
            && let Some(why) = target::lacks_feature(self.constraints, "field-ref")
        {
            return refuse(format!("reference to field: {why}"));
        }
        if texts {
            return if is_field(a) { Ok(()) } else { refuse(format!("rhs of {operator} must be known")) };
        }
        if is_scalar(a) || is_scalar(b) {
            return Ok(());
        }
        let known = |operand: &Operand| is_field(operand) || matches!(operand.kind, OperandKind::Variable);
        if operator == "eq" && fields == 1 {
            for operand in [a, b] {
                if !known(operand) {
                    return refuse("both rhs and lhs non-scalar/non-ground".to_owned());
                }
                if let Some(why) = target::lacks_feature(self.constraints, "existence-ref") {
                    return refuse(format!("existence of field: {why}"));
                }
            }
            return Ok(());
        }
        if fields == 2 { Ok(()) } else { refuse("both rhs and lhs non-scalar/non-ground".to_owned()) }
    }

    /// Where the operator of a statement stands: between its operands, or where the statement begins.
    fn operator(&self, at: Span, operator: &str) -> Span {
        if operator == "eq" {
            return at;
        }
        let text = self.sources.slice(at);
        let mut sources = Sources::default();
        let file = sources.add("", text);
        let parsed = govc_syntax::parse_query(file, text, &ParseOptions::default());
        let literal = parsed.tree.literals.into_iter().next();
        let kind = match literal.map(|literal| literal.kind) {
            Some(LiteralKind::Not(inner)) => Some(inner.kind),
            other => other,
        };
        let Some(LiteralKind::Term(term)) = kind else { return at };
        let TermKind::Binary { lhs, .. } = &term.kind else {
            return Span { start: at.start + term.span.start, ..at };
        };
        let behind = text.get(lhs.span.end as usize..).unwrap_or_default();
        let blanks = behind.len() - behind.trim_start().len();
        Span { start: at.start + lhs.span.end + blanks as u32, ..at }
    }
}
