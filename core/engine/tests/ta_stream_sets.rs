//! Many indicators of many symbols: the bits of each alone, and a refused row changes nothing.

use deepalpha_engine::ta::{Live, REGISTRY, Row, Seed, StreamSet, StreamSetError, TaError, Wanted};
use proptest::prelude::*;

fn wanted() -> Vec<Wanted> {
    let streams = REGISTRY.iter().copied().filter(|spec| spec.stream.is_some());
    let all = streams.map(|spec| Wanted { label: spec.name.to_owned(), spec, params: vec![], seed: Seed::Talib });
    all.filter(|one| one.columns().iter().all(Option::is_some)).collect()
}

fn made(symbols: usize) -> Result<StreamSet, StreamSetError> {
    StreamSet::new(wanted(), (0..symbols).map(|symbol| format!("S{symbol}")).collect())
}

fn bits(values: &[f64]) -> Vec<u64> {
    values.iter().map(|value| value.to_bits()).collect()
}

/// Bars of `symbols` symbols.
fn market(bars: usize, symbols: usize) -> impl Strategy<Value = Vec<Vec<Row>>> {
    let bar = (90.0..110.0_f64, 90.0..110.0_f64, 0.0..2.0_f64, 0..1000_u32).prop_map(|(open, close, reach, volume)| {
        [open, f64::max(open, close) + reach, f64::min(open, close) - reach, close, f64::from(volume)]
    });
    prop::collection::vec(prop::collection::vec(bar, symbols), bars)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    #[test]
    fn every_symbol_shows_the_bits_of_each_indicator_alone(market in market(110, 3), at in 0..110_usize) {
        let mut set = made(3)?;
        let wanted = wanted();
        let mut alone = Vec::new();
        for _ in 0..3 {
            alone.push(wanted.iter().map(|one| Live::new(one.spec, &[], Seed::Talib)).collect::<Result<Vec<_>, TaError>>()?);
        }
        for (bar, rows) in market.iter().enumerate() {
            if bar == at {
                set = StreamSet::restore(&set.clone().snapshot()?)?;
            }
            let (peeked, _) = set.peek_many(rows, false)?;
            set.update_many(rows, false)?;
            prop_assert_eq!(bits(&peeked), bits(set.values()));
            let mut expected = Vec::new();
            for (row, lives) in rows.iter().zip(&mut alone) {
                for (live, one) in lives.iter_mut().zip(&wanted) {
                    let inputs: Vec<f64> = one.columns().iter().flatten().filter_map(|column| row.get(*column)).copied().collect();
                    expected.extend_from_slice(live.update(&inputs)?);
                }
            }
            prop_assert_eq!(bits(set.values()), bits(&expected), "bar {}", bar);
        }
    }

    #[test]
    fn a_bad_row_is_refused_before_anything_changes(
        market in market(30, 4), bad in 0..4_usize, column in 1..5_usize, infinite in any::<bool>()
    ) {
        let mut set = made(4)?;
        for rows in &market {
            set.update_many(rows, false)?;
        }
        let before = set.snapshot()?;
        let mut rows = market.last().cloned().unwrap_or_default();
        if let Some(slot) = rows.get_mut(bad).and_then(|row| row.get_mut(column)) {
            *slot = if infinite { f64::INFINITY } else { f64::NAN };
        }
        let refused = set.update_many(&rows, false);
        let named = matches!(&refused, Err(StreamSetError::NotFinite { symbol, .. }) if *symbol == format!("S{bad}"));
        prop_assert!(named, "{refused:?}");
        prop_assert_eq!(set.snapshot()?, before);
        prop_assert_eq!(set.update_many(&rows, true)?, vec![bad]);
        let bars: Vec<u64> = (0..4).map(|lane| if lane == bad { 30 } else { 31 }).collect();
        prop_assert_eq!(set.bars(), bars.as_slice());
    }
}

#[test]
fn a_damaged_snapshot_is_refused() -> Result<(), StreamSetError> {
    let whole = made(2)?.snapshot()?;
    // Every byte is under one checksum; a couple of hundred places stand for all of them.
    for at in (0..whole.len()).step_by(whole.len() / 200 + 1) {
        let mut bytes = whole.clone();
        bytes.iter_mut().skip(at).take(1).for_each(|byte| *byte ^= 1);
        assert!(StreamSet::restore(&bytes).is_err(), "byte {at}");
    }
    assert!(StreamSet::restore(&[]).is_err());
    Ok(())
}
