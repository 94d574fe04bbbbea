//! Reads the fields of a JSON object, and gathers what is wrong with them.

use std::ops::RangeInclusive;

use serde_json::{Map, Value};

use crate::server::{Failure, Problem, code};

/// Whether a field has to be there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Need {
    Required,
    Optional,
}

/// The fields of an object, and what is wrong with them so far.
pub(super) struct Form<'a> {
    fields: &'a Map<String, Value>,
    /// Where in the body the object is: a JSON pointer.
    place: &'static str,
    problems: Vec<Problem>,
}

impl<'a> Form<'a> {
    /// The fields of the body itself.
    pub(super) fn new(fields: &'a Map<String, Value>) -> Self {
        Self::within(fields, "")
    }

    /// The fields of an object in the body.
    pub(super) fn within(fields: &'a Map<String, Value>, place: &'static str) -> Self {
        Self {
            fields,
            place,
            problems: Vec::new(),
        }
    }

    /// A text.
    pub(super) fn text(&mut self, name: &str, need: Need) -> Option<&'a str> {
        let value = self.get(name, need)?;
        let text = value.as_str();
        if text.is_none() {
            self.refuse(name, code::TYPE, format!("`{name}` must be a string"));
        }
        text
    }

    /// A whole number in a range; `80.0` is one too.
    pub(super) fn integer(
        &mut self,
        name: &str,
        range: &RangeInclusive<i64>,
        need: Need,
    ) -> Option<i64> {
        let value = self.get(name, need)?;
        let (start, end) = (range.start(), range.end());
        let must = format!("`{name}` must be an integer from {start} to {end}");
        let Some(number) = value.as_f64() else {
            self.refuse(name, code::TYPE, must);
            return None;
        };
        // Floats hold every integer that any range here has.
        #[expect(
            clippy::cast_possible_truncation,
            reason = "a float out of range becomes the nearest"
        )]
        let integer = number as i64;
        if number.fract() != 0.0 {
            self.refuse(name, code::TYPE, must);
            None
        } else if range.contains(&integer) {
            Some(integer)
        } else {
            self.refuse(name, code::RANGE, must);
            None
        }
    }

    /// An object.
    pub(super) fn object(&mut self, name: &str, need: Need) -> Option<&'a Map<String, Value>> {
        let value = self.get(name, need)?;
        let object = value.as_object();
        if object.is_none() {
            self.refuse(name, code::TYPE, format!("`{name}` must be an object"));
        }
        object
    }

    /// Says what is wrong with a field.
    pub(super) fn refuse(&mut self, name: &str, code: i64, message: String) {
        let pointer = Some(format!("{}/{name}", self.place));
        self.problems.push(Problem {
            code,
            message,
            pointer,
        });
    }

    /// Takes over what is wrong with an object in this one.
    pub(super) fn absorb(&mut self, inner: Form<'_>) {
        self.problems.extend(inner.problems);
    }

    /// What was read, if nothing is wrong.
    pub(super) fn finish<T>(self, read: Option<T>) -> Result<T, Failure> {
        match read {
            Some(read) if self.problems.is_empty() => Ok(read),
            _ => Err(Failure::invalid(self.problems)),
        }
    }

    /// A field that is there: null is not.
    fn get(&mut self, name: &str, need: Need) -> Option<&'a Value> {
        let value = self.fields.get(name).filter(|value| !value.is_null());
        if value.is_none() && need == Need::Required {
            self.refuse(name, code::MISSING, format!("`{name}` is required"));
        }
        value
    }
}
