//! One file of a capture, from its bucket into the folder of parts.

use std::{
    fs::File,
    io::{self, Seek as _, Write as _},
    sync::Arc,
};

use futures_util::StreamExt as _;
use object_store::{GetOptions, GetRange, ObjectStoreExt as _};
use tokio::task::spawn_blocking;

use super::{
    growing::Growing,
    listing::Object,
    parts::{Check, FetchedPart, PartsFolder},
    tally::Tally,
};
use crate::{
    Error, ErrorKind,
    call::Shared,
    storage::{Access, Source},
};

/// So many bytes that were never there before are worth the policy's attempts anew.
const WORTH: u64 = 64 * 1024;
/// How many bytes of all parts together wait to be written.
const BUFFERS: usize = 8 << 20;
/// How often an object may change while it is being fetched.
const CHANGES: u32 = 5;

/// What all parts have in common.
pub(super) struct Fetch {
    pub(super) shared: Arc<Shared>,
    pub(super) folder: Source,
    pub(super) parts: Arc<PartsFolder>,
    pub(super) tally: Arc<Tally>,
    /// How many are fetched at once.
    pub(super) transfers: usize,
}

/// What came of an object.
pub(super) enum Outcome {
    Whole(FetchedPart),
    /// It was listed, and is not there.
    Vanished,
}

/// Why an attempt ended.
enum Stop {
    /// It is another object than was listed.
    Changed,
    Vanished,
    /// It may go better the next time, from where it ended or from the beginning.
    Broken {
        error: Error,
        anew: bool,
    },
    Failed(Error),
}

impl Fetch {
    /// Fetches an object whole. `left` is what a run before has left of it; `growing` is told how far it is.
    pub(super) async fn object(
        &self,
        mut object: Object,
        left: Option<FetchedPart>,
        growing: Arc<Growing>,
    ) -> Result<Outcome, Error> {
        let mut sink = self
            .begin(Sink::new(&object, growing), &object, left)
            .await?;
        let (mut made, mut changes, mut furthest) = (0, 0, sink.len);
        loop {
            let stop = match self.once(&object, &mut sink).await {
                Ok(()) => return self.end(object, sink).await.map(Outcome::Whole),
                Err(stop) => stop,
            };
            let error = match stop {
                Stop::Failed(error) => return Err(error),
                Stop::Vanished => {
                    sink.give_up(&self.parts);
                    sink.growing.gone();
                    return Ok(Outcome::Vanished);
                }
                Stop::Changed => {
                    sink.give_up(&self.parts);
                    changes += 1;
                    let Some(now) = self.look_again(&object, changes).await? else {
                        sink.growing.gone();
                        return Ok(Outcome::Vanished);
                    };
                    self.tally.changed(object.size, now.size, sink.len);
                    object = now;
                    sink = Sink::new(&object, sink.growing);
                    furthest = 0;
                    continue;
                }
                Stop::Broken { error, anew } => {
                    if anew || object.etag.is_none() {
                        self.tally.lost(sink.len);
                        sink.restart(&self.parts)
                            .await
                            .map_err(|it| self.parts.unwritten(it))?;
                    }
                    error
                }
            };
            if sink.len >= furthest + WORTH {
                (furthest, made) = (sink.len, 0);
            }
            made += 1;
            let chance = &self.shared.chance;
            let Some(pause) = self.shared.retry.pause_after(made, (chance.random)()) else {
                return Err(error.after_attempts(made));
            };
            tracing::debug!(attempt = made, "fetching a part again");
            chance.clock.sleep(pause).await;
        }
    }

