//! Items of arrays that may have holes: many holes in a row are one item.

use super::MAX_PADDING;
use crate::value::Value;

/// Where an index leads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Spot {
    /// To the item at this position.
    Item(usize),
    /// To a hole.
    Hole,
    /// Behind the end of the array, which has this many elements.
    Beyond(u32),
}

/// Finds the element of an index.
pub(super) fn find(items: &[Value], index: u32) -> Spot {
    let mut first = 0_u32;
    for (position, item) in items.iter().enumerate() {
        let next = match item {
            Value::Holes(count) => first.saturating_add(*count),
            _ => first.saturating_add(1),
        };
        if index < next {
            return if matches!(item, Value::Holes(_)) { Spot::Hole } else { Spot::Item(position) };
        }
        first = next;
    }
    Spot::Beyond(first)
}

/// Puts a value in the place of a hole, or behind the end, with null in between; false if that were
/// more than [`MAX_PADDING`].
pub(super) fn fill(items: &mut Vec<Value>, index: u32, value: Value) -> bool {
    match find(items, index) {
        Spot::Item(position) => {
            if let Some(item) = items.get_mut(position) {
                *item = value;
            }
        }
        Spot::Hole => {
            let position = split(items, index);
            let _ = split(items, index + 1);
            if let Some(item) = items.get_mut(position) {
                *item = value;
            }
        }
        Spot::Beyond(length) => {
            let padding = index - length;
            if padding > MAX_PADDING {
                return false;
            }
            items.extend((0..padding).map(|_| Value::Null));
            items.push(value);
        }
    }
    true
}

/// Splits holes so that an item begins at `index`; returns its position, that behind the last item
/// if the array is not as long.
pub(super) fn split(items: &mut Vec<Value>, index: u32) -> usize {
    let mut first = 0_u32;
    let mut found = None;
    for (position, item) in items.iter().enumerate() {
        if first == index {
            return position;
        }
        let Value::Holes(count) = item else {
            first = first.saturating_add(1);
            continue;
        };
        let next = first.saturating_add(*count);
        if index < next {
            found = Some((position, index - first, next - index));
            break;
        }
        first = next;
    }
    let Some((position, before, after)) = found else { return items.len() };
    items.splice(position..=position, [Value::Holes(before), Value::Holes(after)]);
    position + 1
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::panic)]
mod tests {
    use super::*;
    use crate::value::Array;

    fn items(numbers: &[f64]) -> Vec<Value> {
        // Negative numbers are holes.
        let item = |number: &f64| {
            if *number < 0.0 { Value::Holes(-number as u32) } else { Value::Number(*number) }
        };
        numbers.iter().map(item).collect()
    }

    #[test]
    fn finds_elements_between_holes() {
        let items = items(&[1.0, -3.0, 2.0]);
        let spots = [Spot::Item(0), Spot::Hole, Spot::Hole, Spot::Hole, Spot::Item(2)];
        for (index, spot) in (0..).zip(spots) {
            assert_eq!(find(&items, index), spot);
        }
        assert_eq!(find(&items, 5), Spot::Beyond(5));
    }

    #[test]
    fn fills_holes_and_pads_with_null() {
        for index in 1..4 {
            let mut filled = items(&[1.0, -3.0, 2.0]);
            assert!(fill(&mut filled, index, Value::Bool(true)));
            assert_eq!(Array { items: filled.clone(), fields: None }.length(), Some(5));
            let Spot::Item(position) = find(&filled, index) else { panic!("{index}") };
            assert_eq!(filled.get(position), Some(&Value::Bool(true)));
        }
        let mut padded = items(&[1.0]);
        assert!(fill(&mut padded, 3, Value::Bool(true)));
        assert_eq!(padded.get(1..), Some(&[Value::Null, Value::Null, Value::Bool(true)][..]));
        assert!(!fill(&mut padded, 4 + MAX_PADDING + 1, Value::Null));
    }

    #[test]
    fn splits_runs_of_holes() {
        let mut split_items = items(&[-4.0, 1.0]);
        assert_eq!(split(&mut split_items, 0), 0);
        assert_eq!(split(&mut split_items, 4), 1);
        assert_eq!(split(&mut split_items, 1), 1);
        assert_eq!(split_items, items(&[-1.0, -3.0, 1.0]));
        assert_eq!(split(&mut split_items, 5), 3);
        assert_eq!(split(&mut split_items, 50), 3);
    }
}
