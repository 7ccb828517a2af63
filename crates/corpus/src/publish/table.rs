//! Traces as rows of Parquet files.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;
use parquet::basic::{Compression, ZstdLevel};
use parquet::column::writer::{ColumnCloseResult, get_column_writer, get_typed_column_writer};
use parquet::data_type::{BoolType, ByteArray, ByteArrayType, DataType, Int64Type};
use parquet::errors::ParquetError;
use parquet::file::properties::{WriterProperties, WriterPropertiesPtr};
use parquet::file::writer::{SerializedFileWriter, SerializedPageWriter, TrackedWrite};
use parquet::schema::parser::parse_message_type;
use parquet::schema::types::SchemaDescriptor;
use rayon::prelude::*;
use serde_json::{Map, Value};

use super::{Place, Publish};
use crate::{CorpusError, Tests, Trace, Turn};

/// The columns. `sampling`, `tests` and `meta` are JSON as text: their fields differ from source to
/// source.
pub(super) const SCHEMA: &str = "message trace {
  required binary id (STRING);
  required binary source (STRING);
  required binary domain (STRING);
  required binary problem (STRING);
  optional binary answer (STRING);
  required group messages (LIST) {
    repeated group list {
      required group element {
        required binary role (STRING);
        required binary content (STRING);
        optional binary reasoning_content (STRING);
      }
    }
  }
  required group teacher {
    required binary model (STRING);
    required binary sampling (STRING);
    optional int64 tokens;
  }
  optional group verdict {
    required boolean accepted;
    required binary how (STRING);
    required binary detail (STRING);
  }
  optional binary tests (STRING);
  required binary meta (STRING);
}
";

/// Text of a row group.
const GROUP_BYTES: usize = 32 << 20;
/// So many row groups are packed at once, if there are as many cores.
const GROUPS: usize = 4;

/// The files of one split.
pub(super) struct Shards {
    pub split: String,
    folder: PathBuf,
    shards: u64,
    options: Publish,
    /// Row groups of the present file that are not written yet; the last one is being filled.
    groups: Vec<Vec<Trace>>,
    bytes: usize,
    /// Rows of the present file.
    rows: u64,
    writer: Option<(SerializedFileWriter<File>, PathBuf)>,
    done: Vec<(PathBuf, String, u64)>,
}

impl Shards {
    pub fn new(folder: &Path, split: &str, rows: u64, options: &Publish) -> Self {
        Self {
            split: split.to_owned(),
            folder: folder.to_owned(),
            shards: rows.div_ceil(options.rows_per_shard),
            options: options.clone(),
            groups: vec![Vec::new()],
            bytes: 0,
            rows: 0,
            writer: None,
            done: Vec::new(),
        }
    }

    pub fn push(&mut self, mut trace: Trace) -> Result<(), CorpusError> {
        if self.options.thought == Place::Inline {
            trace.messages.iter_mut().for_each(inline);
        }
        if !self.options.tests {
            trace.tests = None;
        }
        let tests = trace.tests.as_ref().map_or(0, Tests::bytes);
        self.bytes += trace.reply_bytes() + trace.problem.len() + tests;
        self.rows += 1;
        if let Some(group) = self.groups.last_mut() {
            group.push(trace);
        }
        if self.rows >= self.options.rows_per_shard {
            return self.close();
        }
        if self.bytes >= GROUP_BYTES {
            if self.groups.len() >= rayon::current_num_threads().min(GROUPS) {
                self.flush()?;
            }
            self.groups.push(Vec::new());
            self.bytes = 0;
        }
        Ok(())
    }

    /// Path, split and rows of each file.
    pub fn finish(mut self) -> Result<Vec<(PathBuf, String, u64)>, CorpusError> {
        self.close()?;
        Ok(self.done)
    }

