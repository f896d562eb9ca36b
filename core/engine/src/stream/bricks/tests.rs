//! Numbers worked out by hand, and what holds for every input.

use proptest::prelude::*;

use super::*;

fn ticks(prices: &[f64]) -> Vec<Row> {
    prices.iter().map(|price| Row { prices: [*price; 4], volume: 1.0, ticks: 1 }).collect()
}

fn built(rule: Rule, rows: &[Row]) -> Result<(Vec<Brick>, Option<Brick>), ChartError> {
    let (mut builder, mut out) = (BrickBuilder::new(rule)?, Vec::new());
    for row in rows {
        builder.next(row, &mut out)?;
    }
    Ok((out, builder.forming()))
}

fn spans(bricks: &[Brick]) -> Vec<(f64, f64, f64, usize)> {
    bricks.iter().map(|brick| (brick.open, brick.close, brick.volume, brick.end)).collect()
}

#[test]
fn renko_bricks_worked_out_by_hand() -> Result<(), ChartError> {
    // Boxes of 10 from 100: 112 makes 100-110, 135 makes 110-120-130; 115 is not two boxes back, 109 is: 120-110.
    let rows = ticks(&[100.0, 105.0, 112.0, 135.0, 115.0, 109.0, 121.0]);
    let (bricks, forming) = built(Rule::Renko { size: 10.0 }, &rows)?;
    let expected = [(100.0, 110.0, 3.0, 2), (110.0, 120.0, 1.0, 3), (120.0, 130.0, 0.0, 3), (120.0, 110.0, 2.0, 5)];
    assert_eq!(spans(&bricks), expected);
    let rest = forming.map(|brick| (brick.open, brick.high, brick.low, brick.close, brick.volume));
    assert_eq!(rest, Some((110.0, 121.0, 109.0, 121.0, 1.0)));
    Ok(())
}

#[test]
fn an_atr_box_is_taken_when_the_brick_before_is_complete() -> Result<(), ChartError> {
    // Ranges 0, 2: mean 1 at row 1, so boxes of 1 from 102. Row 2: range 4, Wilder (1 + 4) / 2 = 2.5; 106 makes a brick
    // of 1 (102-103), then one of 2.5 (103-105.5).
    let (bricks, _) = built(Rule::RenkoAtr { period: 2, multiple: 1.0 }, &ticks(&[100.0, 102.0, 106.0]))?;
    assert_eq!(spans(&bricks), [(102.0, 103.0, 3.0, 2), (103.0, 105.5, 0.0, 2)]);
    Ok(())
}

#[test]
fn range_bars_worked_out_by_hand() -> Result<(), ChartError> {
    let (bricks, forming) = built(Rule::Range { size: 4.0 }, &ticks(&[10.0, 12.0, 9.0, 14.0, 13.0]))?;
    // 10, 12, 9 and then 13 (= 9 + 4) fill the first; from 13 to 14 and back to 13 forms the next.
    assert_eq!(spans(&bricks), [(10.0, 13.0, 4.0, 3)]);
    let rest = forming.map(|brick| (brick.open, brick.high, brick.low, brick.close, brick.volume));
    assert_eq!(rest, Some((13.0, 14.0, 13.0, 13.0, 1.0)));
    let falling = Row { prices: [10.0, 12.0, 2.0, 3.0], volume: 5.0, ticks: 9 };
    // Open 10, high 12, then down: 12-8, 8-4, and 4 to 2 and up to 3 forms.
    let (bricks, _) = built(Rule::Range { size: 4.0 }, &[falling])?;
    assert_eq!(spans(&bricks), [(10.0, 8.0, 5.0, 0), (8.0, 4.0, 0.0, 0)]);
    Ok(())
}

#[test]
fn volume_bars_divide_a_row_and_tick_bars_do_not() -> Result<(), ChartError> {
    let row = |close: f64, volume: f64| Row { prices: [10.0, 15.0, 5.0, close], volume, ticks: 3 };
    let (bricks, forming) = built(Rule::Volume { size: 2.5 }, &[row(12.0, 1.0), row(11.0, 4.5)])?;
    assert_eq!(spans(&bricks), [(10.0, 11.0, 2.5, 1), (11.0, 11.0, 2.5, 1)]);
    assert_eq!(forming.map(|brick| (brick.high, brick.low, brick.volume)), Some((11.0, 11.0, 0.5)));
    let (bricks, forming) = built(Rule::Ticks { size: 4 }, &[row(12.0, 1.0), row(11.0, 4.5), row(9.0, 1.0)])?;
    assert_eq!(spans(&bricks), [(10.0, 11.0, 5.5, 1)]);
    assert_eq!(forming.map(|brick| (brick.ticks, brick.volume)), Some((3, 1.0)));
    Ok(())
}

