//! Changing the configuration file, and nothing in it but what is to be changed.

use std::{
    fs, io,
    io::Write as _,
    path::{Path, PathBuf},
};

use tempfile::NamedTempFile;
use toml_edit::{DocumentMut, Item, Table, Value};

use super::place;
use crate::failure::Failure;

/// Writes values into a profile, which is made if it is not there, as is the file. Comments and order stay. Gives the
/// file's path.
pub(crate) fn remember(profile: &str, values: &[(&str, &str)]) -> Result<PathBuf, Failure> {
    let Some(place) = place::config()? else {
        return Err(Failure::usage(
            "there is no place for the configuration file: set HOME, XDG_CONFIG_HOME or PCAPS_CONFIG",
        ));
    };
    let path = place.path;
    let write = || {
        // Where the file is a link, as in collections of such files, what it leads to is written.
        let path = fs::canonicalize(&path).unwrap_or_else(|_| path.clone());
        let text = match fs::read_to_string(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => String::new(),
            text => text?,
        };
        let text = edited(&text, profile, values)?;
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder)?;
        }
        let before = fs::metadata(&path).ok();
        replace(&path, text.as_bytes(), before.map(|it| it.permissions()))
    };
    write().map_err(|error| Failure::write(&path, &error))?;
    Ok(path)
}

fn edited(text: &str, profile: &str, values: &[(&str, &str)]) -> io::Result<String> {
    // It has been read before, and said what is wrong with it.
    let is_wrong = || io::Error::other("it is not as it was a moment ago");
    let mut document: DocumentMut = text.parse().map_err(|_| is_wrong())?;
    let parent = document.entry("profile").or_insert_with(|| {
        let mut table = Table::new();
        table.set_implicit(true);
        Item::Table(table)
    });
    let parent = parent.as_table_like_mut().ok_or_else(is_wrong)?;
    let table = parent.entry(profile).or_insert(Item::Table(Table::new()));
    let table = table.as_table_like_mut().ok_or_else(is_wrong)?;
    for (key, text) in values {
        let mut new = Value::from(*text);
        // A comment behind it stays.
        if let Some(before) = table.get(key).and_then(Item::as_value) {
            *new.decor_mut() = before.decor().clone();
        }
        table.insert(key, Item::Value(new));
    }
    Ok(document.to_string())
}

/// Puts bytes in the place of a file, whole or not at all: for its owner only, or with these permissions.
pub(crate) fn replace(
    path: &Path,
    bytes: &[u8],
    permissions: Option<fs::Permissions>,
) -> io::Result<()> {
    let folder = path.parent().filter(|it| !it.as_os_str().is_empty());
    let mut file = NamedTempFile::new_in(folder.unwrap_or(Path::new(".")))?;
    if let Some(permissions) = permissions {
        file.as_file().set_permissions(permissions)?;
    }
    file.write_all(bytes)?;
    file.as_file().sync_all()?;
    file.persist(path).map_err(io::Error::from)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_else_is_in_it_stays() {
        let values = [("account", "1"), ("base_url", "https://x")];
        let made = edited("", "default", &values).unwrap();
        assert_eq!(
            made,
            "[profile.default]\naccount = \"1\"\nbase_url = \"https://x\"\n"
        );
        let before = "# mine\ndefault_profile = \"a\" # this one\n\n[profile.a]\ncolo = 'ORD'\naccount = \"0\" # old\n";
        let after = edited(before, "a", &values[..1]).unwrap();
        assert_eq!(after, before.replace("\"0\"", "\"1\""));
        let two = edited(before, "b", &values[..1]).unwrap();
        assert_eq!(two, format!("{before}\n[profile.b]\naccount = \"1\"\n"));
        edited("profile = 5", "a", &values).unwrap_err();
    }
}
