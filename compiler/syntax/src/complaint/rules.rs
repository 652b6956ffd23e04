//! Rules: heads, bodies, `else`, and what default rules must keep to.

use super::scan::Token;
use super::shape::{ExprKind, Kind, Term};
use super::{Walk, sign};
use crate::lex::Raw;

/// A rule's head, as far as its body depends on it.
struct Head {
    /// The name and the steps after it.
    path: Vec<Term>,
    args: Option<Vec<Term>>,
    contains: bool,
    value: Option<Term>,
}

impl Head {
    fn takes_arguments(&self) -> bool {
        self.args.as_ref().is_some_and(|args| !args.is_empty())
    }

    /// The only step of `p[x]`.
    fn only_step(&self) -> Option<&Term> {
        match &self.path[..] {
            [_, step] => Some(step),
            _ => None,
        }
    }

    /// Whether OPA takes the rule for one of several values.
    fn has_key(&self, has_if: bool) -> bool {
        let Some(step) = self.only_step().filter(|_| !self.contains && !self.takes_arguments()) else {
            return self.contains;
        };
        !has_if || !step.is_ground() || step.is_ref()
    }
}

impl Walk<'_> {
    /// A rule with its further bodies; nothing where the text is none, with or without a complaint.
    pub(super) fn rule(&mut self) -> Option<()> {
        let at = self.s.start;
        let end = self.s.end;
        self.keyword_as_name();
        let default = self.is_word(Raw::Default);
        if default {
            self.scan();
            self.keyword_as_name();
        }
        if !self.is(Token::Ident) {
            return None;
        }
        let head = self.rule_head(default)?;
        if default {
            return self.default_rule(&head, at, end);
        }
        let has_if = self.is_word(Raw::If);
        if !self.rule_body(&head, has_if)? {
            return Some(());
        }
        let has_else = self.is_word(Raw::Else) && !self.keyword_as_name();
        if has_else {
            self.elses(&head, has_if)?;
        }
        self.further_bodies(has_else)
    }

    /// Reads the body; whether there may be more.
    fn rule_body(&mut self, head: &Head, has_if: bool) -> Option<bool> {
        if has_if {
            self.scan();
            let here = self.s.clone();
            let brace = self.is(sign!(LBrace));
            if let Some(expr) = self.literal() {
                let set = matches!(&expr.kind, ExprKind::Term(t) if matches!(*t.kind, Kind::Set(_)));
                if !(brace && set) {
                    return Some(true);
                }
            }
            if !brace {
                return None;
            }
            self.s = here;
        } else if !self.is(sign!(LBrace)) {
            return if head.contains { Some(false) } else { None };
        }
        self.braced_body()?;
        Some(true)
    }

    fn braced_body(&mut self) -> Option<()> {
        self.scan();
        self.body(sign!(RBrace))?;
        self.scan();
        Some(())
    }

    fn elses(&mut self, head: &Head, has_if: bool) -> Option<()> {
        if head.path.iter().skip(1).any(|step| !step.is_ground()) {
            self.error_here("else keyword cannot be used on rules with variables in head");
            return None;
        }
        if head.has_key(has_if) {
            self.error_here("else keyword cannot be used on multi-value rules");
            return None;
        }
        while self.one_else()? && self.is_word(Raw::Else) {}
        Some(())
    }

    /// One branch; whether another may follow: not where it has no body.
    fn one_else(&mut self) -> Option<bool> {
        self.scan();
        match self.s.token {
            Token::Sign(Raw::LBrace) | Token::Word(Raw::If) => {}
            Token::Sign(Raw::Assign | Raw::Unify) => {
                self.scan();
                self.infix()?;
            }
            _ => return self.illegal("expected else value term or rule body"),
        }
        let has_if = self.is_word(Raw::If);
        if has_if {
            self.scan();
        }
        if self.is(sign!(LBrace)) {
            self.braced_body().map(|()| true)
        } else if !has_if {
            Some(false)
        } else if self.is(Token::End) {
            self.illegal("rule body expected")
        } else {
            self.literal().map(|_| true)
        }
    }

    fn further_bodies(&mut self, has_else: bool) -> Option<()> {
        while self.is(sign!(LBrace)) {
            if has_else {
                self.error_here("expected else keyword");
                return None;
            }
            self.braced_body()?;
        }
        Some(())
    }

    fn rule_head(&mut self, default: bool) -> Option<Head> {
        let name = self.var();
        let Some(term) = self.rule_path(name) else {
            return self.illegal("expected rule head name");
        };
        let mut head = self.as_head(&term)?;
        let name = head.path.first().map_or_else(String::new, |first| {
            self.path_text(&Term::new(Kind::Ref(head.path.clone()), first.at))
        });
        match self.s.token {
            Token::Word(Raw::Contains) => {
                if head.args.is_some() {
                    self.illegal::<()>(&format!("the contains keyword can only be used with multi-value rule definitions (e.g., {name} contains <VALUE> {{ ... }})"));
                }
                self.scan();
                head.contains = true;
                if self.infix().is_none() {
                    self.illegal::<()>(&format!(
                        "expected rule key term (e.g., {name} contains <VALUE> {{ ... }})"
                    ));
                }
            }
            Token::Sign(Raw::Unify) => {
                self.scan();
                head.value = self.infix();
                if head.value.is_none() {
                    self.illegal::<()>(&format!(
                        "expected rule value term (e.g., {name}[<nil>] = <VALUE> {{ ... }})"
                    ));
                }
            }
            Token::Sign(Raw::Assign) => {
                self.scan();
                head.value = self.infix();
                if head.value.is_none() {
                    self.illegal::<()>(&value_expected(&head, &name, default));
                }
            }
            _ => {}
        }
        Some(head)
    }

    /// The name with its steps; blanks may stand before the first.
    fn rule_path(&mut self, name: Term) -> Option<Term> {
        self.scan_blank();
        if self.is_operator() {
            self.illegal::<()>("");
        } else if self.is(Token::Space) {
            self.scan();
        }
        self.finish_here(name)
    }

    fn as_head(&mut self, term: &Term) -> Option<Head> {
        let (path, args) = match &*term.kind {
            Kind::Var(_) => (vec![term.clone()], None),
            Kind::Ref(path) => (path.clone(), None),
            Kind::Call { args, target: Some(target), .. } => match &*target.kind {
                Kind::Ref(path) if path.first().is_some_and(Term::is_var) => {
                    (path.clone(), Some(args.clone()))
                }
                _ => {
                    let text = self.path_text(target);
                    return self.illegal(&format!("rule head ref {text} invalid"));
                }
            },
            _ => return None,
        };
        Some(Head { path, args, contains: false, value: None })
    }

    fn default_rule(&mut self, head: &Head, at: usize, end: usize) -> Option<()> {
        let implied = !head.contains && (head.path.len() != 2 || head.takes_arguments());
        let mut found = Vec::new();
        match &head.value {
            Some(value) => value.not_constant(&mut found),
            // OPA gives `default p` the value `true`.
            None if implied => {}
            None => {
                self.error(at, end, "illegal default rule (must have a value)");
                return None;
            }
        }
        for kind in &found {
            self.error(at, end, &format!("illegal default rule (value cannot contain {kind})"));
        }
        if !found.is_empty() {
            return None;
        }
        self.default_arguments(head.args.as_deref().unwrap_or_default(), at, end)
    }

    fn default_arguments(&mut self, args: &[Term], at: usize, end: usize) -> Option<()> {
        let mut seen: Vec<&str> = Vec::new();
        let mut valid = true;
        for arg in args {
            let complaint = match &*arg.kind {
                Kind::Var(name) if seen.contains(&name.as_str()) => {
                    format!("illegal default rule (arguments cannot be repeated {name})")
                }
                Kind::Var(name) => {
                    if name != "_" {
                        seen.push(name);
                    }
                    continue;
                }
                _ => format!("illegal default rule (arguments cannot contain {})", arg.name()),
            };
            valid = false;
            self.error(at, end, &complaint);
        }
        valid.then_some(())
    }
}

fn value_expected(head: &Head, name: &str, default: bool) -> String {
    if head.takes_arguments() {
        format!("expected function value term (e.g., {name}(...) := <VALUE> {{ ... }})")
    } else if default {
        format!("expected default rule value term (e.g., default {name} := <VALUE>)")
    } else {
        format!("expected rule value term (e.g., {name} := <VALUE> {{ ... }})")
    }
}