    /// Asks for what is missing, and takes it in.
    async fn once(&self, object: &Object, sink: &mut Sink) -> Result<(), Stop> {
        if sink.len == object.size {
            return Ok(());
        }
        let is_part = sink.len > 0;
        // The whole of it comes with its tag, which is compared below: a condition would be looked at twice.
        let options = GetOptions {
            if_match: sink.tag.clone().filter(|_| is_part),
            range: is_part.then_some(GetRange::Offset(sink.len)),
            ..GetOptions::default()
        };
        let doing = || format!("fetch {}", object.key);
        let broken = |error, anew| Stop::Broken { error, anew };
        let got = self.folder.store.get_opts(&object.key, options);
        let got = match self.folder.in_time(&self.shared, got).await {
            None => return Err(broken(self.folder.timed_out(&doing()), false)),
            Some(Err(object_store::Error::NotFound { .. })) => return Err(Stop::Vanished),
            Some(Err(object_store::Error::Precondition { .. })) => return Err(Stop::Changed),
            Some(Err(error)) => {
                let error = self.folder.failed(Access::Read, &doing(), &error);
                // Not every server can give a part.
                return Err(if is_part || error.is_transient() {
                    broken(error, is_part)
                } else {
                    Stop::Failed(error)
                });
            }
            Some(Ok(got)) => got,
        };
        if got.meta.size != object.size || !object.has_tag(got.meta.e_tag.as_deref()) {
            return Err(Stop::Changed);
        }
        if got.range.start != sink.len {
            let what = "the bucket gave another part of it than was asked for";
            let error = Error::new(ErrorKind::UnexpectedResponse, what);
            return Err(broken(error, true));
        }
        if is_part && sink.tag.is_none() && got.meta.e_tag.is_none() {
            let what = "the bucket does not say of which object the part is";
            let error = Error::new(ErrorKind::UnexpectedResponse, what);
            return Err(broken(error, true));
        }
        if got.meta.e_tag.is_some() {
            sink.tag.clone_from(&got.meta.e_tag);
        }
        let mut body = got.into_stream();
        loop {
            let bytes = match self.shared.in_time(body.next()).await {
                None => return Err(broken(self.folder.timed_out(&doing()), false)),
                Some(None) => break,
                Some(Some(Err(error))) => {
                    let error = self.folder.broken(&doing(), &error);
                    return Err(broken(error, false));
                }
                Some(Some(Ok(bytes))) => bytes,
            };
            self.tally.arrived(bytes.len() as u64);
            sink.check.push(&bytes);
            sink.len += bytes.len() as u64;
            sink.buffer.extend_from_slice(&bytes);
            if sink.len > object.size {
                break;
            }
            if sink.buffer.len() >= BUFFERS / self.transfers.max(1) {
                sink.write(&self.parts, object)
                    .await
                    .map_err(Stop::Failed)?;
            }
        }
        if sink.len == object.size {
            return Ok(());
        }
        let what = format!(
            "cannot {}: the connection ended at {} of {} bytes",
            doing(),
            sink.len,
            object.size
        );
        let error = Error::new(ErrorKind::Connection, what);
        Err(broken(error, sink.len > object.size))
    }

    /// What an object is now that it is another than it was.
    async fn look_again(&self, object: &Object, changes: u32) -> Result<Option<Object>, Error> {
        let doing = format!("fetch {}", object.key);
        if changes > CHANGES {
            let what = format!("cannot {doing}: it changes all the time");
            let error = Error::new(ErrorKind::UnexpectedResponse, what);
            return Err(error.advise("see who else writes to the bucket"));
        }
        let head = self.folder.store.head(&object.key);
        match self.folder.in_time(&self.shared, head).await {
            None => Err(self.folder.timed_out(&doing)),
            Some(Err(object_store::Error::NotFound { .. })) => Ok(None),
            Some(Err(error)) => Err(self.folder.failed(Access::Read, &doing, &error)),
            Some(Ok(meta)) => Ok(Some(Object {
                key: object.key.clone(),
                size: meta.size,
                etag: meta.e_tag,
            })),
        }
    }

