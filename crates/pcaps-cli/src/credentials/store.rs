//! What was kept: a file that only its owner can read says for which profile there is a token, and where it is: in the
//! system's keyring, or in the file itself where there is none, or none answers.

use std::{
    fmt, fs, io,
    path::{Path, PathBuf},
};

use pcaps::Secret;
use serde::{Deserialize, Serialize};

use super::keyring;
use crate::{
    failure::{Exit, Failure},
    settings,
};

const FILE: &str = "credentials.json";

/// All that was kept.
pub(crate) struct Store {
    path: PathBuf,
    document: Document,
}

/// The file.
#[derive(Default, Deserialize, Serialize)]
struct Document {
    credentials: Vec<Kept>,
}

/// What was kept for one profile at one address.
#[derive(Deserialize, Serialize)]
pub(crate) struct Kept {
    profile: String,
    base_url: String,
    /// Nothing when it is in the keyring.
    token: Option<String>,
}

/// Where a token is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    Keyring,
    File(PathBuf),
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Keyring => f.write_str("the system's keyring"),
            Self::File(path) => write!(f, "{}", path.display()),
        }
    }
}

impl Store {
    /// Reads the file. One that others can read is refused.
    pub(crate) fn open() -> Result<Self, Failure> {
        let Some(folder) = settings::folder() else {
            // Nobody without a home keeps anything.
            return Ok(Self {
                path: PathBuf::new(),
                document: Document::default(),
            });
        };
        let path = folder.join(FILE);
        let document = match read(&path) {
            Ok(text) => serde_json::from_str(&text).map_err(|_| {
                Failure::new(
                    Exit::Other,
                    format!(
                        "{} is not as `pcaps auth login` has written it: remove it, and log in again",
                        path.display()
                    ),
                )
            })?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => Document::default(),
            Err(error) => {
                let message = format!("cannot read {}: {error}", path.display());
                return Err(Failure::new(Exit::Denied, message));
            }
        };
        Ok(Self { path, document })
    }

    pub(crate) fn find(&self, profile: &str, base_url: &str) -> Option<&Kept> {
        let base_url = base_url.trim_end_matches('/');
        self.of(profile).find(|it| it.base_url == base_url)
    }

    /// All that was kept for a profile.
    pub(crate) fn of(&self, profile: &str) -> impl Iterator<Item = &Kept> {
        self.document
            .credentials
            .iter()
            .filter(move |it| it.profile == profile)
    }

    /// Keeps a token: in the keyring, unless it does not answer or is not to be asked. Returns where, and what the keyring
    /// said otherwise.
    pub(crate) fn keep(
        &mut self,
        profile: &str,
        base_url: &str,
        token: &Secret,
        use_keyring: bool,
    ) -> Result<(Place, Option<String>), Failure> {
        if self.path.as_os_str().is_empty() {
            return Err(Failure::new(
                Exit::Other,
                "there is no place to keep the token in: set HOME or XDG_CONFIG_HOME",
            ));
        }
        let mut kept = Kept {
            profile: profile.to_owned(),
            base_url: base_url.trim_end_matches('/').to_owned(),
            token: None,
        };
        let use_keyring = use_keyring && keyring::IS_THERE;
        let refused = match use_keyring.then(|| keyring::keep(&kept.user(), token)) {
            Some(Ok(())) => None,
            outcome => {
                kept.token = Some(token.expose().to_owned());
                outcome.and_then(Result::err)
            }
        };
        let place = kept.place(self);
        if place != Place::Keyring
            && self
                .find(profile, base_url)
                .is_some_and(|it| it.token.is_none())
        {
            // What was there before must not come to light again.
            let _ = keyring::forget(&kept.user());
        }
        let is_other = |it: &Kept| it.profile != kept.profile || it.base_url != kept.base_url;
        self.document.credentials.retain(is_other);
        self.document.credentials.push(kept);
        self.write()?;
        Ok((place, refused))
    }

    /// Forgets all that was kept for a profile, and says where it was.
    pub(crate) fn forget(&mut self, profile: &str) -> Result<Vec<Place>, Failure> {
        let (gone, rest) = std::mem::take(&mut self.document.credentials)
            .into_iter()
            .partition::<Vec<_>, _>(|it| it.profile == profile);
        self.document.credentials = rest;
        let mut places = Vec::new();
        for kept in &gone {
            if kept.token.is_none() {
                keyring::forget(&kept.user()).map_err(|it| unanswered(&it))?;
            }
            places.push(kept.place(self));
        }
        if !gone.is_empty() {
            self.write()?;
        }
        Ok(places)
    }

    /// Writes the file, whole or not at all. Nobody but its owner may read it.
    fn write(&self) -> Result<(), Failure> {
        let write = || {
            let folder = self.path.parent().unwrap_or(Path::new("."));
            make_folder(folder)?;
            let mut text = serde_json::to_vec_pretty(&self.document)?;
            text.push(b'\n');
            settings::replace(&self.path, &text, None)
        };
        write().map_err(|error| Failure::write(&self.path, &error))
    }
}

impl Kept {
    /// The token itself.
    pub(crate) fn token(&self) -> Result<Secret, Failure> {
        match &self.token {
            Some(token) => Ok(token.as_str().into()),
            None => keyring::find(&self.user()).map_err(|it| unanswered(&it)),
        }
    }

    pub(crate) fn base_url(&self) -> &str {
        &self.base_url
    }

    pub(crate) fn place(&self, store: &Store) -> Place {
        match self.token {
            Some(_) => Place::File(store.path.clone()),
            None => Place::Keyring,
        }
    }

    /// Its name in the keyring.
    fn user(&self) -> String {
        format!("{} at {}", self.profile, self.base_url)
    }
}

fn unanswered(error: &str) -> Failure {
    Failure::new(
        Exit::Denied,
        format!(
            "the token is in the system's keyring, which does not give it: {error}; set CLOUDFLARE_API_TOKEN, or run `pcaps auth login` again, with --insecure-storage to do without the keyring"
        ),
    )
}

fn make_folder(folder: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)
}

fn read(path: &Path) -> io::Result<String> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = fs::metadata(path)?.permissions().mode();
        if mode & 0o077 != 0 {
            return Err(io::Error::other(format!(
                "others may read or write it (mode {:04o}), and it holds credentials: run `chmod 600` on it if nobody has, and log in again if somebody may have",
                mode & 0o7777
            )));
        }
    }
    fs::read_to_string(path)
}
