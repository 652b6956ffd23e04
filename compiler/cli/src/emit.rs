//! `--emit`: the forms that a policy takes on its way to a program, as text.

use crate::files::Loaded;
use crate::output;
use crate::problem::Problem;
use crate::run;
use clap::ValueEnum;
use govc_compile::{Checked, PlanRequest};
use govc_syntax::Sources;

/// The forms.
#[derive(ValueEnum, Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    /// Tokens with their places
    Tokens,
    /// The tree as written
    Ast,
    /// Rules with their names resolved, in a safe order
    Hir,
    /// The types of the rules
    Types,
    /// The plan, optimized
    Ir,
    /// The program
    Bytecode,
    /// Machine code before it is machine code
    Clif,
}

/// Prints a form of what was loaded; false for the forms that need a checked unit.
pub(crate) fn sources(form: Form, loaded: &Loaded) -> bool {
    match form {
        Form::Tokens => loaded.sources.iter().for_each(|(_, source)| output::print(&tokens(&source.text))),
        Form::Ast => loaded.modules.iter().for_each(|module| output::println(&format!("{module:#?}"))),
        _ => return false,
    }
    true
}

/// Prints a form of what was checked.
pub(crate) fn checked(
    form: Form,
    checked: &Checked,
    request: &PlanRequest,
    sources: &Sources,
) -> Result<(), Vec<Problem>> {
    match form {
        Form::Hir => {
            output::print(&govc_compile::text::unit(&checked.unit));
            request.queries.iter().for_each(|(_, query)| output::print(&govc_compile::text::query(query)));
        }
        Form::Types => output::print(&types(checked)),
        Form::Ir => output::print(&run::plan(checked, request, sources)?.to_string()),
        Form::Bytecode => {
            let program = run::emit(&run::plan(checked, request, sources)?, sources)?;
            output::print(&govc_bytecode::text::print(&program));
        }
        Form::Clif => output::print(&clif(run::emit(&run::plan(checked, request, sources)?, sources)?)?),
        Form::Tokens | Form::Ast => {}
    }
    Ok(())
}

/// Cranelift's text form of every function that gains from machine code.
#[cfg(feature = "jit")]
fn clif(program: govc_bytecode::Program) -> Result<String, Vec<Problem>> {
    let refused = |error: &dyn std::fmt::Display| vec![Problem::coded("govc_jit_error", error.to_string())];
    let image = govc_vm::Image::load(program, &[]).map_err(|error| refused(&error))?;
    govc_jit::clif(&image).map_err(|error| refused(&error))
}

#[cfg(not(feature = "jit"))]
fn clif(_: govc_bytecode::Program) -> Result<String, Vec<Problem>> {
    Err(vec![Problem::not_yet("this build of govc makes no machine code (feature `jit`)")])
}

/// One line a token: row, column, kind, text.
pub(crate) fn tokens(text: &str) -> String {
    let mut sources = Sources::default();
    let file = sources.add("", text);
    let mut out = String::new();
    for token in govc_syntax::lex::lex(file, text, true).tokens {
        let (row, col) = sources.get(file).position(token.start);
        let written = text.get(token.start as usize..token.end as usize).unwrap_or_default();
        out.push_str(&format!("{row}:{col}\t{:?}\t{written}\n", token.kind));
    }
    out
}

/// One line a rule: path and type, each path once.
fn types(checked: &Checked) -> String {
    let mut out = String::new();
    let mut paths: Vec<&Vec<String>> = checked.unit.rules.iter().map(|rule| &rule.path).collect();
    paths.sort();
    paths.dedup();
    for path in paths {
        let shown = checked.types.document(path).map_or_else(|| "undefined".to_owned(), |ty| ty.to_string());
        out.push_str(&format!("data.{}: {shown}\n", path.join(".")));
    }
    out
}
