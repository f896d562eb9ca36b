//! A strict reader of the Prometheus text format 0.0.4: what a lenient one would guess at is an error here.
#![allow(dead_code, reason = "each test binary uses its own part")]

use std::collections::{BTreeMap, BTreeSet};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Counter,
    Gauge,
    Histogram,
}

#[derive(Clone, Debug)]
struct Sample {
    name: String,
    labels: Vec<(String, String)>,
    value: String,
}

#[derive(Debug, Default)]
pub(crate) struct Families {
    kinds: BTreeMap<String, Kind>,
    samples: BTreeMap<String, Sample>,
    order: Vec<String>,
}

impl Families {
    /// Value of a series written as in the text, for label values that need no escape.
    pub(crate) fn value(&self, series: &str) -> Option<&String> {
        self.samples.get(series).map(|sample| &sample.value)
    }

    pub(crate) fn number(&self, series: &str) -> u64 {
        self.value(series).and_then(|value| value.parse().ok()).unwrap_or(0)
    }

    pub(crate) fn kind(&self, family: &str) -> Option<Kind> {
        self.kinds.get(family).copied()
    }

    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.kinds.keys().map(String::as_str)
    }

    pub(crate) fn series<'a>(&'a self, name: &'a str) -> impl Iterator<Item = (&'a str, &'a str)> {
        let of_name = self.order.iter().filter_map(|key| Some((key, self.samples.get(key)?)));
        of_name
            .filter(move |(_, sample)| sample.name == name)
            .map(|(key, sample)| (key.as_str(), sample.value.as_str()))
    }

    pub(crate) fn labels<'a>(&'a self, name: &'a str, label: &'a str) -> impl Iterator<Item = String> + 'a {
        let of_name = self.samples.values().filter(move |sample| sample.name == name);
        of_name
            .flat_map(move |sample| sample.labels.iter().filter(move |(key, _)| key == label).map(|(_, v)| v.clone()))
    }
}

fn is_name(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

pub(crate) fn parse(text: &str) -> Result<Families, String> {
    if !text.is_empty() && !text.ends_with('\n') {
        return Err("no line feed at the end".into());
    }
    let mut families = Families::default();
    let mut helped = BTreeSet::new();
    let mut current: Option<(String, Kind)> = None;
    for line in text.strip_suffix('\n').unwrap_or(text).split('\n') {
        if let Some(rest) = line.strip_prefix("# HELP ") {
            let (name, help) = rest.split_once(' ').ok_or("HELP without text")?;
            if !is_name(name) || help.is_empty() || !helped.insert(name.to_owned()) {
                return Err(format!("HELP twice or malformed: {line}"));
            }
            current = None;
        } else if let Some(rest) = line.strip_prefix("# TYPE ") {
            let (name, kind) = rest.split_once(' ').ok_or("TYPE without a type")?;
            let kind = match kind {
                "counter" => Kind::Counter,
                "gauge" => Kind::Gauge,
                "histogram" => Kind::Histogram,
                other => return Err(format!("type {other}")),
            };
            if !helped.contains(name) || families.kinds.insert(name.to_owned(), kind).is_some() {
                return Err(format!("TYPE without HELP or twice: {line}"));
            }
            current = Some((name.to_owned(), kind));
        } else {
            let (family, kind) = current.as_ref().ok_or_else(|| format!("a sample outside its family: {line}"))?;
            let (key, sample) = parse_sample(line)?;
            let suffix = sample.name.strip_prefix(family.as_str()).ok_or_else(|| format!("foreign sample: {line}"))?;
            let fits = match kind {
                Kind::Histogram => ["_bucket", "_sum", "_count"].contains(&suffix),
                _ => suffix.is_empty(),
            };
            let number: f64 = sample.value.parse().map_err(|_| format!("not a number: {line}"))?;
            if !fits || (*kind != Kind::Gauge && (number < 0.0 || !number.is_finite())) {
                return Err(format!("not of its family: {line}"));
            }
            if families.samples.insert(key.clone(), sample).is_some() {
                return Err(format!("a series twice: {line}"));
            }
            families.order.push(key);
        }
    }
    check_histograms(&families)?;
    Ok(families)
}

fn parse_sample(line: &str) -> Result<(String, Sample), String> {
    let malformed = || format!("malformed: {line}");
    let end = line.find(['{', ' ']).ok_or_else(malformed)?;
    let (name, mut rest) = line.split_at(end);
    let mut labels: Vec<(String, String)> = Vec::new();
    if let Some(inside) = rest.strip_prefix('{') {
        rest = inside;
        loop {
            let (label, after) = rest.split_once("=\"").ok_or_else(malformed)?;
            if !is_name(label) || labels.iter().any(|(known, _)| known == label) {
                return Err(malformed());
            }
            let mut value = String::new();
            let mut characters = after.char_indices();
            let close = loop {
                match characters.next().ok_or_else(malformed)? {
                    (at, '"') => break at,
                    (_, '\\') => match characters.next().ok_or_else(malformed)?.1 {
                        'n' => value.push('\n'),
                        same @ ('\\' | '"') => value.push(same),
                        _ => return Err(malformed()),
                    },
                    (_, other) => value.push(other),
                }
            };
            labels.push((label.to_owned(), value));
            rest = after.get(close + 1..).ok_or_else(malformed)?;
            if let Some(next) = rest.strip_prefix(',') {
                rest = next;
            } else {
                rest = rest.strip_prefix('}').ok_or_else(malformed)?;
                break;
            }
        }
    }
    let value = rest.strip_prefix(' ').filter(|value| !value.contains(' ')).ok_or_else(malformed)?;
    if !is_name(name) {
        return Err(malformed());
    }
    let key = line.strip_suffix(value).ok_or_else(malformed)?.trim_end().to_owned();
    Ok((key, Sample { name: name.to_owned(), labels, value: value.to_owned() }))
}

/// Buckets rise, end with +Inf, and +Inf equals the count.
fn check_histograms(families: &Families) -> Result<(), String> {
    for (family, _) in families.kinds.iter().filter(|(_, kind)| **kind == Kind::Histogram) {
        let mut last: BTreeMap<String, (f64, u64)> = BTreeMap::new();
        let bucket = format!("{family}_bucket");
        for key in &families.order {
            let Some(sample) = families.samples.get(key).filter(|sample| sample.name == bucket) else { continue };
            let bound = sample.labels.iter().find(|(label, _)| label == "le").ok_or("no le")?.1.replace("+Inf", "inf");
            let bound: f64 = bound.parse().map_err(|_| format!("le of {key}"))?;
            let count: u64 = sample.value.parse().map_err(|_| format!("count of {key}"))?;
            let others: Vec<_> = sample.labels.iter().filter(|(label, _)| label != "le").collect();
            let before = last.insert(format!("{others:?}"), (bound, count));
            if before.is_some_and(|(lower, fewer)| lower >= bound || fewer > count) {
                return Err(format!("buckets fall at {key}"));
            }
        }
        for sample in families.samples.values().filter(|sample| sample.name == format!("{family}_count")) {
            let others: Vec<_> = sample.labels.iter().collect();
            let expected = Some((f64::INFINITY, sample.value.parse().map_err(|_| "count")?));
            if last.get(&format!("{others:?}")).copied() != expected {
                return Err(format!("+Inf of {family} is not its count"));
            }
        }
    }
    Ok(())
}
