//! Read requests: answered or refused, and the same into memory of any size.

use lodestore::error::ErrorCode;
use lodestore::protocol::read;
use lodestore::store::StoreShared;
use lodestore::store::read::Written;

use super::{allow, database};

const EXPECTED: [ErrorCode; 9] = [
    ErrorCode::InvalidQuery,
    ErrorCode::InvalidCursor,
    ErrorCode::ResourceLimit,
    ErrorCode::Closed,
    ErrorCode::InvalidArgument,
    ErrorCode::InvalidKey,
    ErrorCode::StoreNotFound,
    ErrorCode::IndexNotFound,
    ErrorCode::IndexNotReady,
];

pub fn run(data: &[u8]) {
    let Some((&small, request)) = data.split_first() else { return };
    thread_local!(static SHARED: StoreShared = StoreShared::default());
    SHARED.with(|shared| {
        database::with(|scratch| scratch.read(|txn| respond(txn, shared, request, small)));
    });
}

fn respond(txn: &lodestore::storage::ReadTxn<'_>, shared: &StoreShared, request: &[u8], small: u8) {
    let catalog = shared.catalog(txn).unwrap();
    if matches!(request.first(), Some(&(read::QUERY..=read::QUERY_END))) {
        // Each one gets a number of its own, and goes on until the handle is closed.
        let shared = StoreShared::default();
        allow(read::respond(txn, (&catalog, &shared), request, &mut Vec::new()), &EXPECTED);
        return;
    }
    let mut grown = b"before".to_vec();
    let answered = allow(read::respond(txn, (&catalog, shared), request, &mut grown), &EXPECTED);
    let answer = grown.strip_prefix(b"before").unwrap();
    if answered.is_none() {
        assert_eq!(answer, b"");
    }
    // Rows leave room for a key to resume from.
    let mut memory = vec![0; answer.len() + (64 << 10)];
    match read::respond_into(txn, (&catalog, shared), request, &mut memory) {
        Ok(written) => {
            assert!(answered.is_some());
            assert_eq!(written, Written::Complete(answer.len()));
            assert_eq!(&memory[..answer.len()], answer);
        }
        Err(error) => {
            assert!(answered.is_none(), "{error}");
        }
    }
    let mut tight = vec![0xA5; usize::from(small) + 8];
    let (room, guard) = tight.split_at_mut(usize::from(small));
    let fitted = read::respond_into(txn, (&catalog, shared), request, room);
    assert_eq!(guard, [0xA5; 8]);
    assert_eq!(fitted.is_ok(), answered.is_some());
}
