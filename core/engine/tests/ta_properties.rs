//! Properties that hold for every indicator and pattern in the registry, newcomers included.

use deepalpha_engine::ta::{Kind, Policy, REGISTRY, Spec, TaError, specs_json};
use proptest::prelude::*;

/// Outputs as bits, so that NaN equals NaN and -0.0 differs from 0.0.
type Bits = Vec<Vec<u64>>;

fn bits(spec: &Spec, inputs: &[Vec<f64>], params: &[f64], length: usize) -> Result<Bits, TaError> {
    let cut: Vec<&[f64]> =
        inputs.iter().take(spec.inputs.len()).map(|input| input.get(..length).unwrap_or(input)).collect();
    let outputs = spec.compute_vec(&cut, params)?;
    Ok(outputs.iter().map(|output| output.iter().map(|value| value.to_bits()).collect()).collect())
}

/// The defaults with every whole parameter that is a period replaced by `period`, kept in bounds.
fn params_with(spec: &Spec, period: f64) -> Vec<f64> {
    let choose = |param: &deepalpha_engine::ta::Param| {
        // A shortest period goes along with the longest.
        if (param.default > 2.0 && param.default.fract() == 0.0) || param.name == "minperiod" {
            period.clamp(param.min, param.max)
        } else {
            param.default
        }
    };
    spec.params.iter().map(choose).collect()
}

fn hostile() -> impl Strategy<Value = f64> + Clone {
    prop_oneof![
        6 => -1e3..1e3_f64,
        2 => Just(0.0),
        1 => Just(f64::NAN),
        1 => Just(f64::INFINITY),
        1 => Just(f64::NEG_INFINITY),
        1 => Just(f64::MAX),
        1 => Just(f64::MIN_POSITIVE),
        1 => Just(-0.0),
    ]
}

/// Six columns of one length: as many as any indicator reads.
fn columns(value: impl Strategy<Value = f64> + Clone, length: usize) -> impl Strategy<Value = Vec<Vec<f64>>> {
    (0..length).prop_flat_map(move |n| prop::collection::vec(prop::collection::vec(value.clone(), n), 6))
}

/// An output of places, each `by` bars later, but for the look-back, where there is none.
fn places_moved(places: &[u64], lookback: usize, by: usize) -> Vec<u64> {
    let by = f64::from(u32::try_from(by).unwrap_or(u32::MAX));
    let moved = |(bar, place): (usize, &u64)| {
        if bar < lookback { *place } else { (f64::from_bits(*place) + by).to_bits() }
    };
    places.iter().enumerate().map(moved).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// No look-ahead: what is known at bar k does not change when later bars arrive, to the last bit.
    #[test]
    fn the_result_of_a_prefix_is_the_prefix_of_the_result(
        inputs in columns(hostile(), 120), share in 0.0..1.0_f64, period in 1..20_u32,
    ) {
        let length = inputs.first().map_or(0, Vec::len);
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, clippy::cast_precision_loss, reason = "small")]
        let k = (length as f64 * share) as usize;
        for spec in REGISTRY {
            let params = params_with(spec, f64::from(period));
            let whole = bits(spec, &inputs, &params, length);
            let whole = whole.map(|outputs| outputs.into_iter().map(|o| o.into_iter().take(k).collect()).collect());
            prop_assert_eq!(bits(spec, &inputs, &params, k), whole, "{} {:?} {}", spec.name, params, k);
        }
    }

    /// Hostile input never panics, keeps its length, and has no value before the look-back.
    #[test]
    fn hostile_input_gives_padded_output_of_the_same_length(inputs in columns(hostile(), 60), period in 1..70_u32) {
        let length = inputs.first().map_or(0, Vec::len);
        for spec in REGISTRY {
            let params = params_with(spec, f64::from(period));
            let cut: Vec<&[f64]> = inputs.iter().take(spec.inputs.len()).map(Vec::as_slice).collect();
            let outputs = spec.compute_vec(&cut, &params);
            let lookback = spec.lookback(&params);
            let (Ok(outputs), Ok(lookback)) = (outputs, lookback) else {
                return Err(TestCaseError::fail(format!("{} refused {params:?}", spec.name)));
            };
            prop_assert_eq!(outputs.len(), spec.outputs.len());
            for (output, declared) in outputs.iter().zip(spec.outputs) {
                prop_assert_eq!(output.len(), length);
                let empty = |value: &f64| if declared.kind == Kind::Float { value.is_nan() } else { *value == 0.0 };
                prop_assert!(output.iter().take(lookback).all(empty), "{} writes before its look-back", spec.name);
                match declared.kind {
                    Kind::Float => {}
                    Kind::Int32 => {
                        prop_assert!(output.iter().all(|v| v.fract() == 0.0 && v.abs() <= 200.0), "{}", spec.name);
                    }
                    Kind::Index => {
                        let place = |(bar, v): (u32, &f64)| v.fract() == 0.0 && *v >= 0.0 && *v <= f64::from(bar);
                        prop_assert!((0..).zip(output).all(place), "{}", spec.name);
                    }
                }
            }
        }
    }

    /// Bars with a NaN at the front shift the result and change nothing else.
    #[test]
    fn leading_nan_shift_the_result(inputs in columns(1.0..100.0_f64, 80), lead in 1..10_usize, column in 0..4_usize) {
        let length = inputs.first().map_or(0, Vec::len);
        for spec in REGISTRY {
            let column = column % spec.inputs.len();
            // One column is NaN in front, the others hold numbers there that must not be used.
            let longer: Vec<Vec<f64>> = inputs.iter().enumerate().map(|(index, input)| {
                let filler = if index == column { f64::NAN } else { 50.0 };
                std::iter::repeat_n(filler, lead).chain(input.iter().copied()).collect()
            }).collect();
            let plain = bits(spec, &inputs, &[], length)?;
            let shifted = bits(spec, &longer, &[], length + lead)?;
            let lookback = spec.lookback(&[])?;
            let plain: Bits = plain.into_iter().zip(spec.outputs).map(|(output, declared)| {
                if declared.kind == Kind::Index { places_moved(&output, lookback, lead) } else { output }
            }).collect();
            let shifted: Bits = shifted.into_iter().map(|output| output.into_iter().skip(lead).collect()).collect();
            prop_assert_eq!(plain, shifted, "{}", spec.name);
        }
    }
}

