//! Indicators by name.

use super::{Seed, Spec, TaError};

include!(concat!(env!("OUT_DIR"), "/registry.rs"));

/// The indicator of this name, in any case.
///
/// # Errors
/// [`TaError::UnknownName`] with the nearest name there is.
pub fn find(name: &str) -> Result<&'static Spec, TaError> {
    REGISTRY.iter().copied().find(|spec| spec.name.eq_ignore_ascii_case(name)).ok_or_else(|| unknown(name))
}

/// An indicator and its parameters from an id such as `RSI_14`, `BBANDS_20_2_2_0`, `OBV` or `LINEARREG_SLOPE_14`.
///
/// The numbers are in TA-Lib's order; missing ones on the right take their defaults.
///
/// # Errors
/// An unknown name, a part that is no number, or parameters that do not fit.
pub fn resolve(id: &str) -> Result<(&'static Spec, Vec<f64>), TaError> {
    // The longest name wins: PLUS_DI_14 must not be read as PLUS.
    let rest_after = |spec: &Spec| match id.strip_prefix(spec.name)? {
        "" => Some(None),
        rest => rest.strip_prefix('_').map(Some),
    };
    let candidates = REGISTRY.iter().copied().filter_map(|spec| rest_after(spec).map(|rest| (spec, rest)));
    let (spec, rest) = candidates.max_by_key(|(spec, _)| spec.name.len()).ok_or_else(|| {
        let head = id.trim_end_matches(|c: char| c.is_ascii_digit() || c == '_' || c == '.');
        unknown(if head.is_empty() { id } else { head })
    })?;
    let parts = rest.into_iter().flat_map(|rest| rest.split('_'));
    let params = parts.map(|part| part.parse::<f64>()).collect::<Result<Vec<_>, _>>().map_err(|_| unknown(id))?;
    spec.bind(&params, Seed::Talib)?;
    Ok((spec, params))
}

fn unknown(name: &str) -> TaError {
    let wanted = name.to_ascii_uppercase();
    let nearest = REGISTRY.iter().map(|spec| (edit_distance(&wanted, spec.name), spec.name)).min();
    let suggestion = match nearest {
        Some((distance, found)) if distance <= 1 + wanted.len() / 3 => format!("; did you mean {found}?"),
        _ => String::new(),
    };
    TaError::UnknownName { name: name.to_owned(), suggestion }
}

/// Levenshtein distance over bytes; names are ASCII.
fn edit_distance(left: &str, right: &str) -> usize {
    let mut row: Vec<usize> = (0..=right.len()).collect();
    for (above_first, a) in left.bytes().enumerate() {
        let (mut diagonal, mut before) = (above_first, above_first + 1);
        let mut next = vec![before];
        for (b, &above) in right.bytes().zip(row.iter().skip(1)) {
            let here = (diagonal + usize::from(a != b)).min(above + 1).min(before + 1);
            next.push(here);
            (diagonal, before) = (above, here);
        }
        row = next;
    }
    row.last().copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn file_names_are_the_names_in_lower_case_and_sorted() {
        let names: Vec<&str> = REGISTRY.iter().map(|spec| spec.name).collect();
        let mut sorted = names.clone();
        sorted.sort_by_key(|name| name.to_ascii_lowercase());
        sorted.dedup();
        assert_eq!(names, sorted);
    }

    #[test]
    fn defaults_lie_in_their_bounds_and_give_a_lookback() {
        for spec in REGISTRY {
            assert!(spec.lookback(&[]).is_ok(), "{}", spec.name);
            assert!(!spec.inputs.is_empty() && !spec.outputs.is_empty() && !spec.doc.is_empty(), "{}", spec.name);
        }
    }

    #[test]
    fn suggests_the_nearest_name() {
        let message = find("RSII").map(|spec| spec.name).map_err(|error| error.to_string());
        assert_eq!(
            message,
            Err("no indicator is called \"RSII\"; did you mean RSI?; ta.functions() lists them all".to_owned())
        );
        assert!(matches!(find("Gartley"), Err(TaError::UnknownName { suggestion, .. }) if suggestion.is_empty()));
    }

    #[test]
    fn ids_carry_parameters_in_order() {
        let resolved = |id| resolve(id).map(|(spec, params)| (spec.name, params));
        assert_eq!(resolved("RSI_14"), Ok(("RSI", vec![14.0])));
        assert_eq!(resolved("BBANDS_20_2.5_2_0"), Ok(("BBANDS", vec![20.0, 2.5, 2.0, 0.0])));
        assert_eq!(resolved("PLUS_DI_7"), Ok(("PLUS_DI", vec![7.0])));
        assert_eq!(resolved("OBV"), Ok(("OBV", vec![])));
        assert!(matches!(resolved("OBV_3"), Err(TaError::ParamCount { .. })));
        assert!(matches!(resolved("RSI_2.5"), Err(TaError::NotWhole { .. })));
        assert!(matches!(resolved("RSI_0"), Err(TaError::OutOfBounds { .. })));
        assert!(matches!(resolved("RSI_x"), Err(TaError::UnknownName { .. })));
        assert!(matches!(resolved("RSI_"), Err(TaError::UnknownName { .. })));
        assert!(matches!(resolved(""), Err(TaError::UnknownName { .. })));
    }
}
