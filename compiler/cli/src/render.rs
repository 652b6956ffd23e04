//! Diagnostics for terminals: the source line with a mark below, and what would be right.

use codespan_reporting::diagnostic::{Diagnostic as Report, Label, LabelStyle, Severity as Level};
use codespan_reporting::files::SimpleFiles;
use codespan_reporting::term::{self, Config};
use govc_syntax::{Diagnostic, Severity, Sources, Span};

/// The texts of diagnostics, one after the other. Colours where `colored`.
pub(crate) fn diagnostics(found: &[&Diagnostic], sources: &Sources, colored: bool) -> String {
    let mut files = SimpleFiles::new();
    for (_, source) in sources.iter() {
        files.add(source.name.clone(), source.text.clone());
    }
    let config = Config::default();
    let mut out = String::new();
    for diagnostic in found {
        let report = report(diagnostic);
        let text = if colored { ansi(&config, &files, &report) } else { plain(&config, &files, &report) };
        out.push_str(&text);
    }
    out
}

type Files = SimpleFiles<String, String>;

fn plain(config: &Config, files: &Files, report: &Report<usize>) -> String {
    term::emit_into_string(config, files, report).unwrap_or_else(|_| format!("{}\n", report.message))
}

fn ansi(config: &Config, files: &Files, report: &Report<usize>) -> String {
    let mut out = term::termcolor::Ansi::new(Vec::new());
    match term::emit_to_write_style(&mut out, config, files, report) {
        Ok(()) => String::from_utf8_lossy(out.get_ref()).into_owned(),
        Err(_) => plain(config, files, report),
    }
}

fn report(diagnostic: &Diagnostic) -> Report<usize> {
    let mut labels = vec![label(LabelStyle::Primary, diagnostic.span, "")];
    labels.extend(diagnostic.labels.iter().map(|l| label(LabelStyle::Secondary, l.span, &l.message)));
    let mut notes = diagnostic.notes.clone();
    notes.extend(diagnostic.fix.iter().map(|fix| format!("help: {}", fix.title)));
    Report::new(level(diagnostic.severity))
        .with_code(diagnostic.code)
        .with_message(&diagnostic.message)
        .with_labels(labels)
        .with_notes(notes)
}

fn label(style: LabelStyle, span: Span, message: &str) -> Label<usize> {
    Label::new(style, span.file.0 as usize, span.start as usize..span.end as usize).with_message(message)
}

fn level(severity: Severity) -> Level {
    match severity {
        Severity::Error => Level::Error,
        Severity::Warning => Level::Warning,
        Severity::Note => Level::Note,
    }
}
