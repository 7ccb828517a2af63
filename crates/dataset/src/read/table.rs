//! Rows of a Parquet file, as the JSON objects that the same line of a JSONL file would hold.

use std::fs::File;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use parquet::file::reader::{FileReader, SerializedFileReader};
use parquet::record::{Field, Row, reader::RowIter};
use serde_json::{Map, Value};

use crate::{DatasetError, Origin};

pub(super) struct Table {
    rows: RowIter<'static>,
    count: u64,
}

impl Table {
    pub fn open(path: &Path) -> Result<Self, DatasetError> {
        let origin = Origin::new(path, 0);
        let file = File::open(path).map_err(|error| DatasetError::Read {
            path: path.to_owned(),
            error,
        })?;
        guarded(&origin, || {
            let reader = SerializedFileReader::new(file).map_err(|error| error.to_string())?;
            let count = reader.metadata().file_metadata().num_rows();
            Ok(Self {
                rows: reader.into_iter(),
                count: u64::try_from(count).unwrap_or(0),
            })
        })
    }

    /// As the file's footer says.
    pub fn rows(&self) -> u64 {
        self.count
    }

    pub fn next_row(&mut self, origin: &Origin) -> Result<Option<Value>, DatasetError> {
        guarded(origin, || match self.rows.next() {
            None => Ok(None),
            Some(Ok(row)) => Ok(Some(object(&row)?)),
            Some(Err(error)) => Err(error.to_string()),
        })
    }
}

/// The library checks sums and lengths, but panics on some damaged files; here that is an error
/// like any other. What it worked on is not used again.
fn guarded<T>(
    origin: &Origin,
    work: impl FnOnce() -> Result<T, String>,
) -> Result<T, DatasetError> {
    let result = catch_unwind(AssertUnwindSafe(work))
        .unwrap_or_else(|_| Err("its pages contradict its schema".to_owned()));
    result.map_err(|reason| DatasetError::Parquet {
        origin: origin.clone(),
        reason,
    })
}

fn object(row: &Row) -> Result<Value, String> {
    let mut fields = Map::new();
    for (name, field) in row.get_column_iter() {
        fields.insert(name.clone(), value(field)?);
    }
    Ok(Value::Object(fields))
}

/// The library's own conversion writes a text column without its annotation as base64, which would
/// be trained on: such bytes are text here, or null, which a field that is needed must not be.
fn value(field: &Field) -> Result<Value, String> {
    Ok(match field {
        Field::Bytes(bytes) => match std::str::from_utf8(bytes.data()) {
            Ok(text) => Value::String(text.to_owned()),
            // Images and the like, which other fields may be.
            Err(_) => Value::Null,
        },
        Field::Group(row) => object(row)?,
        Field::ListInternal(list) => {
            let values = list.elements().iter().map(value);
            Value::Array(values.collect::<Result<_, _>>()?)
        }
        Field::MapInternal(map) => {
            let mut fields = Map::new();
            for (key, field) in map.entries() {
                let key = match value(key)? {
                    Value::String(text) => text,
                    other => other.to_string(),
                };
                fields.insert(key, value(field)?);
            }
            Value::Object(fields)
        }
        other => other.to_json_value(),
    })
}
