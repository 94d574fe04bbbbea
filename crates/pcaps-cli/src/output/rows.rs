//! The rows of an answer.

use std::{
    borrow::Cow,
    io::{self, Write},
    sync::Arc,
};

use pcaps_query::Answer;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Serialize, Serializer, ser::SerializeMap as _};
use serde_json::Value;

use super::{
    format::{Format, compact},
    picked,
    table::{Column, table},
    text::Zone,
};
use crate::failure::{Exit, Failure};

/// A row as programs read it: values by the names of the columns, in their order.
pub(crate) struct RowView {
    columns: Arc<[String]>,
    values: Vec<Value>,
}

impl Serialize for RowView {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.values.len()))?;
        for (name, value) in self.columns.iter().zip(&self.values) {
            map.serialize_entry(name, value)?;
        }
        map.end()
    }
}

impl JsonSchema for RowView {
    fn schema_name() -> Cow<'static, str> {
        "Row".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "object",
            "description": "A row of the answer. Its fields are the columns that the SQL names; moments are RFC 3339, in UTC with microseconds.",
            "additionalProperties": true,
        })
    }
}

/// An answer on its way to somewhere.
pub(crate) struct Rows {
    pub(crate) format: Format,
    /// In which people read times.
    pub(crate) zone: Zone,
}

impl Rows {
    /// Writes all rows, and gives their number. `failed` says what a failure to write is.
    ///
    /// A document is written once all rows are there; lines are as they come.
    pub(crate) fn write(
        &self,
        answer: Answer,
        to: impl Write,
        failed: impl Fn(&io::Error) -> Failure,
    ) -> Result<u64, Failure> {
        let columns: Arc<[String]> = answer.columns().into();
        let rows = answer.map(|row| row.map_err(Failure::from));
        let views = rows.map(|row| {
            let columns = Arc::clone(&columns);
            row.map(|values| RowView { columns, values })
        });
        let mut to = io::BufWriter::new(to);
        let mut count = 0;
        match self.format {
            Format::Csv => count = csv(&columns, views, &mut to, &failed)?,
            Format::Ndjson => {
                for row in views {
                    writeln!(to, "{}", compact(&row?)?).map_err(|error| failed(&error))?;
                    count += 1;
                }
            }
            Format::Table => {
                let rows = views.collect::<Result<Vec<_>, _>>()?;
                count = rows.len() as u64;
                let text = self.table(&columns, &rows);
                to.write_all(text.as_bytes())
                    .map_err(|error| failed(&error))?;
            }
            format => {
                let rows = views.collect::<Result<Vec<_>, _>>()?;
                count = rows.len() as u64;
                let document = format.document(&rows)?;
                to.write_all(document.as_bytes())
                    .map_err(|error| failed(&error))?;
            }
        }
        to.flush().map_err(|error| failed(&error))?;
        Ok(count)
    }

    fn table(&self, columns: &[String], rows: &[RowView]) -> String {
        let titles: Vec<_> = columns.iter().map(|it| it.to_uppercase()).collect();
        let columns: Vec<_> = titles.iter().map(|it| Column::broken(it, 10)).collect();
        let cells = |row: &RowView| {
            let cells = row.values.iter().map(|it| picked::cell(&self.zone, it));
            cells.collect::<Vec<_>>()
        };
        table(&columns, &rows.iter().map(cells).collect::<Vec<_>>())
    }
}

/// A line of names, and one for each row. What is null is empty; lists and structures are as in JSON.
fn csv(
    columns: &[String],
    rows: impl Iterator<Item = Result<RowView, Failure>>,
    to: impl Write,
    failed: impl Fn(&io::Error) -> Failure,
) -> Result<u64, Failure> {
    let failed = |error: csv::Error| match error.kind() {
        csv::ErrorKind::Io(error) => failed(error),
        _ => Failure::because(Exit::Other, &error),
    };
    let mut writer = csv::Writer::from_writer(to);
    writer.write_record(columns).map_err(failed)?;
    let mut count = 0;
    for row in rows {
        let row = row?;
        let cells = row.values.iter().map(|value| match value {
            Value::Null => String::new(),
            Value::String(text) => text.clone(),
            value => value.to_string(),
        });
        writer.write_record(cells).map_err(failed)?;
        count += 1;
    }
    writer.flush().map_err(|error| failed(error.into()))?;
    Ok(count)
}
