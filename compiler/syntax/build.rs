//! Generates the parser's tables from `src/grammar.lalrpop`; a conflict fails the build.

fn main() {
    if let Err(error) =
        lalrpop::Configuration::new().use_cargo_dir_conventions().emit_rerun_directives(true).process()
    {
        eprintln!("{error}");
        std::process::exit(1);
    }
}
