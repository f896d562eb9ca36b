//! The registry as JSON, for `ta.info`, documentation and language models.

use std::fmt::{self, Write};

use super::{Kind, Param, ParamKind, REGISTRY, Spec};

/// Every SPEC as one JSON array, sorted by name.
///
/// Each: `name, group, doc, formula, source, inputs, params, outputs, lookback` (bars, at the defaults),
/// `memory` (how far back a value reaches), `seeded`, `streams`.
#[must_use]
pub fn specs_json() -> String {
    let mut text = String::from("[");
    for (index, spec) in REGISTRY.iter().enumerate() {
        if index > 0 {
            text.push(',');
        }
        // Writing to a String cannot fail.
        let _ = write_spec(&mut text, spec);
    }
    text.push(']');
    text
}

fn write_spec(text: &mut String, spec: &Spec) -> fmt::Result {
    text.push('{');
    let heads = [
        ("name", spec.name),
        ("group", spec.group),
        ("doc", spec.doc),
        ("formula", spec.formula),
        ("source", spec.source),
    ];
    for (key, value) in heads {
        write!(text, "\"{key}\":{},", Quoted(value))?;
    }
    let inputs: Vec<String> = spec.inputs.iter().map(|input| Quoted(input.name()).to_string()).collect();
    let params: Vec<String> = spec.params.iter().map(|param| ParamJson(param).to_string()).collect();
    write!(text, "\"inputs\":[{}],\"params\":[{}],\"outputs\":[", inputs.join(","), params.join(","))?;
    for (index, output) in spec.outputs.iter().enumerate() {
        let comma = if index > 0 { "," } else { "" };
        let kind = match output.kind {
            Kind::Float => "float64",
            Kind::Int32 | Kind::Index => "int32",
        };
        let (name, meaning) = (Quoted(output.name), Quoted(output.meaning));
        write!(text, "{comma}{{\"name\":{name},\"kind\":\"{kind}\",\"meaning\":{meaning}}}")?;
    }
    let (lookback, memory, seeded) = (spec.lookback(&[]).unwrap_or(0), spec.memory.name(), spec.seeded);
    let streams = spec.stream.is_some();
    write!(text, "],\"lookback\":{lookback},\"memory\":\"{memory}\",\"seeded\":{seeded},\"streams\":{streams}}}")
}

struct ParamJson<'a>(&'a Param);

impl fmt::Display for ParamJson<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Param { name, kind, default, min, max, doc } = self.0;
        let kind = match kind {
            ParamKind::Int => "int",
            ParamKind::Real => "real",
            ParamKind::Average => "average",
        };
        let numbers = if kind == "real" {
            format!("\"default\":{default:?},\"min\":{min:?},\"max\":{max:?}")
        } else {
            format!("\"default\":{default},\"min\":{min},\"max\":{max}")
        };
        write!(formatter, "{{\"name\":{},\"kind\":\"{kind}\",{numbers},\"doc\":{}}}", Quoted(name), Quoted(doc))
    }
}

/// A JSON string.
struct Quoted<'a>(&'a str);

impl fmt::Display for Quoted<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_char('"')?;
        for character in self.0.chars() {
            match character {
                '"' | '\\' => write!(formatter, "\\{character}")?,
                control if control.is_control() => write!(formatter, "\\u{:04x}", u32::from(control))?,
                plain => formatter.write_char(plain)?,
            }
        }
        formatter.write_char('"')
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strings_are_escaped() {
        assert_eq!(Quoted("a\"b\\c\n").to_string(), r#""a\"b\\c\u000a""#);
    }

    #[test]
    fn every_entry_is_there() {
        let text = specs_json();
        for spec in REGISTRY {
            assert!(text.contains(&format!("\"name\":\"{}\"", spec.name)), "{}", spec.name);
        }
    }
}
