//! A reader of JSON and of Binance's messages that shares nothing with the real one: strings, vectors, recursion, no speed.

/// A JSON value; numbers as written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Value {
    Null,
    Bool(bool),
    Number(String),
    Text(String),
    List(Vec<Value>),
    Object(Vec<(String, Value)>),
}

impl Value {
    pub(crate) fn get(&self, key: &str) -> Option<&Value> {
        match self {
            Value::Object(entries) => entries.iter().rev().find(|(name, _)| name == key).map(|(_, value)| value),
            _ => None,
        }
    }

    fn doubled(&self, keys: &[&str]) -> bool {
        match self {
            Value::Object(entries) => keys.iter().any(|key| entries.iter().filter(|(name, _)| name == key).count() > 1),
            _ => false,
        }
    }
}

/// Parse by RFC 8259.
pub(crate) fn json(raw: &[u8]) -> Option<Value> {
    let text: Vec<char> = std::str::from_utf8(raw).ok()?.chars().collect();
    let mut at = 0;
    let value = value(&text, &mut at)?;
    space(&text, &mut at);
    (at == text.len()).then_some(value)
}

fn space(text: &[char], at: &mut usize) {
    while text.get(*at).is_some_and(|c| " \t\r\n".contains(*c)) {
        *at += 1;
    }
}

fn eat(text: &[char], at: &mut usize, word: &str) -> Option<()> {
    for c in word.chars() {
        if text.get(*at) != Some(&c) {
            return None;
        }
        *at += 1;
    }
    Some(())
}

fn value(text: &[char], at: &mut usize) -> Option<Value> {
    space(text, at);
    match text.get(*at)? {
        'n' => eat(text, at, "null").map(|()| Value::Null),
        't' => eat(text, at, "true").map(|()| Value::Bool(true)),
        'f' => eat(text, at, "false").map(|()| Value::Bool(false)),
        '"' => string(text, at).map(Value::Text),
        '[' => {
            *at += 1;
            let mut list = Vec::new();
            space(text, at);
            if text.get(*at) == Some(&']') {
                *at += 1;
                return Some(Value::List(list));
            }
            loop {
                list.push(value(text, at)?);
                space(text, at);
                match text.get(*at)? {
                    ',' => *at += 1,
                    ']' => break,
                    _ => return None,
                }
            }
            *at += 1;
            Some(Value::List(list))
        }
        '{' => {
            *at += 1;
            let mut entries = Vec::new();
            space(text, at);
            if text.get(*at) == Some(&'}') {
                *at += 1;
                return Some(Value::Object(entries));
            }
            loop {
                space(text, at);
                let name = string(text, at)?;
                space(text, at);
                eat(text, at, ":")?;
                entries.push((name, value(text, at)?));
                space(text, at);
                match text.get(*at)? {
                    ',' => *at += 1,
                    '}' => break,
                    _ => return None,
                }
            }
            *at += 1;
            Some(Value::Object(entries))
        }
        _ => number(text, at),
    }
}

fn digits(text: &[char], at: &mut usize) -> String {
    let from = *at;
    while text.get(*at).is_some_and(char::is_ascii_digit) {
        *at += 1;
    }
    text[from..*at].iter().collect()
}

fn number(text: &[char], at: &mut usize) -> Option<Value> {
    let from = *at;
    if text.get(*at) == Some(&'-') {
        *at += 1;
    }
    let whole = digits(text, at);
    if whole.is_empty() || (whole.len() > 1 && whole.starts_with('0')) {
        return None;
    }
    if text.get(*at) == Some(&'.') {
        *at += 1;
        if digits(text, at).is_empty() {
            return None;
        }
    }
    if matches!(text.get(*at), Some('e' | 'E')) {
        *at += 1;
        if matches!(text.get(*at), Some('+' | '-')) {
            *at += 1;
        }
        if digits(text, at).is_empty() {
            return None;
        }
    }
    Some(Value::Number(text[from..*at].iter().collect()))
}

