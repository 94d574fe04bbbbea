//! `DataFusion`, in this process.

use std::{
    fs::File,
    path::Path,
    sync::{
        Arc,
        mpsc::{Receiver, SyncSender, sync_channel},
    },
    thread,
};

use datafusion::{
    arrow::{array::RecordBatch, datatypes::SchemaRef},
    datasource::{
        file_format::{FileFormat as _, parquet::ParquetFormat},
        listing::ListingOptions,
    },
    error::DataFusionError,
    execution::{
        SendableRecordBatchStream, TaskContext, context::SQLOptions, memory_pool::FairSpillPool,
        runtime_env::RuntimeEnvBuilder,
    },
    parquet::{
        arrow::{ArrowWriter, arrow_writer::ArrowWriterOptions},
        basic::{Compression, ZstdLevel},
        file::properties::WriterProperties,
    },
    physical_plan::{ExecutionPlan, execute_stream},
    prelude::{SessionConfig, SessionContext},
};
use tokio::sync::oneshot;

use crate::{
    Answer, Error, ErrorKind, FLOWS, Query, Stop,
    answer::{Row, Rows},
    stop::OnStop,
};

mod data;
mod store;
mod values;

use data::Data;

/// How much memory sorting and grouping take before they go to temporary files: bytes.
const MEMORY: usize = 2 << 30;

/// How many batches of rows wait to be taken.
const AHEAD: usize = 2;

pub(crate) fn ask(query: &Query, stop: &Stop) -> Result<Answer, Error> {
    let (schema, batches) = begin(query, stop)?;
    let columns = schema.fields().iter().map(|it| it.name().clone()).collect();
    let mut batches = Some(batches);
    // After an error there are no more.
    let batches = std::iter::from_fn(move || {
        let batch = batches.as_mut()?.next()?;
        let rows = batch.and_then(|it| values::rows(&it).map_err(|error| failed(&error)));
        batches = batches.take().filter(|_| rows.is_ok());
        Some(rows)
    });
    let rows = batches.flat_map(|rows| -> Rows {
        match rows {
            Ok(rows) => Box::new(rows.into_iter().map(Ok::<Row, Error>)),
            Err(error) => Box::new(std::iter::once(Err(error))),
        }
    });
    Answer::new(columns, Box::new(rows))
}

pub(crate) fn save(query: &Query, path: &Path, stop: &Stop) -> Result<u64, Error> {
    let (schema, batches) = begin(query, stop)?;
    let unwritten = |error: &dyn std::error::Error| {
        let message = format!("cannot write {}: {error}", path.display());
        Error::new(ErrorKind::Io, message)
    };
    let file = File::create(path).map_err(|error| unwritten(&error))?;
    let properties = WriterProperties::builder()
        .set_compression(Compression::ZSTD(ZstdLevel::default()))
        .build();
    // Types that only new readers of Arrow know are none of Parquet.
    let options = ArrowWriterOptions::new()
        .with_properties(properties)
        .with_skip_arrow_metadata(true);
    let writer = ArrowWriter::try_new_with_options(file, schema, options);
    let mut writer = writer.map_err(|error| unwritten(&error))?;
    let mut rows = 0;
    for batch in batches {
        let batch = batch?;
        writer.write(&batch).map_err(|error| unwritten(&error))?;
        rows += batch.num_rows() as u64;
    }
    writer.close().map_err(|error| unwritten(&error))?;
    Ok(rows)
}

/// What the engine hands over: batches of rows, then that these were all, or why there are no more.
type Handed = Result<Option<RecordBatch>, Error>;

/// Batches of rows, up to the end of the answer or an error.
struct Batches {
    /// Nothing once it has ended.
    handed: Option<Receiver<Handed>>,
    stop: Stop,
    _on_stop: OnStop,
}

impl Iterator for Batches {
    type Item = Result<RecordBatch, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        let end = match self.handed.as_ref()?.recv() {
            // What was ready before that is not what is left.
            _ if self.stop.is_stopped() => Some(Err(Error::stopped())),
            Ok(Ok(Some(batch))) => return Some(Ok(batch)),
            Ok(Ok(None)) => None,
            Ok(Err(error)) => Some(Err(error)),
            // It has not said that these were all.
            Err(_) => Some(Err(cut_off(&self.stop))),
        };
        self.handed = None;
        end
    }
}

/// Why the engine ended without a word.
fn cut_off(stop: &Stop) -> Error {
    if stop.is_stopped() {
        return Error::stopped();
    }
    Error::new(
        ErrorKind::Engine,
        "the engine ended before it had the answer",
    )
}

