//! How to pick up what a command leaves behind at the service.

use std::{cell::RefCell, fmt::Write as _, path::Path};

use pcaps::{CaptureId, Destination};

use crate::args::{self, Global};

/// What to say when the command is interrupted now.
#[derive(Default)]
pub(crate) struct Resume(RefCell<Option<String>>);

impl Resume {
    /// What is left behind from now on.
    pub(crate) fn remember(&self, note: String) {
        self.0.replace(Some(note));
    }

    /// Nothing is left behind any more.
    pub(crate) fn forget(&self) {
        self.0.replace(None);
    }

    pub(crate) fn note(&self) -> Option<String> {
        self.0.borrow().clone()
    }
}

/// A start whose answer has not come.
pub(crate) fn started_perhaps(global: &Global) -> String {
    format!(
        "whether a capture was started is not known; see with `pcaps list{}`",
        flags(global)
    )
}

/// A capture that nobody waits for any more.
pub(crate) fn wait(global: &Global, id: &CaptureId) -> String {
    format!(
        "the capture {id} goes on at the service; wait for it with `pcaps wait {id}{}`",
        flags(global)
    )
}

/// A sample that has not been downloaded. `path` is where it was to go, unless to standard output.
pub(crate) fn download(global: &Global, id: &CaptureId, path: Option<&Path>) -> String {
    let path = path.map_or("FILE".to_owned(), |it| quoted(&it.display().to_string()));
    let flags = flags(global);
    format!(
        "the capture {id} stays at the service; pick it up with `pcaps download {id} -o {path}{flags}`"
    )
}

/// A history that is not at its end.
pub(crate) fn history(global: &Global, path: &Path) -> String {
    let (path, flags) = (quoted(&path.display().to_string()), flags(global));
    format!("what has been taken stays; go on with `pcaps history --resume -o {path}{flags}`")
}

/// A proof that is not at its end. Keys of a bucket are left out.
pub(crate) fn prove(global: &Global, bucket: &Destination) -> String {
    let (uri, flags) = (quoted(&bucket.to_string()), flags(global));
    let keys = if uri.contains("r2://") {
        ", with the keys in its URI again (once it is registered, R2_ACCESS_KEY_ID and R2_SECRET_ACCESS_KEY will do)"
    } else {
        ""
    };
    format!("what has been done stays; go on with `pcaps bucket prove {uri}{flags}`{keys}")
}

/// A full capture whose files have not been fetched, and how that is asked for. Keys of a bucket are left out.
pub(crate) struct Fetch<'a> {
    pub(crate) id: &'a CaptureId,
    pub(crate) bucket: Option<&'a Destination>,
    /// Where it was to go, unless to standard output.
    pub(crate) path: Option<&'a Path>,
    pub(crate) split: Option<&'a Path>,
    pub(crate) more: Option<&'a args::Fetching>,
}

impl Fetch<'_> {
    fn command(&self, global: &Global) -> String {
        let mut command = format!("pcaps fetch {}", self.id);
        let mut add = |flag: &str, value: &dyn std::fmt::Display| {
            // Writing to a string does not fail.
            let _ = write!(command, " {flag} {}", quoted(&value.to_string()));
        };
        match (self.path, self.split) {
            (Some(path), _) => add("-o", &path.display()),
            (None, Some(_)) => {}
            (None, None) => add("-o", &"FILE"),
        }
        if let Some(split) = self.split {
            add("--split", &split.display());
        }
        if let Some(bucket) = self.bucket {
            add("--bucket", bucket);
        }
        if let Some(more) = self.more {
            if more.transfers != args::TRANSFERS {
                add("--transfers", &more.transfers);
            }
            if more.settle != args::SETTLE {
                add("--settle", &format!("{:?}", more.settle));
            }
            command.push_str(if more.delete_remote {
                " --delete-remote"
            } else {
                ""
            });
            command.push_str(if more.lenient { " --lenient" } else { "" });
        }
        command + &flags(global)
    }

    /// What was fetched stays beside the output.
    pub(crate) fn goes_on(&self, global: &Global) -> String {
        let stays = match (self.path, self.split) {
            (None, None) => "nothing was written",
            _ => "what has been fetched stays",
        };
        format!("{stays}; go on with `{}`", self.command(global))
    }

    /// What has been shown of it is not all there is.
    pub(crate) fn in_bucket(&self, global: &Global) -> String {
        let command = self.command(global);
        format!("its files stay in the bucket; fetch them with `{command}`")
    }

    /// The capture was told to finish, and its files are not all in the bucket yet.
    pub(crate) fn stopped(&self, global: &Global) -> String {
        let (id, flags, command) = (self.id, flags(global), self.command(global));
        format!(
            "the capture {id} was stopped, and leaves its packets in the bucket: fetch them with `pcaps wait {id}{flags} && {command}`"
        )
    }

    /// The capture has not finished.
    pub(crate) fn captures(&self, global: &Global) -> String {
        let (id, flags, command) = (self.id, flags(global), self.command(global));
        format!(
            "the capture {id} goes on at the service; collect it with `pcaps wait {id}{flags} && {command}`"
        )
    }
}

/// The options that were given and matter to a later command: what the environment says, it will say again.
pub(crate) fn flags(global: &Global) -> String {
    let given = [
        ("--profile", &global.profile),
        ("--account", &global.account),
        ("--base-url", &global.base_url),
    ];
    let mut flags = String::new();
    for (flag, value) in given {
        if let Some(value) = value {
            // Writing to a string does not fail.
            let _ = write!(flags, " {flag} {}", quoted(value));
        }
    }
    for mapping in &global.bucket_map {
        let mapping = format!("{}={}", mapping.uri, mapping.store);
        let _ = write!(flags, " --bucket-map {}", quoted(&mapping));
    }
    flags
}

/// A word for the shell.
fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "._-/:@%+=,".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{log::LogFormat, progress::Shown};

    #[test]
    fn commands_can_be_pasted() {
        assert_eq!(quoted("a/b-1.pcap"), "a/b-1.pcap");
        assert_eq!(quoted("my file"), "'my file'");
        assert_eq!(quoted("it's"), r"'it'\''s'");
        assert_eq!(quoted(""), "''");
    }

    #[test]
    fn what_was_given_is_given_again() {
        let global = Global {
            profile: Some("lab".into()),
            account: Some("acc".into()),
            base_url: None,
            retries: 3,
            bucket_map: Vec::new(),
            simulate: false,
            output: None,
            json: false,
            fields: Vec::new(),
            utc: false,
            color: clap::ColorChoice::Auto,
            progress: Shown::Auto,
            quiet: false,
            verbose: false,
            log_format: LogFormat::Text,
        };
        let id = "abc".parse().unwrap();
        let note = download(&global, &id, Some(Path::new("my file")));
        assert!(
            note.ends_with("`pcaps download abc -o 'my file' --profile lab --account acc`"),
            "{note}"
        );
    }
}
