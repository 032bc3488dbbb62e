//! Rows, wherever they are in memory.

use super::super::rows::{ROWS, Rows};

fn row(at: usize, length: usize) -> Vec<u8> {
    (0..length).map(|byte| (at * 31 + byte) as u8).collect()
}

fn filled(length: usize, count: usize) -> Rows {
    let mut rows = Rows::new(length);
    for total in [count / 7, count / 2, count] {
        let growth = rows.growth(total);
        let after = rows.memory() + growth;
        rows.grow(total, 0).unwrap();
        assert_eq!(rows.memory(), after);
        assert!(after >= total * length);
    }
    (0..count).for_each(|at| rows.set(at, &row(at, length)));
    rows
}

/// Bytes of rows and how many, so that they are in one slab, in several, or each slab is small.
const SIZES: [(usize, usize); 4] = [(24, 5_000), (408, 60_000), (4_000, 9_500), (20_000, 2_100)];

#[test]
fn rows_are_what_they_were_filled_with() {
    for (length, count) in SIZES {
        let rows = filled(length, count);
        assert!((0..count).all(|at| rows.get(at) == row(at, length)), "{length}");
        assert!(rows.get(count.next_multiple_of(ROWS) + (64 << 20) / length).is_empty());
    }
}

#[test]
fn the_first_rows_are_taken_away_and_the_others_stay() {
    for (length, count) in SIZES {
        for taken in [0, 1, ROWS - 1, ROWS, count / 2, count - 1, count] {
            let mut rows = filled(length, count);
            let before = rows.memory();
            drop(rows.take_first(taken));
            let whole = taken / ROWS * ROWS;
            assert!((taken..count).all(|at| rows.get(at) == row(at, length)), "{length} {taken}");
            // A large page may be needed for a part of it.
            let given = before - rows.memory();
            let most = whole * length.next_multiple_of(16);
            assert!(given <= most + (4 << 20), "{length} {taken}: {given}");
            assert!(given + (4 << 20) >= whole * length, "{length} {taken}: {given}");
            // Again there is nothing to take.
            assert!(rows.take_first(taken).is_empty());
            rows.grow(count + 3 * ROWS, taken).unwrap();
            rows.set(count + ROWS, &row(7, length));
            assert_eq!(rows.get(count + ROWS), row(7, length));
            assert!((taken..count).all(|at| rows.get(at) == row(at, length)));
        }
    }
}

#[test]
fn rows_that_stay_empty_take_no_memory() {
    for (length, count) in SIZES {
        let mut rows = Rows::new(length);
        rows.grow(count, count - 1).unwrap();
        assert!(rows.memory() <= ROWS * (length + 16) + (4 << 20), "{length}: {}", rows.memory());
        rows.set(count - 1, &row(5, length));
        assert_eq!(rows.get(count - 1), row(5, length));
    }
}
