//! What `help` prints.

/// All commands.
pub(super) const COMMANDS: &str = "
A line is evaluated, or defines a rule. `x := 1` defines `x`, `p if { ... }` may go on over several lines; an empty line ends it.

Statements
  <query>                 evaluate: `data` shows all documents, `data[x] = _` all that are at the top
  <rule>                  define a rule in the active package
  package <path>          go to a package
  import <path>           add an import to the active package

Definitions
  show                    the active package
  show debug              the settings
  unset <ref>             forget rules of the active package
  unset-package <path>    forget a package
  dump [file]             base documents as JSON

Output
  json                    results as JSON
  pretty                  results for people
  pretty-limit <n>        width after which values are cut
  types                   types of what a query names, on or off
  metrics                 times, on or off
  instrument              more times, on or off
  profile                 profile, on or off
  trace [mode]            trace: full, notes, fails or debug, on or off
  notes                   the trace of notes, on or off
  fails                   the trace of failures, on or off

Evaluation
  strict-builtin-errors   the first error of a builtin ends a query, on or off
  unknown [ref ...]       evaluate partially with these unknown; without names: no longer
  target <name>           how to run: rego

  help [input|partial]    this text, or more about a topic
  exit                    end (or ctrl+d)
";

/// How the input is given.
pub(super) const INPUT: &str = "
Input
=====

The document `data.repl.input` is the input of every query. Give it when the shell starts,

    govc run repl.input:input.json

or define it as rules of the package `repl.input`:

    > package repl.input
    > method := \"POST\"
    > package repl
    > input.method
    \"POST\"
";

/// How partial evaluation is used.
pub(super) const PARTIAL: &str = "
Partial Evaluation
==================

Name what is not known, and what remains of a query is shown:

    > unknown input
    > input.method in {\"GET\", \"HEAD\"}

The command without names ends it.
";
