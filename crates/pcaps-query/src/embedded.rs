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
    arrow::{
        array::RecordBatch,
        datatypes::{DataType, SchemaRef},
    },
    datasource::{file_format::parquet::ParquetFormat, listing::ListingOptions},
    error::DataFusionError,
    execution::{
        SendableRecordBatchStream, TaskContext, context::SQLOptions, memory_pool::FairSpillPool,
        runtime_env::RuntimeEnvBuilder,
    },
    parquet::{
        arrow::{ArrowWriter, arrow_reader::ParquetRecordBatchReaderBuilder},
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
};

mod local;
mod values;

use local::Local;

/// How much memory sorting and grouping take before they go to temporary files: bytes.
const MEMORY: usize = 2 << 30;

/// How many batches of rows wait to be taken.
const AHEAD: usize = 2;

pub(crate) fn ask(query: &Query, stop: &Stop) -> Result<Answer, Error> {
    let (schema, batches) = begin(query, stop)?;
    let columns = schema.fields().iter().map(|it| it.name().clone()).collect();
    let rows = batches.into_iter().flat_map(|batch| -> Rows {
        match batch.and_then(|it| values::rows(&it).map_err(|error| failed(&error))) {
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
    let writer = ArrowWriter::try_new(file, schema, Some(properties));
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

/// Batches of rows, or why there are no more.
type Batches = Receiver<Result<RecordBatch, Error>>;

/// Starts the engine in a thread of its own. It ends with whoever takes the batches, or when it is stopped.
fn begin(query: &Query, stop: &Stop) -> Result<(SchemaRef, Batches), Error> {
    let data = Local::open(&query.from)?;
    let sql = query.sql.clone();
    let (send, batches) = sync_channel(AHEAD);
    let (begun, schema) = oneshot::channel();
    let (end, ended) = oneshot::channel::<()>();
    stop.on(move || {
        // It may have ended by itself.
        let _ = end.send(());
    });
    let engine = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| Error::new(ErrorKind::Engine, error.to_string()))?;
    thread::spawn(move || {
        let work = async {
            match stream(&data, &sql).await {
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
                () = work => {}
                // (That it is never stopped is no reason to end.)
                Ok(()) = ended => {
                    let _ = send.try_send(Err(Error::stopped()));
                }
            }
        });
        engine.shutdown_background();
    });
    match schema.blocking_recv() {
        Ok(schema) => Ok((schema?, batches)),
        Err(_) if stop.is_stopped() => Err(Error::stopped()),
        Err(_) => Err(Error::new(
            ErrorKind::Engine,
            "the engine ended without an answer",
        )),
    }
}

/// Hands batches over, as fast as they are taken.
async fn forward(
    mut stream: SendableRecordBatchStream,
    to: &SyncSender<Result<RecordBatch, Error>>,
) {
    while let Some(batch) = values::next(&mut stream).await {
        let batch = batch.map_err(|error| failed(&error));
        let is_last = batch.is_err();
        // It waits in a thread that may: others go on with the query meanwhile.
        let sent = tokio::task::block_in_place(|| to.send(batch));
        if sent.is_err() || is_last {
            return;
        }
    }
}

async fn stream(data: &Local, sql: &str) -> Result<SendableRecordBatchStream, Error> {
    let context = context().map_err(|error| failed(&error))?;
    views(&context, data).await?;
    // It asks, and changes nothing.
    let options = SQLOptions::new()
        .with_allow_ddl(false)
        .with_allow_dml(false)
        .with_allow_statements(false);
    let refused = |error| refused(&error);
    let frame = context
        .sql_with_options(sql, options)
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
async fn views(context: &SessionContext, data: &Local) -> Result<(), Error> {
    let unreadable = |error: &dyn std::error::Error| {
        let message = format!(
            "{} cannot be read as Parquet: {error}",
            data.sample.display()
        );
        Error::new(ErrorKind::NoData, message)
    };
    // Of one file: that of all would be read from all, those that are being written included.
    let file = File::open(&data.sample).map_err(|error| unreadable(&error))?;
    let reader = ParquetRecordBatchReaderBuilder::try_new(file);
    let schema = Arc::clone(reader.map_err(|error| unreadable(&error))?.schema());
    let partitions = data.partitions.iter().map(|name| {
        let kind = match name.as_str() {
            "date" => DataType::Date32,
            "hour" => DataType::Int32,
            _ => DataType::Utf8,
        };
        (name.clone(), kind)
    });
    let options = ListingOptions::new(Arc::new(ParquetFormat::default()))
        .with_file_extension(".parquet")
        .with_table_partition_cols(partitions.collect());
    // With its end, it is a folder.
    let folder = format!("{}/", data.folder.display());
    context
        .register_listing_table("packets", folder, options, Some(schema), None)
        .await
        .map_err(|error| failed(&error))?;
    let flows = context.sql(FLOWS).await.map_err(|error| {
        let message = format!("{} is no data set: {error}", data.folder.display());
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
