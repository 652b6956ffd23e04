//! `govc oracle find-definition`: where a name is defined, for editors that ask `opa` for it. Exit code 0 or 1.

use crate::exit::Exit;
use crate::files::{self, io_problem};
use crate::language::Language;
use crate::output::{self, Node};
use crate::problem::{self, Location, Problem};
use clap::{Args, Subcommand};
use govc_lsp::definition::definitions;
use govc_lsp::locate::name_at;
use govc_lsp::text::Document;
use govc_lsp::workspace::Workspace;
use std::io::Read;

/// Answer questions about policies
#[derive(Args, Debug)]
#[command(hide = true, arg_required_else_help = true)]
pub(crate) struct Oracle {
    #[command(subcommand)]
    question: Question,
}

#[derive(Subcommand, Debug)]
enum Question {
    FindDefinition(FindDefinition),
}

/// Find where the name at a position is defined
#[derive(Args, Debug)]
struct FindDefinition {
    /// File and byte offset: `FILE:OFFSET`; `0x` begins a hexadecimal number
    position: String,
    /// Bundle file or folder with the policies that are known
    #[arg(short, long, value_name = "PATH")]
    bundle: Vec<String>,
    /// Standard input is the text of the file
    #[arg(long)]
    stdin_buffer: bool,
    #[command(flatten)]
    language: Language,
}

pub(crate) fn run(args: &Oracle) -> Exit {
    let Question::FindDefinition(args) = &args.question;
    let (file, offset) = match position(&args.position) {
        Ok(found) => found,
        Err(complaint) => {
            output::eprintln(&format!("Error: {complaint}"));
            return Exit::Failure;
        }
    };
    match find(args, file, offset) {
        Ok(node) => {
            output::println(&node.pretty());
            Exit::Success
        }
        Err(problems) => {
            output::eprintln(&format!("error: {}", problem::complaint(&problems)));
            Exit::Failure
        }
    }
}

fn position(text: &str) -> Result<(&str, u32), String> {
    let text = text.strip_prefix("file://").unwrap_or(text);
    let parts: Vec<&str> = text.split(':').collect();
    let [file, offset] = parts.as_slice() else {
        return Err("expected <filename>:<offset> argument".to_owned());
    };
    let (digits, base) = offset.strip_prefix("0x").map_or((*offset, 10), |digits| (digits, 16));
    let number = u32::from_str_radix(digits, base);
    Ok((file, number.map_err(|_| format!("strconv.ParseInt: parsing \"{digits}\": invalid syntax"))?))
}

fn find(args: &FindDefinition, file: &str, offset: u32) -> Result<Node, Vec<Problem>> {
    if args.bundle.len() > 1 {
        return Err(vec![Problem::plain("not implemented: multiple bundle paths")]);
    }
    let loaded = files::load(&files::Request {
        bundles: args.bundle.clone(),
        parse: args.language.parse(),
        declared: args.language.declared(),
        ..files::Request::default()
    });
    if !loaded.problems.is_empty() {
        return Err(loaded.problems);
    }
    let mut workspace = Workspace::default();
    for module in &loaded.modules {
        let source = loaded.sources.get(module.span.file);
        workspace.set(&source.name, Document::new(&source.text));
    }
    if args.stdin_buffer {
        let mut text = String::new();
        let read = std::io::stdin().read_to_string(&mut text);
        read.map_err(|error| vec![io_problem("read", "stdin", &error)])?;
        workspace.set(file, Document::new(text));
    }
    let snapshot = workspace.snapshot();
    let named = snapshot.file(file).and_then(|known| name_at(&known.module, offset));
    if named.is_none() {
        return Ok(error("oracle_no_match_found"));
    }
    let places = definitions(&snapshot, file, offset);
    let Some(place) = places.first() else { return Ok(error("oracle_no_definition_found")) };
    let text = snapshot.file(&place.file).map_or("", |known| known.document.text());
    let before = text.get(..place.span.start as usize).unwrap_or_default();
    let row = before.matches('\n').count() + 1;
    let col = before.len() - before.rfind('\n').map_or(0, |at| at + 1) + 1;
    let location = Location { file: place.file.clone(), row, col };
    Ok(Node::Object(vec![("result".to_owned(), location.to_node())]))
}

fn error(code: &str) -> Node {
    Node::Object(vec![("error".to_owned(), Node::Object(vec![("code".to_owned(), Node::string(code))]))])
}
