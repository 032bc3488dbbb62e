//! Filters, sorts and projections from any value: refused with a path, or evaluated.

use lodestore::error::ErrorCode;
use lodestore::execution::Query;
use lodestore::query::filter::Matcher;
use lodestore::query::{Filter, Place, order};
use lodestore::value::{self, NoShapes};

use super::allow;

const REFUSED: [ErrorCode; 2] = [ErrorCode::InvalidQuery, ErrorCode::InvalidCursor];
/// What evaluating may come to: expressions fail, values unfold, and documents may be damaged.
const FAILED: [ErrorCode; 4] =
    [ErrorCode::Expression, ErrorCode::ResourceLimit, ErrorCode::Corrupt, ErrorCode::InvalidQuery];

/// The first two bytes are the length of the query; the document follows it.
pub fn run(data: &[u8]) {
    let [low, high, rest @ ..] = data else { return };
    let len = usize::from(u16::from_le_bytes([*low, *high])).min(rest.len());
    let (query, document) = rest.split_at(len);
    let Ok(query) = value::decode(query, &NoShapes) else { return };
    allow(Query::parse(&query), &REFUSED);
    let place = Place::root("the filter");
    let Some(filter) = allow(Filter::parse(&query, &place), &REFUSED) else { return };
    let Ok(root) = value::root(document) else { return };
    let matcher = Matcher::at(&NoShapes, 0.0);
    let passes = allow(matcher.matches(&filter, root), &FAILED);
    let Ok(decoded) = value::decode(document, &NoShapes) else { return };
    // The complement is exact.
    let not = Filter::Not(Box::new(filter));
    if let Some(passes) = passes {
        assert_eq!(matcher.matches(&not, root).unwrap(), !passes);
    }
    let mut bytes = Vec::new();
    if order::push_ref(root, &NoShapes, &mut bytes).is_ok() {
        assert_eq!(order::encoded_len(&bytes, false), Some(bytes.len()));
        if root.to_value(&NoShapes).is_ok_and(|value| value == decoded) {
            assert_eq!(bytes, order::bytes(&decoded));
        }
    }
}