    /// A place for what comes of an object: what there is of it already, or else only memory, where a small one stays
    /// until it is whole.
    async fn begin(
        &self,
        mut sink: Sink,
        object: &Object,
        left: Option<FetchedPart>,
    ) -> Result<Sink, Error> {
        let Some(left) = left.filter(|it| it.is_of(object)) else {
            return Ok(sink);
        };
        let parts = Arc::clone(&self.parts);
        let begun = spawn_blocking(move || {
            if let Some((file, len)) = parts.resume(&left, |it| sink.check.push(it))? {
                sink.growing.reached(parts.path(&left), len);
                sink.begun = Some((left, file));
                sink.len = len;
            } else {
                sink.check = Check::new(&sink.key);
            }
            Ok(sink)
        });
        let sink = begun.await.unwrap_or_else(|it| Err(stopped(it)))?;
        self.tally.arrived(sink.len);
        Ok(sink)
    }

    async fn end(&self, object: Object, mut sink: Sink) -> Result<FetchedPart, Error> {
        let parts = Arc::clone(&self.parts);
        let ended = spawn_blocking(move || {
            let found = sink.check.finish();
            let part = match sink.begun.take() {
                Some((part, mut file)) => {
                    let written = file.write_all(&sink.buffer);
                    written.map_err(|it| parts.unwritten(it))?;
                    drop(file);
                    parts.whole(&object, part, found)
                }
                None => parts.put(&object, &sink.buffer, found),
            }?;
            sink.growing.whole(parts.path(&part));
            Ok(part)
        });
        let part = ended.await.unwrap_or_else(|it| Err(stopped(it)))?;
        self.tally.whole(part.found.packets);
        Ok(part)
    }
}

/// A part that is being written.
struct Sink {
    /// Once there is a file: a small object has none before it is whole.
    begun: Option<(FetchedPart, File)>,
    key: String,
    /// What the object is called by who gave the last piece of it: a listing may leave the quotes out. `None` before.
    tag: Option<String>,
    check: Check,
    /// For whoever reads what is written.
    growing: Arc<Growing>,
    buffer: Vec<u8>,
    /// How much there is, what waits to be written included.
    len: u64,
}

impl Sink {
    fn new(object: &Object, growing: Arc<Growing>) -> Self {
        let key = object.key.to_string();
        Self {
            begun: None,
            check: Check::new(&key),
            growing,
            key,
            tag: None,
            buffer: Vec::new(),
            len: 0,
        }
    }

    /// Writes what has come.
    async fn write(&mut self, parts: &Arc<PartsFolder>, object: &Object) -> Result<(), Error> {
        let (begun, mut buffer) = (self.begun.take(), std::mem::take(&mut self.buffer));
        let (growing, len) = (Arc::clone(&self.growing), self.len);
        // Whoever drops this keeps the folder until the last byte is written.
        let (parts, object) = (Arc::clone(parts), object.clone());
        let writing = spawn_blocking(move || {
            let (part, mut file) = match begun {
                Some(begun) => begun,
                None => parts.begin(&object)?,
            };
            let written = file.write_all(&buffer);
            written.map_err(|it| parts.unwritten(it))?;
            growing.reached(parts.path(&part), len);
            buffer.clear();
            Ok(((part, file), buffer))
        });
        let (begun, buffer) = writing.await.unwrap_or_else(|it| Err(stopped(it)))?;
        (self.begun, self.buffer) = (Some(begun), buffer);
        Ok(())
    }

    /// Begins anew.
    async fn restart(&mut self, parts: &Arc<PartsFolder>) -> io::Result<()> {
        self.growing.taken_back();
        if let Some((part, mut file)) = self.begun.take() {
            let parts = Arc::clone(parts);
            let emptying = spawn_blocking(move || {
                file.set_len(0)?;
                file.rewind()?;
                drop(parts);
                Ok::<_, io::Error>(file)
            });
            self.begun = Some((part, emptying.await.map_err(io::Error::other)??));
        }
        self.buffer.clear();
        self.check = Check::new(&self.key);
        self.len = 0;
        Ok(())
    }

    /// Takes away what was written.
    fn give_up(&self, parts: &PartsFolder) {
        self.growing.taken_back();
        if let Some((part, _)) = &self.begun {
            parts.drop_part(part);
        }
    }
}

/// A task that did not come to its end.
pub(crate) fn stopped(error: tokio::task::JoinError) -> Error {
    Error::new(ErrorKind::Io, "a thread ended early").because(error)
}
