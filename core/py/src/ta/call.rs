//! What a call was given, each argument in its place.

use deepalpha_engine::ta::{NanPolicy, Policy, Seed};
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyFloat, PyInt, PyString, PyTuple};

use super::{INPUTS, Indicator, MAX, arrays, refuse};

/// The group that takes `settings`.
const PATTERNS: &str = "Pattern Recognition";

/// A call's arguments, each in its place.
pub(super) struct Call<'py> {
    pub(super) inputs: [Option<Bound<'py, PyAny>>; INPUTS],
    /// Those not given hold their defaults.
    pub(super) params: [f64; MAX],
    /// How many of `params` count: up to the last one given.
    count: usize,
    pub(super) policy: Policy,
    pub(super) out: Option<Bound<'py, PyAny>>,
    /// Candle settings, of a candlestick pattern.
    pub(super) settings: Option<Bound<'py, PyAny>>,
}

impl Call<'_> {
    /// Parameters up to the last one given.
    pub(super) fn given(&self) -> &[f64] {
        self.params.get(..self.count).unwrap_or_default()
    }
}

/// A keyword that has a place of its own, because most calls have it and a dictionary would cost a third of the call.
pub(super) struct Given<'py>(pub(super) Option<Bound<'py, PyAny>>);

impl<'a, 'py> FromPyObject<'a, 'py> for Given<'py> {
    type Error = std::convert::Infallible;

    fn extract(value: Borrowed<'a, 'py, PyAny>) -> Result<Self, Self::Error> {
        Ok(Self(Some(value.to_owned())))
    }
}

impl Indicator {
    /// Each argument to its place; parameters that are not given keep their defaults.
    pub(super) fn read<'py>(
        &self,
        args: &Bound<'py, PyTuple>,
        timeperiod: Given<'py>,
        kwargs: Option<&Bound<'py, PyDict>>,
    ) -> PyResult<Call<'py>> {
        let (inputs, params) = (self.spec.inputs, self.spec.params);
        let mut call = Call {
            inputs: Default::default(),
            params: [0.0; MAX],
            count: 0,
            policy: Policy::default(),
            out: None,
            settings: None,
        };
        for (slot, param) in call.params.iter_mut().zip(params) {
            *slot = param.default;
        }
        if args.len() > inputs.len() + params.len() {
            let (most, given) = (inputs.len() + params.len(), args.len());
            return Err(refuse(format!("{} takes at most {most} arguments, not {given}", self.usage())));
        }
        for (index, value) in args.iter_borrowed().enumerate() {
            match index.checked_sub(inputs.len()) {
                None => call.inputs.iter_mut().skip(index).take(1).for_each(|slot| *slot = Some(value.to_owned())),
                Some(place) => self.put_param(&mut call, place, &value)?,
            }
        }
        if let Given(Some(value)) = timeperiod {
            self.put_named(&mut call, args.len(), "timeperiod", value)?;
        }
        for (name, value) in kwargs.into_iter().flatten() {
            let name = name.cast_into::<PyString>().map_err(|_| PyTypeError::new_err("keywords must be strings"))?;
            self.put_named(&mut call, args.len(), name.to_str()?, value)?;
        }
        match call.inputs.iter().zip(inputs).find(|(slot, _)| slot.is_none()) {
            Some((_, missing)) => Err(refuse(format!("{} needs {}", self.usage(), missing.name()))),
            None => Ok(call),
        }
    }

    /// A keyword argument, behind `placed` others.
    fn put_named<'py>(
        &self,
        call: &mut Call<'py>,
        placed: usize,
        name: &str,
        value: Bound<'py, PyAny>,
    ) -> PyResult<()> {
        let (inputs, params) = (self.spec.inputs, self.spec.params);
        let input = inputs.iter().position(|input| input.name() == name);
        let param = params.iter().position(|param| param.name == name);
        let place = input.or(param.map(|place| place + inputs.len()));
        if place.is_some_and(|place| place < placed) {
            return Err(refuse(format!("{} got {name} twice", self.usage())));
        }
        match (input, param, name) {
            (Some(input), ..) => {
                call.inputs.iter_mut().skip(input).take(1).for_each(|slot| *slot = Some(value.clone()));
            }
            (_, Some(place), _) => self.put_param(call, place, &value)?,
            (.., "nan") => call.policy.nan = nan_policy(self.spec.name, &value)?,
            (.., "seed") => call.policy.seed = seed(self.spec.name, &value)?,
            (.., "settings") if self.spec.group == PATTERNS => call.settings = (!value.is_none()).then_some(value),
            (.., "out") => call.out = (!value.is_none()).then_some(value),
            _ => {
                return Err(refuse(format!("{} takes no {name}; it may also take out, nan and seed", self.usage())));
            }
        }
        Ok(())
    }

    fn put_param(&self, call: &mut Call<'_>, place: usize, value: &Bound<'_, PyAny>) -> PyResult<()> {
        let name = self.spec.params.get(place).map_or("parameter", |param| param.name);
        let number = number(value).map_or_else(
            || {
                let label = format!("{}: {name}", self.spec.name);
                arrays(value.py())?.call_method1("as_number", (label, value))?.extract::<f64>()
            },
            Ok,
        )?;
        call.params.iter_mut().skip(place).take(1).for_each(|slot| *slot = number);
        call.count = call.count.max(place + 1);
        Ok(())
    }
}

/// A Python int or float; other kinds of number are for `deepalpha.ta.arrays.as_number`.
fn number(value: &Bound<'_, PyAny>) -> Option<f64> {
    if value.is_exact_instance_of::<PyInt>() || value.is_exact_instance_of::<PyFloat>() {
        value.extract().ok()
    } else {
        None
    }
}

fn nan_policy(name: &str, value: &Bound<'_, PyAny>) -> PyResult<NanPolicy> {
    match value.extract::<&str>() {
        Ok("propagate") => Ok(NanPolicy::Propagate),
        Ok("window") => Ok(NanPolicy::Window),
        Ok("raise") => Ok(NanPolicy::Raise),
        _ => Err(refuse(format!("{name}: nan {} is not one of propagate, window, raise", value.repr()?))),
    }
}

fn seed(name: &str, value: &Bound<'_, PyAny>) -> PyResult<Seed> {
    match value.extract::<&str>() {
        Ok("talib") => Ok(Seed::Talib),
        Ok("tradingview") => Ok(Seed::TradingView),
        _ => Err(refuse(format!("{name}: seed {} is not one of talib, tradingview", value.repr()?))),
    }
}