fn string(text: &[char], at: &mut usize) -> Option<String> {
    eat(text, at, "\"")?;
    let mut found = String::new();
    loop {
        let c = *text.get(*at)?;
        *at += 1;
        match c {
            '"' => return Some(found),
            '\\' => {
                let c = *text.get(*at)?;
                *at += 1;
                match c {
                    '"' | '\\' | '/' => found.push(c),
                    'b' => found.push('\u{8}'),
                    'f' => found.push('\u{c}'),
                    'n' => found.push('\n'),
                    'r' => found.push('\r'),
                    't' => found.push('\t'),
                    'u' => {
                        let code: String = text.get(*at..*at + 4)?.iter().collect();
                        if !code.chars().all(|c| c.is_ascii_hexdigit()) {
                            return None;
                        }
                        *at += 4;
                        found.push(char::from_u32(u32::from_str_radix(&code, 16).ok()?).unwrap_or('\u{fffd}'));
                    }
                    _ => return None,
                }
            }
            c if c < ' ' => return None,
            c => found.push(c),
        }
    }
}

/// A decimal as 1e-8 units: moves the point in the text and reads one whole number.
pub(crate) fn units(text: &str) -> Option<i64> {
    let (mantissa, exponent) = text.split_once(['e', 'E']).unwrap_or((text, "0"));
    let (sign, digits) = mantissa.strip_prefix('-').map_or(("", mantissa), |digits| ("-", digits));
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let point = whole.len() as i64 + exponent.parse::<i64>().ok()? + 8;
    let all = format!("{whole}{fraction}");
    if all.chars().all(|c| c == '0') {
        return Some(0);
    }
    if point.abs() > 1_000 {
        return None;
    }
    let (point, all) = if point < 0 {
        (0, format!("{}{all}", "0".repeat(point.unsigned_abs() as usize)))
    } else {
        (point as usize, all)
    };
    let all = format!("{all:0<point$}");
    let (kept, lost) = all.split_at(point);
    lost.chars().all(|c| c == '0').then(|| format!("{sign}0{kept}").parse().ok())?
}

/// What a trade, a quote or an update of Binance says: numbers in a fixed order, `None` for what is none of them.
pub(crate) fn binance(raw: &[u8]) -> Option<Vec<i128>> {
    let outer = json(raw)?;
    if outer.doubled(&["stream", "data"]) {
        return None;
    }
    let data = if outer.get("stream").is_some() { outer.get("data")? } else { &outer };
    if data.doubled(&["e", "s", "t", "p", "q", "m", "T", "u", "U", "pu", "a", "A", "b", "B", "E"]) {
        return None;
    }
    let scalar = |value: &Value| match value {
        Value::Number(text) | Value::Text(text) => Some(text.clone()),
        _ => None,
    };
    let decimal = |key: &str| data.get(key).and_then(scalar).and_then(|text| units(&text)).map(i128::from);
    let whole = |key: &str| data.get(key).and_then(scalar).and_then(|text| text.parse::<u64>().ok()).map(i128::from);
    let kind = match data.get("e") {
        None => "bookTicker".to_owned(),
        Some(Value::Text(kind)) => kind.clone(),
        Some(_) => return None,
    };
    let Some(Value::Text(symbol)) = data.get("s") else { return None };
    if !symbol.eq_ignore_ascii_case("BTCUSDT") {
        return None;
    }
    let levels = |key: &str| {
        let Some(Value::List(rows)) = data.get(key) else { return None };
        let mut found = Vec::new();
        for row in rows {
            let Value::List(row) = row else { return None };
            for value in row.get(..2)? {
                found.push(i128::from(units(&scalar(value)?)?));
            }
        }
        Some(found)
    };
    let mut found = Vec::new();
    match kind.as_str() {
        "trade" => {
            let Some(Value::Bool(maker)) = data.get("m") else { return None };
            found.extend([1, whole("t")?, decimal("p")?, decimal("q")?, i128::from(*maker), whole("T")?]);
        }
        "bookTicker" => {
            let sides = [decimal("b")?, decimal("B")?, decimal("a")?, decimal("A")?];
            found.extend([2, whole("u")?].into_iter().chain(sides));
            if data.get("e").is_some() {
                whole("E")?;
            }
            found.push(whole("T").or_else(|| whole("E")).unwrap_or(0));
        }
        "depthUpdate" => {
            found.extend([3, whole("U")?, whole("u")?, whole("pu").unwrap_or(0)]);
            let (bids, asks) = (levels("b")?, levels("a")?);
            found.push(bids.len() as i128 / 2);
            found.extend(bids.into_iter().chain(asks));
            found.push(whole("T").unwrap_or(whole("E")?));
        }
        _ => return None,
    }
    Some(found)
}