/// Starts the engine in a thread of its own. It ends with whoever takes the batches, or when it is stopped.
fn begin(query: &Query, stop: &Stop) -> Result<(SchemaRef, Batches), Error> {
    let query = query.clone();
    let (send, handed) = sync_channel(AHEAD);
    let (begun, schema) = oneshot::channel();
    let (end, ended) = oneshot::channel::<()>();
    // Whether it is called or dropped, that ends it.
    let on_stop = stop.on(move || drop(end));
    let engine = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| Error::new(ErrorKind::Engine, error.to_string()))?;
    thread::spawn(move || {
        let work = async {
            match stream(&query).await {
                Ok(stream) => {
                    // Who asked waits for it.
                    let _ = begun.send(Ok(stream.schema()));
                    forward(stream, &send).await;
                }
                Err(error) => drop(begun.send(Err(error))),
            }
        };
        engine.block_on(async {
            tokio::select! {
                biased;
                // It was stopped, or nobody takes batches any more.
                _ = ended => {}
                () = work => {}
            }
        });
        engine.shutdown_background();
    });
    match schema.blocking_recv() {
        Ok(schema) => {
            let batches = Batches {
                handed: Some(handed),
                stop: stop.clone(),
                _on_stop: on_stop,
            };
            Ok((schema?, batches))
        }
        Err(_) => Err(cut_off(stop)),
    }
}

/// Hands batches over, as fast as they are taken.
async fn forward(mut stream: SendableRecordBatchStream, to: &SyncSender<Handed>) {
    loop {
        let batch = values::next(&mut stream).await.transpose();
        let is_last = !matches!(batch, Ok(Some(_)));
        let batch = batch.map_err(|error| failed(&error));
        // It waits in a thread that may: others go on with the query meanwhile.
        let sent = tokio::task::block_in_place(|| to.send(batch));
        if sent.is_err() || is_last {
            return;
        }
    }
}

async fn stream(query: &Query) -> Result<SendableRecordBatchStream, Error> {
    let data = Data::open(query).await?;
    let context = context().map_err(|error| failed(&error))?;
    views(&context, data).await?;
    // It asks, and changes nothing.
    let options = SQLOptions::new()
        .with_allow_ddl(false)
        .with_allow_dml(false)
        .with_allow_statements(false);
    let refused = |error| refused(&error);
    let frame = context
        .sql_with_options(&query.sql, options)
        .await
        .map_err(refused)?;
    let tasks: Arc<TaskContext> = Arc::new(frame.task_ctx());
    let plan: Arc<dyn ExecutionPlan> = frame.create_physical_plan().await.map_err(refused)?;
    execute_stream(plan, tasks).map_err(|error| failed(&error))
}

fn context() -> Result<SessionContext, DataFusionError> {
    let memory = Arc::new(FairSpillPool::new(MEMORY));
    let runtime = RuntimeEnvBuilder::new()
        .with_memory_pool(memory)
        .build_arc()?;
    let config = SessionConfig::new().with_information_schema(true);
    Ok(SessionContext::new_with_config_rt(config, runtime))
}

/// Registers `packets` and `flows`.
async fn views(context: &SessionContext, data: Data) -> Result<(), Error> {
    let format = Arc::new(ParquetFormat::default());
    // Of one file: that of all would be read from all, those that are being written included.
    let samples = std::slice::from_ref(&data.sample);
    let state = context.state();
    let schema = format.infer_schema(&state, &data.store, samples);
    let schema = schema.await.map_err(|error| {
        let (place, shown) = (&data.sample.location, &data.shown);
        let message = format!("{place} in {shown} cannot be read as Parquet: {error}");
        Error::new(ErrorKind::NoData, message)
    })?;
    let options = ListingOptions::new(format)
        .with_file_extension(".parquet")
        .with_table_partition_cols(data.partitions);
    context.register_object_store(&data.url, data.store);
    context
        .register_listing_table("packets", &data.url, options, Some(schema), None)
        .await
        .map_err(|error| failed(&error))?;
    let flows = context.sql(FLOWS).await.map_err(|error| {
        let message = format!("{} is no data set: {error}", data.shown);
        Error::new(ErrorKind::NoData, message)
    })?;
    let registered = context.register_table("flows", flows.into_view());
    registered.map_err(|error| failed(&error))?;
    Ok(())
}

fn failed(error: &impl std::error::Error) -> Error {
    Error::new(ErrorKind::Engine, format!("the query failed: {error}"))
}

/// What the engine has against the SQL, without the traces that it may bring.
fn refused(error: &DataFusionError) -> Error {
    let message = format!("the SQL cannot be used: {}", error.strip_backtrace());
    Error::new(ErrorKind::InvalidInput, message)
}
