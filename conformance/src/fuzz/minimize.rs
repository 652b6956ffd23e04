//! Makes a program that shows a difference small, by leaving out what it does not need.

use super::Program;
use govc_syntax::FileId;
use govc_syntax::lex::lex;
use std::ops::Range;

/// What is tried at most for one program.
const ATTEMPTS: usize = 600;

/// The smallest program found of which `holds` is still true.
pub fn minimize(program: &Program, holds: &mut dyn FnMut(&Program) -> bool) -> Program {
    let mut small = Small { program: program.clone(), holds, left: ATTEMPTS };
    small.whole_modules();
    if small.program.input.is_some() {
        small.attempt(|p| p.input = None);
    }
    small.attempt(|p| p.data = "{}".into());
    // Rules, then lines, then words.
    for module in 0..small.program.modules.len() {
        small.parts(module, chunks);
        small.parts(module, lines);
        small.parts(module, words);
        small.parts(module, lines);
    }
    small.documents();
    small.program
}

struct Small<'h> {
    program: Program,
    holds: &'h mut dyn FnMut(&Program) -> bool,
    left: usize,
}

impl Small<'_> {
    fn attempt(&mut self, change: impl FnOnce(&mut Program)) -> bool {
        if self.left == 0 {
            return false;
        }
        self.left -= 1;
        let mut changed = self.program.clone();
        change(&mut changed);
        let held = (self.holds)(&changed);
        if held {
            self.program = changed;
        }
        held
    }

    fn whole_modules(&mut self) {
        let mut at = 0;
        while at < self.program.modules.len() && self.program.modules.len() > 1 {
            if !self.attempt(|p| drop(p.modules.remove(at))) {
                at += 1;
            }
        }
    }

    /// Leaves out runs of parts, long ones first.
    fn parts(&mut self, module: usize, split: fn(&str) -> Vec<Range<usize>>) {
        let mut size = split(&self.program.modules[module]).len().next_power_of_two() / 2;
        while size > 0 {
            let mut at = 0;
            loop {
                let text = &self.program.modules[module];
                let parts = split(text);
                let Some(first) = parts.get(at) else { break };
                let last = &parts[(at + size - 1).min(parts.len() - 1)];
                let without = format!("{}{}", &text[..first.start], &text[last.end..]);
                if !self.attempt(|p| p.modules[module] = without) {
                    at += size;
                }
            }
            size /= 2;
        }
    }

    fn documents(&mut self) {
        for field in fields(&self.program.data) {
            self.attempt(|p| p.data = field.into());
        }
        let Some(input) = self.program.input.clone() else { return };
        let mut input = input;
        // Each success makes the next choice a smaller one.
        while let Some(less) =
            fields(&input).into_iter().find(|less| self.attempt(|p| p.input = Some(less.clone())))
        {
            input = less;
        }
    }
}

fn chunks(text: &str) -> Vec<Range<usize>> {
    split_at(text, "\n\n")
}

fn lines(text: &str) -> Vec<Range<usize>> {
    split_at(text, "\n")
}

fn split_at(text: &str, separator: &str) -> Vec<Range<usize>> {
    let mut start = 0;
    let mut parts = Vec::new();
    for part in text.split_inclusive(separator) {
        parts.push(start..start + part.len());
        start += part.len();
    }
    parts
}

fn words(text: &str) -> Vec<Range<usize>> {
    lex(FileId(0), text, false).tokens.iter().map(|t| t.start as usize..t.end as usize).collect()
}

/// An object without one of its fields, for each of them.
fn fields(json: &str) -> Vec<String> {
    use serde_json::value::RawValue;
    let Ok(fields) = serde_json::from_str::<std::collections::BTreeMap<String, Box<RawValue>>>(json) else {
        return Vec::new();
    };
    fields
        .keys()
        .filter_map(|key| {
            let less: std::collections::BTreeMap<_, _> = fields.iter().filter(|(k, _)| *k != key).collect();
            serde_json::to_string(&less).ok()
        })
        .collect()
}