#[test]
fn every_parameter_is_refused_outside_its_bounds_and_taken_at_them() {
    for spec in REGISTRY {
        for (index, param) in spec.params.iter().enumerate() {
            let with = |value: f64| {
                let mut params: Vec<f64> = spec.params.iter().map(|param| param.default).collect();
                params.splice(index..=index, [value]);
                spec.lookback(&params)
            };
            // A shortest and a longest period at their bounds both at once: one by itself may leave no range.
            let range = |value: f64| spec.lookback(&[value, value]);
            for value in [param.min, param.max, param.default] {
                let taken = if ["minperiod", "maxperiod"].contains(&param.name) { range(value) } else { with(value) };
                assert!(taken.is_ok(), "{} {} {value}", spec.name, param.name);
            }
            for value in [param.min - param.min.abs().max(1.0), param.max * 2.0, f64::NAN, f64::INFINITY] {
                let refused = matches!(with(value), Err(TaError::OutOfBounds { .. }));
                assert!(refused, "{} {} {value}", spec.name, param.name);
            }
        }
    }
}

#[test]
fn a_fraction_of_a_bar_is_refused_in_words() {
    for spec in REGISTRY.iter().filter(|spec| spec.params.iter().any(|param| param.name == "timeperiod")) {
        let low = spec.params.first().map_or(0.0, |param| param.min);
        let fraction = low.max(2.0) + 0.5;
        let message = spec.lookback(&[fraction]).map_err(|error| error.to_string());
        let expected =
            format!("{}: timeperiod {fraction} is not a whole number; give one in {low}..=100000", spec.name);
        assert_eq!(message, Err(expected));
    }
}

#[test]
fn inputs_that_do_not_fit_are_refused() {
    for spec in REGISTRY {
        let series = [1.0, 2.0, 3.0];
        let fitting = vec![&series[..]; spec.inputs.len()];
        assert!(matches!(spec.compute_vec(&[], &[]), Err(TaError::InputCount { .. })), "{}", spec.name);
        let too_many = [fitting.as_slice(), &[&series[..]]].concat();
        assert!(matches!(spec.compute_vec(&too_many, &[]), Err(TaError::InputCount { .. })), "{}", spec.name);
        if spec.inputs.len() > 1 {
            let uneven = [fitting.get(1..).unwrap_or_default(), &[&series[..2]]].concat();
            assert!(matches!(spec.compute_vec(&uneven, &[]), Err(TaError::LengthMismatch { .. })), "{}", spec.name);
        }
        let too_long = vec![5.0; spec.params.len() + 1];
        assert!(matches!(spec.compute_vec(&fitting, &too_long), Err(TaError::ParamCount { .. })), "{}", spec.name);
        let misfit = &mut [0.0; 2][..];
        assert!(
            matches!(spec.compute(&fitting, &[], Policy::default(), &mut [misfit]), Err(TaError::OutputShape { .. })),
            "{}",
            spec.name
        );
    }
}

