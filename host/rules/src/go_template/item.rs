//! Values while a template runs.

use std::collections::BTreeMap;
use std::rc::Rc;

use super::Value;

/// The fields of the data in their order, each with its value.
pub(super) type Fields<'a> = Rc<[(&'a str, &'a Value)]>;

/// A value while a template runs.
#[derive(Clone, Debug)]
pub(super) enum Item<'a> {
    /// The whole data, which is a struct in Go.
    Data(Fields<'a>),
    Nil,
    Bool(bool),
    Int(i64),
    Float(f64),
    Text(&'a str),
    Made(Rc<str>),
    List(&'a [Value]),
    Map(&'a BTreeMap<String, Value>),
}

impl<'a> From<&'a Value> for Item<'a> {
    fn from(value: &'a Value) -> Self {
        match value {
            Value::Text(text) => Self::Text(text),
            Value::List(values) => Self::List(values),
            Value::Map(entries) => Self::Map(entries),
            Value::Nil => Self::Nil,
        }
    }
}

impl Item<'_> {
    /// A text that the template has made.
    pub(super) fn made(text: String) -> Self {
        Self::Made(text.into())
    }

    /// The text, if the value is one.
    pub(super) fn text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            Self::Made(text) => Some(text),
            _ => None,
        }
    }

    /// A part of a text, unless it would split a character.
    pub(super) fn slice(&self, start: usize, end: usize) -> Option<Self> {
        match self {
            Self::Text(text) => text.get(start..end).map(Self::Text),
            _ => self.text()?.get(start..end).map(|part| Self::Made(part.into())),
        }
    }

    /// Whether Go takes the value for true: whether it is not empty.
    pub(super) fn is_true(&self) -> bool {
        match self {
            Self::Data(_) => true,
            Self::Nil => false,
            Self::Bool(yes) => *yes,
            Self::Int(int) => *int != 0,
            Self::Float(float) => *float != 0.0,
            Self::Text(text) => !text.is_empty(),
            Self::Made(text) => !text.is_empty(),
            Self::List(values) => !values.is_empty(),
            Self::Map(entries) => !entries.is_empty(),
        }
    }

    /// The name of the value's type in Go.
    pub(super) fn type_name(&self) -> &'static str {
        match self {
            Self::Data(_) => "struct",
            Self::Nil => "nil",
            Self::Bool(_) => "bool",
            Self::Int(_) => "int",
            Self::Float(_) => "float64",
            Self::Text(_) | Self::Made(_) => "string",
            Self::List(_) => "[]string",
            Self::Map(_) => "map[string]string",
        }
    }

    /// The value of a field of the data, or of a key of a map.
    pub(super) fn field(&self, name: &str) -> Result<Self, String> {
        match self {
            Self::Data(fields) => match fields.iter().find(|field| field.0 == name) {
                Some((_, value)) => Ok(Self::from(*value)),
                None => Err(format!("there is no field {name:?}")),
            },
            Self::Map(entries) => Ok(entries.get(name).map_or(Self::Nil, Self::from)),
            Self::Nil => Ok(Self::Nil),
            _ => Err(format!("can't evaluate field {name} in type {}", self.type_name())),
        }
    }
}
