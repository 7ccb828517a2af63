//! Traces as rows of Parquet files.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use parquet::basic::{Compression, ZstdLevel};
use parquet::data_type::{BoolType, ByteArray, ByteArrayType, DataType, Int64Type};
use parquet::errors::ParquetError;
use parquet::file::properties::WriterProperties;
use parquet::file::writer::{SerializedFileWriter, SerializedRowGroupWriter};
use parquet::schema::parser::parse_message_type;

use super::{Place, Publish};
use crate::{CorpusError, Tests, Trace, Turn};

/// The columns. `sampling`, `tests` and `meta` are JSON as text: their fields differ from source to source.
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

/// The files of one split.
pub(super) struct Shards {
    pub split: String,
    folder: PathBuf,
    shards: u64,
    options: Publish,
    group: Vec<Trace>,
    bytes: usize,
    writer: Option<(SerializedFileWriter<File>, PathBuf, u64)>,
    done: Vec<(PathBuf, String, u64)>,
}

impl Shards {
    pub fn new(folder: &Path, split: &str, rows: u64, options: &Publish) -> Self {
        Self {
            split: split.to_owned(),
            folder: folder.to_owned(),
            shards: rows.div_ceil(options.rows_per_shard),
            options: options.clone(),
            group: Vec::new(),
            bytes: 0,
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
        self.group.push(trace);
        let written = self.writer.as_ref().map_or(0, |(.., rows)| *rows);
        let full = written + self.group.len() as u64 >= self.options.rows_per_shard;
        if full || self.bytes >= GROUP_BYTES {
            self.flush()?;
        }
        if full {
            self.close()?;
        }
        Ok(())
    }

    /// Path, split and rows of each file.
    pub fn finish(mut self) -> Result<Vec<(PathBuf, String, u64)>, CorpusError> {
        self.flush()?;
        self.close()?;
        Ok(self.done)
    }

    fn flush(&mut self) -> Result<(), CorpusError> {
        if self.group.is_empty() {
            return Ok(());
        }
        let group = std::mem::take(&mut self.group);
        self.bytes = 0;
        let (writer, path, rows) = match &mut self.writer {
            Some(writer) => writer,
            none => {
                let (number, all) = (self.done.len(), self.shards);
                let name = format!("{}-{number:05}-of-{all:05}.parquet", self.split);
                let path = self.folder.join(name);
                none.insert((open(&path)?, path, 0))
            }
        };
        *rows += group.len() as u64;
        write(writer, &group).map_err(|error| failed(path, &error))
    }

    fn close(&mut self) -> Result<(), CorpusError> {
        if let Some((writer, path, rows)) = self.writer.take() {
            writer.close().map_err(|error| failed(&path, &error))?;
            self.done.push((path, self.split.clone(), rows));
        }
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

/// One row group, its columns in the schema's order.
fn write(writer: &mut SerializedFileWriter<File>, rows: &[Trace]) -> Result<(), ParquetError> {
    let mut group = writer.next_row_group()?;
    let text = |text: &str| ByteArray::from(text.as_bytes().to_vec());
    let json = |map: &serde_json::Map<String, serde_json::Value>| {
        ByteArray::from(
            serde_json::Value::Object(map.clone())
                .to_string()
                .into_bytes(),
        )
    };
    for field in [
        |trace: &Trace| trace.id.clone(),
        |trace: &Trace| trace.source.clone(),
        |trace: &Trace| trace.domain.clone(),
        |trace: &Trace| trace.problem.clone(),
    ] {
        let values: Vec<_> = rows.iter().map(|trace| text(&field(trace))).collect();
        column::<ByteArrayType>(&mut group, &values, None, None)?;
    }
    let answers = rows.iter().map(|trace| trace.answer.as_deref().map(text));
    optional::<ByteArrayType>(&mut group, answers)?;
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
    for field in [
        |turn: &Turn| turn.role.clone(),
        |turn: &Turn| turn.content.clone(),
    ] {
        let values: Vec<_> = turns()
            .filter_map(|(_, turn)| Some(text(&field(turn?))))
            .collect();
        column::<ByteArrayType>(&mut group, &values, Some(&there), Some(&repetitions))?;
    }
    let thought = |turn: Option<&Turn>| turn.and_then(|turn| turn.reasoning_content.clone());
    let values: Vec<_> = turns()
        .filter_map(|(_, turn)| Some(text(&thought(turn)?)))
        .collect();
    let levels: Vec<i16> = turns()
        .map(|(_, turn)| i16::from(turn.is_some()) + i16::from(thought(turn).is_some()))
        .collect();
    column::<ByteArrayType>(&mut group, &values, Some(&levels), Some(&repetitions))?;
    let models: Vec<_> = rows
        .iter()
        .map(|trace| text(&trace.teacher.model))
        .collect();
    column::<ByteArrayType>(&mut group, &models, None, None)?;
    let samplings: Vec<_> = rows
        .iter()
        .map(|trace| json(&trace.teacher.sampling))
        .collect();
    column::<ByteArrayType>(&mut group, &samplings, None, None)?;
    let tokens = |trace: &Trace| i64::try_from(trace.teacher.tokens?).ok();
    optional::<Int64Type>(&mut group, rows.iter().map(tokens))?;
    let verdicts = || rows.iter().map(|trace| trace.verdict.as_ref());
    optional::<BoolType>(
        &mut group,
        verdicts().map(|verdict| Some(verdict?.accepted)),
    )?;
    optional::<ByteArrayType>(
        &mut group,
        verdicts().map(|verdict| Some(text(&verdict?.how))),
    )?;
    optional::<ByteArrayType>(
        &mut group,
        verdicts().map(|verdict| Some(text(&verdict?.detail))),
    )?;
    let tests = |trace: &Trace| serde_json::to_vec(trace.tests.as_ref()?).ok();
    optional::<ByteArrayType>(
        &mut group,
        rows.iter().map(|trace| Some(tests(trace)?.into())),
    )?;
    let metas: Vec<_> = rows.iter().map(|trace| json(&trace.meta)).collect();
    column::<ByteArrayType>(&mut group, &metas, None, None)?;
    group.close()?;
    Ok(())
}

fn optional<T: DataType>(
    group: &mut SerializedRowGroupWriter<File>,
    values: impl Iterator<Item = Option<T::T>>,
) -> Result<(), ParquetError> {
    let values: Vec<Option<T::T>> = values.collect();
    let levels: Vec<i16> = values
        .iter()
        .map(|value| i16::from(value.is_some()))
        .collect();
    let values: Vec<T::T> = values.into_iter().flatten().collect();
    column::<T>(group, &values, Some(&levels), None)
}

fn column<T: DataType>(
    group: &mut SerializedRowGroupWriter<File>,
    values: &[T::T],
    definitions: Option<&[i16]>,
    repetitions: Option<&[i16]>,
) -> Result<(), ParquetError> {
    let Some(mut column) = group.next_column()? else {
        return Err(ParquetError::General(
            "the schema has fewer columns".to_owned(),
        ));
    };
    column
        .typed::<T>()
        .write_batch(values, definitions, repetitions)?;
    column.close()
}
