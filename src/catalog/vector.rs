//! What the catalog says about vector indexes.

use super::definition::IndexState;
use super::document::{fields, get, integer, object, string, text};
use super::record::path_text;
use crate::error::{Error, ErrorCode, Result};
use crate::storage::TreeId;
use crate::value::{FieldPath, Value};
use crate::vector::{Form, Metric};
use crate::wtf8::Wtf8String;

/// A vector index of a store.
#[derive(Debug, Clone, PartialEq)]
pub struct VectorDef {
    /// Unique among all indexes of the store, never reused.
    pub id: u32,
    /// Unique among all indexes of the store.
    pub name: Wtf8String,
    /// Which documents have vectors, and the vectors' labels.
    pub tree: TreeId,
    /// Where documents have their vectors.
    pub path: FieldPath,
    /// What the vectors are like.
    pub form: Form,
    /// Whether the index can be read.
    pub state: IndexState,
}

/// A vector index in the record of its store.
pub(super) fn vector_value(index: &VectorDef) -> Value {
    let state = if index.state == IndexState::Building { "building" } else { "ready" };
    object(vec![
        ("id", Value::Number(f64::from(index.id))),
        ("name", Value::String(index.name.clone())),
        ("tree", Value::Number(index.tree.0 as f64)),
        ("path", Value::String(path_text(&index.path))),
        ("dimensions", Value::Number(f64::from(index.form.dimensions))),
        ("metric", text(index.form.metric.as_str())),
        ("state", text(state)),
    ])
}

/// A vector index from the record of its store; `None` if that is malformed, or has what `refused`
/// is then about.
pub(super) fn read_vector(record: &Value, refused: &mut Option<Error>) -> Option<VectorDef> {
    let record = fields(record)?;
    let name = string(get(record, "name")?)?.clone();
    let metric = string(get(record, "metric")?)?;
    let Some(metric) = metric.as_str().and_then(Metric::from_name) else {
        let message = format!(
            "the vector index {name:?} has the metric {metric:?}, which this version of Lodestore \
             does not know: install a newer version"
        );
        *refused = Some(Error::new(ErrorCode::IncompatibleVersion, message));
        return None;
    };
    let dimensions = u32::try_from(integer(get(record, "dimensions")?)?).ok()?;
    Some(VectorDef {
        id: u32::try_from(integer(get(record, "id")?)?).ok()?,
        name,
        tree: TreeId(integer(get(record, "tree")?)?),
        path: FieldPath::parse_wtf8(string(get(record, "path")?)?),
        form: Some(Form { dimensions, metric }).filter(|form| form.fault().is_none())?,
        state: match string(get(record, "state")?)?.as_str()? {
            "ready" => IndexState::Ready,
            "building" => IndexState::Building,
            _ => return None,
        },
    })
}

impl VectorDef {
    /// The error for an index that cannot be read.
    ///
    /// # Errors
    /// `INDEX_NOT_READY`.
    pub fn check_ready(&self, store: &Wtf8String) -> Result<()> {
        if self.state == IndexState::Ready {
            return Ok(());
        }
        let message =
            format!("vector index {:?} of store {store:?} is still being built", self.name);
        Err(Error::new(ErrorCode::IndexNotReady, message)
            .with_store(store.to_string())
            .with_index(self.name.to_string()))
    }
}
