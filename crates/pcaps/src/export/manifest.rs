//! What is known of each capture file that was exported: an entry of its own for each, so that processes share nothing.

use pcaps_table::{SCHEMA_VERSION, TableSchema};
use serde::{Deserialize, Serialize};

use super::{ExportState, ExportedInput, inputs::InputFile, output::TableSink};
use crate::{Error, ErrorKind};

/// An entry, as it stands in `_manifest/<id>.json`. There is nothing in it that is another the next time.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct ManifestEntry {
    /// That of the table.
    pub(super) schema_version: u32,
    pub(super) input: String,
    pub(super) size: u64,
    pub(super) stamp: String,
    pub(super) capture_id: String,
    pub(super) colo: Option<String>,
    pub(super) state: EntryState,
    pub(super) rows: u64,
    pub(super) error: Option<String>,
    /// Relative to the data set. While they are being placed, those too that have to go.
    pub(super) files: Vec<EntryFile>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum EntryState {
    /// Some of the files may be there.
    Placing,
    Done,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct EntryFile {
    pub(super) path: String,
    pub(super) rows: u64,
    pub(super) bytes: u64,
}

impl EntryFile {
    /// Whether it is where files of this input are. What is in the manifest decides what is taken away, and others may
    /// have written it.
    fn is_of(&self, input: &InputFile) -> bool {
        let parts: Vec<_> = self.path.split('/').collect();
        let [capture, date, hour, name] = parts[..] else {
            return false;
        };
        let name = name.strip_prefix(&input.id());
        let number = name.and_then(|it| it.strip_prefix('-')?.strip_suffix(".parquet"));
        !self.path.contains(['\\', '\0'])
            && capture.starts_with("capture_id=")
            && date.starts_with("date=")
            && hour.starts_with("hour=")
            && number.is_some_and(|it| it.parse::<u32>().is_ok())
    }
}

/// Says what the columns are, if that is not said yet.
pub(super) async fn write_schema(output: &TableSink) -> Result<(), Error> {
    const PATH: &str = "_schema.json";
    let text = text_of(&TableSchema::current())?;
    let there = output.read(PATH).await?;
    if there.as_ref().is_some_and(|it| *it == text) {
        return Ok(());
    }
    if let Some(there) = there {
        #[derive(Deserialize)]
        struct Version {
            version: u32,
        }
        let what = match serde_json::from_slice(&there) {
            Ok(Version { version }) if version > SCHEMA_VERSION => format!(
                "{PATH} in the data set is version {version}, and this program writes {SCHEMA_VERSION}"
            ),
            // Of an older program.
            Ok(_) => return output.write(PATH, text).await,
            Err(_) => format!("{PATH} there is not the schema of a data set"),
        };
        return Err(Error::new(ErrorKind::Refused, what)
            .advise("export to another place, or see what else has written to this one"));
    }
    output.write(PATH, text).await
}

/// A document as people can read it too.
fn text_of(document: &impl Serialize) -> Result<Vec<u8>, Error> {
    let failed = |it| Error::new(ErrorKind::Io, "cannot write the manifest").because(it);
    let mut text = serde_json::to_vec_pretty(document).map_err(failed)?;
    text.push(b'\n');
    Ok(text)
}

fn path(input: &InputFile) -> String {
    format!("_manifest/{}.json", input.id())
}

impl ManifestEntry {
    pub(super) async fn read(output: &TableSink, input: &InputFile) -> Result<Option<Self>, Error> {
        let path = path(input);
        let Some(text) = output.read(&path).await? else {
            return Ok(None);
        };
        let refused = |what: String| {
            Err(Error::new(ErrorKind::UnexpectedResponse, what)
                .advise("export to another place, or see what else has written to this one"))
        };
        match serde_json::from_slice::<Self>(&text) {
            Ok(entry) if entry.input == input.name => {
                let odd = entry.files.iter().find(|it| !it.is_of(input));
                match odd.map(|it| &it.path) {
                    None => Ok(Some(entry)),
                    Some(odd) => refused(format!(
                        "{path} in the data set is no entry of a manifest: {odd:?} is no file of {}",
                        input.name
                    )),
                }
            }
            Ok(entry) => refused(format!(
                "{path} in the data set is of {}, and not of {}",
                entry.input, input.name
            )),
            Err(error) => refused(format!(
                "{path} in the data set is no entry of a manifest: {error}"
            )),
        }
    }

    pub(super) async fn write(&self, output: &TableSink, input: &InputFile) -> Result<(), Error> {
        output.write(&path(input), text_of(self)?).await
    }

    /// Whether what is wanted is there.
    pub(super) fn is_done_for(&self, wanted: &Self) -> bool {
        let what = |it: &Self| {
            let texts = [&it.stamp, &it.capture_id].map(Clone::clone);
            (it.schema_version, it.size, texts, it.colo.clone())
        };
        self.state == EntryState::Done && what(self) == what(wanted)
    }

    pub(super) fn exported(&self, state: ExportState) -> ExportedInput {
        ExportedInput {
            name: self.input.clone(),
            bytes: self.size,
            capture_id: self.capture_id.clone(),
            state,
            rows: self.rows,
            files: self.files.len(),
            bytes_written: self.files.iter().map(|it| it.bytes).sum(),
            error: self.error.clone(),
        }
    }
}
