//! What the catalog says about vector indexes.

use super::definition::IndexState;
use super::document::{fields, get, integer, object, string, text};
use super::record::path_text;
use crate::error::{Error, ErrorCode, Result};
use crate::storage::TreeId;
use crate::value::{FieldPath, Fields, Value};
use crate::vector::{Form, GraphOptions, Metric, Precision};
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
    /// What their graph is like.
    pub graph: GraphOptions,
    /// Whether the index can be read.
    pub state: IndexState,
}

/// A vector index in the record of its store.
pub(super) fn vector_value(index: &VectorDef) -> Value {
    let graph = index.graph;
    let number = |number: u32| Value::Number(f64::from(number));
    let state = if index.state == IndexState::Building { "building" } else { "ready" };
    object(vec![
        ("id", Value::Number(f64::from(index.id))),
        ("name", Value::String(index.name.clone())),
        ("tree", Value::Number(index.tree.0 as f64)),
        ("path", Value::String(path_text(&index.path))),
        ("dimensions", Value::Number(f64::from(index.form.dimensions))),
        ("metric", text(index.form.metric.as_str())),
        ("precision", text(graph.precision.as_str())),
        ("m", number(graph.m)),
        ("efConstruction", number(graph.ef_construction)),
        ("efSearch", graph.ef_search.map_or(Value::Null, number)),
        ("memoryLimit", Value::Number(graph.memory_limit as f64)),
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
    let form = Some(Form { dimensions, metric }).filter(|form| form.fault().is_none())?;
    Some(VectorDef {
        id: u32::try_from(integer(get(record, "id")?)?).ok()?,
        name,
        tree: TreeId(integer(get(record, "tree")?)?),
        path: FieldPath::parse_wtf8(string(get(record, "path")?)?),
        form,
        graph: read_graph(record, form)?,
        state: match string(get(record, "state")?)?.as_str()? {
            "ready" => IndexState::Ready,
            "building" => IndexState::Building,
            _ => return None,
        },
    })
}

/// What the graph of a vector index is like; records from before there were graphs do not say.
fn read_graph(record: &Fields, form: Form) -> Option<GraphOptions> {
    let default = GraphOptions::default_of(form.metric);
    let number = |name, default| match get(record, name) {
        None => Some(default),
        Some(number) => integer(number),
    };
    let graph = GraphOptions {
        precision: match get(record, "precision") {
            None => default.precision,
            Some(name) => Precision::from_name(string(name)?.as_str()?)?,
        },
        m: u32::try_from(number("m", default.m.into())?).ok()?,
        ef_construction: {
            let default = default.ef_construction.into();
            u32::try_from(number("efConstruction", default)?).ok()?
        },
        ef_search: match get(record, "efSearch") {
            None | Some(Value::Null) => None,
            Some(number) => Some(u32::try_from(integer(number)?).ok()?),
        },
        memory_limit: number("memoryLimit", default.memory_limit)?,
    };
    Some(graph).filter(|graph| graph.fault(form).is_none())
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