    /// Packs the groups on all cores, and writes them in order.
    fn flush(&mut self) -> Result<(), CorpusError> {
        let groups = std::mem::take(&mut self.groups);
        let groups: Vec<_> = groups.into_iter().filter(|rows| !rows.is_empty()).collect();
        if groups.is_empty() {
            return Ok(());
        }
        let (writer, path) = match &mut self.writer {
            Some(writer) => writer,
            none => {
                let (number, all) = (self.done.len(), self.shards);
                let name = format!("{}-{number:05}-of-{all:05}.parquet", self.split);
                let path = self.folder.join(name);
                none.insert((open(&path)?, path))
            }
        };
        let (schema, properties) = (writer.schema_descr(), writer.properties());
        let packed: Result<Vec<_>, _> = groups
            .into_par_iter()
            .map(|rows| Columns::pack(&rows, schema, properties))
            .collect();
        let mut append = |columns: Vec<Column>| {
            let mut group = writer.next_row_group()?;
            let mut columns = columns.into_iter();
            columns.try_for_each(|(bytes, closed)| group.append_column(&bytes, closed))?;
            group.close().map(drop)
        };
        let appended = packed.and_then(|packed| packed.into_iter().try_for_each(&mut append));
        appended.map_err(|error| failed(path, &error))
    }

    fn close(&mut self) -> Result<(), CorpusError> {
        self.flush()?;
        self.groups.push(Vec::new());
        self.bytes = 0;
        if let Some((writer, path)) = self.writer.take() {
            writer.close().map_err(|error| failed(&path, &error))?;
            self.done.push((path, self.split.clone(), self.rows));
        }
        self.rows = 0;
        Ok(())
    }
}

fn failed(path: &Path, error: &ParquetError) -> CorpusError {
    CorpusError::Parquet {
        path: path.to_owned(),
        reason: error.to_string(),
    }
}

fn inline(turn: &mut Turn) {
    if let Some(thought) = turn.reasoning_content.take() {
        turn.content = format!("<think>\n{thought}\n</think>\n\n{}", turn.content);
    }
}

fn open(path: &Path) -> Result<SerializedFileWriter<File>, CorpusError> {
    let file = File::create_new(path).map_err(|error| CorpusError::io("write", path, error))?;
    let make = || -> Result<_, ParquetError> {
        let schema = Arc::new(parse_message_type(SCHEMA)?);
        let properties = WriterProperties::builder()
            .set_compression(Compression::ZSTD(ZstdLevel::try_new(3)?))
            .set_created_by("retort-corpus".to_owned())
            .build();
        SerializedFileWriter::new(file, schema, Arc::new(properties))
    };
    make().map_err(|error| failed(path, &error))
}

/// A column of a row group, packed, and what a file's index says of it.
type Column = (Bytes, ColumnCloseResult);

/// Packs the columns of a row group.
struct Columns<'a> {
    schema: &'a SchemaDescriptor,
    properties: &'a WriterPropertiesPtr,
    done: Vec<Column>,
}

impl<'a> Columns<'a> {
    /// In the schema's order.
    fn pack(
        rows: &[Trace],
        schema: &'a SchemaDescriptor,
        properties: &'a WriterPropertiesPtr,
    ) -> Result<Vec<Column>, ParquetError> {
        let mut columns = Self {
            schema,
            properties,
            done: Vec::new(),
        };
        let json = |map: &Map<String, Value>| serde_json::to_vec(map).unwrap_or_default().into();
        let fields: [fn(&Trace) -> &str; 4] = [
            |trace| &trace.id,
            |trace| &trace.source,
            |trace| &trace.domain,
            |trace| &trace.problem,
        ];
        for field in fields {
            columns.text(rows.iter().map(|trace| text(field(trace))).collect())?;
        }
        let answers = rows.iter().map(|trace| trace.answer.as_deref().map(text));
        columns.optional::<ByteArrayType>(answers)?;
        columns.turns(rows)?;
        columns.text(
            rows.iter()
                .map(|trace| text(&trace.teacher.model))
                .collect(),
        )?;
        columns.text(
            rows.iter()
                .map(|trace| json(&trace.teacher.sampling))
                .collect(),
        )?;
        let tokens = |trace: &Trace| i64::try_from(trace.teacher.tokens?).ok();
        columns.optional::<Int64Type>(rows.iter().map(tokens))?;
        let verdicts = || rows.iter().map(|trace| trace.verdict.as_ref());
        columns.optional::<BoolType>(verdicts().map(|verdict| Some(verdict?.accepted)))?;
        let how = verdicts().map(|verdict| Some(text(&verdict?.how)));
        columns.optional::<ByteArrayType>(how)?;
        let detail = verdicts().map(|verdict| Some(text(&verdict?.detail)));
        columns.optional::<ByteArrayType>(detail)?;
        let tests = |trace: &Trace| serde_json::to_vec(trace.tests.as_ref()?).ok();
        columns.optional::<ByteArrayType>(rows.iter().map(|trace| Some(tests(trace)?.into())))?;
        columns.text(rows.iter().map(|trace| json(&trace.meta)).collect())?;
        Ok(columns.done)
    }

