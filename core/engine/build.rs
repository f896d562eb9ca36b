//! Finds the indicators: every `src/ta/<name>.rs` and `src/patterns/<name>.rs` (but `mod.rs`) becomes a public module
//! and its `SPEC` an entry of `REGISTRY`. Folders (`kit/`) hold shared parts and are not looked into. In the same way
//! every `src/risk/rules/<name>.rs` becomes a module and its `RULE` an entry of `FOUND`.
//!
//! Written to `OUT_DIR`: `ta_modules.rs`, `patterns_modules.rs`, `patterns_table.rs`, `registry.rs`,
//! `risk_rules_modules.rs` and `risk_rules_table.rs`, sorted by name.

use std::error::Error;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs};

fn named_files(folder: &Path) -> Result<Vec<(String, PathBuf)>, Box<dyn Error>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let stem = path.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default().to_owned();
        if path.is_file() && path.extension().is_some_and(|extension| extension == "rs") && stem != "mod" {
            let plain = stem.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_');
            if !plain || !stem.starts_with(|c: char| c.is_ascii_lowercase()) {
                return Err(format!("{}: name the file in snake_case, like macd.rs", path.display()).into());
            }
            files.push((stem, path));
        }
    }
    files.sort();
    Ok(files)
}

/// The entries of all patterns, in the order of their names.
fn patterns_table(entries: &[(String, &str)]) -> String {
    let names: Vec<&str> =
        entries.iter().filter(|(_, room)| *room == "patterns").map(|(stem, _)| stem.as_str()).collect();
    let rows: String = names.iter().map(|stem| format!("    &{stem}::ENTRY,\n")).collect();
    let count = names.len();
    format!("/// Every pattern, sorted by name.\npub static PATTERNS: [&Entry; {count}] = [\n{rows}];\n")
}

/// Modules and table of the risk rules.
fn risk_rules(root: &Path, target: &Path) -> Result<(), Box<dyn Error>> {
    let folder = root.join("src").join("risk").join("rules");
    println!("cargo::rerun-if-changed={}", folder.display());
    let (mut modules, mut rows) = (String::new(), String::new());
    let files = named_files(&folder)?;
    let count = files.len();
    for (stem, path) in files {
        writeln!(modules, "#[path = {path:?}]\npub mod {stem};")?;
        writeln!(rows, "    {stem}::RULE,")?;
    }
    fs::write(target.join("risk_rules_modules.rs"), modules)?;
    let table = format!("/// Every rule, sorted by name.\nconst FOUND: [RuleSpec; {count}] = [\n{rows}];\n");
    fs::write(target.join("risk_rules_table.rs"), table + &rule_loops(count)?)?;
    Ok(())
}

/// The loops over all rules, written out: each one is known when it is compiled, so its measure and its comparison are
/// put in place instead of being called through a pointer.
fn rule_loops(count: usize) -> Result<String, Box<dyn Error>> {
    let names = |prefix: &str| (0..count).map(|at| format!("{prefix}_{at}")).collect::<Vec<_>>().join(", ");
    let (lines, bounds) = (names("line"), names("bound"));
    let mut text =
        String::from("/// Every rule into its line, in the order of evaluation; the first that is breached.\n");
    // Apart from their caller, so that table and facts are each one address to them.
    text.push_str(
        "#[inline(never)]\npub(super) fn rule_on_all<const REDUCES: bool>(\n    facts: &Facts<'_>,\n    bounds: &[i64; COUNT],\n",
    );
    text.push_str("    lines: &mut [Line; COUNT],\n) -> Option<usize> {\n");
    writeln!(text, "    let [{lines}] = lines;\n    let [{bounds}] = bounds;\n    let mut first = usize::MAX;")?;
    for at in 0..count {
        writeln!(text, "    first = first.min(At::<{at}>::rule::<REDUCES>(facts, *bound_{at}, line_{at}));")?;
    }
    text.push_str("    (first != usize::MAX).then_some(first)\n}\n");
    text.push_str("/// Whether every rule holds, and nothing else of it.\n");
    text.push_str("#[inline(never)]\npub(super) fn all_hold<const REDUCES: bool>(facts: &Facts<'_>, bounds: &[i64; COUNT]) -> bool {\n");
    writeln!(text, "    let [{bounds}] = bounds;")?;
    let rules = (0..count).map(|at| format!("At::<{at}>::holds::<REDUCES>(facts, *bound_{at})"));
    writeln!(text, "    {}\n}}", rules.collect::<Vec<_>>().join("\n        && "))?;
    Ok(text)
}

fn main() -> Result<(), Box<dyn Error>> {
    let root = PathBuf::from(env::var("CARGO_MANIFEST_DIR")?);
    let target = PathBuf::from(env::var("OUT_DIR")?);
    risk_rules(&root, &target)?;
    let mut entries = Vec::new();
    for room in ["ta", "patterns"] {
        let folder = root.join("src").join(room);
        println!("cargo::rerun-if-changed={}", folder.display());
        let mut modules = String::new();
        for (stem, path) in named_files(&folder)? {
            writeln!(modules, "#[path = {path:?}]\npub mod {stem};")?;
            entries.push((stem, room));
        }
        fs::write(target.join(format!("{room}_modules.rs")), modules)?;
        if room == "patterns" {
            fs::write(target.join("patterns_table.rs"), patterns_table(&entries))?;
        }
    }
    entries.sort();
    let mut registry = String::from("/// Every indicator and pattern, sorted by file name.\n");
    registry.push_str("pub static REGISTRY: &[&Spec] = &[\n");
    for (stem, room) in entries {
        writeln!(registry, "    &crate::{room}::{stem}::SPEC,")?;
    }
    registry.push_str("];\n");
    fs::write(target.join("registry.rs"), registry)?;
    Ok(())
}
