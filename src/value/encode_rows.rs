//! Encoding many documents that mostly have the same fields.

use std::sync::Arc;

use super::encode::{encode, push_number};
use super::model::Value;
use super::shape::ShapeSource;
use super::tags::{DATE, FALSE, INLINE, MAX_DOCUMENT_BYTES, MAX_U8, NULL, SHAPED, TRUE, UNDEFINED};
use super::text::push_text;
use crate::error::Result;
use crate::wtf8::Wtf8String;

/// Encodes documents with the same shapes, each as [`encode`] does.
#[derive(Debug, Default)]
pub struct RowEncoder {
    /// The names of the last object of plain values, and how it begins.
    last: Option<(Arc<[Wtf8String]>, Vec<u8>)>,
}

impl RowEncoder {
    /// Appends a document.
    ///
    /// # Errors
    /// As [`encode`].
    pub fn push<S: ShapeSource + ?Sized>(
        &mut self,
        value: &Value,
        shapes: &S,
        out: &mut Vec<u8>,
    ) -> Result<()> {
        let start = out.len();
        if !self.push_plain(value, shapes, out) || out.len() - start >= MAX_DOCUMENT_BYTES {
            out.truncate(start);
            out.extend(encode(value, shapes)?);
        }
        Ok(())
    }

    /// Appends an object of plain values; false, with a part of it appended, if it is none.
    fn push_plain<S: ShapeSource + ?Sized>(
        &mut self,
        value: &Value,
        shapes: &S,
        out: &mut Vec<u8>,
    ) -> bool {
        let Value::Object(fields) = value else { return false };
        let names = fields.names();
        if names.len() > MAX_U8 {
            return false;
        }
        match &self.last {
            Some((last, head)) if Arc::ptr_eq(last, names) => out.extend_from_slice(head),
            _ => {
                let mut head = Vec::new();
                if let Some(id) = shapes.id_of(names) {
                    head.extend_from_slice(&[SHAPED | (id >> 8) as u8, id as u8]);
                } else {
                    head.extend_from_slice(&[INLINE, names.len() as u8]);
                    names.iter().for_each(|name| push_text(&mut head, name));
                }
                out.extend_from_slice(&head);
                self.last = Some((Arc::clone(names), head));
            }
        }
        for value in fields.values() {
            match value {
                Value::Null => out.push(NULL),
                Value::Undefined => out.push(UNDEFINED),
                Value::Bool(bool) => out.push(if *bool { TRUE } else { FALSE }),
                Value::Number(number) => push_number(out, *number),
                Value::String(text) => push_text(out, text),
                Value::Date(time) => {
                    out.push(DATE);
                    out.extend_from_slice(&time.to_le_bytes());
                }
                _ => return false,
            }
        }
        true
    }
}
