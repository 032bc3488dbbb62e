//! Shapes: lists of field names that a store's documents name by an id.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::path::{FieldName, hash_name};
use super::tags::{MAX_SHAPE_FIELDS, MAX_SHAPES};
use crate::error::{Error, Result};
use crate::wtf8::Wtf8String;

/// Where the shapes that documents name come from.
pub trait ShapeSource {
    /// The shape of an id.
    fn shape(&self, id: u16) -> Option<&Shape>;

    /// The id of a list of names, if it is a shape.
    fn id_of(&self, names: &[Wtf8String]) -> Option<u16>;
}

/// A list of field names, in the order of the values.
#[derive(Debug)]
pub struct Shape {
    names: Arc<[Wtf8String]>,
    /// Open-addressing hash table of positions, at most half full.
    slots: Box<[u8]>,
    /// No other shape of this process has it; above 0.
    number: u64,
}

static SHAPES_MADE: AtomicU64 = AtomicU64::new(0);

const FREE: u8 = u8::MAX;

impl Shape {
    /// Makes a shape of 1 to 128 different names.
    ///
    /// # Errors
    /// `CORRUPT` for other lists.
    pub fn new(names: impl Into<Arc<[Wtf8String]>>) -> Result<Self> {
        let names = names.into();
        if names.is_empty() || names.len() > MAX_SHAPE_FIELDS {
            return Err(Error::corrupt(format!("A shape has {} fields", names.len())));
        }
        let mut slots = vec![FREE; (names.len() * 2).next_power_of_two()].into_boxed_slice();
        for (position, name) in names.iter().enumerate() {
            let shape = Probe { names: &names, slots: &slots };
            match shape.find(hash_name(name), name) {
                Ok(_) => return Err(Error::corrupt("A shape names a field twice")),
                Err(slot) => {
                    if let Some(free) = slots.get_mut(slot) {
                        *free = position as u8;
                    }
                }
            }
        }
        let number = SHAPES_MADE.fetch_add(1, Ordering::Relaxed) + 1;
        Ok(Self { names, slots, number })
    }

    /// The names.
    pub fn names(&self) -> &Arc<[Wtf8String]> {
        &self.names
    }

    /// The position of a field among the values.
    #[inline]
    pub fn position(&self, name: &FieldName) -> Option<usize> {
        name.place_in(self.number, |name| {
            Probe { names: &self.names, slots: &self.slots }.find(name.hash(), name.name()).ok()
        })
    }
}

struct Probe<'a> {
    names: &'a [Wtf8String],
    slots: &'a [u8],
}

impl Probe<'_> {
    /// The position of a name, or the free slot where it belongs.
    #[inline]
    fn find(&self, hash: u64, name: &Wtf8String) -> Result<usize, usize> {
        let mask = self.slots.len() - 1;
        let mut slot = hash as usize & mask;
        loop {
            let position = usize::from(self.slots.get(slot).copied().unwrap_or(FREE));
            match self.names.get(position) {
                None => return Err(slot),
                Some(known) if known == name => return Ok(position),
                Some(_) => slot = (slot + 1) & mask,
            }
        }
    }
}

/// The shapes of one store. Ids are never reused.
#[derive(Debug, Clone, Default)]
pub struct ShapeTable {
    shapes: Vec<Option<Arc<Shape>>>,
    ids: HashMap<Arc<[Wtf8String]>, u16>,
}

impl ShapeTable {
    /// An empty table.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a shape under its id. Adding it again changes nothing.
    ///
    /// # Errors
    /// `CORRUPT` if the id is 8,000 or more or has other names, or the names are no shape.
    pub fn add(&mut self, id: u16, names: Vec<Wtf8String>) -> Result<()> {
        if id >= MAX_SHAPES {
            return Err(Error::corrupt(format!("There is no shape id {id}")));
        }
        if let Some(known) = self.shape(id) {
            if *known.names == *names {
                return Ok(());
            }
            return Err(Error::corrupt(format!("Shape {id} has two different lists of fields")));
        }
        let shape = Arc::new(Shape::new(names)?);
        self.ids.entry(shape.names.clone()).or_insert(id);
        let index = usize::from(id);
        if self.shapes.len() <= index {
            self.shapes.resize(index + 1, None);
        }
        if let Some(place) = self.shapes.get_mut(index) {
            *place = Some(shape);
        }
        Ok(())
    }

    /// The id that the next new shape gets: one above the highest; `None` when the table is full.
    pub fn next_id(&self) -> Option<u16> {
        u16::try_from(self.shapes.len()).ok().filter(|id| *id < MAX_SHAPES)
    }

    /// Every shape with its id, in the order of ids.
    pub fn iter(&self) -> impl Iterator<Item = (u16, &Shape)> {
        (0u16..).zip(&self.shapes).filter_map(|(id, shape)| Some((id, shape.as_deref()?)))
    }

    /// The number of shapes.
    pub fn len(&self) -> usize {
        self.shapes.iter().flatten().count()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl ShapeSource for ShapeTable {
    #[inline]
    fn shape(&self, id: u16) -> Option<&Shape> {
        self.shapes.get(usize::from(id))?.as_deref()
    }

    fn id_of(&self, names: &[Wtf8String]) -> Option<u16> {
        self.ids.get(names).copied()
    }
}

/// No shapes at all: for values outside any store.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoShapes;

impl ShapeSource for NoShapes {
    fn shape(&self, _id: u16) -> Option<&Shape> {
        None
    }

    fn id_of(&self, _names: &[Wtf8String]) -> Option<u16> {
        None
    }
}