#[test]
fn a_refused_row_changes_nothing() -> Result<(), ChartError> {
    let mut builder = BrickBuilder::new(Rule::Renko { size: 1e-3 })?;
    let mut out = Vec::new();
    let row = |price: f64, volume: f64| Row { prices: [price; 4], volume, ticks: 1 };
    builder.next(&row(100.0, 1.0), &mut out)?;
    let before = builder.forming();
    assert!(matches!(builder.next(&row(1e6, 1.0), &mut out), Err(ChartError::TooManyBars { row: 1, .. })));
    assert!(matches!(builder.next(&row(100.0, -1.0), &mut out), Err(ChartError::BadVolume { row: 1, .. })));
    assert!(matches!(builder.next(&row(f64::NAN, 1.0), &mut out), Err(ChartError::NotUsable { row: 1, .. })));
    assert_eq!((builder.forming(), out.len()), (before, 0));
    for rule in
        [Rule::Renko { size: 0.0 }, Rule::Volume { size: 0.0 }, Rule::Ticks { size: 0 }, Rule::Range { size: f64::NAN }]
    {
        assert!(BrickBuilder::new(rule).is_err(), "{rule:?}");
    }
    Ok(())
}

fn any_row() -> impl Strategy<Value = Row> {
    (90.0..110.0, 90.0..110.0, 0.0..3.0, 0.0..3.0, 0.0..20.0, 0_u64..5).prop_map(
        |(open, close, above, below, volume, ticks): (f64, f64, f64, f64, f64, u64)| Row {
            prices: [open, open.max(close) + above, open.min(close) - below, close],
            volume,
            ticks,
        },
    )
}

fn any_rule() -> impl Strategy<Value = Rule> {
    prop_oneof![
        (0.3..5.0).prop_map(|size| Rule::Renko { size }),
        (1_usize..20, 0.3..3.0).prop_map(|(period, multiple)| Rule::RenkoAtr { period, multiple }),
        (0.3..5.0).prop_map(|size| Rule::Range { size }),
        (0.3..50.0).prop_map(|size| Rule::Volume { size }),
        (1_usize..9).prop_map(|size| Rule::Ticks { size }),
    ]
}

proptest! {
    #[test]
    fn volume_is_conserved_to_the_last_unit_and_bars_are_consistent(
        rows in proptest::collection::vec(any_row(), 0..80),
        rule in any_rule(),
    ) {
        let (bricks, forming) = built(rule, &rows).map_err(|error| TestCaseError::fail(error.to_string()))?;
        let all: Vec<Brick> = bricks.iter().copied().chain(forming).collect();
        let total: i128 = rows.iter().map(|row| units(row.volume)).sum();
        prop_assert_eq!(all.iter().map(|brick| units(brick.volume)).sum::<i128>(), total);
        prop_assert_eq!(all.iter().map(|brick| brick.ticks).sum::<u64>(), rows.iter().map(|row| row.ticks).sum::<u64>());
        for brick in &all {
            prop_assert!(brick.low <= brick.open.min(brick.close) && brick.high >= brick.open.max(brick.close));
            prop_assert!(brick.start <= brick.end);
        }
        for brick in &bricks {
            match rule {
                Rule::Renko { size } | Rule::Range { size } => {
                    prop_assert!((brick.high - brick.low - size).abs() < 1e-9);
                }
                Rule::Volume { size } => prop_assert_eq!(units(brick.volume), units(size)),
                Rule::Ticks { size } => prop_assert!(brick.ticks >= size as u64),
                Rule::RenkoAtr { .. } => {}
            }
        }
    }

    #[test]
    fn the_bars_of_a_prefix_are_a_prefix_of_the_bars(
        rows in proptest::collection::vec(any_row(), 1..60),
        rule in any_rule(),
        cut in 0.0..1.0_f64,
    ) {
        let part = rows.get(..((rows.len() as f64) * cut) as usize).unwrap_or_default();
        let fail = |error: ChartError| TestCaseError::fail(error.to_string());
        let (some, _) = built(rule, part).map_err(fail)?;
        let (all, _) = built(rule, &rows).map_err(fail)?;
        prop_assert_eq!(all.get(..some.len()), Some(some.as_slice()));
    }
}