    /// Role, content and thought of each turn.
    fn turns(&mut self, rows: &[Trace]) -> Result<(), ParquetError> {
        let turns = || {
            rows.iter().flat_map(|trace| {
                let turns = trace.messages.iter().enumerate();
                turns
                    .map(|(at, turn)| (i16::from(at > 0), Some(turn)))
                    // A list without turns still has a place.
                    .chain(trace.messages.is_empty().then_some((0, None)))
            })
        };
        let repetitions: Vec<i16> = turns().map(|(repetition, _)| repetition).collect();
        let there: Vec<i16> = turns().map(|(_, turn)| i16::from(turn.is_some())).collect();
        let fields: [fn(&Turn) -> &str; 2] = [|turn| &turn.role, |turn| &turn.content];
        for field in fields {
            let values: Vec<_> = turns()
                .filter_map(|(_, turn)| Some(text(field(turn?))))
                .collect();
            self.column::<ByteArrayType>(&values, Some(&there), Some(&repetitions))?;
        }
        let values: Vec<_> = turns()
            .filter_map(|(_, turn)| turn?.reasoning_content.as_deref().map(text))
            .collect();
        let levels: Vec<i16> = turns()
            .map(|(_, turn)| match turn {
                None => 0,
                Some(turn) => 1 + i16::from(turn.reasoning_content.is_some()),
            })
            .collect();
        self.column::<ByteArrayType>(&values, Some(&levels), Some(&repetitions))
    }

    fn text(&mut self, values: Vec<ByteArray>) -> Result<(), ParquetError> {
        self.column::<ByteArrayType>(&values, None, None)
    }

    fn optional<T: DataType>(
        &mut self,
        values: impl Iterator<Item = Option<T::T>>,
    ) -> Result<(), ParquetError> {
        let values: Vec<Option<T::T>> = values.collect();
        let levels: Vec<i16> = values
            .iter()
            .map(|value| i16::from(value.is_some()))
            .collect();
        let values: Vec<T::T> = values.into_iter().flatten().collect();
        self.column::<T>(&values, Some(&levels), None)
    }

    fn column<T: DataType>(
        &mut self,
        values: &[T::T],
        definitions: Option<&[i16]>,
        repetitions: Option<&[i16]>,
    ) -> Result<(), ParquetError> {
        let mut bytes = TrackedWrite::new(Vec::new());
        let column = self.schema.column(self.done.len());
        let pages = Box::new(SerializedPageWriter::new(&mut bytes));
        let writer = get_column_writer(column, self.properties.clone(), pages);
        let mut writer = get_typed_column_writer::<T>(writer);
        writer.write_batch(values, definitions, repetitions)?;
        let closed = writer.close()?;
        self.done.push((bytes.into_inner()?.into(), closed));
        Ok(())
    }
}

fn text(text: &str) -> ByteArray {
    text.as_bytes().to_vec().into()
}