#[test]
fn an_inner_nan_never_turns_into_a_number_that_looks_like_an_answer() {
    // Rising prices, one broken bar: what is computed from the broken bar is NaN, not a bearish or flat number.
    let bar = 60;
    let rising = |offset: f64| (0..140).map(|i| if i == bar { f64::NAN } else { f64::from(i) + offset }).collect();
    let column = |name: &str| -> Vec<f64> {
        match name {
            "high" | "real0" => rising(102.0),
            "low" | "real1" => rising(99.0),
            "open" => rising(100.0),
            _ => rising(101.0),
        }
    };
    for spec in REGISTRY {
        let inputs: Vec<Vec<f64>> = spec.inputs.iter().map(|input| column(input.name())).collect();
        let slices: Vec<&[f64]> = inputs.iter().map(Vec::as_slice).collect();
        for (output, declared) in spec.compute_vec(&slices, &[]).unwrap_or_default().iter().zip(spec.outputs) {
            let at_bar = output.get(60).copied().unwrap_or(f64::INFINITY);
            match declared.kind {
                Kind::Float => assert!(at_bar.is_nan(), "{}.{}: {at_bar}", spec.name, declared.name),
                Kind::Int32 | Kind::Index => assert!(at_bar.abs() < 1.0, "{}: {at_bar}", spec.name),
            }
        }
    }
}

#[test]
fn the_registry_holds_what_was_promised_and_its_json_is_ascii() {
    let names: Vec<&str> = REGISTRY.iter().map(|spec| spec.name).collect();
    let promised = "ADX ATR BBANDS CCI CDLDOJI CDLENGULFING CDLEVENINGSTAR CDLHAMMER CDLMORNINGSTAR EMA LINEARREG_SLOPE \
                    MACD MAX MFI MIN MINUS_DI MOM NATR OBV PLUS_DI ROC RSI SMA STDDEV STOCH WILLR WMA";
    for name in promised.split_whitespace() {
        assert!(names.contains(&name), "{name} is missing");
    }
    assert!(specs_json().is_ascii());
}

/// The value of one-output indicators at the last bar, with every price series of bar `i` being `price(i)`.
fn last(name: &str, params: &[f64], bars: i32, price: impl Fn(i32) -> f64) -> f64 {
    let series: Vec<f64> = (0..bars).map(price).collect();
    let volume = vec![1000.0; series.len()];
    let spec = deepalpha_engine::ta::find(name);
    let outputs = spec.and_then(|spec| {
        let inputs = spec.inputs.iter().map(|input| if input.name() == "volume" { &volume } else { &series });
        spec.compute_vec(&inputs.map(Vec::as_slice).collect::<Vec<_>>(), params)
    });
    outputs.ok().and_then(|outputs| outputs.first()?.last().copied()).unwrap_or(f64::INFINITY)
}

#[test]
fn rounding_noise_of_a_still_market_is_no_movement() {
    // 0.1 and its two neighbours among the floats: a price that stands still but for the last bit.
    let noisy = |bar: i32| f64::from_bits(0.1_f64.to_bits() + u64::from(bar.unsigned_abs() % 3));
    for name in ["CCI", "KDJ", "MFI", "STOCH", "STOCHF", "WILLR"] {
        assert!(last(name, &[], 60, noisy) == 0.0, "{name}: {}", last(name, &[], 60, noisy));
    }
    // After real movement the running sums come back to nothing.
    let settled = |bar: i32| if bar < 40 { f64::from(bar * 7919 % 13) + 0.1 } else { 5.1 };
    for (name, params) in [("MFI", &[][..]), ("STDDEV", &[20.0]), ("CCI", &[]), ("STOCH", &[]), ("MOM", &[])] {
        assert!(last(name, params, 90, settled).abs() < 1e-12, "{name}: {}", last(name, params, 90, settled));
    }
}

#[test]
fn an_old_absurd_print_is_forgotten() {
    let spike = |bar: i32| if bar < 50 { 1e16 } else { 1.0 };
    for (name, expected) in [("SMA", 1.0), ("WMA", 1.0), ("EMA", 1.0), ("STDDEV", 0.0), ("LINEARREG_SLOPE", 0.0)] {
        // As soon as the window has passed it; the exponential average needs time to decay.
        let got = last(name, &[30.0], if name == "EMA" { 1050 } else { 80 }, spike);
        assert!((got - expected).abs() < 1e-9, "{name}: {got}");
    }
}
