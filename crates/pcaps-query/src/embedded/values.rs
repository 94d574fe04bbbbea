//! Columns of Arrow as rows of values.

use std::{future::poll_fn, pin::Pin};

use datafusion::{
    arrow::{
        array::{Array, ArrayRef, AsArray as _, MapArray, RecordBatch},
        compute::cast,
        datatypes::{
            DataType, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type, Int64Type,
            UInt8Type, UInt16Type, UInt32Type, UInt64Type,
        },
        error::ArrowError,
        util::display::{ArrayFormatter, DurationFormat, FormatOptions},
    },
    error::DataFusionError,
    execution::SendableRecordBatchStream,
};
use serde_json::{Map, Value};

use crate::answer::Row;

/// The zone in which moments are told.
const UTC: &str = "UTC";

/// The next batch.
pub(super) async fn next(
    stream: &mut SendableRecordBatchStream,
) -> Option<Result<RecordBatch, DataFusionError>> {
    poll_fn(|context| Pin::as_mut(stream).poll_next(context)).await
}

/// The rows of a batch.
pub(super) fn rows(batch: &RecordBatch) -> Result<Vec<Row>, ArrowError> {
    let mut rows = vec![Vec::with_capacity(batch.num_columns()); batch.num_rows()];
    for column in batch.columns() {
        for (row, value) in rows.iter_mut().zip(values(column)?) {
            row.push(value);
        }
    }
    Ok(rows)
}

/// The values of a column: `Answer` says what they are like.
fn values(column: &ArrayRef) -> Result<Vec<Value>, ArrowError> {
    macro_rules! numbers {
        ($type:ty) => {
            column
                .as_primitive::<$type>()
                .iter()
                .map(|it| it.map_or(Value::Null, Value::from))
                .collect()
        };
    }
    Ok(match column.data_type() {
        DataType::Null => vec![Value::Null; column.len()],
        DataType::Boolean => column.as_boolean().iter().map(Value::from).collect(),
        DataType::Int8 => numbers!(Int8Type),
        DataType::Int16 => numbers!(Int16Type),
        DataType::Int32 => numbers!(Int32Type),
        DataType::Int64 => numbers!(Int64Type),
        DataType::UInt8 => numbers!(UInt8Type),
        DataType::UInt16 => numbers!(UInt16Type),
        DataType::UInt32 => numbers!(UInt32Type),
        DataType::UInt64 => numbers!(UInt64Type),
        DataType::Float32 => {
            let column = column.as_primitive::<Float32Type>();
            column.iter().map(|it| float(it.map(f64::from))).collect()
        }
        DataType::Float64 => column
            .as_primitive::<Float64Type>()
            .iter()
            .map(float)
            .collect(),
        DataType::Decimal32(..)
        | DataType::Decimal64(..)
        | DataType::Decimal128(..)
        | DataType::Decimal256(..) => shown(column)?.into_iter().map(decimal).collect(),
        DataType::List(_) => lists(column.len(), |row| {
            let list = column.as_list::<i32>();
            list.is_valid(row).then(|| list.value(row))
        })?,
        DataType::LargeList(_) => lists(column.len(), |row| {
            let list = column.as_list::<i64>();
            list.is_valid(row).then(|| list.value(row))
        })?,
        DataType::Struct(fields) => {
            let structs = column.as_struct();
            let mut rows = vec![Map::new(); column.len()];
            for (field, column) in fields.iter().zip(structs.columns()) {
                for (row, value) in rows.iter_mut().zip(values(column)?) {
                    row.insert(field.name().clone(), value);
                }
            }
            let rows = rows.into_iter().enumerate();
            rows.map(|(at, it)| {
                if structs.is_null(at) {
                    Value::Null
                } else {
                    it.into()
                }
            })
            .collect()
        }
        DataType::FixedSizeList(..) => lists(column.len(), |row| {
            let list = column.as_fixed_size_list();
            list.is_valid(row).then(|| list.value(row))
        })?,
        DataType::Map(..) => maps(column.as_map())?,
        DataType::Duration(_) => {
            let shown = shown(column)?.into_iter();
            // In seconds, as all others.
            let seconds = |it: String| if it == "P0D" { "PT0S".into() } else { it };
            shown.map(|it| it.map(seconds).into()).collect()
        }
        // The moments are the same in every zone; how they are written is not.
        DataType::Timestamp(unit, Some(zone)) if zone.as_ref() != UTC => {
            return values(&cast(
                column,
                &DataType::Timestamp(*unit, Some(UTC.into())),
            )?);
        }
        // Text, times and what is rare.
        _ => shown(column)?.into_iter().map(Value::from).collect(),
    })
}

fn lists(
    length: usize,
    list: impl Fn(usize) -> Option<ArrayRef>,
) -> Result<Vec<Value>, ArrowError> {
    let list = |row| list(row).map_or(Ok(Value::Null), |it| values(&it).map(Value::from));
    (0..length).map(list).collect()
}

fn maps(maps: &MapArray) -> Result<Vec<Value>, ArrowError> {
    let map = |row| {
        if maps.is_null(row) {
            return Ok(Value::Null);
        }
        let entries = maps.value(row);
        let [names, held] = [0, 1].map(|at| entries.column(at));
        let text = |it| match it {
            Value::String(text) => text,
            other => other.to_string(),
        };
        let names = values(names)?.into_iter().map(text);
        Ok(names.zip(values(held)?).collect::<Map<_, _>>().into())
    };
    (0..maps.len()).map(map).collect()
}

/// Infinity and what is no number are text.
fn float(number: Option<f64>) -> Value {
    match number {
        None => Value::Null,
        Some(it) if it.is_finite() => it.into(),
        Some(it) => it.to_string().into(),
    }
}

/// A number if none of its digits is lost.
fn decimal(shown: Option<String>) -> Value {
    let Some(text) = shown else {
        return Value::Null;
    };
    // Those before the first that counts do not.
    let digits = text.trim_start_matches(['-', '0', '.']);
    let digits = digits.chars().filter(char::is_ascii_digit).count();
    match text.parse::<f64>() {
        Ok(number) if digits <= 15 => number.into(),
        _ => text.into(),
    }
}

/// Values as text; null where there is none.
fn shown(column: &ArrayRef) -> Result<Vec<Option<String>>, ArrowError> {
    let options = FormatOptions::new()
        .with_timestamp_tz_format(Some("%Y-%m-%dT%H:%M:%S%.6fZ"))
        .with_timestamp_format(Some("%Y-%m-%dT%H:%M:%S%.6f"))
        .with_duration_format(DurationFormat::ISO8601);
    let format = ArrayFormatter::try_new(column.as_ref(), &options)?;
    (0..column.len())
        .map(|row| {
            let is_there = column.is_valid(row);
            is_there
                .then(|| format.value(row).try_to_string())
                .transpose()
        })
        .collect()
}
